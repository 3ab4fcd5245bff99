//! What goes wrong on purpose.
//!
//! Invariants: a sandbox starts with none; setting faults replaces all of them, so `{}` means that everything works again; a name
//! that does not exist is refused.

use flinks_connect::code::{self, FlinksCode};
use flinks_connect::redirect::Shape;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bank::question::Challenges;

/// The longest delay that can be asked for.
pub const MAX_DELAY_MS: u64 = 120_000;
/// The longest time a bank can be told to take.
pub const MAX_BANK_MS: u64 = 600_000;

/// Every fault that is switched on. Also the JSON body of `POST /_sandbox/faults`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// The layout of REDIRECT.
    #[serde(serialize_with = "shape_name", deserialize_with = "named_shape")]
    pub redirect_shape: Shape,
    /// What is wrong with REDIRECT.
    pub redirect_fault: RedirectFault,
    /// How late a [`RedirectFault::Delayed`] REDIRECT comes, in real milliseconds.
    pub redirect_delay_ms: Option<u64>,
    /// How long every API answer is held back, in real milliseconds.
    pub api_latency_ms: u64,
    /// The only endpoint that `api_latency_ms` holds back, as `Authorize`; every one when absent.
    pub api_latency_endpoint: Option<String>,
    /// API calls that fail before they reach Flinks.
    pub api_failure: Option<ApiFailure>,
    /// API calls whose connection or answer breaks on the way.
    pub api_mishap: Option<ApiMishap>,
    /// What the bank says to every sign-in, live refresh and answer, one of Flinks' codes; it works when absent.
    pub bank_code: Option<String>,
    /// Whether the bank asks its questions when a stored login is refreshed live.
    pub bank_questions: Questions,
    /// What the bank asks where it asks.
    pub challenges: Challenges,
    /// What becomes of a stored login at a bank with OAuth when it is refreshed live.
    pub oauth_consent: OauthConsent,
    /// How long the bank takes over every sign-in, live refresh and answer that comes by the API, in milliseconds of the sandbox's
    /// clock. Flinks takes the call and does it; the answer comes late, and after 210 seconds it is a 202.
    pub bank_latency_ms: u64,
    /// For how long after a sign-in Flinks still collects data, in milliseconds of the sandbox's clock. Meanwhile a
    /// cached call is answered 202, and whoever asks about the authorised session hears `ALREADY_AUTHORIZED`.
    pub aggregation_ms: u64,
    /// The token that Flinks wants with the later Authorize calls of a session.
    pub session_token: SessionToken,
    /// The token that a Connect page wants when it comes back to a session.
    pub page_token: PageToken,
    /// What a Connect page does that is to come back to a session which is over or unknown.
    pub expired_session: ExpiredSession,
    /// What a Connect page does after the bank or Flinks has refused the login for good.
    pub refused_login: RefusedLogin,
    /// Whether a POST or PATCH has to say how long its body is.
    pub content_length: ContentLength,
    /// How many of the next Connect pages find their token too old.
    pub expired_page_tokens: u32,
    /// How the Connect page behaves.
    pub page: PageFault,
}

/// What the bank does when a stored login is refreshed live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Questions {
    /// It asks, as its users' banks do.
    #[default]
    Asked,
    /// It takes the user's word from last time: nobody is needed.
    Skipped,
}

impl Questions {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[("asked", Self::Asked), ("skipped", Self::Skipped)];
}

/// What becomes of a stored login at a bank with OAuth when it is refreshed live. What Flinks says when the user's consent is over is not
/// documented; both readings exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OauthConsent {
    /// The consent still holds: nobody is needed.
    #[default]
    Lasts,
    /// It is over, and the call is refused with `ACCESS_DENIED`: the user connects anew.
    Refused,
    /// It is over, and the call is answered 203: a page that comes back to the session asks in the bank's own window.
    Asked,
}

impl OauthConsent {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("lasts", Self::Lasts), ("refused", Self::Refused), ("asked", Self::Asked)];
}

/// The token of a session's second Authorize call, and of every one after it. Flinks does not say which; both readings exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionToken {
    /// The one that the session began with, or a fresh one.
    #[default]
    Any,
    /// The one that the session began with, and no other.
    Own,
    /// A fresh one; the one that the session began with is spent.
    Fresh,
}

