//! The table of `src/session/machine/mod.rs`, exhaustively: every place a session can stand at × every input there is.
//!
//! A cell is the phase afterwards. `.` is: nothing changed at all — no output, no deadline moved. `=` is: the phase is the same, but
//! something was done or said (which is what `scenarios.rs` is about).

#![allow(clippy::panic, clippy::indexing_slicing, reason = "helpers of tests: a broken premise must stop the test")]

use flinks_reconnect::session::{
    ErrorCode, HostAnswer, Input, LoadProblem, LockState, NoStart, Outcome, PageState, Phase, StartReply,
};
use serde_json::json;

use crate::support::*;

/// A session with `start` and `deliver`; its REDIRECTs carry a tag to contradict.
///
/// `unbegun` is `starting` before anything was asked, `claiming` before the browser has said who holds the session; `warned`, `overdue`,
/// `answering` and `leaving` are `active` about to expire, past that, in the middle of an answer, and asked whether to leave it; `nameless`
/// waits for the login that its REDIRECT left out; `again` marks a session that has used up both renewals; `backoff` one that waits for its next delivery try; `load`, `expired`, `token` and
/// `undeliv` are `failed` in the four ways a retry helps, `failed` is any other.
const BY_START: &str = "
                        unbegun starting again   claiming loading    again      active     again      warned     overdue    answering  leaving    nameless deliver backoff done failed load     expired  token    undeliv    closed
begin                   =       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_challenge         .       loading  loading .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_connect           .       loading  loading .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_up_to_date        .       done     done    .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_nonsense          .       failed   failed  .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_refused           .       failed   failed  .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_unreachable       .       failed   failed  .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
start_of_abandoned_call .       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
posted_noise            .       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
app_mounted             .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
mfa                     .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
submitted               .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
unknown_step            .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
correctable_code        .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
unknown_code            .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
full_flow               .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
refused_code            .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
session_over            .       .        .       .        starting   failed     starting   failed     failed     failed     starting   starting   =        =       =       .    .      .        .        .        .          .
token_refused           .       .        .       .        starting   failed     starting   failed     failed     failed     starting   starting   =        =       =       .    .      .        .        .        .          .
closed_in_connect       .       .        .       .        closed     closed     closed     closed     closed     closed     closed     closed     =        =       =       .    .      .        .        .        .          .
consent_denied          .       .        .       .        closed     closed     closed     closed     closed     closed     closed     closed     =        =       =       .    .      .        .        .        .          .
redirect                .       .        .       .        delivering delivering delivering delivering delivering delivering delivering delivering =        =       =       .    .      .        .        .        .          .
redirect_as_text        .       .        .       .        delivering delivering delivering delivering delivering delivering delivering delivering =        =       =       .    .      .        .        .        .          .
redirect_other          .       .        .       .        delivering delivering delivering delivering delivering delivering delivering delivering =        =       =       .    .      .        .        .        .          .
redirect_contradicting  .       .        .       .        failed     failed     failed     failed     failed     failed     failed     failed     =        =       =       .    .      .        .        .        .          .
redirect_nameless       .       .        .       .        delivering delivering delivering delivering delivering delivering delivering delivering =        =       =       .    .      .        .        .        .          .
delivered               .       .        .       .        .          .          .          .          .          .          .          .          .        done    .       .    .      .        .        .        .          .
delivery_may_pass       .       .        .       .        .          .          .          .          .          .          .          .          .        =       .       .    .      .        .        .        .          .
delivery_unreachable    .       .        .       .        .          .          .          .          .          .          .          .          .        =       .       .    .      .        .        .        .          .
delivery_refused        .       .        .       .        .          .          .          .          .          .          .          .          .        failed  .       .    .      .        .        .        .          .
delivery_mismatch       .       .        .       .        .          .          .          .          .          .          .          .          .        failed  .       .    .      .        .        .        .          .
delivered_abandoned_try .       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
popup_blocked           .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
resized                 .       .        .       .        active     active     =          =          =          =          =          =          =        =       =       .    .      .        .        .        .          .
blocked                 .       .        .       .        failed     failed     .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
blocked_by_isolation    .       .        .       .        failed     failed     .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
claim_granted           .       .        .       loading  .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
claim_refused           .       .        .       failed   failed     failed     failed     failed     failed     failed     failed     failed     .        .       .       .    .      .        .        .        .          .
woken_early             .       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
woken_at_deadline       .       =        =       loading  =          =          =          =          =          failed     =          =          =        =       =       .    .      .        .        .        .          .
woken_an_hour_late      .       failed   failed  loading  failed     failed     failed     failed     failed     failed     failed     failed     =        =       =       .    .      .        .        .        .          .
page_hidden             .       .        .       .        .          .          .          .          .          failed     .          .          .        .       .       .    .      .        .        .        .          .
page_left               .       .        .       .        .          .          .          .          .          .          .          .          =        .       =       .    .      .        .        .        .          .
offline                 .       =        =       =        =          =          =          =          .          .          =          .          =        =       =       .    .      .        .        .        .          .
online                  .       .        .       .        .          .          .          .          .          .          .          .          .        .       =       .    .      .        .        .        .          .
user_stays              .       .        .       .        .          .          .          .          =          =          .          =          .        .       .       .    .      .        .        .        .          .
user_retries            .       .        .       .        .          .          .          .          starting   starting   .          .          .        .       .       .    .      starting starting starting delivering .
user_closes             closed  closed   closed  closed   closed     closed     closed     closed     closed     closed     =          closed     =        =       =       .    =      =        =        =        =          .
page_closes             closed  closed   closed  closed   closed     closed     closed     closed     closed     closed     closed     closed     =        =       =       .    =      =        =        =        =          .
frame_moved             .       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      .        .        .        .          .
retry                   .       .        .       .        .          .          .          .          .          .          .          .          .        .       .       .    .      starting starting starting delivering .
";

