//! What pages send.
//!
//! Invariants: ids are read by their grammar before anything is done with them; what is wrong is told by name or place, never by
//! quoting.

use flinks_backend::{deliver::Delivery, start::PageToken};
use flinks_connect::{
    id::{AccountId, AttemptId, LoginId, RequestId, Tag},
    redirect::MAX_ACCOUNTS,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::answer::{HttpAnswer, malformed};

#[derive(Deserialize)]
struct StartBody {
    #[serde(default)]
    after: Option<StartAfter>,
}

/// Why a page starts again.
#[derive(Deserialize)]
enum StartAfter {
    /// Connect refused the token: the other kind may be the one it wants.
    #[serde(rename = "TOKEN_INVALID")]
    TokenInvalid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryBody {
    attempt_id: String,
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    mode: DeliveryMode,
    #[serde(default)]
    login_id: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    institution: Option<String>,
    #[serde(default)]
    account_ids: Vec<String>,
    #[serde(default)]
    tag: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DeliveryMode {
    Resume,
    Refresh,
    Connect,
}

/// Which token a page that sends this body is to load Connect with.
pub(crate) fn page_token(bytes: &[u8]) -> Result<PageToken, HttpAnswer> {
    let StartBody { after } = object(bytes, "a JSON object, as `{}`")?;
    Ok(match after {
        Some(StartAfter::TokenInvalid) => PageToken::Sessions,
        None => PageToken::Fresh,
    })
}

/// The result that this body brings under this key.
pub(crate) fn delivery(bytes: &[u8], key: Option<&str>, fingerprint: String) -> Result<Delivery, HttpAnswer> {
    const ID: &str = "8 to 128 characters of A-Z, a-z, 0-9, `.`, `_` and `-`";
    const TAG: &str = "1 to 256 printable ASCII characters";
    let body: DeliveryBody = object(bytes, "{attemptId, mode, loginId, requestId, institution, accountIds, tag}")?;
    if body.account_ids.len() > MAX_ACCOUNTS {
        return Err(wrong("accountIds", "100 ids at most"));
    }
    let attempt = AttemptId::parse(&body.attempt_id).ok_or_else(|| wrong("attemptId", ID))?;
    check_key(key, &attempt)?;
    let accounts = body.account_ids.iter().map(|id| AccountId::parse(id));
    Ok(Delivery {
        attempt,
        login_id: optional(body.login_id, LoginId::parse, "loginId", ID)?,
        request_id: optional(body.request_id, RequestId::parse, "requestId", ID)?,
        account_ids: accounts.collect::<Option<_>>().ok_or_else(|| wrong("every one of accountIds", ID))?,
        tag: optional(body.tag, Tag::parse, "tag", TAG)?,
        fingerprint,
    })
}

fn optional<T>(
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    field: &str,
    expected: &str,
) -> Result<Option<T>, HttpAnswer> {
    text.map(|text| parse(&text).ok_or_else(|| wrong(field, expected))).transpose()
}

fn wrong(field: &str, expected: &str) -> HttpAnswer {
    malformed(&format!("Expected {field} to be {expected}; it is not."))
}

/// RFC 8941 string: the quotes belong to the value.
fn check_key(key: Option<&str>, attempt: &AttemptId) -> Result<(), HttpAnswer> {
    let Some(key) = key else {
        return Err(malformed("Expected the header `Idempotency-Key: \"<attemptId>\"`; there is none."));
    };
    let unquoted = key.trim().strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    if unquoted == Some(attempt.as_str()) {
        return Ok(());
    }
    Err(malformed("Expected the header `Idempotency-Key` to be the body's attemptId in double quotes; it is not."))
}

fn object<T: DeserializeOwned>(bytes: &[u8], expected: &str) -> Result<T, HttpAnswer> {
    // serde would read a struct from an array as well.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed(&format!("Expected {expected}; the body is no JSON object.")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        malformed(&format!("Expected {expected}; line {}, column {} is not.", error.line(), error.column()))
    })
}
