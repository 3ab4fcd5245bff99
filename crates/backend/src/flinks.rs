//! Calls to Flinks and their answers.
//!
//! A driver turns a [`Call`] into HTTP with [`Call::request`], buys an authorize token before it where [`Key::Fresh`] says so, and
//! reads what comes back with [`Answer::read`]. So every driver sends the same bytes and understands the same shapes.
//!
//! Invariants: every field of an answer is optional but the one that was asked for, because Flinks' pages and real clients
//! disagree about the rest; an id leaves this module only by its grammar; nothing that is not understood is quoted.

use flinks_connect::id::{AccountId, AuthorizeToken, LoginId, RequestId, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    code::{self, About, Meaning},
    nightly::Listed,
    record::{Language, Transactions},
    settings::Settings,
};

/// For calls that only look something up at Flinks.
const QUICK_MS: i64 = 15_000;
/// For the first data call; what takes longer is asked for at the `…Async` endpoint.
const DATA_MS: i64 = 30_000;

/// With which token `/Authorize` is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum With {
    /// The one the session began with.
    Own(AuthorizeToken),
    /// One that is bought for this call. It works once.
    Fresh,
}

/// One call to Flinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Call {
    /// A live sign-in at the bank. The user is there; nothing else may send it.
    SignIn {
        /// Which login.
        login_id: LoginId,
        /// The attempt's tag.
        tag: Tag,
        /// The login's language.
        language: Option<Language>,
        /// Until when it may be sent: later it could outlive its mark, and be a second one at the bank.
        by_ms: i64,
    },
    /// How a session stands.
    Session {
        /// Which.
        request_id: RequestId,
        /// With which token.
        with: With,
    },
    /// What Flinks has of a login; the bank is not asked.
    Cached {
        /// Which login.
        login_id: LoginId,
    },
    /// The accounts of an authorised session.
    Data {
        /// Which session.
        request_id: RequestId,
        /// The only accounts wanted; empty means all.
        accounts: Vec<AccountId>,
        /// Whether transactions are wanted.
        transactions: Transactions,
    },
    /// Whether data that was asked for is ready.
    Poll {
        /// Which session.
        request_id: RequestId,
    },
    /// A token for one load of Connect.
    Token,
    /// Which logins Nightly Refresh passes over.
    Nightly,
}

/// What opens an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// `flinks-auth-key`: the secret key.
    Secret,
    /// `flinks-auth-key`: a token that the driver buys with [`Call::Token`] first.
    Fresh,
    /// `flinks-auth-key`: this token.
    Token(AuthorizeToken),
    /// `x-api-key`.
    Api,
}

/// A call as HTTP, below `/v3/{customerId}/BankingServices/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `POST` or `GET`.
    pub method: Method,
    /// The segments of the path; each is to be escaped.
    pub path: Vec<String>,
    /// What opens it.
    pub key: Key,
    /// The JSON body. Without one, send `Content-Length: 0` with a POST: some servers answer 411 otherwise.
    pub body: Option<String>,
    /// How long the driver waits for the answer.
    pub patience_ms: i64,
    /// The driver asks what time it is right before it sends this. Where it is later than that, as after a process stood still, it sends
    /// nothing: the answer is [`Answer::late`].
    pub by_ms: Option<i64>,
}

/// How a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// With a body.
    Post,
    /// Without.
    Get,
}

