//! A Flinks in memory, in its own words: HTTP statuses and JSON, read by the rules themselves.

use std::collections::{BTreeMap, BTreeSet};

use flinks_backend::{
    code::About,
    flinks::{Answer, Call, Key, Sent, Trouble},
    settings::Settings,
};
use flinks_connect::id::AuthorizeToken;
use serde_json::{Value, json};

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The bank is at work until then, and asks afterwards.
    Working(i64),
    Asking,
    Finished,
    Over,
}

/// What the bank does with a live sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bank {
    Asks,
    NeedsNobody,
    /// Answers 202 and works for so long.
    Slow(i64),
    Refuses(u16, &'static str),
}

/// Which token a session's second `/Authorize` wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    Any,
    OnlyTheSessions,
    OnlyFresh,
}

/// What is refused, or goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Nothing is reached.
    Down,
    /// The data endpoints refuse the API key.
    ApiKeyRefused,
    /// Data is refused with `NO_TRANSACTION` as long as transactions are wanted.
    NoTransactions,
    /// Sessions that are through answer `ALREADY_AUTHORIZED`, and the cached call 202.
    StillAggregating,
}

/// A code that answers every call to an endpoint, whatever else there is to say.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    pub about: About,
    pub http_status: u16,
    pub code: &'static str,
    pub message: Option<&'static str>,
}

#[derive(Debug)]
pub struct Stand {
    pub login: String,
    pub standing: Session,
    pub touched_ms: i64,
    token: Option<String>,
    is_cached: bool,
}

pub struct Flinks {
    pub bank: Bank,
    pub tokens: Tokens,
    pub weather: Weather,
    pub refuses: Option<Refusal>,
    /// What is said of a session's token that does not fit.
    pub token_message: Option<&'static str>,
    /// `LastRefresh` by login.
    pub last_refresh_ms: BTreeMap<String, i64>,
    /// The code of the last live sign-in that failed, by login: a cached call repeats it.
    pub failed_last: BTreeMap<String, &'static str>,
    pub sessions: BTreeMap<String, Stand>,
    /// Every live sign-in: login, tag, and when it was sent.
    pub sign_ins: Vec<(String, Option<String>, i64)>,
    /// Every question about a session, and when.
    pub asked: Vec<(String, i64)>,
    pub accounts: Vec<&'static str>,
    minted: u32,
    fresh: BTreeSet<String>,
}

const IDLE_MS: i64 = 8 * 60_000;

impl Default for Flinks {
    fn default() -> Self {
        Self {
            bank: Bank::Asks,
            tokens: Tokens::Any,
            weather: Weather::Fair,
            refuses: None,
            token_message: Some("You must provide a valid authorize token"),
            last_refresh_ms: BTreeMap::new(),
            failed_last: BTreeMap::new(),
            sessions: BTreeMap::new(),
            sign_ins: Vec::new(),
            asked: Vec::new(),
            accounts: vec!["account-one", "account-two", "account-three"],
            minted: 0,
            fresh: BTreeSet::new(),
        }
    }
}

/// `LastRefresh` as Flinks writes it.
fn timestamp(ms: i64) -> String {
    // The tests' clock begins on 2026-01-01 and runs for days at most.
    let (day, in_day) = ((ms - super::world::EPOCH_MS) / 86_400_000, (ms - super::world::EPOCH_MS) % 86_400_000);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    format!("2026-01-{:02}T{hour:02}:{minute:02}:{:02}.{:03}", day + 1, in_day / 1000 % 60, in_day % 1000)
}

impl Flinks {
    fn mint(&mut self, what: &str) -> String {
        self.minted += 1;
        format!("{what}-{:06}", self.minted)
    }

    /// The user gets through in a session.
    pub fn finish(&mut self, session: &str, now_ms: i64) {
        let stand = self.sessions.get_mut(session).unwrap();
        stand.standing = Session::Finished;
        let login = stand.login.clone();
        self.last_refresh_ms.insert(login.clone(), now_ms);
        self.failed_last.remove(&login);
    }

    /// The user goes through the full flow; the session is Connect's own.
    pub fn full_flow(&mut self, session: &str, login: &str, now_ms: i64) {
        self.add_session(session, login, Session::Asking, None, now_ms);
        self.finish(session, now_ms);
    }

    fn add_session(&mut self, id: &str, login: &str, standing: Session, token: Option<String>, now_ms: i64) {
        let stand = Stand { login: login.to_owned(), standing, touched_ms: now_ms, token, is_cached: false };
        self.sessions.insert(id.to_owned(), stand);
    }

    /// What the session's clock has done by now.
    fn age(&mut self, now_ms: i64) {
        for stand in self.sessions.values_mut() {
            match stand.standing {
                Session::Working(until_ms) if until_ms <= now_ms => {
                    (stand.standing, stand.touched_ms) = (Session::Asking, until_ms);
                }
                _ => {}
            }
            if stand.standing == Session::Asking && now_ms - stand.touched_ms > IDLE_MS {
                stand.standing = Session::Over;
            }
        }
    }

