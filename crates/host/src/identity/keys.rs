//! The public keys that an identity provider publishes as a JWKS (RFC 7517).
//!
//! One task fetches them, so there is never more than one request under way. It fetches at the start, every [`MAX_AGE`], and when a token
//! names a key that is not known; between two requests there are at least [`COOL_DOWN`], counted from the last one whether or not it
//! succeeded, so that strangers with invented keys cost the provider nothing. While it cannot be reached the keys last fetched go on for
//! [`MAX_STALENESS`]; after that tokens are answered 503.

use std::time::Duration;

use axum::http::StatusCode;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use url::Url;

use crate::outbound::{self, NoRoots, Outbound, Verb};

/// What a published key may sign with.
pub(super) const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// How long keys are used before they are fetched again.
const MAX_AGE: Duration = Duration::from_mins(10);
/// The least time between two requests.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How long keys are used that cannot be fetched again.
const MAX_STALENESS: Duration = Duration::from_hours(1);
/// How long the provider may take, and how long a token waits for that.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of a JWKS.
const MAX_LEN: usize = 256 * 1024;
/// The most keys of it that are read.
const MAX_KEYS: usize = 100;

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The provider publishes none that fits.
    Unknown,
    /// The provider cannot be asked, and what it said last is too old.
    Unreachable,
}

/// A key that is published.
#[derive(Clone)]
struct PublishedKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Clone, Default)]
struct Fetched {
    keys: Vec<PublishedKey>,
    /// When the keys came; never yet.
    succeeded: Option<Instant>,
    /// When they were asked for last.
    attempted: Option<Instant>,
}

/// The published keys as last fetched.
pub(crate) struct KeySet {
    http: Outbound,
    url: Url,
    fetched: watch::Sender<Fetched>,
    wanted: Notify,
}

#[derive(Deserialize)]
struct Body {
    keys: Vec<Value>,
}

impl KeySet {
    pub(crate) fn new(url: Url) -> Result<Self, NoRoots> {
        Ok(Self { http: Outbound::to(&url)?, url, fetched: watch::Sender::default(), wanted: Notify::new() })
    }

    /// Whether there are keys to verify with.
    pub(crate) fn is_usable(&self) -> bool {
        self.fetched.borrow().succeeded.is_some_and(|at| at.elapsed() < MAX_STALENESS)
    }

    /// The key that this token's header means. One that is not known yet is asked for, when that is due.
    pub(super) async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, NoKey> {
        let found = self.find(id, algorithm);
        let mut changes = self.fetched.subscribe();
        let may_ask = changes.borrow_and_update().attempted.is_none_or(|at| at.elapsed() >= COOL_DOWN);
        if found.is_ok() || !may_ask {
            return found;
        }
        self.wanted.notify_one();
        // What came, or that nothing came, is seen by looking again.
        let _ = timeout(PATIENCE, changes.changed()).await;
        self.find(id, algorithm)
    }

    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, NoKey> {
        if !self.is_usable() {
            return Err(NoKey::Unreachable);
        }
        let fetched = self.fetched.borrow();
        let mut fitting =
            fetched.keys.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key.key.clone()),
            // None fits, or nothing says which one it is.
            _ => Err(NoKey::Unknown),
        }
    }

    /// Keeps the keys fresh until the host stops.
    pub(crate) async fn keep_fresh(&self, mut stopping: watch::Receiver<bool>) {
        loop {
            let fetched = self.fetch().await;
            let now = Instant::now();
            let pause = if let Some(keys) = fetched {
                tracing::info!(keys = keys.len(), "fetched AUTH_JWKS_URL");
                self.fetched.send_replace(Fetched { keys, succeeded: Some(now), attempted: Some(now) });
                MAX_AGE
            } else {
                tracing::warn!("AUTH_JWKS_URL could not be fetched; expected 200 with a JSON object that has `keys`");
                self.fetched.send_modify(|fetched| fetched.attempted = Some(now));
                COOL_DOWN
            };
            // An error means that the host was dropped, which is an order to stop as well.
            tokio::select! {
                () = sleep(pause) => {}
                () = self.asked_for() => {}
                _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
            }
        }
    }

    /// Returns when a token wants keys and the last request is long enough ago.
    async fn asked_for(&self) {
        loop {
            self.wanted.notified().await;
            if self.fetched.borrow().attempted.is_none_or(|at| at.elapsed() >= COOL_DOWN) {
                return;
            }
        }
    }

    async fn fetch(&self) -> Option<Vec<PublishedKey>> {
        let request = self.http.request(Verb::Get, self.url.clone(), None);
        let answer = outbound::exchange(request, PATIENCE, MAX_LEN).await.ok()?;
        if answer.status == StatusCode::OK { read(&answer.body) } else { None }
    }
}

