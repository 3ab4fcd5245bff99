//! REDIRECT: the word that a connection is stored, in every shape and with every fault.
//!
//! Invariants: without a fault, field and `url` say the same and both are true; `url` keeps the query of `redirectUrl` and gets `demo`,
//! `loginId`, `tag`, `accountId` and `institution` behind it, in this order.

use flinks_reconnect::connect::id::{AccountId, LoginId, RequestId};
use flinks_reconnect::connect::redirect::{self, Shape};
use flinks_reconnect::connect::{parameters, step};
use url::Url;

use super::event::{Event, Posted};
use super::launch::Launch;
use crate::faults::{Faults, RedirectFault};
use crate::state::mint;
use crate::state::session::Session;

/// Where a page without a (readable) `redirectUrl` would lead.
const DEFAULT_URL: &str = "https://sandbox.example/thank-you";
/// The mark that [`RedirectFault::WrongTag`] sends.
const WRONG_TAG: &str = "sandbox-wrong-tag";
/// How late [`RedirectFault::Delayed`] is when nobody says.
const DEFAULT_DELAY_MS: u64 = 2_000;

/// What a REDIRECT says.
struct Content<'a> {
    launch: &'a Launch,
    institution: &'static str,
    login_in_field: LoginId,
    login_in_url: LoginId,
    request_id: RequestId,
    tag: Option<&'a str>,
    accounts: String,
}

/// The REDIRECT, once or twice, of a page that succeeded with these accounts.
#[must_use]
pub fn compose(launch: &Launch, faults: &Faults, session: &Session, accounts: &[AccountId]) -> Vec<Posted> {
    let fault = launch.redirect_fault().unwrap_or(faults.redirect_fault);
    let asked = launch.shape().unwrap_or(faults.redirect_shape);
    let shape = match (fault, asked) {
        // Two places must speak for them to contradict each other.
        (RedirectFault::Conflict, Shape::Classic | Shape::Fields) => Shape::Both,
        (_, shape) => shape,
    };
    let login = &session.identity.login_id;
    let content = Content {
        launch,
        institution: session.identity.institution.name,
        login_in_field: if fault == RedirectFault::Conflict { mint(LoginId::parse) } else { login.clone() },
        login_in_url: login.clone(),
        request_id: if fault == RedirectFault::WrongRequestId { mint(RequestId::parse) } else { session.id.clone() },
        tag: if fault == RedirectFault::WrongTag { Some(WRONG_TAG) } else { launch.tag() },
        accounts: accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(","),
    };
    let event = content.event(shape);
    let is_text = shape == Shape::Text || launch.is_on(parameters::STRINGIFY);
    let mut posted = if is_text { event.text() } else { event.object() };
    match fault {
        RedirectFault::Duplicate => vec![posted.clone(), posted],
        RedirectFault::Delayed => {
            posted.delay_ms = faults.redirect_delay_ms.unwrap_or(DEFAULT_DELAY_MS);
            vec![posted]
        }
        RedirectFault::None | RedirectFault::WrongRequestId | RedirectFault::WrongTag | RedirectFault::Conflict => {
            vec![posted]
        }
    }
}

impl Content<'_> {
    fn event(&self, shape: Shape) -> Event {
        let event = Event::step(step::REDIRECT).with(redirect::INSTITUTION, self.institution);
        match shape {
            Shape::Classic => event.with(redirect::URL, self.url()),
            Shape::Fields => self.with_ids(event),
            Shape::Both | Shape::Text => self.with_ids(event).with(redirect::URL, self.url()),
        }
    }

    fn with_ids(&self, event: Event) -> Event {
        let event = event
            .with(redirect::LOGIN_ID, self.login_in_field.as_str())
            .with(redirect::REQUEST_ID, self.request_id.as_str());
        match redirect::ACCOUNT_KEYS.first() {
            Some(key) if !self.accounts.is_empty() => event.with(key, self.accounts.as_str()),
            _ => event,
        }
    }

    fn url(&self) -> String {
        let own = self.launch.redirect_url().and_then(|text| Url::parse(text).ok());
        let Some(mut url) = own.or_else(|| Url::parse(DEFAULT_URL).ok()) else { return DEFAULT_URL.to_owned() };
        let mut query = url.query_pairs_mut();
        if self.launch.is_on(parameters::DEMO) {
            query.append_pair(parameters::DEMO, "true");
        }
        query.append_pair(redirect::LOGIN_ID, self.login_in_url.as_str());
        if let Some(tag) = self.tag {
            query.append_pair(redirect::TAG, tag);
        }
        if let (false, Some(key)) = (self.accounts.is_empty(), redirect::ACCOUNT_KEYS.first()) {
            query.append_pair(key, &self.accounts);
        }
        query.append_pair(redirect::INSTITUTION, self.institution);
        drop(query);
        url.into()
    }
}