impl SessionToken {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[("any", Self::Any), ("own", Self::Own), ("fresh", Self::Fresh)];
}

/// The token of a Connect page that comes back to a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageToken {
    /// A fresh one, or the one that the session began with.
    #[default]
    Any,
    /// A fresh one.
    Fresh,
    /// The one that the session began with.
    Own,
}

impl PageToken {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[("any", Self::Any), ("fresh", Self::Fresh), ("own", Self::Own)];
}

/// What a Connect page does that is to come back to a session which is over or unknown. Flinks does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiredSession {
    /// It posts a code, as `SESSION_EXPIRED`, and is over.
    #[default]
    Code,
    /// It shows the bank list, as if no session had been named.
    BankList,
    /// It has mounted, and says nothing more.
    Silence,
}

impl ExpiredSession {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("code", Self::Code), ("bank-list", Self::BankList), ("silence", Self::Silence)];
}

/// What a Connect page does after the bank or Flinks has refused the login for good, as with `DISABLED_LOGIN`. It posts the code in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedLogin {
    /// It tells the user and does nothing more.
    #[default]
    Ends,
    /// It goes on to the bank list, as Flinks does for a bank that is switched off.
    GoesOn,
}

impl RefusedLogin {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[("ends", Self::Ends), ("goes-on", Self::GoesOn)];
}

/// Whether a POST or PATCH has to say how long its body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentLength {
    /// It need not.
    #[default]
    Optional,
    /// Without `Content-Length` (or a chunked body) the answer is 411, as IIS and HTTP.sys give it.
    Demanded,
}

impl ContentLength {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[("optional", Self::Optional), ("demanded", Self::Demanded)];
}

/// What is wrong with REDIRECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectFault {
    /// Nothing.
    #[default]
    None,
    /// It comes twice.
    Duplicate,
    /// It comes late.
    Delayed,
    /// Its `requestId` is another session's.
    WrongRequestId,
    /// Its `tag` is another attempt's.
    WrongTag,
    /// Field and `url` name different logins. Sent in [`Shape::Both`], unless text was asked for.
    Conflict,
    /// Field and `url` agree on a login that is not the one that was verified.
    WrongLogin,
    /// It comes before anybody has answered, with the true ids: nothing but the API tells that it is not true. The page goes on,
    /// and posts the true one in the end.
    Forged,
}

impl RedirectFault {
    /// Every fault with its name in the control interface and in the page's query.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("duplicate", Self::Duplicate),
        ("delayed", Self::Delayed),
        ("wrong-request-id", Self::WrongRequestId),
        ("wrong-tag", Self::WrongTag),
        ("conflict", Self::Conflict),
        ("wrong-login", Self::WrongLogin),
        ("forged", Self::Forged),
    ];
}

/// The next API calls fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiFailure {
    /// How many calls fail.
    pub calls: u32,
    /// The HTTP status they get.
    pub http_status: u16,
    /// The code they get.
    pub flinks_code: String,
    /// The only endpoint whose calls fail and count, as `Authorize`; every one when absent.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// The next API calls break on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiMishap {
    /// How many calls break.
    pub calls: u32,
    /// How they break.
    pub kind: Mishap,
    /// The only endpoint whose calls break and count, as `Authorize`; every one when absent.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// How an API call breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// The connection closes before Flinks has seen the call.
    Drop,
    /// Flinks does as it is told; the connection closes before the answer.
    DropAnswer,
    /// Flinks does as it is told; half of the answer arrives, as a whole.
    InvalidJson,
    /// A proxy's page with status 200 instead of the answer; Flinks has not seen the call.
    Html,
    /// An empty body with status 200 instead of the answer; Flinks has not seen the call.
    Empty,
}

impl Mishap {
    /// Every kind with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("drop", Self::Drop),
        ("drop-answer", Self::DropAnswer),
        ("invalid-json", Self::InvalidJson),
        ("html", Self::Html),
        ("empty", Self::Empty),
    ];

    /// Its name in the control interface.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("drop", |(name, _)| name)
    }

    /// Whether Flinks hears of the call at all.
    #[must_use]
    pub fn reaches_flinks(self) -> bool {
        matches!(self, Self::DropAnswer | Self::InvalidJson)
    }
}