/// The keys of a JWKS that this host can verify with. One that it does not understand costs nobody the others.
fn read(bytes: &[u8]) -> Option<Vec<PublishedKey>> {
    let body: Body = serde_json::from_slice(bytes).ok()?;
    let keys = body.keys.into_iter().take(MAX_KEYS);
    Some(keys.filter_map(|key| published(&serde_json::from_value(key).ok()?)).collect())
}

/// A secret (`oct`), a key for encryption, and one for another algorithm are left out.
fn published(jwk: &Jwk) -> Option<PublishedKey> {
    let (algorithm, stated) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let is_for_signing = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let fits = jwk.common.key_algorithm.is_none_or(|other| other == stated);
    let key = DecodingKey::from_jwk(jwk).ok()?;
    (is_for_signing && fits).then(|| PublishedKey { id: jwk.common.key_id.clone(), algorithm, key })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::{TokenRefusal, verified};

    /// RFC 7515, appendix A.2: a key and a token that it signed.
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    #[test]
    fn a_set_with_strange_keys_keeps_the_good_one_and_it_verifies_the_rfcs_token() {
        let rsa = json!({"kty": "RSA", "n": MODULUS, "e": "AQAB"});
        let mut encrypting = rsa.clone();
        encrypting["use"] = json!("enc");
        let mut other = rsa.clone();
        other["alg"] = json!("RS512");
        let keys = json!({"keys": [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}, {"kty": "new"}, 7, encrypting, other, rsa,
        ]});
        let keys = read(keys.to_string().as_bytes()).unwrap();
        assert_eq!(keys.len(), 1);
        assert!(verified(TOKEN, Algorithm::RS256, &keys[0].key).is_ok());
        let forged = TOKEN.replace(".eyJpc3Mi", ".eyJpc3Mj");
        assert_eq!(verified(&forged, Algorithm::RS256, &keys[0].key).unwrap_err(), TokenRefusal::Signature);
        assert!(read(b"<html>").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_fetched_again_go_on_for_an_hour_and_then_nobody_is_let_in() {
        let set = KeySet::new(Url::parse("http://127.0.0.1:9/jwks").unwrap()).unwrap();
        let keys = read(json!({"keys": [{"kty": "RSA", "n": MODULUS, "e": "AQAB"}]}).to_string().as_bytes()).unwrap();
        assert_eq!(set.key(None, Algorithm::RS256).await.err(), Some(NoKey::Unreachable), "none came yet");
        let now = Some(Instant::now());
        set.fetched.send_replace(Fetched { keys: [keys.clone(), keys].concat(), succeeded: now, attempted: now });
        assert_eq!(set.key(None, Algorithm::RS256).await.err(), Some(NoKey::Unknown), "nothing says which of the two");
        set.fetched.send_modify(|fetched| fetched.keys.truncate(1));
        tokio::time::advance(Duration::from_mins(59)).await;
        assert!(set.is_usable() && set.key(None, Algorithm::RS256).await.is_ok());
        assert_eq!(set.key(None, Algorithm::ES256).await.err(), Some(NoKey::Unknown), "a key has one algorithm");
        tokio::time::advance(Duration::from_mins(2)).await;
        assert!(!set.is_usable());
        assert_eq!(set.key(None, Algorithm::RS256).await.err(), Some(NoKey::Unreachable));
    }
}
