//! What a request body asks for.
//!
//! Invariants: names match without regard to case, as Flinks' own samples need; null is the same as absent; unknown names are passed
//! over; a value of the wrong type is `INVALID_REQUEST`, never a guess.

use std::collections::BTreeMap;

use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::{AccountId, LoginId, MAX_TAG_LEN, RequestId};
use flinks_connect::parameters::Language;
use serde_json::{Map, Value};

use crate::log;
use crate::state::authorize::{Pace, Refresh, Schedule, SignIn, Wish};
use crate::state::data::{History, Order, Part, Product};
use crate::state::session::Saving;

/// The fields of a JSON object.
#[derive(Clone, Debug)]
pub struct Fields {
    object: Map<String, Value>,
}

impl Fields {
    /// Reads a body; `None` when it is no JSON object.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().map(|object| Self { object })
    }

    /// The body as it may be logged.
    #[must_use]
    pub fn without_secrets(&self) -> Value {
        log::without_secrets(&self.object)
    }

    /// What an Authorize call wants. A `RequestId` decides first: clients send their defaults for everything else with it.
    pub fn wish(&self, pace: Pace) -> Result<Wish, FlinksCode> {
        if self.get("RequestId").is_some() {
            let session = self.session()?;
            return Ok(match self.get("SecurityResponses") {
                None => Wish::Probe { session },
                // Flinks' own client asks so how a session stands.
                Some(Value::Object(responses)) if responses.is_empty() => Wish::Probe { session },
                Some(responses) => Wish::Answer { session, answers: answers(responses)? },
            });
        }
        let tag = self.tag()?;
        if self.get("LoginId").is_some() {
            let login = self.login()?;
            return Ok(match self.flag("MostRecentCached")? {
                Some(true) => Wish::Reuse { login, tag },
                Some(false) | None => Wish::Refresh(Refresh { login, saving: self.saving()?, tag, pace }),
            });
        }
        Ok(Wish::SignIn(SignIn {
            institution: self.name_or_id("Institution")?.ok_or(code::INVALID_REQUEST)?,
            username: self.text("Username")?.ok_or(code::INVALID_REQUEST)?.to_owned(),
            password: self.text("Password")?.ok_or(code::INVALID_REQUEST)?.to_owned(),
            language: self.language()?,
            saving: self.saving()?,
            tag,
            schedules_refresh: self.flag("ScheduleRefresh")?.unwrap_or_default(),
            pace,
        }))
    }

    /// What a data call wants.
    pub fn order(&self, product: Product) -> Result<Order, FlinksCode> {
        let history = match (product, self.flag("WithTransactions")?) {
            (Product::Summary | Product::Statements, _) | (Product::Detail, Some(false)) => History::Nothing,
            (Product::Detail, Some(true) | None) => match self.text("DaysOfTransactions")? {
                None | Some("Days90") => History::Days90,
                Some("Days365") => History::Days365,
                Some(_) => return Err(code::INVALID_REQUEST),
            },
        };
        Ok(Order {
            accounts: self.accounts()?,
            history,
            identity: self.part("WithAccountIdentity")?,
            holder: self.part("WithKYC")?,
            balance: self.part("WithBalance")?,
            statements: match self.text("NumberOfStatements")? {
                None | Some("MostRecent") => 1,
                Some("Months3") => 3,
                Some("Months12") => 12,
                Some(_) => return Err(code::INVALID_REQUEST),
            },
        })
    }

    /// The session a call is about. Without the field the request is wrong; with another text there is no such session.
    pub fn session(&self) -> Result<RequestId, FlinksCode> {
        RequestId::parse(self.text("RequestId")?.ok_or(code::INVALID_REQUEST)?).ok_or(code::SESSION_NONEXISTENT)
    }

    /// The login a call is about.
    pub fn login(&self) -> Result<LoginId, FlinksCode> {
        LoginId::parse(self.text("LoginId")?.ok_or(code::INVALID_REQUEST)?).ok_or(code::INVALID_LOGIN)
    }

    /// How Nightly Refresh is to be switched.
    pub fn schedule(&self) -> Result<Schedule, FlinksCode> {
        let is_on = self.flag("IsActivated")?.ok_or(code::INVALID_REQUEST)?;
        Ok(if is_on { Schedule::On } else { Schedule::Off })
    }

    /// Answers to security questions, by prompt: `Questions: [{Prompt, Answer}]`, or a map as in `SecurityResponses`.
    pub fn stored_answers(&self) -> Result<BTreeMap<String, String>, FlinksCode> {
        let Some(Value::Array(questions)) = self.get("Questions") else {
            let answers = answers(self.get("SecurityResponses").ok_or(code::INVALID_REQUEST)?)?;
            let first = |texts: Vec<String>| texts.into_iter().next().unwrap_or_default();
            return Ok(answers.into_iter().map(|(prompt, texts)| (prompt, first(texts))).collect());
        };
        let pair = |question: &Value| {
            let fields = Self { object: question.as_object().ok_or(code::INVALID_REQUEST)?.clone() };
            let prompt = fields.text("Prompt")?.ok_or(code::INVALID_REQUEST)?.to_owned();
            Ok((prompt, fields.text("Answer")?.ok_or(code::INVALID_REQUEST)?.to_owned()))
        };
        questions.iter().map(pair).collect()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let exact = self.object.get(name);
        let found = exact
            .or_else(|| self.object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
        found.filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, FlinksCode> {
        self.get(name).map(|value| value.as_str().ok_or(code::INVALID_REQUEST)).transpose()
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, FlinksCode> {
        self.get(name).map(|value| value.as_bool().ok_or(code::INVALID_REQUEST)).transpose()
    }

    fn name_or_id(&self, name: &str) -> Result<Option<String>, FlinksCode> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(name)) => Ok(Some(name.clone())),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            Some(_) => Err(code::INVALID_REQUEST),
        }
    }

    /// Absent means kept: only who says `false` loses the login.
    fn saving(&self) -> Result<Saving, FlinksCode> {
        Ok(if self.flag("Save")? == Some(false) { Saving::Discard } else { Saving::Keep })
    }

    fn part(&self, name: &str) -> Result<Part, FlinksCode> {
        Ok(if self.flag(name)? == Some(false) { Part::Omitted } else { Part::Included })
    }

    fn tag(&self) -> Result<Option<String>, FlinksCode> {
        match self.text("Tag")? {
            Some(tag) if tag.len() > MAX_TAG_LEN => Err(code::INVALID_REQUEST),
            tag => Ok(tag.filter(|tag| !tag.is_empty()).map(str::to_owned)),
        }
    }

    fn language(&self) -> Result<Language, FlinksCode> {
        match self.text("Language")?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("en") => Ok(Language::En),
            Some("fr") => Ok(Language::Fr),
            Some(_) => Err(code::INVALID_REQUEST),
        }
    }

    /// An id that is none of ours filters like any other: it matches no account.
    fn accounts(&self) -> Result<Option<Vec<AccountId>>, FlinksCode> {
        let Some(filter) = self.get("AccountsFilter") else { return Ok(None) };
        let ids = filter.as_array().ok_or(code::INVALID_REQUEST)?;
        if ids.is_empty() {
            return Ok(None);
        }
        let ids = ids.iter().map(|id| id.as_str().ok_or(code::INVALID_REQUEST)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(ids.into_iter().filter_map(AccountId::parse).collect()))
    }
}

fn answers(responses: &Value) -> Result<BTreeMap<String, Vec<String>>, FlinksCode> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(code::INVALID_REQUEST);
    let texts = |answer: &Value| match answer {
        Value::Array(texts) => texts.iter().map(text).collect(),
        answer => text(answer).map(|text| vec![text]),
    };
    let by_prompt = responses.as_object().ok_or(code::INVALID_REQUEST)?;
    by_prompt.iter().map(|(prompt, answer)| Ok((prompt.clone(), texts(answer)?))).collect()
}