impl Call {
    /// What the call is about: a code means something else to each.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::SignIn { .. } => About::SignIn,
            Self::Session { .. } => About::Session,
            Self::Cached { .. } => About::Cached,
            Self::Data { .. } | Self::Poll { .. } => About::Data,
            // Like a token, the list needs nothing but our keys.
            Self::Token | Self::Nightly => About::Token,
        }
    }

    /// The endpoint's name, for logs and metrics.
    #[must_use]
    pub fn endpoint(&self) -> &'static str {
        match self {
            Self::SignIn { .. } | Self::Session { .. } | Self::Cached { .. } => "Authorize",
            Self::Data { .. } => "GetAccountsDetail",
            Self::Poll { .. } => "GetAccountsDetailAsync",
            Self::Token => "GenerateAuthorizeToken",
            Self::Nightly => "GetNightlyRefreshStatus",
        }
    }

    /// The call as HTTP.
    #[must_use]
    pub fn request(&self, settings: &Settings) -> Request {
        let mut path = vec![self.endpoint().to_owned()];
        let by_ms = if let Self::SignIn { by_ms, .. } = self { Some(*by_ms) } else { None };
        let (method, key, body, patience_ms) = match self {
            Self::SignIn { login_id, tag, language, .. } => {
                let mut body = json!({
                    "LoginId": login_id.as_str(), "MostRecentCached": false, "Save": true, "Tag": tag.as_str(),
                });
                set(&mut body, "Language", language.map(|language| Value::from(language.as_str())));
                (Method::Post, Key::Fresh, Some(body), settings.sign_in_call_ms())
            }
            Self::Session { request_id, with } => {
                let key = match with {
                    With::Own(token) => Key::Token(token.clone()),
                    With::Fresh => Key::Fresh,
                };
                (Method::Post, key, Some(json!({"RequestId": request_id.as_str()})), QUICK_MS)
            }
            Self::Cached { login_id } => {
                let body = json!({"LoginId": login_id.as_str(), "MostRecentCached": true});
                (Method::Post, Key::Fresh, Some(body), QUICK_MS)
            }
            Self::Data { request_id, accounts, transactions } => {
                let mut body = match transactions {
                    Transactions::Wanted => json!({"WithTransactions": true, "DaysOfTransactions": "Days90"}),
                    Transactions::LeftOut => json!({"WithTransactions": false}),
                };
                set(&mut body, "RequestId", Some(Value::from(request_id.as_str())));
                let filter = accounts.iter().map(|id| Value::from(id.as_str())).collect::<Vec<_>>();
                set(&mut body, "AccountsFilter", (!filter.is_empty()).then_some(Value::Array(filter)));
                (Method::Post, Key::Api, Some(body), DATA_MS)
            }
            Self::Poll { request_id } => {
                path.push(request_id.as_str().to_owned());
                (Method::Get, Key::Api, None, DATA_MS)
            }
            Self::Token => (Method::Post, Key::Secret, None, QUICK_MS),
            Self::Nightly => (Method::Get, Key::Api, None, DATA_MS),
        };
        Request { method, path, key, body: body.map(|body| body.to_string()), patience_ms, by_ms }
    }
}

fn set(body: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (body.as_object_mut(), value) {
        fields.insert(name.to_owned(), value);
    }
}

/// Why Flinks' decision is not known. None of these is a verdict about anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Trouble {
    /// No connection, or a gateway answered instead.
    Unreachable,
    /// No answer in time.
    Silent,
    /// Too many calls; wait at least this long.
    Limit {
        /// What Flinks asked for; 0 when it did not say.
        after_ms: i64,
    },
    /// The secret key, API key or customer id is refused.
    KeysRefused,
    /// An answer that is not Flinks' shape.
    Unreadable,
    /// Not sent: this driver has as many calls under way as it may.
    Crowded,
}

impl Trouble {
    /// Its stable name: in refusals, and as the problem of a connection.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Silent => "FLINKS_UNREACHABLE",
            Self::Limit { .. } => "FLINKS_BUSY",
            Self::KeysRefused => "FLINKS_KEYS_REFUSED",
            Self::Unreadable => "FLINKS_UNREADABLE",
            Self::Crowded => "HOST_BUSY",
        }
    }
}

/// Whether Flinks may have done what it was asked, although no answer of its own came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Certainly not.
    No,
    /// Perhaps.
    Perhaps,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// 200 of `/Authorize`.
    Authorized {
        /// Whose session it is.
        login_id: LoginId,
        /// The session, when the answer names it.
        request_id: Option<RequestId>,
        /// Flinks' `LastRefresh`; none when it never refreshed the login, or does not say.
        last_refresh_ms: Option<i64>,
    },
    /// 203: the bank asks.
    Challenge {
        /// In which session.
        request_id: Option<RequestId>,
        /// The token the call was made with.
        token: Option<AuthorizeToken>,
    },
    /// 202, or a code that means the same.
    Working {
        /// In which session, when the answer names it.
        request_id: Option<RequestId>,
        /// The token the call was made with.
        token: Option<AuthorizeToken>,
    },
    /// A new token.
    Token {
        /// The token.
        token: AuthorizeToken,
    },
    /// The accounts; the driver has them in its hand.
    Data {
        /// Whose they are, when the answer says so.
        login_id: Option<LoginId>,
        /// Flinks' `LastRefresh`.
        last_refresh_ms: Option<i64>,
        /// Which accounts came.
        accounts: Vec<AccountId>,
    },
    /// The list of Nightly Refresh.
    Nightly {
        /// The logins that it passes over.
        listed: Vec<Listed>,
    },
    /// A code of Flinks'.
    Code {
        /// Its name, or [`code::UNKNOWN`].
        code: String,
        /// What it means to this call.
        meaning: Meaning,
    },
    /// No answer of Flinks'.
    Failed {
        /// Why.
        trouble: Trouble,
        /// Whether Flinks may have done it all the same.
        sent: Sent,
    },
}