/// A session with `requestId`, without `deliver`, that stops at the full flow.
const BY_REQUEST_ID: &str = "
                        unbegun claiming loading    active     warned     overdue    answering  leaving    done failed load    expired token closed
begin                   loading .        .          .          .          .          .          .          .    .      .       .       .     .
start_challenge         .       .        .          .          .          .          .          .          .    .      .       .       .     .
start_connect           .       .        .          .          .          .          .          .          .    .      .       .       .     .
start_up_to_date        .       .        .          .          .          .          .          .          .    .      .       .       .     .
start_nonsense          .       .        .          .          .          .          .          .          .    .      .       .       .     .
start_refused           .       .        .          .          .          .          .          .          .    .      .       .       .     .
start_unreachable       .       .        .          .          .          .          .          .          .    .      .       .       .     .
start_of_abandoned_call .       .        .          .          .          .          .          .          .    .      .       .       .     .
posted_noise            .       .        .          .          .          .          .          .          .    .      .       .       .     .
app_mounted             .       .        active     =          =          =          =          =          .    .      .       .       .     .
mfa                     .       .        active     =          =          =          =          =          .    .      .       .       .     .
submitted               .       .        active     =          =          =          =          =          .    .      .       .       .     .
unknown_step            .       .        active     =          =          =          =          =          .    .      .       .       .     .
correctable_code        .       .        active     =          =          =          =          =          .    .      .       .       .     .
unknown_code            .       .        active     =          =          =          =          =          .    .      .       .       .     .
full_flow               .       .        failed     failed     failed     failed     failed     failed     .    .      .       .       .     .
refused_code            .       .        active     =          =          =          =          =          .    .      .       .       .     .
session_over            .       .        failed     failed     failed     failed     failed     failed     .    .      .       .       .     .
token_refused           .       .        failed     failed     failed     failed     failed     failed     .    .      .       .       .     .
closed_in_connect       .       .        closed     closed     closed     closed     closed     closed     .    .      .       .       .     .
consent_denied          .       .        closed     closed     closed     closed     closed     closed     .    .      .       .       .     .
redirect                .       .        done       done       done       done       done       done       .    .      .       .       .     .
redirect_as_text        .       .        done       done       done       done       done       done       .    .      .       .       .     .
redirect_other          .       .        done       done       done       done       done       done       .    .      .       .       .     .
redirect_contradicting  .       .        failed     failed     failed     failed     failed     failed     .    .      .       .       .     .
redirect_nameless       .       .        delivering delivering delivering delivering delivering delivering .    .      .       .       .     .
delivered               .       .        .          .          .          .          .          .          .    .      .       .       .     .
delivery_may_pass       .       .        .          .          .          .          .          .          .    .      .       .       .     .
delivery_unreachable    .       .        .          .          .          .          .          .          .    .      .       .       .     .
delivery_refused        .       .        .          .          .          .          .          .          .    .      .       .       .     .
delivery_mismatch       .       .        .          .          .          .          .          .          .    .      .       .       .     .
delivered_abandoned_try .       .        .          .          .          .          .          .          .    .      .       .       .     .
popup_blocked           .       .        active     =          =          =          =          =          .    .      .       .       .     .
resized                 .       .        active     =          =          =          =          =          .    .      .       .       .     .
blocked                 .       .        failed     .          .          .          .          .          .    .      .       .       .     .
blocked_by_isolation    .       .        failed     .          .          .          .          .          .    .      .       .       .     .
claim_granted           .       loading  .          .          .          .          .          .          .    .      .       .       .     .
claim_refused           .       failed   failed     failed     failed     failed     failed     failed     .    .      .       .       .     .
woken_early             .       .        .          .          .          .          .          .          .    .      .       .       .     .
woken_at_deadline       .       =        =          =          =          failed     =          =          .    .      .       .       .     .
woken_an_hour_late      .       loading  failed     failed     failed     failed     failed     failed     .    .      .       .       .     .
page_hidden             .       .        .          .          .          failed     .          .          .    .      .       .       .     .
page_left               .       .        .          .          .          .          .          .          .    .      .       .       .     .
offline                 .       .        =          =          .          .          =          .          .    .      .       .       .     .
online                  .       .        .          .          .          .          .          .          .    .      .       .       .     .
user_stays              .       .        .          .          =          =          .          =          .    .      .       .       .     .
user_retries            .       .        .          .          .          .          .          .          .    .      loading .       .     .
user_closes             closed  closed   closed     closed     closed     closed     =          closed     .    =      =       =       =     .
page_closes             closed  closed   closed     closed     closed     closed     closed     closed     .    =      =       =       =     .
frame_moved             .       .        .          .          .          .          .          .          .    .      .       .       .     .
retry                   .       .        .          .          .          .          .          .          .    .      loading .       .     .
";

