//! What Flinks answers: bodies in its shapes.
//!
//! Invariants: `HttpStatusCode` equals the HTTP status; amounts are numbers with two decimals; dates are UTC.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::{AuthorizeToken, LoginId, RequestId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::statement;
use crate::bank::institution::{self, Institution};
use crate::bank::ledger::{self, Ledger, Transaction};
use crate::bank::question::{self, Question};
use crate::demo;
use crate::faults::ApiFailure;
use crate::state::State;
use crate::state::authorize::{Refusal, Standing};
use crate::state::data::{AccountData, Dataset, Delivery, Order, Part, Product, collect};
use crate::state::login::Login;
use crate::state::session::{Freshness, Session};
use crate::state::webhook::Kind;

/// MFA is pending; it has no name of its own.
const MFA_PENDING: u16 = 203;

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// When it is sent, on the sandbox's clock; at once when absent.
    pub due_ms: Option<u64>,
}

impl Reply {
    fn new(status: u16, mut body: Value) -> Self {
        if let Some(object) = body.as_object_mut() {
            object.insert("HttpStatusCode".to_owned(), status.into());
        }
        Self { status, body, due_ms: None }
    }

    /// The token is unknown, spent or too old. Only the text tells it from a wrong key.
    #[must_use]
    pub fn token_refused() -> Self {
        let message = "You must provide a valid authorize token";
        let code = code::UNAUTHORIZED;
        Self::new(code.http_status, json!({ "FlinksCode": code.name, "Message": message }))
    }

    /// An error about nothing in particular.
    #[must_use]
    pub fn error(code: FlinksCode) -> Self {
        refused(&Refusal::plain(code))
    }

    /// An error that was asked for through the control interface.
    #[must_use]
    pub fn failure(failure: &ApiFailure) -> Self {
        let message = "The sandbox was told to fail this call";
        Self::new(failure.http_status, json!({ "FlinksCode": failure.flinks_code, "Message": message }))
    }

    /// A new authorize token.
    #[must_use]
    pub fn token(token: &AuthorizeToken) -> Self {
        Self::new(code::OK.http_status, json!({ "Token": token.as_str() }))
    }

    /// A text of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.body.get(name).and_then(Value::as_str).map(str::to_owned)
    }
}

/// The answer to an Authorize call.
#[must_use]
pub fn standing(state: &State, standing: Standing) -> Reply {
    match standing {
        Standing::Refused(refusal) => refused(&refusal),
        Standing::Working(code, session) => pending(code, "AuthorizeAsync", &session.id),
        Standing::Asking(session) => Reply::new(
            MFA_PENDING,
            with_tag(
                &session,
                json!({
                    "Links": [link("Authorization", "/Authorize", None)],
                    "SecurityChallenges": challenges(&session),
                    "Institution": session.identity.institution.name,
                    "InstitutionId": session.identity.institution.id,
                    "RequestId": session.id.as_str(),
                }),
            ),
        ),
        Standing::Authorized(session) => {
            let links = [
                ("AccountsDetail", "/GetAccountsDetail"),
                ("AccountsSummary", "/GetAccountsSummary"),
                ("Statements", "/GetStatements"),
            ];
            let mut body = about(state, &session);
            body.insert("Links".to_owned(), links.iter().map(|(rel, href)| link(rel, href, None)).collect());
            Reply::new(code::OK.http_status, with_tag(&session, Value::Object(body)))
        }
    }
}

/// What the bank asks in this round; nothing where it waits for consent in its own window.
fn challenges(session: &Session) -> Vec<Value> {
    let challenge = |question: &Question| {
        let mut body = json!({ "Type": question.kind, "Prompt": question.prompt(session.identity.language) });
        if let (false, Some(object)) = (question.choices.is_empty(), body.as_object_mut()) {
            object.insert("Iterables".to_owned(), json!(question.choices));
        }
        body
    };
    session.pending_round().iter().map(challenge).collect()
}

