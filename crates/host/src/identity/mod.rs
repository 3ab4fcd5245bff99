//! Tokens of the application's users: JWTs that the application mints and its pages send as `Authorization: Bearer …`.
//!
//! Invariants: which algorithms are accepted follows from the configured key and never from a token's header, so neither `alg: none` nor a
//! public key used as an HMAC secret gets anywhere; a claim counts only after the signature was verified; what is wrong is told by the
//! claim's name, never by its value; when the keys cannot be fetched nobody is let in for it.
//!
//! Source: RFC 7519 (claims), RFC 8725 (what goes wrong with JWTs). `jku`, `x5u` and `jwk` of a header are ignored.

mod keys;

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::keys::KeySet;
use self::keys::NoKey;
use crate::{live::Live, storage::UserId, time::Time};

/// How far the clocks of the application and of this host may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(1);
/// The most bytes of a user's id.
const MAX_USER_LEN: usize = 255;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// There is no `Authorization: Bearer …`, or more than one.
    Missing,
    /// It is no JWT, or its header says another algorithm than the configured key has.
    Algorithm,
    /// No key has the header's `kid`; without one, not exactly one key fits.
    UnknownKey,
    /// The key did not sign it.
    Signature,
    /// A claim is missing or wrong.
    Claim(Claim),
    /// The keys cannot be fetched, and there are none that are young enough.
    NoKeys,
}

/// The claims that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// For whom it is.
    Audience,
    /// Until when it lasts.
    Expiry,
    /// Who minted it.
    Issuer,
    /// From when on it lasts.
    NotBefore,
    /// The user.
    Subject,
}

impl TokenRefusal {
    /// Its word in metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim(Claim::Audience) => "aud",
            Self::Claim(Claim::Expiry) => "exp",
            Self::Claim(Claim::Issuer) => "iss",
            Self::Claim(Claim::NotBefore) => "nbf",
            Self::Claim(Claim::Subject) => "sub",
            Self::NoKeys => "no_keys",
        }
    }
}

/// What every token has to say.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// One of the token's `aud`.
    pub(crate) audience: String,
    /// Its `iss`; any, when this is none.
    pub(crate) issuer: Option<String>,
    /// How far away its `exp` may be.
    pub(crate) max_lifetime: Duration,
}

/// What tokens are signed with.
#[derive(Clone)]
pub(crate) enum SigningKey {
    /// A secret that the application shares with this host (HS256).
    Secret(Live<DecodingKey>),
    /// Public keys, fetched from an address (RS256, ES256, `EdDSA`).
    Published(Arc<KeySet>),
}

/// Verifies tokens.
#[derive(Clone)]
pub(crate) struct TokenVerifier {
    pub(crate) key: SigningKey,
    pub(crate) expected: Expected,
}

/// No key shows in a log.
impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TokenVerifier").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// Claims as they stand in a token, of whatever type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Claims {
    aud: Value,
    exp: Value,
    iss: Value,
    nbf: Value,
    sub: Value,
}

impl TokenVerifier {
    /// The user of this token.
    pub(crate) async fn user(&self, token: &str, now: Time) -> Result<UserId, TokenRefusal> {
        // An algorithm that the crate does not know, as `none`, is an error here.
        let header = decode_header(token).map_err(|_| TokenRefusal::Algorithm)?;
        let (algorithm, key) = self.key_for(&header).await?;
        let claims = verified(token, algorithm, &key)?;
        self.expected.check(&claims, now).map_err(TokenRefusal::Claim)
    }

    async fn key_for(&self, header: &Header) -> Result<(Algorithm, DecodingKey), TokenRefusal> {
        match &self.key {
            SigningKey::Secret(key) if header.alg == Algorithm::HS256 => Ok((Algorithm::HS256, key.get())),
            SigningKey::Published(set) if keys::ALGORITHMS.contains(&header.alg) => {
                let key = set.key(header.kid.as_deref(), header.alg).await.map_err(|no| match no {
                    NoKey::Unknown => TokenRefusal::UnknownKey,
                    NoKey::Unreachable => TokenRefusal::NoKeys,
                })?;
                Ok((header.alg, key))
            }
            SigningKey::Secret(_) | SigningKey::Published(_) => Err(TokenRefusal::Algorithm),
        }
    }
}

