//! Stored logins: what Flinks keeps of a connection.
//!
//! Invariants: the same bank, user and language always have the same `loginId`; a login is stored only once somebody got in
//! with `Save`; what happened to the last live attempt is remembered, because a cached call repeats it.

use std::collections::BTreeMap;

use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::LoginId;
use flinks_connect::parameters::Language;
use uuid::Uuid;

use crate::bank::institution::{self, Institution};
use crate::bank::question::{self, Question};
use crate::bank::user::{self, TestUser};
use crate::clock::DAY_MS;
use crate::demo::{self, DEMO_LOGINS, DEMO_USERNAME, DemoLogin, History};

/// Who signs in where. Everything a `loginId` depends on.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The login's id.
    pub login_id: LoginId,
    /// The bank.
    pub institution: &'static Institution,
    /// The user at the bank.
    pub user: &'static TestUser,
    /// The language of the bank's questions.
    pub language: Language,
}

impl Identity {
    /// The identity of that user at that bank in that language.
    #[must_use]
    pub fn of(institution: &'static Institution, user: &'static TestUser, language: Language) -> Self {
        let seeded = DEMO_LOGINS.iter().find(|demo| {
            demo.institution_id == institution.id && user.name == DEMO_USERNAME && language == Language::En
        });
        let login_id = seeded.and_then(|demo| LoginId::parse(demo.login_id)).unwrap_or_else(|| {
            let name = format!("login/{}/{}/{}", institution.id, user.name, language.as_str());
            super::mint_from(LoginId::parse, || Uuid::new_v5(&demo::NAMESPACE, name.as_bytes()))
        });
        Self { login_id, institution, user, language }
    }
}

/// One stored connection.
#[derive(Clone, Debug)]
pub struct Login {
    /// Whose it is.
    pub identity: Identity,
    /// When somebody last got in.
    pub last_refresh_ms: Option<u64>,
    /// How the last live attempt failed, if it did.
    pub last_failure: Option<FlinksCode>,
    /// When the host last asked for it, live or cached.
    pub last_asked_ms: u64,
    /// Whether Nightly Refresh is on.
    pub is_scheduled_refresh: bool,
    /// Answers stored ahead (`AnswerMFAQuestions`), by the question's place; the right ones spare the user the question.
    pub stored_answers: BTreeMap<usize, String>,
}

impl Login {
    /// A login that was just verified for the first time.
    fn verified(identity: Identity, now_ms: u64) -> Self {
        Self {
            identity,
            last_refresh_ms: Some(now_ms),
            last_failure: None,
            last_asked_ms: now_ms,
            is_scheduled_refresh: false,
            stored_answers: BTreeMap::new(),
        }
    }

    /// Keeps answers for later; whether they are right only the bank knows. All or none.
    pub fn store_answers(&mut self, by_prompt: &BTreeMap<String, String>) -> Result<(), FlinksCode> {
        let mut stored = self.stored_answers.clone();
        for (prompt, answer) in by_prompt {
            let place = question::ALL.iter().position(|question| question.prompt(self.identity.language) == prompt);
            stored.insert(place.ok_or(code::UNKNOWN_CHALLENGE_KEY)?, answer.clone());
        }
        self.stored_answers = stored;
        Ok(())
    }

    /// How many of the bank's questions, from the first one on, the stored answers answer.
    #[must_use]
    pub fn answered_ahead(&self) -> usize {
        let is_answered = |(place, question): &(usize, &Question)| {
            self.stored_answers.get(place).is_some_and(|answer| question.is_answered_by(std::slice::from_ref(answer)))
        };
        question::ALL.iter().enumerate().take_while(is_answered).count()
    }

    fn seeded(demo: &DemoLogin, now_ms: u64) -> Option<Self> {
        let identity = Identity::of(institution::by_id(demo.institution_id)?, user::find(DEMO_USERNAME)?, Language::En);
        // By the day, not by the moment: after a reset a login is as old as before, and a host that remembers its age finds it unchanged.
        let today_ms = now_ms - now_ms % DAY_MS;
        let days_ago = |days: u64| Some(today_ms.saturating_sub(days * DAY_MS));
        let login = Self { last_asked_ms: now_ms, ..Self::verified(identity, now_ms) };
        Some(match demo.history {
            History::NightlyRefreshFailed => Self {
                last_refresh_ms: days_ago(5),
                last_failure: Some(code::QUESTION_NOT_FOUND),
                is_scheduled_refresh: true,
                ..login
            },
            History::RefreshedLately => Self { last_refresh_ms: days_ago(4), ..login },
            History::AnswersChanged => {
                Self { last_refresh_ms: days_ago(12), last_failure: Some(code::QUESTION_NOT_FOUND), ..login }
            }
        })
    }
}

/// Every stored login.
#[derive(Debug, Default)]
pub struct LoginBook {
    logins: BTreeMap<LoginId, Login>,
}

impl LoginBook {
    /// The book with the four seeded logins.
    #[must_use]
    pub fn seeded(now_ms: u64) -> Self {
        let logins = DEMO_LOGINS.iter().filter_map(|demo| Login::seeded(demo, now_ms));
        Self { logins: logins.map(|login| (login.identity.login_id.clone(), login)).collect() }
    }

    /// The login of that id.
    #[must_use]
    pub fn get(&self, id: &LoginId) -> Option<&Login> {
        self.logins.get(id)
    }

    /// The login of that id, to change it.
    pub fn get_mut(&mut self, id: &LoginId) -> Option<&mut Login> {
        self.logins.get_mut(id)
    }

    /// Somebody got in: stores the login, or refreshes it.
    pub fn verified(&mut self, identity: &Identity, now_ms: u64) {
        let login =
            self.logins.entry(identity.login_id.clone()).or_insert_with(|| Login::verified(identity.clone(), now_ms));
        login.last_refresh_ms = Some(now_ms);
        login.last_asked_ms = now_ms;
        login.last_failure = None;
    }

    /// Puts a login back as it was.
    pub(crate) fn restore(&mut self, login: Login) {
        self.logins.insert(login.identity.login_id.clone(), login);
    }

    /// Deletes a login; `None` when there is none.
    pub fn remove(&mut self, id: &LoginId) -> Option<Login> {
        self.logins.remove(id)
    }

    /// Every stored login.
    pub fn iter(&self) -> impl Iterator<Item = &Login> {
        self.logins.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bank_user_and_language_make_the_login() {
        let id = |bank, language| {
            Identity::of(institution::by_id(bank).unwrap(), user::find("greatday").unwrap(), language).login_id
        };
        assert_eq!(id(9004, Language::En), id(9004, Language::En));
        assert_ne!(id(9004, Language::En), id(9005, Language::En));
        assert_ne!(id(9004, Language::En), id(9004, Language::Fr));
        for demo in DEMO_LOGINS {
            assert_eq!(id(demo.institution_id, Language::En).as_str(), demo.login_id);
            assert_ne!(id(demo.institution_id, Language::Fr).as_str(), demo.login_id);
        }
    }
}