/// The answer to a data call.
#[must_use]
pub fn delivery(state: &State, product: Product, session: &RequestId, delivery: Delivery) -> Reply {
    let poll = match product {
        Product::Detail => "GetAccountsDetailAsync",
        Product::Summary => "GetAccountsSummaryAsync",
        Product::Statements => "GetStatementsAsync",
    };
    match delivery {
        Delivery::Refused(code) => {
            let mut reply = refused(&Refusal { session: Some(session.clone()), ..Refusal::plain(code) });
            // The same code as for a wrong key, so the text has to tell them apart.
            if let (true, Some(body)) = (code.name == code::UNAUTHORIZED.name, reply.body.as_object_mut()) {
                body.insert("Message".to_owned(), "The session is not authorised yet: MFA is pending".into());
            }
            reply
        }
        Delivery::Pending(code) => pending(code, poll, session),
        Delivery::Ready(data) => {
            let mut body = about(state, &data.session);
            match product {
                Product::Detail | Product::Summary => {
                    body.insert(
                        "Accounts".to_owned(),
                        data.accounts.iter().map(|account| account_body(&data, account)).collect(),
                    );
                }
                Product::Statements => {
                    let seed = state.settings.seed;
                    let statements =
                        data.accounts.iter().map(|account| statements_body(seed, &data, account)).collect();
                    body.insert("StatementsByAccount".to_owned(), statements);
                }
            }
            Reply::new(code::OK.http_status, with_tag(&data.session, Value::Object(body)))
        }
    }
}

/// The answer to `SetScheduledRefresh`.
#[must_use]
pub fn scheduled(login: &Login) -> Reply {
    Reply::new(code::OK.http_status, json!({ "Login": login_body(login) }))
}

/// The answer to `GetNightlyRefreshStatus`.
#[must_use]
pub fn nightly_status(state: &State, now_ms: u64) -> Reply {
    let cards: Vec<_> = state
        .logins
        .iter()
        .filter_map(|login| {
            let reason = state.nightly_obstacle(login, now_ms)?;
            Some(json!({
                "LoginId": login.identity.login_id.as_str(),
                "Institution": login.identity.institution.name,
                "Reason": reason,
                "LastRefresh": last_refresh(login.last_refresh_ms),
            }))
        })
        .collect();
    Reply::new(code::OK.http_status, json!({ "IneligibleCards": cards }))
}

/// The answer to `DeleteCard`, whose status has another name than everywhere else; clients read either.
#[must_use]
pub fn deleted() -> Reply {
    Reply::new(
        code::OK.http_status,
        json!({ "StatusCode": code::OK.http_status, "Message": "The card and its data were deleted" }),
    )
}

/// The answer to `GetMFAQuestions` and `AnswerMFAQuestions`.
#[must_use]
pub fn questions(login: &Login) -> Reply {
    let entries: Vec<_> = question::ALL
        .iter()
        .enumerate()
        .map(|(index, question)| {
            json!({
                "Type": "QuestionAndAnswer",
                "Prompt": question.prompt(login.identity.language),
                "IsAnswered": login.stored_answers.contains_key(&index),
            })
        })
        .collect();
    Reply::new(code::OK.http_status, json!({ "Questions": entries, "Login": login_body(login) }))
}

/// The answer to `Institutions`, which alone has no `HttpStatusCode` in the documented shape; ours has.
#[must_use]
pub fn institutions() -> Reply {
    let banks: Vec<_> = institution::ALL.iter().map(bank_body).collect();
    Reply::new(code::OK.http_status, json!({ "Count": banks.len(), "Data": banks }))
}

/// The answer to `Institutions/RoutingNumber/{number}`.
#[must_use]
pub fn institution(bank: &Institution) -> Reply {
    Reply::new(code::OK.http_status, bank_body(bank))
}

fn bank_body(bank: &Institution) -> Value {
    json!({
        "Id": bank.id,
        "Name": bank.name,
        "Country": "CA",
        "Status": "Enabled",
        "RoutingNumbers": [bank.number],
        "IsOAuth": bank.is_oauth,
    })
}

/// The body of a webhook.
#[must_use]
pub fn webhook(state: &State, now_ms: u64, kind: Kind, session: &Session) -> Value {
    let mut body = about(state, session);
    body.insert("ResponseType".to_owned(), kind.name().into());
    body.insert("HttpStatusCode".to_owned(), code::OK.http_status.into());
    match kind {
        Kind::Kyc => {
            body.insert("Holders".to_owned(), json!([holder_body()]));
        }
        Kind::Detail => {
            let data = collect(state.settings.seed, now_ms, session, Order::default());
            let accounts = data.accounts.iter().map(|account| account_body(&data, account)).collect();
            body.insert("Accounts".to_owned(), accounts);
        }
    }
    with_tag(session, Value::Object(body))
}