const TAGGED: &str = "tag-of-this-session";

/// Options of a column's session.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    ByStart,
    ByRequestId,
}

impl Kind {
    fn table(self) -> &'static str {
        match self {
            Self::ByStart => BY_START,
            Self::ByRequestId => BY_REQUEST_ID,
        }
    }

    fn options(self) -> serde_json::Value {
        match self {
            Self::ByStart => by_start(),
            Self::ByRequestId => {
                with(interrupted(), json!({ "deliver": null, "fullFlow": "stop", "params": { "tag": TAGGED } }))
            }
        }
    }

    fn begin(self) -> Driver {
        Driver::new(self.options())
    }

    /// A session whose frame is open.
    fn loading(self) -> Driver {
        let mut session = self.begin();
        if self == Self::ByStart {
            session.host_starts(tagged_challenge());
        }
        session
    }

    fn active(self) -> Driver {
        let mut session = self.loading();
        session.step("APP_MOUNTED");
        session
    }
}

fn tagged_challenge() -> serde_json::Value {
    with(challenge(), json!({ "tag": TAGGED }))
}

/// The session of column `column`, where its heading is `place`; `again` belongs to the column before it.
fn stand_at(kind: Kind, place: &str, before: &str) -> Driver {
    let mut session = match (before, place) {
        (_, "unbegun") => Driver::unbegun(kind.options(), OWN_ATTEMPT),
        (_, "starting") => kind.begin(),
        (_, "claiming") => {
            let mut session = Driver::unbegun(kind.options(), OWN_ATTEMPT);
            session.lock = None;
            session.handle(Input::Begin);
            if kind == Kind::ByStart {
                session.host_starts(tagged_challenge());
            }
            // As it is for the requests after this one.
            session.lock = Some(LockState::Granted);
            session
        }
        (_, "loading") => kind.loading(),
        (_, "active") => kind.active(),
        ("starting", "again") => renewed_twice(),
        ("loading", "again") => {
            let mut session = renewed_twice();
            session.host_starts(tagged_challenge());
            session
        }
        ("active", "again") => {
            let mut session = renewed_twice();
            session.host_starts(tagged_challenge());
            session.step("APP_MOUNTED");
            session
        }
        (_, "warned") => {
            let mut session = kind.active();
            session.advance(7 * MINUTE);
            session
        }
        (_, "overdue") => {
            let mut session = kind.active();
            session.advance(8 * MINUTE);
            session
        }
        (_, "nameless") => {
            let mut session = kind.active();
            session.connect_says(json!({ "step": "REDIRECT", "loginId": "?" }));
            session
        }
        (_, "answering" | "leaving") => {
            let mut session = kind.active();
            session.step("SUBMIT_MFA");
            if place == "leaving" {
                session.user_closes();
            }
            session
        }
        (_, "deliver" | "backoff" | "undeliv") => {
            let mut session = kind.active();
            session.connect_says(redirect());
            match place {
                "backoff" => session.host_answers_with(retry_after(503, 30 * SECOND)),
                "undeliv" => session.advance(120 * SECOND),
                _ => {}
            }
            session
        }
        (_, "done") => {
            let mut session = kind.active();
            session.connect_says(redirect());
            if kind == Kind::ByStart {
                session.host_answers(200);
            }
            session
        }
        (_, "failed") => {
            let mut session = kind.active();
            session.connect_says(with(redirect(), json!({ "tag": "tag-of-a-stranger" })));
            session
        }
        (_, "load") => {
            let mut session = kind.loading();
            session.advance(20 * SECOND);
            session
        }
        (_, "expired" | "token") => {
            let step = if place == "token" { "TOKEN_INVALID" } else { "SESSION_EXPIRED" };
            let mut session = kind.active();
            session.step(step);
            if session.phase() == Phase::Starting {
                session.host_starts(tagged_challenge());
                session.step(step);
            }
            session
        }
        (_, "closed") => {
            let mut session = kind.active();
            session.user_closes();
            session
        }
        other => panic!("no such column: {other:?}"),
    };
    session.skip();
    session
}

