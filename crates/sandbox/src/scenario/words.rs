//! Scenarios in words: every move as a sentence, and all of them as a list and as the document SCENARIOS.md.

use std::fmt::{self, Display, Formatter, Write as _};

use super::{ALL, Ask, Move, Open, Scenario, Trait, USER};

impl Display for Ask {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => out.write_str("GenerateAuthorizeToken"),
            Self::TokenWithLength => out.write_str("GenerateAuthorizeToken with a length"),
            Self::TokenWithWrongKey => out.write_str("GenerateAuthorizeToken with a wrong key"),
            Self::Live(login) => write!(out, "Authorize (live, login {})", login + 1),
            Self::LiveWithSpentToken(login) => write!(out, "Authorize (live, login {}) with a spent token", login + 1),
            Self::LiveTagged(login, tag) => write!(out, "Authorize (live, login {}, tag {tag:?})", login + 1),
            Self::LiveOauth => out.write_str("Authorize (live, the login at the bank with OAuth)"),
            Self::LiveUnknown => out.write_str("Authorize (live) of an unknown login"),
            Self::Cached(login) => write!(out, "Authorize (cached, login {})", login + 1),
            Self::LiveAsync(login) => write!(out, "AuthorizeAsync (login {})", login + 1),
            Self::SignIn(bank, user, _) => write!(out, "Authorize ({user} at {bank})"),
            Self::Respond(question, answer) => write!(out, "Authorize (question {}: {answer:?})", question + 1),
            Self::RespondTo(_, round) => write!(out, "Authorize (round {}, rightly answered)", round + 1),
            Self::RespondElsewhere => out.write_str("Authorize (answer to another question)"),
            Self::Probe => out.write_str("Authorize (session only)"),
            Self::ProbeWithOwnToken => out.write_str("Authorize (session only) with the token of the call before"),
            Self::ProbeWithoutAnswers => out.write_str("Authorize (session and no answers)"),
            Self::Summary => out.write_str("GetAccountsSummary"),
            Self::Detail => out.write_str("GetAccountsDetail"),
            Self::DetailOf(_, account) => write!(out, "GetAccountsDetail (account {} only)", account + 1),
            Self::DetailWithWrongKey => out.write_str("GetAccountsDetail with a wrong key"),
            Self::DetailAsync => out.write_str("GetAccountsDetailAsync"),
            Self::Statements => out.write_str("GetStatements"),
            Self::StatementsAsync => out.write_str("GetStatementsAsync"),
            Self::Schedule(login, is_on) => {
                write!(out, "SetScheduledRefresh (login {}, {})", login + 1, if *is_on { "on" } else { "off" })
            }
            Self::Nightly => out.write_str("GetNightlyRefreshStatus"),
            Self::Delete(login) => write!(out, "DeleteCard (login {})", login + 1),
            Self::AnswerAhead(login) => write!(out, "AnswerMFAQuestions (login {}, all right)", login + 1),
            Self::Institutions => out.write_str("Institutions"),
            Self::Malformed => out.write_str("Authorize with a body that is no JSON"),
            Self::WrongMethod => out.write_str("Authorize by GET"),
            Self::Nowhere => out.write_str("an endpoint that does not exist"),
        }
    }
}

impl Display for Trait {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyUrl => out.write_str("carries its ids in `url` only"),
            Self::OnlyFields => out.write_str("has no `url`"),
            Self::Both => out.write_str("says the same in fields and `url`"),
            Self::Text => out.write_str("is JSON text"),
            Self::Relative => out.write_str("carries its ids in a relative `url`"),
            Self::AtResult => out.write_str("carries its ids in a `url` at Connect's own result page"),
            Self::Cased => out.write_str("writes its keys in another case"),
            Self::NoLogin => out.write_str("names no login"),
            Self::OtherSession => out.write_str("names another session"),
            Self::OtherTag => out.write_str("carries another tag"),
            Self::OtherLogin => out.write_str("names another login, in field and `url`"),
            Self::Contradiction => out.write_str("names one login in its field and another in `url`"),
            Self::Late(ms) => write!(out, "comes {ms} ms late"),
            Self::Accounts(_, places) => write!(out, "names {}", accounts(places)),
        }
    }
}

