//! REDIRECT: the word that a connection is stored, in every shape and with every fault.
//!
//! Invariants: without a fault, field and `url` say the same and both are true; `url` keeps the query of `redirectUrl` and gets `demo`,
//! `loginId`, `tag`, `accountId` and `institution` behind it, in this order.

use flinks_connect::id::{AccountId, LoginId, RequestId};
use flinks_connect::redirect::{self, Shape};
use flinks_connect::{parameters, step};
use serde::Serialize;
use url::Url;

use super::event::{Event, Posted};
use super::launch::{self, Launch};
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
        (RedirectFault::Conflict, Shape::Both | Shape::Text | Shape::Cased) => asked,
        (RedirectFault::Conflict, _) => Shape::Both,
        (_, shape) => shape,
    };
    let mut content = Content::true_one(launch, session, accounts);
    match fault {
        RedirectFault::Conflict => content.login_in_field = mint(LoginId::parse),
        RedirectFault::WrongLogin => {
            content.login_in_field = mint(LoginId::parse);
            content.login_in_url = content.login_in_field.clone();
        }
        RedirectFault::WrongRequestId => content.request_id = mint(RequestId::parse),
        RedirectFault::WrongTag => content.tag = Some(WRONG_TAG),
        RedirectFault::None | RedirectFault::Duplicate | RedirectFault::Delayed | RedirectFault::Forged => {}
    }
    let event = content.event(shape);
    let is_text = shape == Shape::Text || launch.is_on(parameters::STRINGIFY);
    let mut posted = if is_text { event.text() } else { event.object() };
    match fault {
        RedirectFault::Duplicate => vec![posted.clone(), posted],
        RedirectFault::Delayed => {
            posted.delay_ms = faults.redirect_delay_ms.unwrap_or(DEFAULT_DELAY_MS);
            vec![posted]
        }
        _ => vec![posted],
    }
}

/// The REDIRECT of somebody who has not answered yet, when one was asked for: everything in it is true but that it happened.
#[must_use]
pub fn forged(launch: &Launch, faults: &Faults, session: &Session) -> Vec<Posted> {
    let fault = launch.redirect_fault().unwrap_or(faults.redirect_fault);
    if fault == RedirectFault::Forged {
        compose(launch, faults, session, &launch.resumed_accounts())
    } else {
        Vec::new()
    }
}

/// Where a page goes once it has succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Navigation {
    /// The address, or a path of the sandbox's own.
    pub url: String,
    /// Which window goes there.
    pub window: Target,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The page itself.
    Own,
    /// The outermost page around it.
    Top,
}

/// Where a page that succeeded with these accounts goes: with `innerRedirect` to the result page inside the frame; with `jsRedirect`,
/// or without a `redirectUrl`, nowhere; otherwise the whole window goes to `redirectUrl`.
#[must_use]
pub fn navigation(launch: &Launch, session: &Session, accounts: &[AccountId], is_framed: bool) -> Option<Navigation> {
    let content = Content::true_one(launch, session, accounts);
    if launch.is_on(launch::INNER_REDIRECT) {
        return Some(Navigation { url: content.result_path(Shape::Both), window: Target::Own });
    }
    if launch.is_on(launch::JS_REDIRECT) || launch.redirect_url().is_none() {
        return None;
    }
    Some(Navigation { url: content.url(Shape::Both), window: if is_framed { Target::Top } else { Target::Own } })
}

impl<'a> Content<'a> {
    fn true_one(launch: &'a Launch, session: &Session, accounts: &[AccountId]) -> Self {
        let login = &session.identity.login_id;
        Self {
            launch,
            institution: session.identity.institution.name,
            login_in_field: login.clone(),
            login_in_url: login.clone(),
            request_id: session.id.clone(),
            tag: launch.tag(),
            accounts: accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(","),
        }
    }

    fn event(&self, shape: Shape) -> Event {
        let event = Event::step(step::REDIRECT).with(&key(shape, redirect::INSTITUTION), self.institution);
        let event = match shape {
            // All ids stand in `url`.
            Shape::Classic | Shape::Relative | Shape::Result => event,
            Shape::Fields | Shape::Both | Shape::Text | Shape::Cased | Shape::Idless => self.with_ids(event, shape),
        };
        let name = key(shape, redirect::URL);
        match shape {
            Shape::Fields => event,
            Shape::Relative => event.with(&name, relative(&self.url(shape))),
            Shape::Result => event.with(&name, self.launch.own_address(&self.result_path(shape))),
            Shape::Classic | Shape::Both | Shape::Text | Shape::Cased | Shape::Idless => {
                event.with(&name, self.url(shape))
            }
        }
    }

    fn with_ids(&self, event: Event, shape: Shape) -> Event {
        let event = match shape {
            Shape::Idless => event,
            _ => event.with(&key(shape, redirect::LOGIN_ID), self.login_in_field.as_str()),
        };
        let event = event.with(&key(shape, redirect::REQUEST_ID), self.request_id.as_str());
        match redirect::ACCOUNT_KEYS.first() {
            Some(name) if !self.accounts.is_empty() => event.with(&key(shape, name), self.accounts.as_str()),
            _ => event,
        }
    }

    fn url(&self, shape: Shape) -> String {
        let own = self.launch.redirect_url();
        let Some(mut url) = own.or_else(|| Url::parse(DEFAULT_URL).ok()) else { return DEFAULT_URL.to_owned() };
        self.append_to(&mut url.query_pairs_mut(), shape);
        url.into()
    }

    /// `/v2/Result/{Institution}?thank-you=true&…`.
    fn result_path(&self, shape: Shape) -> String {
        let Ok(mut url) = Url::parse(DEFAULT_URL) else { return "/v2/Result/".to_owned() };
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["v2", "Result", self.institution]);
        }
        let mut query = url.query_pairs_mut();
        query.append_pair("thank-you", "true").append_pair(parameters::LANGUAGE, self.launch.language().as_str());
        self.append_to(&mut query, shape);
        drop(query);
        url[url::Position::BeforePath..].to_owned()
    }

    fn append_to<T: url::form_urlencoded::Target>(
        &self,
        query: &mut url::form_urlencoded::Serializer<'_, T>,
        shape: Shape,
    ) {
        if self.launch.is_on(parameters::DEMO) {
            query.append_pair(parameters::DEMO, "true");
        }
        if shape != Shape::Idless {
            query.append_pair(&key(shape, redirect::LOGIN_ID), self.login_in_url.as_str());
        }
        if let Some(tag) = self.tag {
            query.append_pair(&key(shape, redirect::TAG), tag);
        }
        if let (false, Some(name)) = (self.accounts.is_empty(), redirect::ACCOUNT_KEYS.first()) {
            query.append_pair(&key(shape, name), &self.accounts);
        }
        query.append_pair(&key(shape, redirect::INSTITUTION), self.institution);
    }
}

/// A key of fields and query as this shape writes it.
fn key(shape: Shape, name: &str) -> String {
    let mut letters = name.chars();
    match (shape, letters.next()) {
        (Shape::Cased, Some(first)) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        _ => name.to_owned(),
    }
}

/// The address without its scheme and host.
fn relative(address: &str) -> String {
    Url::parse(address).map_or_else(|_| address.to_owned(), |url| url[url::Position::BeforePath..].to_owned())
}
