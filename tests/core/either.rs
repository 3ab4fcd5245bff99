//! “Flinks may do X or Y”: every reading of what Flinks does not document, played to its end, and the table of them, printed.
//!
//! Nothing here can reach the real Flinks, so both readings must end well: a genuine success is never refused, and a live session is
//! never ended by a guess. What a browser decides about them is played in browsers (`tests/e2e/tests/either.rs`), what the backend
//! decides in `crates/backend`.

use std::io::{self, Write as _};

use flinks_connect::id::{AccountId, RequestId};
use flinks_reconnect::session::{Outcome, Phase};
use serde_json::{Value, json};

use crate::support::*;

/// One reading of something that Flinks leaves open.
struct Row {
    unsaid: &'static str,
    reading: &'static str,
    play: fn() -> Driver,
    ending: &'static str,
}

const fn row(unsaid: &'static str, reading: &'static str, play: fn() -> Driver, ending: &'static str) -> Row {
    Row { unsaid, reading, play, ending }
}

/// How it stands at the end, in the words of the contract.
fn ending(session: &Driver) -> String {
    let waits = session.session.can_retry().then(|| Outcome::Failed(session.failure().clone()));
    let told = match waits.as_ref().or(session.outcomes.last()) {
        Some(Outcome::Reconnected { result, .. }) => {
            let login = session.login().unwrap_or("null");
            let login = if login == LOGIN { "the login" } else { login };
            let request = match result.request_id.as_ref().map(RequestId::as_str) {
                Some(REQUEST) => "the session",
                Some(OTHER_REQUEST) => "Flinks' session",
                Some(_) => "some session",
                None => "no session",
            };
            let accounts: Vec<_> = result.account_ids.iter().map(AccountId::as_str).collect();
            let accounts = if accounts.is_empty() { String::new() } else { format!(", {} accounts", accounts.len()) };
            format!("reconnected ({}): {login}, {request}{accounts}", result.mode.as_str())
        }
        Some(Outcome::UpToDate) => "upToDate".to_owned(),
        Some(Outcome::Failed(failure)) => match failure.flinks_code {
            Some(code) => format!("{} ({code})", failure.code.as_str()),
            None => failure.code.as_str().to_owned(),
        },
        None => format!("still {}, view {:?}", session.phase().as_str(), session.view),
    };
    match session.call {
        0 | 1 => told,
        calls => format!("{told}, start asked {calls} times"),
    }
}

/// This REDIRECT, accepted by the backend.
fn ends_with(redirect: Value) -> Driver {
    let mut session = at_mfa();
    session.connect_says(redirect);
    delivered(session)
}

/// Time passes until something is sent, and the backend takes it.
fn delivered(mut session: Driver) -> Driver {
    if session.deliveries.is_empty() {
        session.advance(2 * SECOND);
    }
    if session.phase() == Phase::Delivering {
        session.host_answers(200);
    }
    session
}

const INSIDE: &str = "https://app.example.com/done";

/// The page asked for a `redirectUrl`, and Connect ends inside its frame.
fn ends_inside_at(url: &str) -> Driver {
    let mut session = at_mfa_with(with(interrupted(), json!({ "params": { "redirectUrl": INSIDE } })));
    session.connect_says(by_url(url));
    delivered(session)
}

fn by_url(url: &str) -> Value {
    json!({ "step": "REDIRECT", "institution": BANK, "url": url })
}

fn query() -> String {
    format!("loginId={LOGIN}&institution={BANK}")
}

/// A session that the host began, with what Connect does when it meets its `requestId`.
fn comes_back_to(first: &[&str]) -> Driver {
    let mut session = Driver::new(by_start());
    session.host_starts(challenge());
    session.step("APP_MOUNTED");
    for step in first {
        session.step(step);
    }
    session
}

/// The renewed one is answered.
fn answered(mut session: Driver) -> Driver {
    if session.phase() == Phase::Starting {
        session.host_starts(challenge());
        session.step("APP_MOUNTED");
        session.step("COMPONENT_LOAD_MFA");
    }
    session.step("SUBMIT_MFA");
    session.connect_says(redirect());
    delivered(session)
}