impl Answer {
    /// A call that failed on the way.
    #[must_use]
    pub fn failed(trouble: Trouble, sent: Sent) -> Self {
        Self::Failed { trouble, sent }
    }

    /// Its code, for metrics: Flinks' own, one of [`Trouble::code`], or what stands for an answer without a code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Authorized { .. } | Self::Token { .. } | Self::Data { .. } | Self::Nightly { .. } => "OK",
            Self::Challenge { .. } => "CHALLENGE",
            Self::Working { .. } => "OPERATION_PENDING",
            Self::Code { code, .. } => code::name(code),
            Self::Failed { trouble, .. } => trouble.code(),
        }
    }

    /// A call that was not sent, because it was too late for it.
    #[must_use]
    pub fn late() -> Self {
        Self::failed(Trouble::Silent, Sent::No)
    }

    /// Reads an HTTP answer to `call`, which was made with `token`. `retry_after_ms` is its `Retry-After`.
    #[must_use]
    pub fn read(
        call: &Call,
        token: Option<AuthorizeToken>,
        http_status: u16,
        retry_after_ms: Option<i64>,
        body: &[u8],
    ) -> Self {
        // A gateway may have passed the call on before it answered in Flinks' place.
        let unreadable = |trouble| Self::failed(trouble, Sent::Perhaps);
        let fields = match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) => Fields(fields),
            _ if http_status == 429 => return limited(retry_after_ms),
            _ if matches!(http_status, 200 | 202 | 203) => return unreadable(Trouble::Unreadable),
            _ => return unreadable(Trouble::Unreachable),
        };
        let request_id = fields.text("RequestId").and_then(RequestId::parse);
        match (http_status, call) {
            (200, Call::Token) => fields
                .text("Token")
                .and_then(AuthorizeToken::parse)
                .map_or_else(|| unreadable(Trouble::Unreadable), |token| Self::Token { token }),
            (200, Call::Data { .. } | Call::Poll { .. }) => {
                fields.data().unwrap_or_else(|| unreadable(Trouble::Unreadable))
            }
            (200, Call::Nightly) => {
                fields.listed().map_or_else(|| unreadable(Trouble::Unreadable), |listed| Self::Nightly { listed })
            }
            (200, _) => match fields.login_id() {
                Some(login_id) => Self::Authorized { login_id, request_id, last_refresh_ms: fields.last_refresh_ms() },
                None => unreadable(Trouble::Unreadable),
            },
            (203, _) => Self::Challenge { request_id, token },
            (202, _) => Self::Working { request_id, token },
            (429, _) => limited(retry_after_ms),
            _ => {
                let Some(code) = fields.text("FlinksCode") else { return unreadable(Trouble::Unreachable) };
                match code::meaning(call.about(), http_status, code, fields.text("Message")) {
                    Meaning::Limit => limited(retry_after_ms),
                    Meaning::Working => Self::Working { request_id, token },
                    // Flinks refused before it did anything.
                    Meaning::Keys => Self::failed(Trouble::KeysRefused, Sent::No),
                    meaning => Self::Code { code: code::name(code).to_owned(), meaning },
                }
            }
        }
    }
}

fn limited(retry_after_ms: Option<i64>) -> Answer {
    // Five minutes at most: a gateway's clock must not stop the work for a day.
    let after_ms = retry_after_ms.unwrap_or(0).clamp(0, 5 * 60_000);
    Answer::failed(Trouble::Limit { after_ms }, Sent::No)
}

/// The fields of a body, read leniently: what has another type than expected is absent.
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn login(&self) -> Option<&Map<String, Value>> {
        self.0.get("Login")?.as_object()
    }

    fn login_id(&self) -> Option<LoginId> {
        LoginId::parse(self.login()?.get("Id")?.as_str()?)
    }

    fn last_refresh_ms(&self) -> Option<i64> {
        timestamp_ms(self.login()?.get("LastRefresh")?.as_str()?)
    }

    /// Without the list itself it is another answer than was asked for.
    fn listed(&self) -> Option<Vec<Listed>> {
        Some(self.0.get("IneligibleCards")?.as_array()?.iter().filter_map(Listed::read).collect())
    }

    fn data(&self) -> Option<Answer> {
        let accounts = self.0.get("Accounts")?.as_array()?;
        let ids = accounts.iter().filter_map(|account| AccountId::parse(account.get("Id")?.as_str()?));
        Some(Answer::Data {
            login_id: self.login_id(),
            last_refresh_ms: self.last_refresh_ms(),
            accounts: ids.collect(),
        })
    }
}