/// Back at the host for the third time: both renewals are used up.
fn renewed_twice() -> Driver {
    let mut session = Kind::ByStart.active();
    session.step("SESSION_EXPIRED");
    session.host_starts(tagged_challenge());
    session.step("TOKEN_INVALID");
    assert_eq!(session.phase(), Phase::Starting);
    session
}

/// What the row named `input` does to a session.
fn apply(session: &mut Driver, input: &str) {
    let call = session.call;
    let try_number = session.try_number;
    match input {
        "begin" => session.handle(Input::Begin),
        "start_challenge" => session.host_starts(tagged_challenge()),
        "start_connect" => session.host_starts(full_flow()),
        "start_up_to_date" => session.host_starts(json!({ "status": "upToDate" })),
        "start_nonsense" => session.host_starts(json!({ "status": "nonsense" })),
        "start_refused" => session.host_refuses_start(refused(500)),
        "start_unreachable" => session.host_refuses_start(HostAnswer::Unreachable),
        "start_of_abandoned_call" => session.handle(Input::Started { call: call + 1, reply: Ok(StartReply::UpToDate) }),
        "posted_noise" => session.connect_says(json!({ "noise": 1 })),
        "app_mounted" => session.step("APP_MOUNTED"),
        "mfa" => session.step("COMPONENT_LOAD_MFA"),
        "submitted" => session.step("SUBMIT_MFA"),
        "unknown_step" => session.step("STEP_FROM_THE_FUTURE"),
        "correctable_code" => session.connect_says(json!({ "flinksCode": "INVALID_SECURITY_RESPONSE" })),
        "unknown_code" => session.connect_says(json!({ "flinksCode": "CODE_FROM_THE_FUTURE" })),
        "full_flow" => session.step("COMPONENT_LOAD_CREDENTIAL"),
        "refused_code" => session.step("DISABLED_LOGIN"),
        "session_over" => session.connect_says(json!({ "flinksCode": "SESSION_NONEXISTENT" })),
        "token_refused" => session.step("TOKEN_INVALID"),
        "closed_in_connect" => session.step("COMPONENT_CLOSE_SESSION"),
        "consent_denied" => session.step("COMPONENT_DENY_CONSENT"),
        "redirect" => session.connect_says(redirect()),
        "redirect_as_text" => session.connect_says(json!(redirect().to_string())),
        "redirect_other" => session.connect_says(redirect_of_other_login()),
        "redirect_contradicting" => session.connect_says(with(redirect(), json!({ "tag": "tag-of-a-stranger" }))),
        "redirect_nameless" => session.connect_says(json!({ "step": "REDIRECT", "loginId": "?" })),
        "delivered" => session.host_answers(200),
        "delivery_may_pass" => session.host_answers(503),
        "delivery_unreachable" => session.host_answers_with(HostAnswer::Unreachable),
        "delivery_refused" => session.host_answers(422),
        "delivery_mismatch" => session.host_answers_with(refused_with_code(409, "LOGIN_MISMATCH")),
        "delivered_abandoned_try" => {
            session.handle(Input::Delivered { try_number: try_number + 1, answer: &HostAnswer::Ok });
        }
        "woken_early" => {
            let deadline_ms = session.session.deadline_ms().unwrap_or(session.now_ms + SECOND);
            session.sleep(deadline_ms - 1 - session.now_ms);
        }
        "woken_at_deadline" => {
            let deadline_ms = session.session.deadline_ms().unwrap_or(session.now_ms);
            session.sleep(deadline_ms - session.now_ms);
        }
        "woken_an_hour_late" => session.sleep_and_hear(60 * MINUTE),
        "page_hidden" => session.page_is_hidden(),
        "page_left" => session.page_is_left(),
        "popup_blocked" => session.step("POPUP_BLOCKED"),
        "resized" => session.connect_says(json!({ "step": "APP_RESIZE", "height": 700 })),
        "blocked" => session.handle(Input::Blocked(LoadProblem::Policy)),
        "blocked_by_isolation" => session.handle(Input::Blocked(LoadProblem::Isolation)),
        "claim_granted" => session.handle(Input::Lock(LockState::Granted)),
        "claim_refused" => session.handle(Input::Lock(LockState::HeldElsewhere)),
        "offline" => session.goes_offline(),
        "online" => session.goes_online(),
        "user_stays" => session.user_stays(),
        "user_retries" => session.user_retries(),
        "user_closes" => session.user_closes(),
        "frame_moved" => session.frame_moved(),
        "page_closes" => session.page_closes(),
        "retry" => session.retry(),
        other => panic!("no such row: {other}"),
    }
}