    /// Carries out a call.
    pub fn call(&mut self, settings: &Settings, call: &Call, now_ms: i64) -> Answer {
        self.age(now_ms);
        if self.weather == Weather::Down {
            return Answer::failed(Trouble::Unreachable, Sent::No);
        }
        let request = call.request(settings);
        let (token, is_fresh) = match &request.key {
            Key::Fresh => (Some(self.mint("token")), true),
            Key::Token(token) => (Some(token.as_str().to_owned()), false),
            Key::Secret | Key::Api => (None, false),
        };
        let body: Value = request.body.as_deref().map_or(Value::Null, |body| serde_json::from_str(body).unwrap());
        let refusal = self.refuses.filter(|refusal| refusal.about == call.about());
        let (status, answer) = match call {
            _ if refusal.is_some() => refusal.map(|it| code(it.http_status, it.code, it.message)).unwrap(),
            Call::Token => {
                let token = self.mint("token");
                self.fresh.insert(token.clone());
                (200, json!({"HttpStatusCode": 200, "Token": token}))
            }
            Call::SignIn { .. } => self.sign_in(&body, token.clone(), now_ms),
            Call::Session { .. } => self.session(&body, token.as_deref(), is_fresh, now_ms),
            Call::Cached { .. } => self.cached(&body, now_ms),
            Call::Data { request_id, .. } | Call::Poll { request_id } => self.data(request_id.as_str(), &body),
            Call::Nightly => (200, json!({"HttpStatusCode": 200, "IneligibleCards": []})),
        };
        let token = token.as_deref().and_then(AuthorizeToken::parse);
        Answer::read(call, token, status, None, answer.to_string().as_bytes())
    }

    fn sign_in(&mut self, body: &Value, token: Option<String>, now_ms: i64) -> (u16, Value) {
        assert_eq!((&body["MostRecentCached"], &body["Save"]), (&json!(false), &json!(true)));
        let login = body["LoginId"].as_str().unwrap().to_owned();
        self.sign_ins.push((login.clone(), body["Tag"].as_str().map(str::to_owned), now_ms));
        let session = self.mint("request");
        match self.bank {
            Bank::Refuses(status, name) => {
                self.failed_last.insert(login, name);
                code(status, name, None)
            }
            Bank::Slow(ms) => {
                self.add_session(&session, &login, Session::Working(now_ms + ms), token, now_ms);
                (202, json!({"FlinksCode": "OPERATION_DISPATCHED", "RequestId": session}))
            }
            Bank::Asks => {
                self.add_session(&session, &login, Session::Asking, token, now_ms);
                (203, json!({"RequestId": session, "SecurityChallenges": [{"Prompt": "?"}]}))
            }
            Bank::NeedsNobody => {
                self.add_session(&session, &login, Session::Asking, token, now_ms);
                self.finish(&session, now_ms);
                self.authorized(&session, &login)
            }
        }
    }

    fn authorized(&self, session: &str, login: &str) -> (u16, Value) {
        let last = self.last_refresh_ms.get(login).map_or("0001-01-01T00:00:00".to_owned(), |ms| timestamp(*ms));
        (200, json!({"RequestId": session, "Login": {"Id": login, "LastRefresh": last}}))
    }

    fn session(&mut self, body: &Value, token: Option<&str>, is_fresh: bool, now_ms: i64) -> (u16, Value) {
        let id = body["RequestId"].as_str().unwrap().to_owned();
        self.asked.push((id.clone(), now_ms));
        let weather = self.weather;
        let Some(stand) = self.sessions.get_mut(&id) else { return code(400, "SESSION_NONEXISTENT", None) };
        let is_its_own = stand.token.as_deref() == token;
        let fits = match self.tokens {
            Tokens::Any => true,
            Tokens::OnlyTheSessions => is_its_own || stand.token.is_none(),
            Tokens::OnlyFresh => is_fresh,
        };
        if !fits {
            return code(401, "UNAUTHORIZED", self.token_message);
        }
        stand.touched_ms = now_ms;
        let login = stand.login.clone();
        match stand.standing {
            Session::Working(_) => (202, json!({"FlinksCode": "OPERATION_PENDING", "RequestId": id})),
            Session::Asking => (203, json!({"RequestId": id, "SecurityChallenges": []})),
            Session::Finished if weather == Weather::StillAggregating => code(401, "ALREADY_AUTHORIZED", None),
            Session::Finished => self.authorized(&id, &login),
            Session::Over => code(400, "SESSION_NONEXISTENT", None),
        }
    }

    fn cached(&mut self, body: &Value, now_ms: i64) -> (u16, Value) {
        let login = body["LoginId"].as_str().unwrap().to_owned();
        if let Some(name) = self.failed_last.get(&login) {
            return code(401, name, None);
        }
        if self.weather == Weather::StillAggregating {
            return (202, json!({"FlinksCode": "OPERATION_PENDING"}));
        }
        let session = self.mint("cached");
        self.add_session(&session, &login, Session::Finished, None, now_ms);
        self.sessions.get_mut(&session).unwrap().is_cached = true;
        self.authorized(&session, &login)
    }

    fn data(&mut self, id: &str, body: &Value) -> (u16, Value) {
        match self.weather {
            Weather::ApiKeyRefused => return code(401, "UNAUTHORIZED", Some("You must provide a valid auth key")),
            Weather::StillAggregating => return (202, json!({"FlinksCode": "OPERATION_PENDING"})),
            Weather::NoTransactions if body["WithTransactions"] == true => return code(400, "NO_TRANSACTION", None),
            _ => {}
        }
        let Some(stand) = self.sessions.get_mut(id).filter(|stand| stand.standing == Session::Finished) else {
            return code(400, "SESSION_NONEXISTENT", None);
        };
        stand.standing = Session::Over;
        let login = stand.login.clone();
        let last = timestamp(self.last_refresh_ms[&login]);
        let wanted = body["AccountsFilter"].as_array();
        let accounts: Vec<_> = self
            .accounts
            .iter()
            .filter(|id| wanted.is_none_or(|wanted| wanted.iter().any(|one| one == *id)))
            .map(|id| json!({"Id": id}))
            .collect();
        (200, json!({"Accounts": accounts, "Login": {"Id": login, "LastRefresh": last}}))
    }
}

fn code(status: u16, name: &str, message: Option<&str>) -> (u16, Value) {
    (status, json!({"HttpStatusCode": status, "FlinksCode": name, "Message": message}))
}