/// How the Connect page behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageFault {
    /// As it should.
    #[default]
    None,
    /// It stays blank and posts nothing.
    Silent,
    /// It works, and posts nothing.
    NeverPosts,
    /// The document is HTTP 500.
    #[serde(rename = "http-500")]
    Http500,
    /// The document forbids framing (`X-Frame-Options: DENY`), as when the host's domain is not on Flinks' list.
    FrameDenied,
}

impl PageFault {
    /// Every fault with its name in the control interface and in the page's query.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("silent", Self::Silent),
        ("never-posts", Self::NeverPosts),
        ("http-500", Self::Http500),
        ("frame-denied", Self::FrameDenied),
    ];
}

/// Faults that make no sense; the text says what is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Faults {
    /// Refuses values that would hang a test run or are no HTTP error.
    pub fn check(&self) -> Result<(), Invalid> {
        let delays = [("apiLatencyMs", Some(self.api_latency_ms)), ("redirectDelayMs", self.redirect_delay_ms)];
        if let Some((name, _)) = delays.iter().find(|(_, delay)| delay.is_some_and(|delay| delay > MAX_DELAY_MS)) {
            return Err(Invalid(format!("{name} can be {MAX_DELAY_MS} at most")));
        }
        let bank_times = [("bankLatencyMs", self.bank_latency_ms), ("aggregationMs", self.aggregation_ms)];
        if let Some((name, _)) = bank_times.iter().find(|(_, time)| *time > MAX_BANK_MS) {
            return Err(Invalid(format!("{name} can be {MAX_BANK_MS} at most")));
        }
        if let Some(name) = self.bank_code.as_deref().filter(|name| !is_refusal(name)) {
            return Err(Invalid(format!(
                "bankCode must be one of Flinks' error codes, as RETRY_LATER; not {name:.64}"
            )));
        }
        match &self.api_failure {
            Some(failure) if !(400..=599).contains(&failure.http_status) => {
                Err(Invalid("apiFailure.httpStatus must be between 400 and 599".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The failure the next call to `endpoint` gets; it counts as taken.
    pub fn take_api_failure(&mut self, endpoint: &str) -> Option<ApiFailure> {
        let failure = self.api_failure.as_mut()?;
        if !concerns(failure.endpoint.as_deref(), endpoint) || failure.calls == 0 {
            return None;
        }
        failure.calls -= 1;
        Some(failure.clone())
    }

    /// How the next call to `endpoint` breaks; it counts as broken.
    pub fn take_api_mishap(&mut self, endpoint: &str) -> Option<Mishap> {
        let mishap = self.api_mishap.as_mut()?;
        if !concerns(mishap.endpoint.as_deref(), endpoint) || mishap.calls == 0 {
            return None;
        }
        mishap.calls -= 1;
        Some(mishap.kind)
    }

    /// Whether the page that is being loaded finds its token too old; it counts as taken.
    pub fn take_expired_page_token(&mut self) -> bool {
        let is_expired = self.expired_page_tokens > 0;
        self.expired_page_tokens = self.expired_page_tokens.saturating_sub(1);
        is_expired
    }

    /// How long a call to `endpoint` is held back.
    #[must_use]
    pub fn latency_ms(&self, endpoint: &str) -> u64 {
        if concerns(self.api_latency_endpoint.as_deref(), endpoint) { self.api_latency_ms } else { 0 }
    }

    /// What the bank says instead of working.
    #[must_use]
    pub fn bank_refusal(&self) -> Option<FlinksCode> {
        self.bank_code.as_deref().and_then(code::find)
    }
}

fn concerns(only: Option<&str>, endpoint: &str) -> bool {
    only.is_none_or(|only| only.eq_ignore_ascii_case(endpoint))
}

fn is_refusal(name: &str) -> bool {
    code::find(name).is_some_and(|code| code.http_status >= 400)
}

/// The shape of that name.
#[must_use]
pub fn shape(name: &str) -> Option<Shape> {
    Shape::ALL.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape)
}

/// The page fault of that name.
#[must_use]
pub fn page_fault(name: &str) -> Option<PageFault> {
    PageFault::ALL.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault)
}

/// The fault of that name.
#[must_use]
pub fn redirect_fault(name: &str) -> Option<RedirectFault> {
    RedirectFault::ALL.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault)
}

// serde hands over a reference, whatever the type.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn shape_name<S: Serializer>(shape: &Shape, serializer: S) -> Result<S::Ok, S::Error> {
    let name = Shape::ALL.iter().find(|(_, known)| known == shape).map_or("both", |(name, _)| name);
    serializer.serialize_str(name)
}

