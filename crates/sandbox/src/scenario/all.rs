//! The scenarios themselves. Logins and accounts are places in `DEMO_LOGINS`.

use super::Move::{
    Abandoned, Accounts, Answer, AnswerAll, AnswerRound, Bank, Broken, Call, Close, Consent, Deaf, Decide, Document,
    Failed, Fails, Follow, GoesTo, Hears, Holds, Late, Lists, Load, Network, Pass, Popup, Posts, Redirect, Resize,
    Resume, Retry, Says, Shows, SignIn, Terms,
};
use super::{Ask, Open, Scenario, Trait};
use crate::bank::question::Challenges;
use crate::clock::{DAY_MS, MINUTE_MS};

const READY_MS: u64 = MINUTE_MS;

const RECONNECT: &[&str] = &[
    "APP_MOUNTED",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "REDIRECT",
];
const PLAIN: &str = "/v2/?requestId={session}&authorizeToken={token}";
const TAGGED: &str = "/v2/?requestId={session}&authorizeToken={token}&tag=mine";
const OAUTH: &str = "/v2/Credential/9100/?demoOutbound=true";
const TWO_ROUNDS: &[&str] =
    &["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "REDIRECT"];
const SIGN_IN: &str = "/v2/Credential/9004/?authorizeToken={token}";

/// A reconnect of login one in which everything works but its REDIRECT.
const fn redirect(
    name: &'static str,
    about: &'static str,
    faults: &'static str,
    play: &'static [super::Move],
) -> Scenario {
    Scenario::new(name, about, play).with(faults).open(Open::Asking(0)).page(TAGGED)
}

/// A reconnect of login one at a bank that asks as these faults say.
const fn asked(
    name: &'static str,
    about: &'static str,
    faults: &'static str,
    play: &'static [super::Move],
) -> Scenario {
    Scenario::new(name, about, play).with(faults).open(Open::Asking(0)).page(PLAIN)
}

/// A sign-in at bank 9004 over the page.
const fn sign_in(name: &'static str, about: &'static str, play: &'static [super::Move]) -> Scenario {
    Scenario::new(name, about, play).page(SIGN_IN)
}

/// A stored connection's host, without a page.
const fn host(name: &'static str, about: &'static str, play: &'static [super::Move]) -> Scenario {
    Scenario::new(name, about, play)
}

/// Every scenario.
pub const ALL: &[Scenario] = &[
    // Reconnect.
    Scenario::new("reconnect", "A reconnect as it should be.", &[Load, AnswerAll, Posts(RECONNECT), Shows("success"), Redirect(Trait::Both)])
        .open(Open::Asking(0))
        .page(PLAIN),
    Scenario::new(
        "reconnect-in-french",
        "A reconnect whose page is in French; the bank's questions stay in the language of the login.",
        &[Load, AnswerAll, Posts(RECONNECT)],
    )
    .open(Open::Asking(0))
    .page("/v2/?requestId={session}&language=fr"),
    Scenario::new(
        "reconnect-halfway",
        "The user left after the first question and comes back for the other two.",
        &[
            Load,
            Answer("Canada"),
            Answer("Triangle"),
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "REDIRECT"]),
        ],
    )
    .open(Open::Halfway(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-already-answered",
        "The questions were answered elsewhere meanwhile: the page has nothing to ask.",
        &[Load, Posts(&["APP_MOUNTED", "REDIRECT"]), Shows("success")],
    )
    .open(Open::Answered(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-wrong-answer",
        "The user errs once and puts it right.",
        &[
            Load,
            Answer("Toronto"),
            Fails("INVALID_SECURITY_RESPONSE"),
            Retry,
            AnswerAll,
            Posts(&[
                "APP_MOUNTED",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "INVALID_SECURITY_RESPONSE",
                "COMPONENT_LOAD_MFA_RETRY",
                "SUBMIT_MFA",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "REDIRECT",
            ]),
        ],
    )
    .open(Open::Asking(2))
    .page(PLAIN),
    Scenario::new(
        "reconnect-locked-out",
        "Five wrong answers in a row: the bank takes no more.",
        &[
            Load,
            Answer("1"),
            Retry,
            Answer("2"),
            Retry,
            Answer("3"),
            Retry,
            Answer("4"),
            Retry,
            Answer("5"),
            Fails("INVALID_SECURITY_RESPONSE_NO_RETRY"),
            Call(Ask::Probe, 400, "SESSION_NONEXISTENT"),
        ],
    )
    .open(Open::Asking(2))
    .page(PLAIN),
    Scenario::new(
        "reconnect-empty-answer",
        "The user sends nothing.",
        &[Load, Answer(" "), Fails("SECURITYRESPONSES_INCOMPLETE"), Retry, AnswerAll, Shows("success")],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-expired",
        "The page is opened eight minutes too late.",
        &[Load, Posts(&["APP_MOUNTED", "SESSION_EXPIRED"]), Fails("SESSION_EXPIRED"), Call(Ask::Cached(0), 401, "QUESTION_NOT_FOUND")],
    )
    .open(Open::Asking(0))
    .later(8 * MINUTE_MS)
    .page(PLAIN),
    Scenario::new(
        "reconnect-expires-open",
        "The user leaves the page alone for eight minutes and then answers.",
        &[Load, Pass(8 * MINUTE_MS), Answer("Montreal"), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "SESSION_EXPIRED"])],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-just-in-time",
        "Seven minutes and 59 seconds are not too late.",
        &[Load, Pass(8 * MINUTE_MS - 1_000), AnswerAll, Posts(RECONNECT)],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-unknown-session",
        "The page is opened with a session Flinks does not know.",
        &[Load, Posts(&["APP_MOUNTED", "SESSION_NONEXISTENT"]), Fails("SESSION_NONEXISTENT")],
    )
    .page("/v2/?requestId=9022abc2-8a2e-4b06-a06e-c3e5449c4d10"),
    Scenario::new(
        "reconnect-not-saved",
        "The host forgot `Save: true`: Connect does not resume the session.",
        &[Load, Posts(&["APP_MOUNTED", "SESSION_NONEXISTENT"])],
    )
    .open(Open::Unsaved(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-used-up",
        "The data was fetched already: the session is over.",
        &[
            Call(Ask::Detail, 202, "OPERATION_PENDING"),
            Pass(READY_MS),
            Call(Ask::DetailAsync, 200, ""),
            Load,
            Posts(&["APP_MOUNTED", "SESSION_NONEXISTENT"]),
        ],
    )
    .open(Open::Answered(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-closed-and-resumed",
        "The user presses the X; the same session can be opened again.",
        &[
            Load,
            Close,
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "COMPONENT_CLOSE_SESSION"]),
            Load,
            AnswerAll,
            Posts(RECONNECT),
        ],
    )
    .open(Open::Asking(1))
    .page("/v2/?requestId={session}&closeEnable=true"),
    Scenario::new(
        "reconnect-helped",
        "The user reads the help before answering.",
        &[
            Load,
            Follow("help"),
            Follow("troubleshoot"),
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "COMPONENT_HELP2FA_INFO", "COMPONENT_HELP2FA_TROUBLESHOOTING"]),
            AnswerAll,
            Shows("success"),
        ],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-offline",
        "The browser loses its network in the middle of the questions.",
        &[
            Load,
            Network,
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "APP_OFFLINE", "APP_ONLINE"]),
            AnswerAll,
            Shows("success"),
        ],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-resized",
        "The frame gets another size, as when a phone is turned.",
        &[Load, Resize(360, 640), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "APP_RESIZE"]), AnswerAll, Shows("success")],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-bank-goes-down",
        "The bank cannot be reached when the user answers.",
        &[Load, Answer("Montreal"), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "RETRY_LATER"]), Retry, Shows("mfa")],
    )
    .with(r#"{"bankCode":"RETRY_LATER"}"#)
    .open(Open::Asking(3))
    .page("/v2/?requestId={session}"),
    Scenario::new(
        "reconnect-spent-token",
        "The page's authorize token was used before, as when a frame is mounted twice.",
        &[Load, Load, Posts(&["APP_MOUNTED", "TOKEN_INVALID"]), Fails("TOKEN_INVALID")],
    )
    .open(Open::Asking(0))
    .page(PLAIN),
    Scenario::new(
        "reconnect-late-token",
        "The page's authorize token is older than fifteen minutes.",
        &[Pass(15 * MINUTE_MS), Load, Posts(&["APP_MOUNTED", "TOKEN_INVALID"])],
    )
    .page("/v2/?authorizeToken={token}"),
    Scenario::new(
        "reconnect-selected-accounts",
        "The accounts picked in the original session skip the selector, filter the data and come back.",
        &[
            Load,
            AnswerAll,
            Posts(RECONNECT),
            Redirect(Trait::Accounts(3, &[0, 2])),
            Call(Ask::Detail, 202, "OPERATION_PENDING"),
            Pass(READY_MS),
            Call(Ask::DetailAsync, 200, ""),
            Holds(2),
        ],
    )
    .open(Open::Asking(3))
    .page(
        "/v2/?requestId={session}&accountSelectorEnable=true&resumeSelectedAccounts=acc00000-0004-4000-8000-000000000001%2Cacc00000-0004-4000-8000-000000000003",
    ),
    Scenario::new(
        "reconnect-selector",
        "Without picked accounts the selector asks, and its choice filters the data.",
        &[
            Load,
            AnswerAll,
            Shows("accounts"),
            Accounts(3, &[1]),
            Redirect(Trait::Accounts(3, &[1])),
            Call(Ask::Detail, 202, "OPERATION_PENDING"),
            Pass(READY_MS),
            Call(Ask::DetailAsync, 200, ""),
            Holds(1),
        ],
    )
    .open(Open::Asking(3))
    .page("/v2/?requestId={session}&accountSelectorEnable=true"),
    Scenario::new(
        "reconnect-stringified",
        "Every event is JSON text (`stringify=true`).",
        &[Load, AnswerAll, Posts(RECONNECT), Redirect(Trait::Text)],
    )
    .open(Open::Asking(0))
    .page("/v2/?requestId={session}&stringify=true"),
    // REDIRECT.
    redirect("redirect-classic", "REDIRECT as in the oldest documents.", r#"{"redirectShape":"classic"}"#, &[Load, AnswerAll, Redirect(Trait::OnlyUrl)]),
    redirect("redirect-fields", "REDIRECT as in the newer documents.", r#"{"redirectShape":"fields"}"#, &[Load, AnswerAll, Redirect(Trait::OnlyFields)]),
    redirect("redirect-text", "REDIRECT as JSON text.", r#"{"redirectShape":"string"}"#, &[Load, AnswerAll, Redirect(Trait::Text)]),
    redirect("redirect-relative", "The `url` of REDIRECT is relative, and holds all its ids.", r#"{"redirectShape":"relative"}"#, &[Load, AnswerAll, Redirect(Trait::Relative)]),
    redirect("redirect-result", "The `url` of REDIRECT is Connect's own result page, and holds all its ids.", r#"{"redirectShape":"result"}"#, &[Load, AnswerAll, Redirect(Trait::AtResult)]),
    redirect("redirect-cased", "REDIRECT writes its keys in another case, in fields and `url`.", r#"{"redirectShape":"cased"}"#, &[Load, AnswerAll, Redirect(Trait::Cased)]),
    redirect("redirect-idless", "REDIRECT names the session, and no login.", r#"{"redirectShape":"idless"}"#, &[Load, AnswerAll, Redirect(Trait::NoLogin)]),
    redirect(
        "redirect-duplicate",
        "REDIRECT comes twice.",
        r#"{"redirectFault":"duplicate"}"#,
        &[
            Load,
            AnswerAll,
            Posts(&[
                "APP_MOUNTED",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "REDIRECT",
                "REDIRECT",
            ]),
        ],
    ),
    redirect("redirect-delayed", "REDIRECT comes late.", r#"{"redirectFault":"delayed","redirectDelayMs":700}"#, &[Load, AnswerAll, Redirect(Trait::Late(700))]),
    redirect("redirect-other-session", "REDIRECT names a session that is not the page's.", r#"{"redirectFault":"wrong-request-id"}"#, &[Load, AnswerAll, Redirect(Trait::OtherSession)]),
    redirect("redirect-other-tag", "REDIRECT carries the tag of another attempt.", r#"{"redirectFault":"wrong-tag"}"#, &[Load, AnswerAll, Redirect(Trait::OtherTag)]),
    redirect("redirect-other-login", "REDIRECT names a login that was not verified.", r#"{"redirectFault":"wrong-login"}"#, &[Load, AnswerAll, Redirect(Trait::OtherLogin)]),
    redirect("redirect-contradiction", "REDIRECT contradicts itself.", r#"{"redirectFault":"conflict"}"#, &[Load, AnswerAll, Redirect(Trait::Contradiction)]),
    redirect(
        "redirect-forged",
        "A REDIRECT comes before anybody has answered; only the API tells that it is not true.",
        r#"{"redirectFault":"forged"}"#,
        &[Load, Posts(&["APP_MOUNTED", "REDIRECT", "COMPONENT_LOAD_MFA"]), Redirect(Trait::Both), Call(Ask::Detail, 401, "UNAUTHORIZED")],
    ),
    redirect("page-wants-own-token", "The page takes the token that the session began with, and no fresh one.", r#"{"pageToken":"own"}"#, &[Load, Posts(&["APP_MOUNTED", "TOKEN_INVALID"])]),
    Scenario::new(
        "page-wants-fresh-token",
        "The page takes a fresh token, and not the one that the session began with.",
        &[Call(Ask::Live(0), 203, ""), Resume, Posts(&["APP_MOUNTED", "TOKEN_INVALID"])],
    )
    .with(r#"{"pageToken":"fresh"}"#),
    Scenario::new(
        "expired-shows-bank-list",
        "The session is over when the page comes back to it: the page shows the bank list, as if none had been named.",
        &[Load, Posts(&["APP_MOUNTED", "COMPONENT_LOAD_INSTITUTION_SELECTOR"]), Shows("banks")],
    )
    .with(r#"{"expiredSession":"bank-list"}"#)
    .open(Open::Asking(0))
    .later(8 * MINUTE_MS)
    .page(PLAIN),
    Scenario::new(
        "expired-is-silent",
        "The session is over when the page comes back to it: the page mounts, and says nothing more.",
        &[Load, Posts(&["APP_MOUNTED"]), Shows("silent")],
    )
    .with(r#"{"expiredSession":"silence"}"#)
    .open(Open::Asking(0))
    .later(8 * MINUTE_MS)
    .page(PLAIN),
    redirect(
        "refused-and-goes-on",
        "Flinks has switched the bank off: the page posts the code and goes on to the bank list.",
        r#"{"bankCode":"DISABLED_INSTITUTION","refusedLogin":"goes-on"}"#,
        &[
            Load,
            Answer("Montreal"),
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "DISABLED_INSTITUTION", "COMPONENT_LOAD_INSTITUTION_SELECTOR"]),
            Shows("banks"),
        ],
    ),
    // What banks ask.
    asked(
        "challenges-together",
        "The bank asks its three questions at once, and takes the answers together.",
        r#"{"challenges":"together"}"#,
        &[
            Load,
            AnswerRound(Challenges::Together, 0),
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "REDIRECT"]),
        ],
    ),
    asked(
        "challenges-choices",
        "The bank asks with choices: a question, one of several, several of several.",
        r#"{"challenges":"choices"}"#,
        &[
            Load,
            Answer("Halifax"),
            Fails("INVALID_SECURITY_RESPONSE"),
            Retry,
            AnswerRound(Challenges::Choices, 0),
            AnswerRound(Challenges::Choices, 1),
            Answer("Gander"),
            Fails("INVALID_SECURITY_RESPONSE"),
            Retry,
            AnswerRound(Challenges::Choices, 2),
            Shows("success"),
        ],
    ),
    asked(
        "challenges-image",
        "The bank asks for an image.",
        r#"{"challenges":"image"}"#,
        &[
            Load,
            AnswerRound(Challenges::Image, 0),
            Posts(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "REDIRECT"]),
        ],
    ),
    asked(
        "challenges-text-or-call",
        "The bank asks how to send a code, and then for the code.",
        r#"{"challenges":"text-or-call"}"#,
        &[
            Load,
            AnswerRound(Challenges::TextOrCall, 0),
            AnswerRound(Challenges::TextOrCall, 1),
            Posts(TWO_ROUNDS),
        ],
    ),
    asked(
        "challenges-push",
        "The bank waits for a tap in its app; the first does not reach it, and it asks again.",
        r#"{"challenges":"push"}"#,
        &[Load, AnswerRound(Challenges::Push, 0), Shows("mfa"), AnswerRound(Challenges::Push, 1), Posts(TWO_ROUNDS)],
    ),
    host(
        "api-challenges-together",
        "One 203 holds all three questions: an answer to one of them is not enough.",
        &[
            Call(Ask::Live(1), 203, ""),
            Says("/SecurityChallenges/2/Prompt", "What shape do people like most?"),
            Call(Ask::Respond(0, "Montreal"), 401, "SECURITYRESPONSES_INCOMPLETE"),
            Call(Ask::RespondTo(Challenges::Together, 0), 200, ""),
        ],
    )
    .with(r#"{"challenges":"together"}"#),
    host(
        "api-challenges-choices",
        "Challenges with `Iterables`, of three types.",
        &[
            Call(Ask::Live(1), 203, ""),
            Says("/SecurityChallenges/0/Type", "QuestionAndAnswer"),
            Says("/SecurityChallenges/0/Iterables/1", "Regina"),
            Call(Ask::RespondTo(Challenges::Choices, 0), 203, ""),
            Says("/SecurityChallenges/0/Type", "MultipleChoice"),
            Call(Ask::RespondTo(Challenges::Choices, 1), 203, ""),
            Says("/SecurityChallenges/0/Type", "MultipleChoiceMultipleAnswers"),
            Call(Ask::RespondTo(Challenges::Choices, 2), 200, ""),
        ],
    )
    .with(r#"{"challenges":"choices"}"#),
    host(
        "api-challenges-image",
        "A challenge whose `Iterables` are images.",
        &[
            Call(Ask::Live(1), 203, ""),
            Says("/SecurityChallenges/0/Type", "ImageSelection"),
            Call(Ask::RespondTo(Challenges::Image, 0), 200, ""),
        ],
    )
    .with(r#"{"challenges":"image"}"#),
    host(
        "api-challenges-text-or-call",
        "How to send the code, then another 203 for the code; the choice cannot be made again.",
        &[
            Call(Ask::Live(1), 203, ""),
            Says("/SecurityChallenges/0/Type", "TextOrCall"),
            Call(Ask::RespondTo(Challenges::TextOrCall, 0), 203, ""),
            Says("/SecurityChallenges/0/Type", "QuestionAndAnswer"),
            Call(Ask::RespondTo(Challenges::TextOrCall, 0), 401, "UNKNOWN_CHALLENGE_KEY"),
            Call(Ask::RespondTo(Challenges::TextOrCall, 1), 200, ""),
        ],
    )
    .with(r#"{"challenges":"text-or-call"}"#),
    host(
        "api-challenges-push",
        "A type that nobody has documented, answered with the same 203 once before it is done.",
        &[
            Call(Ask::Live(1), 203, ""),
            Says("/SecurityChallenges/0/Type", "TrustedDevice"),
            Call(Ask::RespondTo(Challenges::Push, 0), 203, ""),
            Says("/SecurityChallenges/0/Type", "TrustedDevice"),
            Call(Ask::RespondTo(Challenges::Push, 1), 200, ""),
        ],
    )
    .with(r#"{"challenges":"push"}"#),
    // Pages that do not work.
    redirect("page-silent", "The page stays blank and posts nothing.", r#"{"page":"silent"}"#, &[Load, Shows("silent"), Posts(&[])]),
    redirect(
        "page-never-posts",
        "The page works, but its events do not arrive.",
        r#"{"page":"never-posts"}"#,
        &[Load, AnswerAll, Shows("success"), Posts(&[]), Call(Ask::Detail, 202, "OPERATION_PENDING")],
    ),
    redirect("page-http-500", "The page is an error page of the server's.", r#"{"page":"http-500"}"#, &[Document(500, false)]),
    redirect("page-frame-denied", "The page forbids framing, as when the host's domain is not on Flinks' list.", r#"{"page":"frame-denied"}"#, &[Document(200, true)]),
    // The full flow.
    Scenario::new(
        "full-flow",
        "A new connection as it should be.",
        &[
            Load,
            Bank(14),
            SignIn("Greatday", "Everyday"),
            AnswerAll,
            Posts(&[
                "APP_MOUNTED",
                "COMPONENT_LOAD_INSTITUTION_SELECTOR",
                "INSTITUTION_SELECTED",
                "COMPONENT_LOAD_CREDENTIAL",
                "SUBMIT_CREDENTIAL",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "COMPONENT_LOAD_MFA",
                "SUBMIT_MFA",
                "REDIRECT",
            ]),
        ],
    )
    .page("/v2/?demo=true&authorizeToken={token}"),
    Scenario::new(
        "full-flow-consent",
        "A new connection that begins with consent.",
        &[Load, Shows("consent"), Consent(true), Bank(9001), SignIn("greatday_nomfa", "Everyday"), Shows("success")],
    )
    .page("/v2/?consentEnable=true&customerName=Acme"),
    Scenario::new(
        "full-flow-consent-denied",
        "The user does not share any data.",
        &[Load, Consent(false), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_CONSENT", "COMPONENT_DENY_CONSENT"])],
    )
    .page("/v2/?consentEnable=true"),
    sign_in(
        "full-flow-preselected",
        "The bank is in the path: no bank list.",
        &[Load, SignIn("greatday_nomfa", "Everyday"), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_CREDENTIAL", "SUBMIT_CREDENTIAL", "REDIRECT"])],
    ),
    Scenario::new(
        "full-flow-several-accounts",
        "The selector takes several accounts; after an ordinary sign-in they do not filter the data.",
        &[
            Load,
            Bank(14),
            SignIn("Greatday", "Everyday"),
            AnswerAll,
            Accounts(0, &[0, 1]),
            Redirect(Trait::Accounts(0, &[0, 1])),
        ],
    )
    .page("/v2/?demo=true&accountSelectorEnable=true&accountSelectorMultiple=true"),
    Scenario::new(
        "full-flow-terms",
        "The terms have to be accepted before signing in.",
        &[
            Load,
            SignIn("greatday_nomfa", "Everyday"),
            Shows("credentials"),
            Follow("read-terms"),
            Terms(true),
            Terms(false),
            Terms(true),
            SignIn("greatday_nomfa", "Everyday"),
            Posts(&[
                "APP_MOUNTED",
                "COMPONENT_LOAD_CREDENTIAL",
                "COMPONENT_CLICK_TERMS_URL",
                "COMPONENT_ACCEPT_TERMS",
                "COMPONENT_DENY_TERMS",
                "COMPONENT_ACCEPT_TERMS",
                "SUBMIT_CREDENTIAL",
                "REDIRECT",
            ]),
        ],
    )
    .page("/v2/Credential/9004/?termsUrl=https%3A%2F%2Fhost.example%2Fterms"),
    Scenario::new(
        "full-flow-terms-without-box",
        "The terms can be read and need no tick (`termsNoCheckbox`).",
        &[Load, SignIn("greatday_nomfa", "Everyday"), Shows("success")],
    )
    .page("/v2/Credential/9004/?termsUrl=https%3A%2F%2Fhost.example%2Fterms&termsNoCheckbox=true"),
    sign_in(
        "full-flow-forgotten-password",
        "The user follows the link for a forgotten password.",
        &[Load, Follow("reset-password"), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_CREDENTIAL", "COMPONENT_CLICK_RESET_PASSWORD"])],
    ),
    sign_in(
        "full-flow-wrong-password",
        "The user errs in the password and puts it right.",
        &[
            Load,
            SignIn("greatday_nomfa", "everyday"),
            Fails("INVALID_PASSWORD"),
            Retry,
            SignIn("greatday_nomfa", "Everyday"),
            Posts(&[
                "APP_MOUNTED",
                "COMPONENT_LOAD_CREDENTIAL",
                "SUBMIT_CREDENTIAL",
                "INVALID_PASSWORD",
                "COMPONENT_LOAD_CREDENTIAL_RETRY",
                "SUBMIT_CREDENTIAL",
                "REDIRECT",
            ]),
        ],
    ),
    sign_in("full-flow-unknown-user", "The bank does not know the user.", &[Load, SignIn("Nobody", "Everyday"), Fails("INVALID_USERNAME")]),
    sign_in("full-flow-disabled-login", "The bank has disabled the login: nothing to try again.", &[Load, SignIn("test_disabled_account", "Everyday"), Fails("DISABLED_LOGIN"), Retry, Fails("DISABLED_LOGIN")]),
    sign_in("full-flow-bank-unreachable", "The bank cannot be reached.", &[Load, SignIn("test_service_unavailable", "Everyday"), Fails("RETRY_LATER"), Retry, Shows("credentials")]),
    sign_in("full-flow-slow-bank", "The bank is slow; Flinks goes on in the background.", &[Load, SignIn("test_dispatched", "Everyday"), Posts(&["APP_MOUNTED", "COMPONENT_LOAD_CREDENTIAL", "SUBMIT_CREDENTIAL", "OPERATION_DISPATCHED", "REDIRECT"])]),
    sign_in("full-flow-bank-disabled", "Flinks has switched the bank off.", &[Load, SignIn("Greatday", "Everyday"), Fails("DISABLED_INSTITUTION")]).with(r#"{"bankCode":"DISABLED_INSTITUTION"}"#),
    sign_in("full-flow-new-account", "The bank wants something from the user on its own site first.", &[Load, SignIn("Greatday", "Everyday"), Fails("NEW_ACCOUNT")]).with(r#"{"bankCode":"NEW_ACCOUNT"}"#),
    // How it ends.
    Scenario::new(
        "ends-at-redirect-url",
        "The whole window goes to `redirectUrl`, its own query kept.",
        &[Load, SignIn("greatday_nomfa", "Everyday"), GoesTo("https://host.example/done?state=a&loginId=")],
    )
    .page("/v2/Credential/9004/?redirectUrl=https%3A%2F%2Fhost.example%2Fdone%3Fstate%3Da"),
    Scenario::new(
        "ends-in-an-app",
        "`redirectUrl` is an app's.",
        &[Load, SignIn("greatday_nomfa", "Everyday"), GoesTo("myapp://callback?loginId=")],
    )
    .page("/v2/Credential/9004/?redirectUrl=myapp%3A%2F%2Fcallback"),
    Scenario::new(
        "ends-inside",
        "The page stays in its frame and goes to its own result (`innerRedirect`).",
        &[Load, SignIn("greatday_nomfa", "Everyday"), GoesTo("/v2/Result/Prairie%20Lantern%20Credit%20Union?thank-you=true")],
    )
    .page("/v2/Credential/9004/?innerRedirect=true&redirectUrl=https%3A%2F%2Fhost.example%2Fdone"),
    Scenario::new(
        "ends-with-the-event",
        "Nothing goes anywhere: REDIRECT is all there is (`jsRedirect`).",
        &[Load, SignIn("greatday_nomfa", "Everyday"), Redirect(Trait::Both), GoesTo("")],
    )
    .page("/v2/Credential/9004/?jsRedirect=true&redirectUrl=https%3A%2F%2Fhost.example%2Fdone"),
    // The bank's own window.
    Scenario::new(
        "oauth",
        "The bank signs its users in itself, in a window of its own.",
        &[
            Load,
            Bank(9100),
            Shows("oauth"),
            Popup(true),
            Decide(true),
            Posts(&[
                "APP_MOUNTED",
                "COMPONENT_LOAD_INSTITUTION_SELECTOR",
                "INSTITUTION_SELECTED",
                "POPUP_OPENED",
                "COMPONENT_ACCEPT_PROVIDER_CONSENT",
                "REDIRECT",
            ]),
        ],
    )
    .page("/v2/?demoOutbound=true"),
    Scenario::new(
        "oauth-blocked",
        "The browser blocks the bank's window at first.",
        &[
            Load,
            Popup(false),
            Popup(true),
            Decide(true),
            Posts(&["APP_MOUNTED", "POPUP_BLOCKED", "POPUP_OPENED", "COMPONENT_ACCEPT_PROVIDER_CONSENT", "REDIRECT"]),
        ],
    )
    .page("/v2/Credential/9100/?demoOutbound=true"),
    Scenario::new(
        "oauth-declined",
        "The user declines at the bank, and may try again.",
        &[Load, Popup(true), Decide(false), Posts(&["APP_MOUNTED", "POPUP_OPENED", "ACCESS_DENIED"]), Retry, Shows("oauth")],
    )
    .page("/v2/Credential/9100/?demoOutbound=true"),
    Scenario::new(
        "oauth-abandoned",
        "The user closes the bank's window undecided, and opens it again.",
        &[
            Load,
            Popup(true),
            Shows("oauth"),
            Popup(true),
            Decide(true),
            Posts(&["APP_MOUNTED", "POPUP_OPENED", "POPUP_OPENED", "COMPONENT_ACCEPT_PROVIDER_CONSENT", "REDIRECT"]),
        ],
    )
    .page("/v2/Credential/9100/?demoOutbound=true"),
    Scenario::new(
        "oauth-consent-lasts",
        "The bank's consent holds: a refresh needs nobody.",
        &[Load, Popup(true), Decide(true), Shows("success"), Call(Ask::LiveOauth, 200, "")],
    )
    .page(OAUTH),
    Scenario::new(
        "oauth-consent-refused",
        "The consent is over, and the refresh is refused: the user connects anew, in the bank's window.",
        &[
            Load,
            Popup(true),
            Decide(true),
            Call(Ask::LiveOauth, 401, "ACCESS_DENIED"),
            Load,
            Popup(true),
            Decide(true),
            Posts(&["APP_MOUNTED", "POPUP_OPENED", "COMPONENT_ACCEPT_PROVIDER_CONSENT", "REDIRECT"]),
        ],
    )
    .with(r#"{"oauthConsent":"refused"}"#)
    .page(OAUTH),
    Scenario::new(
        "oauth-consent-asked",
        "The consent is over, and the refresh is answered 203 without a challenge: the page asks in the bank's window.",
        &[
            Load,
            Popup(true),
            Decide(true),
            Call(Ask::LiveOauth, 203, ""),
            Resume,
            Shows("oauth"),
            Popup(true),
            Decide(false),
            Fails("ACCESS_DENIED"),
            Retry,
            Popup(true),
            Decide(true),
            Posts(&[
                "APP_MOUNTED",
                "POPUP_OPENED",
                "ACCESS_DENIED",
                "POPUP_OPENED",
                "COMPONENT_ACCEPT_PROVIDER_CONSENT",
                "REDIRECT",
            ]),
            Call(Ask::Probe, 200, ""),
        ],
    )
    .with(r#"{"oauthConsent":"asked"}"#)
    .page(OAUTH),
    // The API without a page.
    host(
        "api-live",
        "A live refresh over the API alone, from the token to the data.",
        &[
            Call(Ask::Token, 200, ""),
            Call(Ask::Live(1), 203, ""),
            Call(Ask::Respond(0, "Montreal"), 203, ""),
            Call(Ask::Respond(1, "Canada"), 203, ""),
            Call(Ask::Respond(2, "Triangle"), 200, ""),
            Call(Ask::Detail, 202, "OPERATION_PENDING"),
            Call(Ask::DetailAsync, 202, "OPERATION_PENDING"),
            Pass(READY_MS),
            Call(Ask::DetailAsync, 200, ""),
            Holds(4),
            Call(Ask::DetailAsync, 400, "SESSION_NONEXISTENT"),
        ],
    ),
    host(
        "api-cached",
        "The stored data of a login that was refreshed lately.",
        &[Call(Ask::Cached(1), 200, ""), Says("/InstitutionName", "Maple Harbour Bank"), Call(Ask::Detail, 202, "OPERATION_PENDING"), Pass(READY_MS), Call(Ask::DetailAsync, 200, ""), Holds(4)],
    ),
    host(
        "api-cached-failure",
        "The nightly refresh failed: the cached call repeats its failure, yet its session has the old data.",
        &[Call(Ask::Cached(0), 401, "QUESTION_NOT_FOUND"), Call(Ask::Detail, 202, "OPERATION_PENDING"), Pass(READY_MS), Call(Ask::DetailAsync, 200, ""), Holds(4)],
    ),
    host(
        "api-async",
        "The older way: AuthorizeAsync answers 202 at once.",
        &[Call(Ask::LiveAsync(1), 202, "OPERATION_PENDING"), Pass(READY_MS), Call(Ask::Probe, 203, "")],
    ),
    host(
        "api-no-mfa",
        "A user whose bank asks nothing.",
        &[Call(Ask::SignIn("FlinksCapital", "greatday_nomfa", "Everyday"), 200, ""), Says("/Login/Username", "greatday_nomfa")],
    ),
    host("api-wrong-password", "The bank does not take the password.", &[Call(Ask::SignIn("FlinksCapital", "Greatday", "wrong"), 401, "INVALID_PASSWORD")]),
    host("api-unknown-user", "The bank does not know the user.", &[Call(Ask::SignIn("FlinksCapital", "Nobody", "Everyday"), 401, "INVALID_USERNAME")]),
    host("api-disabled-login", "The bank has disabled the login.", &[Call(Ask::SignIn("FlinksCapital", "test_disabled_account", "any"), 401, "DISABLED_LOGIN")]),
    host("api-bank-unreachable", "The bank cannot be reached.", &[Call(Ask::SignIn("FlinksCapital", "test_service_unavailable", "any"), 401, "RETRY_LATER")]),
    host("api-dispatched", "The bank is slow; Flinks goes on in the background.", &[Call(Ask::SignIn("FlinksCapital", "test_dispatched", "Everyday"), 202, "OPERATION_DISPATCHED"), Pass(READY_MS), Call(Ask::Probe, 200, "")]),
    host("api-unknown-bank", "No such bank.", &[Call(Ask::SignIn("Nobody's Bank", "Greatday", "Everyday"), 401, "INVALID_REQUEST")]),
    host("api-unknown-login", "No such login.", &[Call(Ask::LiveUnknown, 401, "INVALID_LOGIN")]),
    host("api-wrong-answer", "A wrong answer over the API; the right one is still taken.", &[Call(Ask::Live(1), 203, ""), Call(Ask::Respond(0, "Toronto"), 401, "INVALID_SECURITY_RESPONSE"), Call(Ask::Respond(0, "Montreal"), 203, "")]),
    host("api-no-answers", "`SecurityResponses: {}` asks how the session stands.", &[Call(Ask::Live(1), 203, ""), Call(Ask::ProbeWithoutAnswers, 203, ""), Says("/SecurityChallenges/0/Prompt", "What city were you born in?")]),
    host("api-wrong-prompt", "An answer to a question that was not asked.", &[Call(Ask::Live(1), 203, ""), Call(Ask::RespondElsewhere, 401, "UNKNOWN_CHALLENGE_KEY")]),
    host("api-too-early", "Data before the questions are answered.", &[Call(Ask::Live(1), 203, ""), Call(Ask::Detail, 401, "UNAUTHORIZED")]),
    host("api-spent-token", "An authorize token opens one session only.", &[Call(Ask::Live(1), 203, ""), Call(Ask::LiveWithSpentToken(1), 401, "UNAUTHORIZED")]),
    host("api-wrong-keys", "Wrong keys everywhere.", &[Call(Ask::TokenWithWrongKey, 401, "UNAUTHORIZED"), Call(Ask::DetailWithWrongKey, 401, "UNAUTHORIZED")]),
    host("api-bad-requests", "What was never meant to work gets Flinks' own codes.", &[Call(Ask::Malformed, 401, "INVALID_REQUEST"), Call(Ask::WrongMethod, 400, "METHOD_NOT_AVAILABLE"), Call(Ask::Nowhere, 400, "METHOD_NOT_AVAILABLE")]),
    host("api-idle", "Eight minutes without an answer.", &[Call(Ask::Live(1), 203, ""), Pass(8 * MINUTE_MS), Call(Ask::Respond(0, "Montreal"), 400, "SESSION_NONEXISTENT"), Call(Ask::Cached(1), 401, "QUESTION_NOT_FOUND")]),
    host("api-not-fetched", "Thirty minutes without fetching the data.", &[Call(Ask::Cached(1), 200, ""), Pass(30 * MINUTE_MS), Call(Ask::Detail, 401, "SESSION_EXPIRED")]),
    host("api-already-authorised", "An answer when nothing is asked any more.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::Respond(0, "Montreal"), 401, "ALREADY_AUTHORIZED")]),
    host("api-filtered", "Data of one account only.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::DetailOf(1, 2), 202, "OPERATION_PENDING"), Pass(READY_MS), Call(Ask::DetailAsync, 200, ""), Holds(1)]),
    host("api-statements", "Statements as PDF.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::Statements, 202, "OPERATION_PENDING"), Pass(READY_MS), Call(Ask::StatementsAsync, 200, ""), Says("/StatementsByAccount/0/Statements/0/FileType", "PDF")]),
    host("api-summary-keeps-session", "A summary does not use the session up.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::Summary, 202, "OPERATION_PENDING"), Pass(READY_MS), Call(Ask::Summary, 200, ""), Call(Ask::Detail, 202, "OPERATION_PENDING")]),
    host("api-answers-ahead", "With stored answers (`AnswerMFAQuestions`) a live refresh asks nothing.", &[Call(Ask::AnswerAhead(1), 200, ""), Call(Ask::Live(1), 200, "")]),
    host("api-institutions", "The list of banks.", &[Call(Ask::Institutions, 200, ""), Says("/Data/0/Name", "FlinksCapital")]),
    host("card-deleted", "A deleted login is gone for good.", &[Call(Ask::Delete(1), 200, ""), Call(Ask::Cached(1), 401, "INVALID_LOGIN"), Call(Ask::Delete(1), 400, "SESSION_NONEXISTENT")]),
    host("card-in-use", "A login cannot be deleted while its data is being fetched.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::Detail, 202, "OPERATION_PENDING"), Call(Ask::Delete(1), 400, "CARD_IN_USE"), Pass(READY_MS), Call(Ask::DetailAsync, 200, ""), Call(Ask::Delete(1), 200, "")]),
    host("nightly-failed", "Nightly Refresh passes over a login that needs its user.", &[Call(Ask::Nightly, 200, ""), Says("/IneligibleCards/0/Reason", "QUESTION_NOT_FOUND")]),
    host(
        "nightly-succeeds",
        "With stored answers Nightly Refresh gets past the questions: nobody is needed.",
        &[
            Call(Ask::Schedule(0, false), 200, ""),
            Call(Ask::AnswerAhead(1), 200, ""),
            Call(Ask::Schedule(1, true), 200, ""),
            Pass(2 * DAY_MS),
            Call(Ask::Nightly, 200, ""),
            Lists(0),
            Call(Ask::Cached(1), 200, ""),
        ],
    ),
    host(
        "nightly-asks",
        "The user was there yesterday, and tonight the bank asks again: the login needs its user.",
        &[
            Call(Ask::Schedule(0, false), 200, ""),
            Call(Ask::Schedule(1, true), 200, ""),
            Call(Ask::Nightly, 200, ""),
            Lists(0),
            Pass(DAY_MS),
            Call(Ask::Nightly, 200, ""),
            Lists(1),
            Says("/IneligibleCards/0/Reason", "QUESTION_NOT_FOUND"),
            Call(Ask::Cached(1), 401, "QUESTION_NOT_FOUND"),
        ],
    ),
    host("nightly-stale", "The bank is down for a week of nights; after it Nightly Refresh gives the login up.", &[Call(Ask::Schedule(0, false), 200, ""), Call(Ask::Schedule(1, true), 200, ""), Pass(7 * DAY_MS), Call(Ask::Nightly, 200, ""), Says("/IneligibleCards/0/Reason", "No successful refresh in the last 7 days")]).with(r#"{"bankCode":"RETRY_LATER"}"#),
    // The API on a bad day.
    host("api-rate-limited", "Too many requests: 401, not 429.", &[Call(Ask::Live(1), 401, "TOO_MANY_REQUESTS"), Call(Ask::Live(1), 203, "")]).with(r#"{"apiFailure":{"calls":1,"httpStatus":401,"flinksCode":"TOO_MANY_REQUESTS","endpoint":"Authorize"}}"#),
    host("api-concurrent-session", "Another session of the same login is open at the bank.", &[Call(Ask::Live(1), 401, "CONCURRENT_SESSION")]).with(r#"{"bankCode":"CONCURRENT_SESSION"}"#),
    host("api-bank-down", "Every bank is down; Flinks still has the old data.", &[Call(Ask::Live(1), 401, "RETRY_LATER"), Call(Ask::Cached(1), 401, "RETRY_LATER"), Call(Ask::Detail, 202, "OPERATION_PENDING")]).with(r#"{"bankCode":"RETRY_LATER"}"#),
    host("api-aggregation-error", "Flinks itself fails, twice.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::Detail, 500, "AGGREGATION_ERROR"), Call(Ask::Detail, 500, "AGGREGATION_ERROR"), Call(Ask::Detail, 202, "OPERATION_PENDING")]).with(r#"{"apiFailure":{"calls":2,"httpStatus":500,"flinksCode":"AGGREGATION_ERROR","endpoint":"GetAccountsDetail"}}"#),
    host("api-unavailable", "A gateway answers 503 in Flinks' place.", &[Call(Ask::Token, 503, "RETRY_LATER"), Call(Ask::Token, 200, "")]).with(r#"{"apiFailure":{"calls":1,"httpStatus":503,"flinksCode":"RETRY_LATER"}}"#),
    host("api-dropped", "The connection closes before Flinks has seen the call.", &[Broken(Ask::Live(1)), Call(Ask::Live(1), 203, "")]).with(r#"{"apiMishap":{"calls":1,"kind":"drop","endpoint":"Authorize"}}"#),
    host("api-answer-lost", "Flinks did it, but its answer was lost: the data was fetched and the session is over.", &[Call(Ask::Cached(1), 200, ""), Call(Ask::Detail, 202, "OPERATION_PENDING"), Pass(READY_MS), Broken(Ask::DetailAsync), Call(Ask::DetailAsync, 400, "SESSION_NONEXISTENT")]).with(r#"{"apiMishap":{"calls":1,"kind":"drop-answer","endpoint":"GetAccountsDetailAsync"}}"#),
    host("api-half-json", "Half of an answer arrives.", &[Broken(Ask::Live(1)), Call(Ask::Live(1), 203, "")]).with(r#"{"apiMishap":{"calls":1,"kind":"invalid-json","endpoint":"Authorize"}}"#),
    host("api-html", "A proxy's page arrives with status 200.", &[Broken(Ask::Token), Call(Ask::Token, 200, "")]).with(r#"{"apiMishap":{"calls":1,"kind":"html"}}"#),
    host("api-empty", "Status 200 without a body.", &[Broken(Ask::Token), Call(Ask::Token, 200, "")]).with(r#"{"apiMishap":{"calls":1,"kind":"empty"}}"#),
    host("api-slow", "Authorize is slow; everything else is not.", &[Call(Ask::Token, 200, ""), Call(Ask::Live(1), 203, "")]).with(r#"{"apiLatencyMs":150,"apiLatencyEndpoint":"Authorize"}"#),
    // Flinks as it may be.
    host("api-bank-slow", "The bank takes 66 seconds; the answer comes then.", &[Late(Ask::Live(1), 66_000, 203, ""), Call(Ask::Probe, 203, "")]).with(r#"{"bankLatencyMs":66000}"#),
    host(
        "api-bank-slower-than-flinks-waits",
        "The bank takes four minutes: after 210 seconds Authorize answers 202 with a session, whose question comes later.",
        &[Late(Ask::Live(1), 210_000, 202, "OPERATION_DISPATCHED"), Call(Ask::Probe, 202, "OPERATION_DISPATCHED"), Pass(30_000), Call(Ask::Probe, 203, "")],
    )
    .with(r#"{"bankLatencyMs":240000}"#),
    host(
        "api-bank-slow-and-nobody-waits",
        "The host gives up before the bank has answered: Flinks has done it all the same, and its webhooks say so.",
        &[
            Abandoned(Ask::LiveTagged(1, "mine")),
            Hears(&[]),
            Pass(MINUTE_MS + READY_MS),
            Hears(&["KYC", "GetAccountsDetail"]),
            Call(Ask::Cached(1), 200, ""),
        ],
    )
    .with(r#"{"bankLatencyMs":60000,"bankQuestions":"skipped"}"#),
    host("api-own-token", "A session's later calls want the token it began with.", &[Call(Ask::Live(1), 203, ""), Call(Ask::ProbeWithOwnToken, 203, ""), Call(Ask::Probe, 401, "UNAUTHORIZED")]).with(r#"{"sessionToken":"own"}"#),
    host("api-fresh-token", "A session's later calls want a fresh token each.", &[Call(Ask::Live(1), 203, ""), Call(Ask::ProbeWithOwnToken, 401, "UNAUTHORIZED"), Call(Ask::Probe, 203, "")]).with(r#"{"sessionToken":"fresh"}"#),
    host("api-any-token", "A session's later calls take either token.", &[Call(Ask::Live(1), 203, ""), Call(Ask::ProbeWithOwnToken, 203, ""), Call(Ask::Probe, 203, "")]),
    host("api-length-demanded", "A call without a body has to say so: 411 without `Content-Length`.", &[Broken(Ask::Token), Call(Ask::TokenWithLength, 200, "")]).with(r#"{"contentLength":"demanded"}"#),
    host(
        "api-aggregating",
        "The user is through, and Flinks still collects the data: asking says ALREADY_AUTHORIZED, and the cached call is not ready yet.",
        &[Call(Ask::Probe, 401, "ALREADY_AUTHORIZED"), Call(Ask::Cached(0), 202, "OPERATION_PENDING"), Pass(MINUTE_MS), Call(Ask::Probe, 200, ""), Call(Ask::Cached(0), 200, "")],
    )
    .open(Open::Answered(0))
    .with(r#"{"aggregationMs":60000}"#),
    host(
        "api-tagged",
        "The tag given to Authorize comes back with every answer about the session.",
        &[
            Call(Ask::LiveTagged(1, "mine"), 203, ""),
            Says("/Tag", "mine"),
            Call(Ask::Respond(0, "Montreal"), 203, ""),
            Says("/Tag", "mine"),
            Call(Ask::Respond(1, "Canada"), 203, ""),
            Call(Ask::Respond(2, "Triangle"), 200, ""),
            Says("/Tag", "mine"),
            Call(Ask::Detail, 202, "OPERATION_PENDING"),
            Pass(READY_MS),
            Call(Ask::DetailAsync, 200, ""),
            Says("/Tag", "mine"),
        ],
    ),
    // Webhooks.
    Scenario::new("webhooks", "The host hears of the holders at once and of the data when it is there.", &[Load, AnswerAll, Hears(&["KYC"]), Pass(READY_MS), Hears(&["KYC", "GetAccountsDetail"])]).open(Open::Asking(0)).page(TAGGED),
    Scenario::new("webhook-retried", "The host fails once and hears the same half an hour later.", &[Deaf(1), Load, AnswerAll, Failed(1), Hears(&[]), Pass(30 * MINUTE_MS), Hears(&["GetAccountsDetail", "KYC"])]).open(Open::Asking(0)).page(TAGGED),
    Scenario::new("webhook-given-up", "The host fails ten times: Flinks tries no more.", &[Deaf(20), Load, AnswerAll, Pass(5 * 60 * MINUTE_MS), Failed(20), Pass(DAY_MS), Hears(&[])]).open(Open::Asking(0)).page(TAGGED),
    host("webhook-none-for-cached", "Stored data is no news: no webhook.", &[Call(Ask::Cached(1), 200, ""), Pass(READY_MS), Hears(&[])]),
];