/// Flinks' `LastRefresh` as milliseconds since 1970: `2026-01-21T20:47:47.145999`, UTC without saying so. Year 1 means never.
#[must_use]
pub fn timestamp_ms(text: &str) -> Option<i64> {
    let (date, time) = text.trim_end_matches('Z').split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (time.next()?.parse::<i64>().ok()?, time.next()?.parse::<i64>().ok()?);
    let (second, fraction) = time.next().map_or(("0", ""), |second| second.split_once('.').unwrap_or((second, "")));
    let second = second.parse::<i64>().ok()?;
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis = fraction.parse::<i64>().ok()?;
    let in_range = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range {
        return None;
    }
    // Days since 1970 of a date in the Gregorian calendar, with years that begin in March.
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis).filter(|millis| *millis > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "9022abc2-8a2e-4b06-a06e-c3e5449c4d10";
    const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";

    fn cached() -> Call {
        Call::Cached { login_id: LoginId::parse(LOGIN).unwrap() }
    }

    #[test]
    fn timestamps_are_utc_without_a_zone() {
        assert_eq!(timestamp_ms("2026-01-21T20:47:47.145999"), Some(1_769_028_467_145));
        assert_eq!(timestamp_ms("2024-02-29T00:00:00Z"), Some(1_709_164_800_000));
        for never in ["0001-01-01T00:00:00", "yesterday", "", "2026-13-01T00:00:00", "2026-01-21"] {
            assert_eq!(timestamp_ms(never), None, "{never}");
        }
    }

    #[test]
    fn what_is_not_flinks_is_no_verdict() {
        for body in [&b""[..], b"<html>", b"[]", b"null", b"{}", br#"{"FlinksCode":5}"#] {
            for status in [200, 202, 203, 401, 403, 500, 503] {
                let answer = Answer::read(&cached(), None, status, None, body);
                let is_answer = matches!(status, 202 | 203) && body.starts_with(b"{");
                assert_eq!(matches!(answer, Answer::Failed { .. }), !is_answer, "{status} {answer:?}");
            }
        }
    }

    #[test]
    fn one_oddly_typed_field_costs_nothing_else() {
        let body = format!(r#"{{"RequestId": 7, "Tag": {{}}, "Login": {{"Id": "{LOGIN}", "LastRefresh": 5}}}}"#);
        let answer = Answer::read(&cached(), None, 200, None, body.as_bytes());
        let expected =
            Answer::Authorized { login_id: LoginId::parse(LOGIN).unwrap(), request_id: None, last_refresh_ms: None };
        assert_eq!(answer, expected);
    }

    #[test]
    fn the_list_of_nightly_refresh_is_read_card_by_card() {
        let read = |body: &[u8]| Answer::read(&Call::Nightly, None, 200, None, body);
        let body = format!(
            r#"{{"IneligibleCards": [7, {{"LoginId": 5}}, {{"LoginId": "{LOGIN}", "LastRefresh": []}}, {{"Institution": "Nowhere"}}]}}"#
        );
        let listed = vec![Listed { login_id: LoginId::parse(LOGIN).unwrap(), last_refresh_ms: None }];
        assert_eq!(read(body.as_bytes()), Answer::Nightly { listed });
        assert_eq!(read(b"{}"), Answer::failed(Trouble::Unreadable, Sent::Perhaps));
    }

    #[test]
    fn limits_are_read_in_both_dialects() {
        let limit = |after_ms| Answer::failed(Trouble::Limit { after_ms }, Sent::No);
        let body = br#"{"FlinksCode":"TOO_MANY_REQUESTS"}"#;
        assert_eq!(Answer::read(&cached(), None, 401, None, body), limit(0));
        assert_eq!(Answer::read(&Call::Token, None, 401, Some(2000), body), limit(2000));
        assert_eq!(Answer::read(&cached(), None, 429, Some(i64::MAX), b"<html>"), limit(300_000));
    }

    #[test]
    fn a_sign_in_carries_tag_and_language() {
        let call = Call::SignIn {
            login_id: LoginId::parse(LOGIN).unwrap(),
            tag: Tag::parse("a tag").unwrap(),
            language: Some(Language::Fr),
            by_ms: 5,
        };
        let request = call.request(&Settings::default());
        let body: Value = serde_json::from_str(&request.body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"LoginId": LOGIN, "MostRecentCached": false, "Save": true, "Tag": "a tag", "Language": "fr"})
        );
        assert!(request.patience_ms > 210_000, "Flinks lets a bank take 210 s");
        assert_eq!(request.by_ms, Some(5));
        let poll = Call::Poll { request_id: RequestId::parse(SESSION).unwrap() }.request(&Settings::default());
        assert_eq!(poll.path, ["GetAccountsDetailAsync", SESSION]);
    }
}