fn named_shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
    let name = String::deserialize(deserializer)?;
    shape(&name).ok_or_else(|| {
        let known: Vec<_> = Shape::ALL.iter().map(|(name, _)| *name).collect();
        serde::de::Error::custom(format!("redirectShape must be one of {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_means_no_faults() {
        assert_eq!(serde_json::from_str::<Faults>("{}").unwrap(), Faults::default());
    }

    #[test]
    fn every_name_is_read_and_written_back() {
        for (name, shape) in Shape::ALL {
            let faults: Faults = serde_json::from_str(&format!(r#"{{"redirectShape":"{name}"}}"#)).unwrap();
            assert_eq!(faults.redirect_shape, *shape);
            assert_eq!(serde_json::to_value(&faults).unwrap()["redirectShape"], *name);
        }
        for (name, fault) in RedirectFault::ALL {
            let faults: Faults = serde_json::from_str(&format!(r#"{{"redirectFault":"{name}"}}"#)).unwrap();
            assert_eq!(faults.redirect_fault, *fault);
        }
        for (name, fault) in PageFault::ALL {
            let faults: Faults = serde_json::from_str(&format!(r#"{{"page":"{name}"}}"#)).unwrap();
            assert_eq!((faults.page, page_fault(name)), (*fault, Some(*fault)));
            assert_eq!(serde_json::to_value(&faults).unwrap()["page"], *name);
        }
        for (name, questions) in Questions::ALL {
            assert_eq!(serde_json::to_value(questions).unwrap(), *name);
        }
        for (name, challenges) in Challenges::ALL {
            assert_eq!(serde_json::to_value(challenges).unwrap(), *name);
        }
        for (name, consent) in OauthConsent::ALL {
            assert_eq!(serde_json::to_value(consent).unwrap(), *name);
        }
        for (name, token) in SessionToken::ALL {
            assert_eq!(serde_json::to_value(token).unwrap(), *name);
        }
        for (name, expired) in ExpiredSession::ALL {
            let faults: Faults = serde_json::from_str(&format!(r#"{{"expiredSession":"{name}"}}"#)).unwrap();
            assert_eq!(faults.expired_session, *expired);
        }
        for (name, refused) in RefusedLogin::ALL {
            let faults: Faults = serde_json::from_str(&format!(r#"{{"refusedLogin":"{name}"}}"#)).unwrap();
            assert_eq!(faults.refused_login, *refused);
        }
        for (name, token) in PageToken::ALL {
            assert_eq!(serde_json::to_value(token).unwrap(), *name);
        }
        for (name, length) in ContentLength::ALL {
            assert_eq!(serde_json::to_value(length).unwrap(), *name);
        }
        for (name, kind) in Mishap::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), *name);
            assert_eq!(kind.name(), *name);
        }
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for bad in [r#"{"redirectShap":"both"}"#, r#"{"redirectShape":"round"}"#, r#"{"page":"loud"}"#, "7"] {
            assert!(serde_json::from_str::<Faults>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_failure_hits_the_calls_it_is_meant_for() {
        let failure = ApiFailure {
            calls: 2,
            http_status: 503,
            flinks_code: "RETRY_LATER".into(),
            endpoint: Some("authorize".into()),
        };
        let mut faults = Faults { api_failure: Some(failure), ..Faults::default() };
        assert!(faults.take_api_failure("GetAccountsDetail").is_none());
        assert!(faults.take_api_failure("Authorize").is_some());
        assert!(faults.take_api_failure("Authorize").is_some());
        assert!(faults.take_api_failure("Authorize").is_none());
    }
}