/// What is stored of a login, in the shape of account details; no accounts when there is no such login.
#[must_use]
pub fn stored(state: &State, now_ms: u64, login: Option<&LoginId>) -> Value {
    let login = login.and_then(|login| state.logins.get(login));
    let refreshed = login.and_then(|login| Some((login, login.last_refresh_ms?)));
    let Some((login, as_of_ms)) = refreshed else { return json!({ "Login": null, "Accounts": [] }) };
    let session = Session::cached(login.identity.clone(), as_of_ms, None, now_ms);
    let data = collect(state.settings.seed, now_ms, &session, Order::default());
    let accounts: Vec<_> = data.accounts.iter().map(|account| account_body(&data, account)).collect();
    json!({ "Login": login_body(login), "Accounts": accounts })
}

fn refused(refusal: &Refusal) -> Reply {
    let mut body = Map::new();
    body.insert("FlinksCode".to_owned(), refusal.code.name.into());
    if let Some(session) = &refusal.session {
        body.insert("RequestId".to_owned(), session.as_str().into());
    }
    // As clients have seen it: a refusal of a bank's has links and no message, every other one a message and no links.
    match refusal.institution {
        Some(institution) => {
            body.insert("Institution".to_owned(), institution.into());
            body.insert("Links".to_owned(), json!([link("Authorization", "/Authorize", None)]));
        }
        None => {
            body.insert("Message".to_owned(), message(&refusal.code).into());
        }
    }
    Reply::new(refusal.code.http_status, Value::Object(body))
}

fn pending(code: FlinksCode, poll: &str, session: &RequestId) -> Reply {
    let href = format!("/{poll}");
    let example = format!("{href}/{}", session.as_str());
    Reply::new(
        code.http_status,
        json!({
            "FlinksCode": code.name,
            "Links": [link(poll, &href, Some(&example))],
            "Message": message(&code),
            "RequestId": session.as_str(),
        }),
    )
}

fn link(rel: &str, href: &str, example: Option<&str>) -> Value {
    json!({ "rel": rel, "href": href, "example": example })
}

/// Bank, login and session, as every 200 about a session has them.
fn about(state: &State, session: &Session) -> Map<String, Value> {
    let bank = session.identity.institution;
    let stored = state.logins.get(&session.identity.login_id);
    let mut login = stored.map_or_else(
        || {
            json!({
                "Username": session.identity.user.name,
                "IsScheduledRefresh": false,
                "LastRefresh": last_refresh(None),
                "Type": "Personal",
                "Id": session.identity.login_id.as_str(),
            })
        },
        login_body,
    );
    if let (Freshness::Cached { as_of_ms }, Some(login)) = (session.freshness, login.as_object_mut()) {
        // A session over stored data is as old as the data, whatever has happened to the login since.
        login.insert("LastRefresh".to_owned(), last_refresh(Some(as_of_ms)).into());
    }
    let mut body = Map::new();
    body.insert("Institution".to_owned(), bank.name.into());
    body.insert("InstitutionName".to_owned(), bank.name.into());
    body.insert("InstitutionId".to_owned(), bank.id.into());
    body.insert("Login".to_owned(), login);
    body.insert("RequestId".to_owned(), session.id.as_str().into());
    body
}

fn login_body(login: &Login) -> Value {
    json!({
        "Username": login.identity.user.name,
        "IsScheduledRefresh": login.is_scheduled_refresh,
        "LastRefresh": last_refresh(login.last_refresh_ms),
        "Type": "Personal",
        "Id": login.identity.login_id.as_str(),
    })
}

fn last_refresh(moment_ms: Option<u64>) -> String {
    moment_ms.map_or_else(|| "0001-01-01T00:00:00".to_owned(), ledger::moment_at)
}

fn with_tag(session: &Session, mut body: Value) -> Value {
    if let (Some(object), Some(tag)) = (body.as_object_mut(), &session.tag) {
        object.insert("Tag".to_owned(), tag.as_str().into());
    }
    body
}