impl Display for Move {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(ask, status, "") => write!(out, "{ask} answers {status}."),
            Self::Call(ask, status, code) => write!(out, "{ask} answers {status} `{code}`."),
            Self::Broken(ask) => write!(out, "{ask} gets no usable answer."),
            Self::Late(ask, ms, status, code) => {
                write!(out, "{ask} waits until the clock is pushed by {}; it answers {status}", span(*ms))?;
                if code.is_empty() { out.write_str(".") } else { write!(out, " `{code}`.") }
            }
            Self::Abandoned(ask) => write!(out, "{ask} is sent, and nobody waits for the answer."),
            Self::Says(place, value) => write!(out, "The answer says {value:?} at `{place}`."),
            Self::Lists(count) => write!(out, "The answer lists {}.", counted(*count, "login")),
            Self::Holds(count) => write!(out, "The answer holds {}.", counted(*count, "account")),
            Self::Pass(ms) => write!(out, "The clock is pushed by {}.", span(*ms)),
            Self::Load => out.write_str("Connect is loaded."),
            Self::Resume => out.write_str("Connect is loaded with that session and the token it began with."),
            Self::Document(status, false) => write!(out, "The document is HTTP {status}."),
            Self::Document(status, true) => write!(out, "The document is HTTP {status} and forbids framing."),
            Self::Consent(true) => out.write_str("The user agrees."),
            Self::Consent(false) => out.write_str("The user does not agree."),
            Self::Bank(id) => write!(out, "The user picks bank {id}."),
            Self::SignIn(user, password) if (*user, *password) == USER => out.write_str("The user signs in."),
            Self::SignIn(user, password) => write!(out, "The user signs in as {user} / {password}."),
            Self::Answer(text) => write!(out, "The user answers {text:?}."),
            Self::AnswerRound(_, round) => write!(out, "The user answers round {} rightly.", round + 1),
            Self::AnswerAll => out.write_str("The user answers the questions."),
            Self::Accounts(_, places) => write!(out, "The user picks {}.", accounts(places)),
            Self::Retry => out.write_str("The user tries again."),
            Self::Close => out.write_str("The user presses the X."),
            Self::Terms(true) => out.write_str("The user ticks the terms."),
            Self::Terms(false) => out.write_str("The user unticks the terms."),
            Self::Follow(what) => write!(out, "The user follows {what}."),
            Self::Network => out.write_str("The browser loses its network and gets it back."),
            Self::Resize(width, height) => write!(out, "The frame becomes {width} by {height} pixels."),
            Self::Popup(true) => out.write_str("The browser opens the bank's window."),
            Self::Popup(false) => out.write_str("The browser blocks the bank's window."),
            Self::Decide(true) => out.write_str("The user approves at the bank."),
            Self::Decide(false) => out.write_str("The user declines at the bank."),
            Self::Posts([]) => out.write_str("Connect has posted nothing."),
            Self::Posts(names) => write!(out, "Connect has posted {}.", names.join(", ")),
            Self::Shows(screen) => write!(out, "The page shows `{screen}`."),
            Self::Fails(code) => write!(out, "The page ends with `{code}`."),
            Self::Redirect(how) => write!(out, "REDIRECT {how}."),
            Self::GoesTo(address) => write!(out, "The page goes on to {address}…"),
            Self::Deaf(count) => write!(out, "The webhook receiver answers 503 {}.", counted(count, "time")),
            Self::Hears([]) => out.write_str("No webhook has arrived."),
            Self::Hears(kinds) => write!(out, "Webhooks have arrived: {}.", kinds.join(", ")),
            Self::Failed(1) => out.write_str("One try of a webhook has failed."),
            Self::Failed(count) => write!(out, "{count} tries of a webhook have failed."),
        }
    }
}

fn accounts(places: &[usize]) -> String {
    let numbers: Vec<_> = places.iter().map(|place| (place + 1).to_string()).collect();
    format!("account {}", numbers.join(" and "))
}

fn span(ms: u64) -> String {
    match ms {
        ms if ms % 86_400_000 == 0 => counted(ms / 86_400_000, "day"),
        ms if ms % 3_600_000 == 0 => counted(ms / 3_600_000, "hour"),
        ms if ms % 60_000 == 0 => counted(ms / 60_000, "minute"),
        ms => format!("{ms} ms"),
    }
}

fn counted(count: impl Display, what: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {what}{ending}")
}

impl Open {
    fn sentence(self) -> Option<String> {
        let (login, how) = match self {
            Self::Nothing => return None,
            Self::Asking(login) => (login, "waits for its first answer"),
            Self::Unsaved(login) => (login, "was opened with `Save: false`"),
            Self::Halfway(login) => (login, "has its first question answered"),
            Self::Answered(login) => (login, "has every question answered"),
        };
        Some(format!("A live refresh of login {} is open and {how}.", login + 1))
    }
}

impl Scenario {
    /// What is so before anything happens.
    fn circumstances(&self) -> Vec<String> {
        let faults = (self.faults != "{}").then(|| format!("Faults: `{}`.", self.faults));
        let later = (self.later_ms > 0).then(|| format!("The clock was pushed by {} since.", span(self.later_ms)));
        let page = self.page.map(|page| format!("Page: `{page}`."));
        [self.open.sentence(), later, faults, page].into_iter().flatten().collect()
    }
}

/// One line per scenario.
#[must_use]
pub fn as_text() -> String {
    let width = ALL.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for scenario in ALL {
        let _ = writeln!(text, "{:width$}  {}", scenario.name, scenario.about);
    }
    let _ = writeln!(text, "{} scenarios. One is set up by: POST /_sandbox/scenario {{\"name\": …}}", ALL.len());
    text
}

/// The document SCENARIOS.md.
#[must_use]
pub fn as_markdown() -> String {
    let mut text = String::from(
        "# Scenarios\n\n\
         Made by `cargo run -p flinks-sandbox -- scenarios --markdown`; a test holds it equal, and plays every one of them.\n\n\
         `POST /_sandbox/scenario {\"name\": …}` resets the sandbox, sets one up and answers with `connectUrl`, `requestId`, `loginId`,\n\
         `authorizeToken` and what happens `then`. Logins and accounts are counted from one, as in the README.\n\n",
    );
    let _ = writeln!(text, "{} scenarios.\n", ALL.len());
    for scenario in ALL {
        let _ = writeln!(text, "## {}\n\n{}\n", scenario.name, scenario.about);
        let circumstances = scenario.circumstances();
        if !circumstances.is_empty() {
            let _ = writeln!(text, "{}\n", circumstances.join(" "));
        }
        for step in scenario.play {
            let _ = writeln!(text, "- {step}");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