struct Cell {
    input: &'static str,
    place: &'static str,
    before: &'static str,
    expected: &'static str,
}

fn cells(kind: Kind) -> Vec<Cell> {
    let mut rows =
        kind.table().lines().filter(|row| !row.is_empty()).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let heading = rows.next().unwrap_or_default();
    let mut cells = Vec::new();
    for row in rows {
        assert_eq!(row.len(), heading.len() + 1, "row {row:?}");
        for (column, place) in heading.iter().enumerate() {
            let before = if column == 0 { "" } else { heading[column - 1] };
            cells.push(Cell { input: row[0], place, before, expected: row[column + 1] });
        }
    }
    cells
}

/// Fails with every wrong cell at once: one wrong rule shows as its whole pattern.
#[track_caller]
fn is_as_the_table_says(kind: Kind) {
    let mut wrong = Vec::new();
    let cells = cells(kind);
    for Cell { input, place, before, expected } in &cells {
        let mut session = stand_at(kind, place, before);
        let phase = session.phase();
        let deadline_ms = session.session.deadline_ms();
        let settled = session.outcomes.len();
        let is_over = |session: &Driver| session.phase().is_final() && !session.session.can_retry();
        let was_over = is_over(&session);
        apply(&mut session, input);
        let heard = session.heard();
        let got = if session.phase() != phase {
            session.phase().as_str()
        } else if heard.is_empty() && session.session.deadline_ms() == deadline_ms {
            "."
        } else {
            "="
        };
        let settles = session.outcomes.len() - settled;
        let ends = !was_over && is_over(&session);
        if got != *expected || settles != usize::from(ends) {
            wrong.push(format!(
                "{input} at {before} {place}: expected {expected}, got {got}, {settles} endings: {heard:?}"
            ));
        }
        let is_unbegun = *place == "unbegun" && got == ".";
        let has_deadline = session.session.deadline_ms().is_some();
        assert_eq!(has_deadline, !session.phase().is_final() && !is_unbegun, "{input} at {place}");
    }
    println!("{} cells", cells.len());
    assert!(wrong.is_empty(), "{} wrong of {}:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
}

/// The rows that are about this input. An input that has none does not compile, and one whose row is missing fails below.
fn rows_of(input: &Input<'_>) -> &'static [&'static str] {
    match input {
        Input::Begin => &["begin"],
        Input::Started { .. } => &["start_challenge", "start_refused", "start_unreachable", "start_of_abandoned_call"],
        Input::Posted(_) => &["posted_noise", "app_mounted"],
        Input::Delivered { .. } => {
            &["delivered", "delivery_refused", "delivery_unreachable", "delivered_abandoned_try"]
        }
        Input::Lock(_) => &["claim_granted", "claim_refused"],
        Input::Blocked(_) => &["blocked", "blocked_by_isolation"],
        Input::Wake => &["woken_early", "woken_at_deadline", "woken_an_hour_late"],
        Input::Page(_) => &["page_hidden"],
        Input::PageLeft => &["page_left"],
        Input::Offline => &["offline"],
        Input::Online => &["online"],
        Input::UserClosed => &["user_closes"],
        Input::UserStays => &["user_stays"],
        Input::UserRetries => &["user_retries"],
        Input::FrameMoved => &["frame_moved"],
        Input::HostClosed => &["page_closes"],
        Input::Retry => &["retry"],
    }
}

#[test]
fn every_input_and_every_phase_stands_in_the_tables() {
    let answer = &HostAnswer::Unreachable;
    let letter = Letter(redirect());
    let inputs = [
        Input::Begin,
        Input::Started { call: 0, reply: Err(NoStart::Refused(answer)) },
        Input::Posted(&letter),
        Input::Delivered { try_number: 0, answer },
        Input::Lock(LockState::Granted),
        Input::Blocked(LoadProblem::Policy),
        Input::Wake,
        Input::Page(PageState::Hidden),
        Input::PageLeft,
        Input::Offline,
        Input::Online,
        Input::UserClosed,
        Input::UserStays,
        Input::UserRetries,
        Input::FrameMoved,
        Input::HostClosed,
        Input::Retry,
    ];
    for kind in [Kind::ByStart, Kind::ByRequestId] {
        let cells = cells(kind);
        for row in inputs.iter().flat_map(rows_of) {
            assert!(cells.iter().any(|cell| cell.input == *row), "no row {row}");
        }
        for phase in [
            Phase::Starting,
            Phase::Loading,
            Phase::Active,
            Phase::Delivering,
            Phase::Done,
            Phase::Failed,
            Phase::Closed,
        ] {
            let stands = cells.iter().any(|Cell { place, before, .. }| stand_at(kind, place, before).phase() == phase);
            // Without `deliver` there is delivering only while a login is waited for, which scenarios.rs looks at.
            assert!(
                stands || (kind == Kind::ByRequestId && phase == Phase::Delivering),
                "no column for {}",
                phase.as_str()
            );
        }
    }
}

#[test]
fn a_session_by_start_moves_as_the_table_says() {
    is_as_the_table_says(Kind::ByStart);
}

#[test]
fn a_session_by_request_id_moves_as_the_table_says() {
    is_as_the_table_says(Kind::ByRequestId);
}

#[test]
fn a_final_phase_never_settles_twice() {
    // Every pair of inputs after every ending, `retry` apart: that begins a new attempt.
    for kind in [Kind::ByStart, Kind::ByRequestId] {
        let mut inputs: Vec<_> = cells(kind)
            .into_iter()
            .map(|cell| cell.input)
            .filter(|input| !input.ends_with("retry") && *input != "user_retries")
            .collect();
        inputs.dedup();
        let mut places: Vec<_> = cells(kind).into_iter().map(|cell| cell.place).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            if place == "again" || !stand_at(kind, place, "").phase().is_final() {
                continue;
            }
            for first in &inputs {
                for second in &inputs {
                    let mut session = stand_at(kind, place, "");
                    let phase = session.phase();
                    apply(&mut session, first);
                    apply(&mut session, second);
                    assert_eq!(
                        session.outcomes.len(),
                        usize::from(!session.session.can_retry()),
                        "{place}, {first}, {second}"
                    );
                    assert_eq!(session.phase(), phase, "{place}, {first}, {second}");
                    // A picture may go, and nothing else may happen.
                    let is_left = |line: &String| line == "hide" || line.starts_with("settle");
                    assert!(session.heard().iter().all(is_left), "{place}, {first}, {second}");
                }
            }
        }
    }
}

#[test]
fn however_often_it_is_tried_again_a_session_has_one_ending() {
    // Retried over and over, by turns of what can be retried.
    let mut session = Kind::ByStart.begin();
    for attempt in 1..=20 {
        if attempt % 2 == 0 {
            session.host_starts(tagged_challenge());
            session.advance(20 * SECOND);
        } else {
            session.host_starts(tagged_challenge());
            session.step("TOKEN_INVALID");
            session.host_starts(tagged_challenge());
            session.step("TOKEN_INVALID");
        }
        assert_eq!(session.failures.len(), attempt);
        assert_eq!(session.outcomes, []);
        session.retry();
        assert!(!session.phase().is_final());
    }
    session.host_starts(tagged_challenge());
    session.connect_says(redirect());
    session.host_answers(200);
    assert!(matches!(session.outcomes.as_slice(), [Outcome::Reconnected { .. }]));
    assert!(
        session
            .failures
            .iter()
            .all(|failure| matches!(failure.code, ErrorCode::TokenInvalid | ErrorCode::LoadTimeout)
                && failure.is_retryable)
    );
}