fn account_body(data: &Dataset, entry: &AccountData) -> Value {
    let AccountData { account, balance_cents, transactions } = entry;
    let limit = account.kind.limit_cents();
    let available = limit.map_or(*balance_cents, |limit| limit - balance_cents);
    let mut body = json!({
        "Id": account.id.as_str(),
        "Title": account.kind.title(),
        "LastFourDigits": account.last_four(),
        "Category": account.kind.category(),
        "Type": account.kind.name(),
        "AccountType": "Personal",
        "Currency": "CAD",
        "OverdraftLimit": 0,
        "EftEligibleRatio": if limit.is_none() { 1.0 } else { 0.0 },
        "ETransferEligibleRatio": if limit.is_none() { 1.0 } else { 0.0 },
    });
    let Some(object) = body.as_object_mut() else { return body };
    let mut include = |part: Part, name: &str, value: Value| {
        object.insert(name.to_owned(), if part == Part::Included { value } else { Value::Null });
    };
    include(data.order.identity, "AccountNumber", account.number.as_str().into());
    include(data.order.identity, "TransitNumber", account.transit.as_str().into());
    include(data.order.identity, "InstitutionNumber", data.session.identity.institution.number.into());
    include(data.order.holder, "Holder", holder_body());
    include(
        data.order.balance,
        "Balance",
        json!({ "Available": amount(available), "Current": amount(*balance_cents), "Limit": limit.map(amount) }),
    );
    if let Some(transactions) = transactions {
        include(Part::Included, "Transactions", transactions.iter().map(transaction_body).collect());
    }
    body
}

fn transaction_body(entry: &Transaction) -> Value {
    let cents = entry.cents;
    json!({
        "Id": entry.id.to_string(),
        "Date": entry.date.to_string(),
        "Code": null,
        "Description": entry.description,
        "Debit": (cents < 0).then(|| amount(-cents)),
        "Credit": (cents >= 0).then(|| amount(cents)),
        "Balance": amount(entry.balance_cents),
    })
}

fn holder_body() -> Value {
    json!({
        "Name": "Jordan Sample",
        "Address": {
            "CivicAddress": "100 Example Street",
            "City": "Montreal",
            "Province": "QC",
            "PostalCode": "H0H 0H0",
            "POBox": null,
            "Country": "CA",
        },
        "Email": "jordan.sample@example.com",
        "PhoneNumber": "(514) 555-0100",
    })
}

fn statements_body(seed: u64, data: &Dataset, entry: &AccountData) -> Value {
    let books = Ledger::new(seed, &data.session.identity.login_id);
    let account = &entry.account;
    let statements: Vec<_> = statement::closing_days(data.day, data.order.statements)
        .into_iter()
        .map(|closing| {
            let mut lines = vec![
                format!("{} (sandbox: not a real bank)", data.session.identity.institution.name),
                format!("{} {}, closing {closing}", account.kind.title(), account.number),
                String::new(),
            ];
            for entry in books.transactions(account.kind, closing.first_of_month(), closing).iter().rev() {
                lines.push(format!("{}  {:<28}{:>12.2}{:>12.2}", entry.date, entry.description, amount(entry.cents), amount(entry.balance_cents)));
            }
            let id = Uuid::new_v5(&demo::NAMESPACE, format!("{}/{closing}", account.id.as_str()).as_bytes());
            json!({ "UniqueId": id.to_string(), "FileType": "PDF", "Base64Bytes": BASE64_STANDARD.encode(statement::pdf(&lines)) })
        })
        .collect();
    json!({ "AccountId": account.id.as_str(), "AccountNumber": account.number, "Statements": statements })
}

/// Cents as a JSON number. Sandbox amounts stay far below the 2⁵³ where a double becomes inexact.
#[allow(clippy::cast_precision_loss)]
fn amount(cents: i64) -> f64 {
    cents as f64 / 100.0
}

fn message(code: &FlinksCode) -> &'static str {
    const MESSAGES: &[(FlinksCode, &str)] = &[
        (code::OPERATION_PENDING, "Your operation is still processing"),
        (code::OPERATION_DISPATCHED, "Your operation takes long and goes on in the background"),
        (code::CARD_IN_USE, "This card is still being processed"),
        (code::SESSION_NONEXISTENT, "There is no such session or card"),
        (code::SESSION_EXPIRED, "The session has expired"),
        (code::UNAUTHORIZED, "You must provide a valid auth key"),
        (code::INVALID_REQUEST, "The request is malformed, or a field is missing or of the wrong type"),
        (code::INVALID_LOGIN, "There is no such login"),
        (
            code::INVALID_SECURITY_RESPONSE_NO_RETRY,
            "The answer is wrong, and the bank takes no more answers in this session",
        ),
        (code::UNKNOWN_CHALLENGE_KEY, "The answer is to a question that was not asked"),
        (code::METHOD_NOT_AVAILABLE, "There is no such method on this instance"),
    ];
    MESSAGES.iter().find(|(known, _)| known.name == code.name).map_or("The operation failed", |(_, text)| text)
}
