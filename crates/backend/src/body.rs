//! What pages send.
//!
//! Invariants: ids are read by their grammar before anything is done with them; what is wrong is told by name or place, never by
//! quoting.
//!
//! With the feature `openapi` the bodies describe themselves.

use flinks_connect::{
    id::{AccountId, AttemptId, LoginId, RequestId, Tag},
    redirect::MAX_ACCOUNTS,
};
use serde::{Deserialize, de::DeserializeOwned};
#[cfg(feature = "openapi")]
use utoipa::ToSchema;

use crate::{deliver::Delivery, start::PageToken};

/// What a page may say when it starts.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub struct StartBody {
    /// Why it starts again.
    #[serde(default)]
    after: Option<StartAfter>,
}

/// Why a page starts again.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
pub enum StartAfter {
    /// Connect refused the token: the other kind may be the one it wants.
    #[serde(rename = "TOKEN_INVALID")]
    TokenInvalid,
}

/// What the widget reports.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryBody {
    /// As answered by start; also the `Idempotency-Key`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._-]{8,128}$"))]
    attempt_id: String,
    /// For people; it decides nothing.
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    mode: DeliveryMode,
    /// None where REDIRECT named none: Flinks then says which it is.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._-]{8,128}$"))]
    login_id: Option<String>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._-]{8,128}$"))]
    request_id: Option<String>,
    /// For people; not used.
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    institution: Option<String>,
    /// By the same grammar as the other ids.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    account_ids: Vec<String>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[ -~]{1,256}$"))]
    tag: Option<String>,
}

/// What the user went through.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryMode {
    /// MFA in a session that had been left.
    Resume,
    /// MFA in a session of a refresh.
    Refresh,
    /// The full flow.
    Connect,
}

/// What an id of Flinks', or of an attempt, is made of; for people.
pub const ID: &str = "8 to 128 characters of A-Z, a-z, 0-9, `.`, `_` and `-`";

/// A request that is not what was expected: 400, `MALFORMED`. The text says what was, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

/// Which token a page that sends this body is to load Connect with.
///
/// # Errors
///
/// Where it is no body of a start.
pub fn page_token(bytes: &[u8]) -> Result<PageToken, Malformed> {
    let StartBody { after } = object(bytes, "a JSON object, as `{}`")?;
    Ok(match after {
        Some(StartAfter::TokenInvalid) => PageToken::Sessions,
        None => PageToken::Fresh,
    })
}

/// The result that this body brings under this `Idempotency-Key`. `fingerprint` is of the body's bytes.
///
/// # Errors
///
/// Where it is no body of a delivery, or the key is another attempt's.
pub fn delivery(bytes: &[u8], key: Option<&str>, fingerprint: String) -> Result<Delivery, Malformed> {
    const TAG: &str = "1 to 256 printable ASCII characters";
    let body: DeliveryBody = object(bytes, "{attemptId, mode, loginId, requestId, institution, accountIds, tag}")?;
    if body.account_ids.len() > MAX_ACCOUNTS {
        return Err(wrong("accountIds", "100 ids at most"));
    }
    let accounts = body.account_ids.iter().map(|id| AccountId::parse(id));
    let delivery = Delivery {
        attempt: AttemptId::parse(&body.attempt_id).ok_or_else(|| wrong("attemptId", ID))?,
        login_id: optional(body.login_id, LoginId::parse, "loginId", ID)?,
        request_id: optional(body.request_id, RequestId::parse, "requestId", ID)?,
        account_ids: accounts.collect::<Option<_>>().ok_or_else(|| wrong("every one of accountIds", ID))?,
        tag: optional(body.tag, Tag::parse, "tag", TAG)?,
        fingerprint,
    };
    check_key(key, &delivery.attempt)?;
    Ok(delivery)
}

fn optional<T>(
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    field: &str,
    expected: &str,
) -> Result<Option<T>, Malformed> {
    text.map(|text| parse(&text).ok_or_else(|| wrong(field, expected))).transpose()
}

/// The refusal of a field that has another shape than it should.
#[must_use]
pub fn wrong(field: &str, expected: &str) -> Malformed {
    Malformed(format!("Expected {field} to be {expected}; it is not."))
}

/// RFC 8941 string: the quotes belong to the value.
fn check_key(key: Option<&str>, attempt: &AttemptId) -> Result<(), Malformed> {
    let expected = match key {
        None => "Expected the header `Idempotency-Key: \"<attemptId>\"`; there is none.",
        Some(key) if unquoted(key) == Some(attempt.as_str()) => return Ok(()),
        Some(_) => "Expected the header `Idempotency-Key` to be the body's attemptId in double quotes; it is not.",
    };
    Err(Malformed(expected.to_owned()))
}

fn unquoted(key: &str) -> Option<&str> {
    key.trim().strip_prefix('"')?.strip_suffix('"')
}

/// Reads a JSON object; the refusal says where it stops being what was expected.
///
/// # Errors
///
/// Where it is another value, or has other fields than expected.
pub fn object<T: DeserializeOwned>(bytes: &[u8], expected: &str) -> Result<T, Malformed> {
    // serde would read a struct from an array as well.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Malformed(format!("Expected {expected}; the body is no JSON object.")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Malformed(format!("Expected {expected}; line {}, column {} is not.", error.line(), error.column()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_quoted_attempt() {
        let attempt = AttemptId::parse("abcdefgh").unwrap();
        for (key, fits) in [
            (Some("\"abcdefgh\""), true),
            (Some("abcdefgh"), false),
            (Some("\"abcdefgi\""), false),
            (Some("\""), false),
            (None, false),
        ] {
            assert_eq!(check_key(key, &attempt).is_ok(), fits, "{key:?}");
        }
    }

    #[test]
    fn what_a_page_calls_its_mode_decides_nothing() {
        let of = |mode: &str| {
            let body = format!(r#"{{"attemptId": "abcdefgh", "mode": "{mode}", "loginId": "login-of-ada"}}"#);
            delivery(body.as_bytes(), Some("\"abcdefgh\""), String::new())
        };
        assert!(of("resume").is_ok());
        assert_eq!(of("resume"), of("refresh"));
        assert_eq!(of("resume"), of("connect"));
    }

    #[test]
    fn what_is_wrong_is_told_by_name_or_place() {
        let of = |body: &str| delivery(body.as_bytes(), Some("\"abcdefgh\""), String::new());
        assert!(of(r#"{"attemptId": "abcdefgh", "mode": "resume"}"#).is_ok());
        for (body, said) in [
            ("[]", "no JSON object"),
            (r#"{"attemptId": "abcdefgh", "mode": "other"}"#, "line 1, column"),
            (r#"{"attemptId": "hunter2", "mode": "resume"}"#, "attemptId"),
            (r#"{"attemptId": "abcdefgh", "mode": "resume", "loginId": "hunter2"}"#, "loginId"),
            (r#"{"attemptId": "abcdefgh", "mode": "resume", "accountIds": ["hunter2"]}"#, "accountIds"),
        ] {
            let Malformed(text) = of(body).unwrap_err();
            assert!(text.contains(said) && !text.contains("hunter2"), "{text}");
        }
    }
}