#[allow(clippy::too_many_lines, reason = "one table")]
fn rows() -> Vec<Row> {
    const RESUMED: &str = "reconnected (resume): the login, the session";
    const REFRESHED: &str = "reconnected (refresh): the login, the session";
    vec![
        // REDIRECT.
        row("where the login stands", "in url only", || ends_with(by_url(&landing(&query()))), RESUMED),
        row(
            "where the login stands",
            "in fields only",
            || ends_with(json!({ "step": "REDIRECT", "loginId": LOGIN, "requestId": REQUEST })),
            RESUMED,
        ),
        row("where the login stands", "in both", || ends_with(redirect()), RESUMED),
        row(
            "where the login stands",
            "in both, said twice alike",
            || ends_with(with(redirect(), json!({ "url": landing(&format!("{0}&{0}", query())) }))),
            RESUMED,
        ),
        row(
            "where the login stands",
            "nowhere, then in a second REDIRECT",
            || {
                let mut session = at_mfa();
                session.step("REDIRECT");
                session.advance(SECOND);
                session.connect_says(redirect());
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "where the login stands",
            "nowhere",
            || ends_with(json!({ "step": "REDIRECT" })),
            "reconnected (resume): null, the session",
        ),
        row(
            "where the login stands",
            "nowhere, and named while it is delivered",
            || {
                let mut session = at_mfa();
                session.step("REDIRECT");
                session.advance(2 * SECOND);
                session.connect_says(redirect());
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "where the login stands",
            "nowhere, and no session is known",
            || {
                let mut session = Driver::new(by_start());
                session.host_starts(full_flow());
                session.step("APP_MOUNTED");
                session.step("REDIRECT");
                delivered(session)
            },
            "CONFLICT",
        ),
        row("what url is without a redirectUrl", "the host's page", || ends_with(by_url(&landing(&query()))), RESUMED),
        row(
            "what url is without a redirectUrl",
            "Connect's own result page",
            || ends_with(by_url(&format!("{CONNECT_ORIGIN}/v2/Result/{BANK}?thank-you=true&{}", query()))),
            RESUMED,
        ),
        row(
            "what url is without a redirectUrl",
            "relative",
            || ends_with(by_url(&format!("/v2/Result/{BANK}?thank-you=true&{}", query()))),
            RESUMED,
        ),
        row(
            "what url is without a redirectUrl",
            "empty, beside a field",
            || ends_with(with(redirect(), json!({ "url": "" }))),
            RESUMED,
        ),
        row(
            "what url is without a redirectUrl",
            "no web address, beside a field",
            || ends_with(with(redirect(), json!({ "url": "about:blank" }))),
            RESUMED,
        ),
        row(
            "what url is without a redirectUrl",
            "no text, beside a field",
            || ends_with(with(redirect(), json!({ "url": {} }))),
            RESUMED,
        ),
        row(
            "what url is with a redirectUrl that ends inside",
            "redirectUrl",
            || ends_inside_at(&format!("{INSIDE}?{}", query())),
            RESUMED,
        ),
        row(
            "what url is with a redirectUrl that ends inside",
            "Connect's own result page",
            || ends_inside_at(&format!("{CONNECT_ORIGIN}/v2/Result/{BANK}?thank-you=true&{}", query())),
            RESUMED,
        ),
        row("the case of names", "as documented", || ends_with(redirect()), RESUMED),
        row(
            "the case of names",
            "another",
            || ends_with(json!({ "Step": "REDIRECT", "LoginId": LOGIN, "Url": landing(&format!("LOGINID={LOGIN}")) })),
            RESUMED,
        ),
        row("the form of messages", "objects", || ends_with(redirect()), RESUMED),
        row("the form of messages", "JSON text", || ends_with(Value::String(redirect().to_string())), RESUMED),
        row("which session REDIRECT names", "the launched one", || ends_with(redirect()), RESUMED),
        row(
            "which session REDIRECT names",
            "another",
            || ends_with(with(redirect(), json!({ "requestId": OTHER_REQUEST }))),
            "reconnected (resume): the login, Flinks' session",
        ),
        row(
            "which session REDIRECT names",
            "none",
            || ends_with(with(redirect(), json!({ "requestId": null }))),
            RESUMED,
        ),
        row(
            "whether the tag comes back",
            "it does",
            || {
                let mut session = Driver::new(with(interrupted(), json!({ "params": { "tag": TAG } })));
                session.connect_says(with(redirect(), json!({ "tag": TAG })));
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "whether the tag comes back",
            "it does not",
            || {
                let mut session = Driver::new(with(interrupted(), json!({ "params": { "tag": TAG } })));
                session.connect_says(redirect());
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "how often REDIRECT comes",
            "twice, in another shape",
            || {
                let mut session = delivering();
                session.connect_says(by_url(&landing(&query())));
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "how often REDIRECT comes",
            "twice, with another requestId",
            || {
                let mut session = delivering();
                session.connect_says(with(redirect(), json!({ "requestId": OTHER_REQUEST })));
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "how often REDIRECT comes",
            "twice, with another login",
            || {
                let mut session = delivering();
                session.connect_says(redirect_of_other_login());
                delivered(session)
            },
            RESUMED,
        ),
        row(
            "which key has the accounts",
            "accountId",
            || ends_with(with(redirect(), json!({ "accountId": format!("{CHEQUING},{SAVINGS}") }))),
            "reconnected (resume): the login, the session, 2 accounts",
        ),
        row(
            "which key has the accounts",
            "resumeSelectedAccounts",
            || ends_with(with(redirect(), json!({ "resumeSelectedAccounts": [CHEQUING, SAVINGS] }))),
            "reconnected (resume): the login, the session, 2 accounts",
        ),
        row(
            "which key has the accounts",
            "none: those launched",
            || {
                let mut session = at_mfa_with(with(interrupted(), json!({ "resumeSelectedAccounts": [CHEQUING] })));
                session.connect_says(redirect());
                delivered(session)
            },
            "reconnected (resume): the login, the session, 1 accounts",
        ),
        row(
            "how selected accounts travel",
            "separated by commas",
            || {
                let session =
                    at_mfa_with(with(interrupted(), json!({ "resumeSelectedAccounts": [CHEQUING, SAVINGS] })));
                assert_eq!(session.frame_parameter("resumeSelectedAccounts"), Some(format!("{CHEQUING},{SAVINGS}")));
                answered(session)
            },
            "reconnected (resume): the login, the session, 2 accounts",
        ),
        row(
            "how selected accounts travel",
            "as the host writes them",
            || {
                let ready = format!("[\"{CHEQUING}\"]");
                let session = at_mfa_with(with(interrupted(), json!({ "resumeSelectedAccounts": ready })));
                assert_eq!(session.frame_parameter("resumeSelectedAccounts"), Some(ready));
                answered(session)
            },
            RESUMED,
        ),
        // A session that is over.
        row(
            "what an expired requestId meets",
            "SESSION_EXPIRED",
            || answered(comes_back_to(&["SESSION_EXPIRED"])),
            "reconnected (refresh): the login, the session, start asked 2 times",
        ),
        row(
            "what an expired requestId meets",
            "SESSION_NONEXISTENT",
            || answered(comes_back_to(&["SESSION_NONEXISTENT"])),
            "reconnected (refresh): the login, the session, start asked 2 times",
        ),
        row(
            "what an expired requestId meets",
            "INVALID_REQUEST",
            || answered(comes_back_to(&["INVALID_REQUEST"])),
            "reconnected (refresh): the login, the session, start asked 2 times",
        ),
        row(
            "what an expired requestId meets",
            "the bank list, gone through",
            || {
                answered(comes_back_to(&[
                    "COMPONENT_LOAD_INSTITUTION_SELECTOR",
                    "COMPONENT_LOAD_CREDENTIAL",
                    "SUBMIT_CREDENTIAL",
                ]))
            },
            "reconnected (connect): the login, the session",
        ),
        row(
            "what an expired requestId meets",
            "the bank list, under fullFlow: stop",
            || {
                let mut session = at_mfa_with(with(interrupted(), json!({ "fullFlow": "stop" })));
                session.step("COMPONENT_LOAD_INSTITUTION_SELECTOR");
                session
            },
            "FULL_FLOW",
        ),
        row(
            "what an expired requestId meets",
            "silence after mounting, the user starts again",
            || {
                let mut session = comes_back_to(&[]);
                session.advance(9 * MINUTE);
                session.user_retries();
                answered(session)
            },
            "reconnected (refresh): the login, the session, start asked 2 times",
        ),
        row(
            "what an expired requestId meets",
            "silence",
            || {
                let mut session = Driver::new(by_start());
                session.host_starts(challenge());
                session.advance(20 * SECOND);
                session
            },
            "LOAD_TIMEOUT",
        ),
        row(
            "when an unanswered question dies",
            "after eight minutes: the answer meets a dead session",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_MFA"]);
                session.advance(9 * MINUTE);
                session.step("SUBMIT_MFA");
                session.step("SESSION_EXPIRED");
                answered(session)
            },
            "reconnected (refresh): the login, the session, start asked 2 times",
        ),
        row(
            "when an unanswered question dies",
            "later: the answer is taken",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_MFA"]);
                session.advance(20 * MINUTE);
                answered(session)
            },
            REFRESHED,
        ),
        row(
            "when an unanswered question dies",
            "nobody comes back",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_MFA"]);
                session.advance(30 * MINUTE);
                session
            },
            "SESSION_EXPIRED",
        ),
        row(
            "when other screens time out",
            "never: the bank list after 25 minutes",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_INSTITUTION_SELECTOR"]);
                session.advance(25 * MINUTE);
                session.step("SUBMIT_CREDENTIAL");
                answered(session)
            },
            "reconnected (connect): the login, the session",
        ),
        row(
            "when other screens time out",
            "never: a bank that works for 25 minutes",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_MFA", "SUBMIT_MFA"]);
                session.page_is_hidden();
                session.advance(25 * MINUTE);
                session.connect_says(redirect());
                delivered(session)
            },
            REFRESHED,
        ),
        row("which token a page wants", "a fresh one", || answered(comes_back_to(&[])), REFRESHED),
        row(
            "which token a page wants",
            "the session's own",
            || answered(comes_back_to(&["TOKEN_INVALID"])),
            "reconnected (refresh): the login, the session, start asked 2 times",
        ),
        row(
            "which token a page wants",
            "neither",
            || {
                let mut session = comes_back_to(&["TOKEN_INVALID"]);
                session.host_starts(challenge());
                session.step("TOKEN_INVALID");
                session
            },
            "TOKEN_INVALID (TOKEN_INVALID), start asked 2 times",
        ),
        // Codes that Connect tells the user.
        row(
            "what follows a refused login",
            "nothing, and the user closes",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_MFA", "SUBMIT_MFA", "DISABLED_LOGIN"]);
                session.user_closes();
                session
            },
            "FLINKS (DISABLED_LOGIN)",
        ),
        row(
            "what follows a refused login",
            "nothing, and Connect's X",
            || comes_back_to(&["COMPONENT_LOAD_MFA", "UNAUTHORIZED", "COMPONENT_CLOSE_SESSION"]),
            "FLINKS (UNAUTHORIZED)",
        ),
        row(
            "what follows a refused login",
            "the question again, and success",
            || answered(comes_back_to(&["ACCESS_DENIED", "COMPONENT_LOAD_MFA_RETRY"])),
            REFRESHED,
        ),
        row(
            "what follows a refused login",
            "the bank list, and success at another bank",
            || {
                answered(comes_back_to(&[
                    "DISABLED_INSTITUTION",
                    "COMPONENT_LOAD_INSTITUTION_SELECTOR",
                    "SUBMIT_CREDENTIAL",
                ]))
            },
            "reconnected (connect): the login, the session",
        ),
        row(
            "what follows a refused login",
            "the bank list, and the user closes",
            || {
                let mut session = comes_back_to(&["DISABLED_INSTITUTION", "COMPONENT_LOAD_INSTITUTION_SELECTOR"]);
                session.user_closes();
                session
            },
            "CANCELLED (DISABLED_INSTITUTION)",
        ),
        row(
            "codes that Flinks adds",
            "one that nobody knows",
            || {
                let mut session = comes_back_to(&["COMPONENT_LOAD_MFA"]);
                session.connect_says(json!({ "flinksCode": "CODE_FROM_THE_FUTURE" }));
                answered(session)
            },
            REFRESHED,
        ),
        row(
            "what a bank asks",
            "a type that nobody has documented",
            || {
                let mut session = comes_back_to(&[]);
                session.connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "mfaTypes": ["TrustedDevice"] }));
                answered(session)
            },
            REFRESHED,
        ),
        row(
            "what a bank asks",
            "the same again after the answer",
            || answered(comes_back_to(&["COMPONENT_LOAD_MFA", "SUBMIT_MFA", "COMPONENT_LOAD_MFA"])),
            REFRESHED,
        ),
        row(
            "what a bank asks",
            "several things at once",
            || {
                let mut session = comes_back_to(&[]);
                let types = json!(["QuestionAndAnswer", "MultipleChoice"]);
                session.connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "mfaTypes": types }));
                answered(session)
            },
            REFRESHED,
        ),
        // Banks with OAuth, and the full flow.
        row(
            "a reconnect at a bank with OAuth",
            "its window, without a list before it",
            || answered(comes_back_to(&["POPUP_OPENED"])),
            REFRESHED,
        ),
        row(
            "a reconnect at a bank with OAuth",
            "refused, and its window in the full flow",
            || {
                let mut session = Driver::new(by_start());
                session.host_starts(full_flow());
                for step in [
                    "APP_MOUNTED",
                    "POPUP_OPENED",
                    "ACCESS_DENIED",
                    "POPUP_OPENED",
                    "COMPONENT_ACCEPT_PROVIDER_CONSENT",
                ] {
                    session.step(step);
                }
                session.connect_says(redirect());
                delivered(session)
            },
            "reconnected (connect): the login, the session",
        ),
        row(
            "a reconnect at a bank with OAuth",
            "the list, then its window",
            || answered(comes_back_to(&["COMPONENT_LOAD_INSTITUTION_SELECTOR", "POPUP_OPENED"])),
            "reconnected (connect): the login, the session",
        ),
        row(
            "a list on the way to the question",
            "it flashes by",
            || answered(comes_back_to(&["COMPONENT_LOAD_INSTITUTION_SELECTOR", "COMPONENT_LOAD_MFA"])),
            REFRESHED,
        ),
        row(
            "a list on the way to the question",
            "it is gone through",
            || {
                answered(comes_back_to(&[
                    "COMPONENT_LOAD_INSTITUTION_SELECTOR",
                    "COMPONENT_LOAD_CREDENTIAL",
                    "SUBMIT_CREDENTIAL",
                    "COMPONENT_LOAD_MFA",
                ]))
            },
            "reconnected (connect): the login, the session",
        ),
        row(
            "a first connection that is interrupted",
            "a session was named on the way",
            || {
                let mut session = Driver::new(by_start());
                session.host_starts(full_flow());
                session.connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "requestId": REQUEST }));
                session.user_closes();
                let request_id = session.session.request_id().map(|id| id.as_str().to_owned());
                let options = with(interrupted(), json!({ "requestId": request_id }));
                answered(at_mfa_with(options))
            },
            RESUMED,
        ),
    ]
}

#[test]
fn every_reading_of_what_flinks_does_not_say_ends_well() {
    let rows = rows();
    let mut table = String::from("\n| Flinks does not say | it may be | ending |\n|---|---|---|\n");
    let mut wrong = Vec::new();
    for Row { unsaid, reading, play, ending: expected } in &rows {
        let got = ending(&play());
        table.extend(["| ", unsaid, " | ", reading, " | ", &got, " |\n"]);
        if got != *expected {
            wrong.push(format!("{unsaid}, {reading}: expected {expected}, got {got}"));
        }
    }
    // Past the test runner, which keeps what a passing test prints to itself.
    writeln!(io::stdout(), "{table}").expect("standard output");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut unsaid: Vec<_> = rows.iter().map(|row| row.unsaid).collect();
    unsaid.dedup();
    for name in unsaid {
        let readings = rows.iter().filter(|row| row.unsaid == name).count();
        assert!(
            readings >= 2 || ["codes that Flinks adds", "a first connection that is interrupted"].contains(&name),
            "{name}: one reading only"
        );
    }
}