/// The claims of a token whose signature is right. They are checked by [`Expected::check`], which says which one is wrong.
fn verified(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, TokenRefusal> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Claims>(token, key, &validation).map(|data| data.claims).map_err(|_| TokenRefusal::Signature)
}

impl Expected {
    fn check(&self, claims: &Claims, now: Time) -> Result<UserId, Claim> {
        let is_ours = |audience: &Value| audience.as_str() == Some(&self.audience);
        let fits = match &claims.aud {
            Value::Array(several) => several.iter().any(is_ours),
            one => is_ours(one),
        };
        if !fits {
            return Err(Claim::Audience);
        }
        if let Some(issuer) = &self.issuer
            && claims.iss.as_str() != Some(issuer)
        {
            return Err(Claim::Issuer);
        }
        let expiry = time(&claims.exp).ok_or(Claim::Expiry)?;
        if expiry.plus(CLOCK_SKEW) <= now || expiry > now.plus(self.max_lifetime).plus(CLOCK_SKEW) {
            return Err(Claim::Expiry);
        }
        if !claims.nbf.is_null() && time(&claims.nbf).is_none_or(|begin| begin > now.plus(CLOCK_SKEW)) {
            return Err(Claim::NotBefore);
        }
        let user = claims.sub.as_str().ok_or(Claim::Subject)?;
        UserId::parse(user).ok_or(Claim::Subject)
    }
}

impl UserId {
    /// A user's id as the application has it: 1 to 255 bytes without control characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_USER_LEN).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self::new(text))
    }
}

/// A `NumericDate`: seconds since 1970, perhaps with a fraction.
fn time(value: &Value) -> Option<Time> {
    let millis = value.as_f64()? * 1000.0;
    // What is beyond is no date of a token.
    #[expect(clippy::cast_possible_truncation, reason = "the bound is far below what fits")]
    (0.0..1e15).contains(&millis).then(|| Time::from_millis(millis as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check(issuer: Option<&str>, claims: Value) -> Result<String, Claim> {
        let expected = Expected {
            audience: "flinks-host".to_owned(),
            issuer: issuer.map(str::to_owned),
            max_lifetime: Duration::from_hours(1),
        };
        let claims: Claims = serde_json::from_value(claims).unwrap();
        expected.check(&claims, Time::from_millis(NOW * 1000)).map(|user| user.as_str().to_owned())
    }

    #[test]
    fn good_claims_name_the_user() {
        for claims in [
            json!({"sub": "anna", "aud": "flinks-host", "exp": NOW + 3600}),
            json!({"sub": "anna", "aud": ["other", "flinks-host"], "exp": NOW + 3659, "nbf": NOW + 59}),
            json!({"sub": "anna", "aud": "flinks-host", "exp": NOW - 59, "iss": "anyone"}),
        ] {
            assert_eq!(check(None, claims.clone()), Ok("anna".to_owned()), "{claims}");
        }
        let claims = json!({"sub": "anna", "aud": "flinks-host", "exp": NOW + 60, "iss": "app"});
        assert_eq!(check(Some("app"), claims), Ok("anna".to_owned()));
    }

    #[test]
    fn a_wrong_claim_is_named() {
        let good = json!({"sub": "anna", "aud": "flinks-host", "exp": NOW + 60, "iss": "app"});
        for (name, value, claim) in [
            ("aud", json!("other"), Claim::Audience),
            ("aud", json!(null), Claim::Audience),
            ("aud", json!([]), Claim::Audience),
            ("iss", json!("other"), Claim::Issuer),
            ("iss", json!(null), Claim::Issuer),
            ("exp", json!(null), Claim::Expiry),
            ("exp", json!("2099"), Claim::Expiry),
            ("exp", json!(NOW - 60), Claim::Expiry),
            ("exp", json!(NOW + 3661), Claim::Expiry),
            ("exp", json!(1e300), Claim::Expiry),
            ("nbf", json!(NOW + 61), Claim::NotBefore),
            ("nbf", json!("soon"), Claim::NotBefore),
            ("sub", json!(null), Claim::Subject),
            ("sub", json!(""), Claim::Subject),
            ("sub", json!(7), Claim::Subject),
            ("sub", json!("a\nb"), Claim::Subject),
            ("sub", json!("a".repeat(256)), Claim::Subject),
        ] {
            let mut claims = good.clone();
            claims[name] = value;
            assert_eq!(check(Some("app"), claims.clone()), Err(claim), "{claims}");
        }
    }
}
