//! The host's options: every good and bad value of every option, and that an error repeats no more than a name.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a broken premise must stop the test"
)]

use flinks_connect::address::parse_url;
use flinks_connect::id::{AuthorizeToken, RequestId};
use flinks_connect::parameters::{self, Language};
use flinks_reconnect::session::{
    BeginWith, Destination, FullFlowPolicy, InvalidOption, NAMES, Options, Properties, Property,
};

use crate::support::*;

/// Stands in every bad value that can hold a text, and in names that are none.
const CANARY: &str = "canary<4f1c>";

/// Options by kind, as the shell finds them on a JavaScript object.
#[derive(Clone)]
struct Given(Properties);

impl Given {
    fn new(pairs: &[(&str, Property)]) -> Self {
        Self(Properties(pairs.iter().map(|(name, property)| ((*name).to_owned(), property.clone())).collect()))
    }

    fn with(mut self, name: &str, property: Property) -> Self {
        self.0.0.retain(|(given, _)| given != name);
        self.0.0.push((name.to_owned(), property));
        self
    }

    fn read(&self) -> Result<Options, InvalidOption> {
        Options::read(&self.0, "en", parse_url)
    }
}

fn text(text: &str) -> Property {
    Property::Text(text.to_owned())
}

fn texts(texts: &[&str]) -> Property {
    Property::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Property {
    Property::Pairs(pairs.iter().flat_map(|(name, value)| [*name, *value]).map(str::to_owned).collect())
}

/// Valid options to which `option` can be added.
fn base_for(option: &str) -> Given {
    match option {
        "instance" | "connectUrl" => Given::new(&[("start", text("/start"))]),
        "start" | "requestId" => Given::new(&[("instance", text("toolbox"))]),
        "authorizeToken" => Given::new(&[("instance", text("toolbox")), ("requestId", text(REQUEST))]),
        _ => Given::new(&[("instance", text("toolbox")), ("start", text("/start"))]),
    }
}

/// One value of each kind, so that each option meets every kind it does not take.
fn every_kind() -> Vec<(&'static str, Property)> {
    vec![
        ("null", Property::Null),
        ("text", text(CANARY)),
        ("number", Property::Number(f64::NAN)),
        ("texts", texts(&[CANARY])),
        ("pairs", pairs(&[(CANARY, CANARY)])),
        ("function", Property::Function),
        ("element", Property::Element),
        ("signal", Property::Signal),
        ("other", Property::Other),
    ]
}

struct Row {
    option: &'static str,
    good: Vec<Property>,
    /// Beyond the kinds: values of the right kind that are wrong all the same.
    bad: Vec<Property>,
    /// The kinds of [`every_kind`] that are accepted.
    kinds: &'static [&'static str],
}

fn number(number: f64) -> Property {
    Property::Number(number)
}

#[allow(clippy::too_many_lines, reason = "one table")]
fn rows() -> Vec<Row> {
    let bad_ids: Vec<Property> =
        ["", "short77", "has space in it", &format!("12345678{CANARY}"), &"x".repeat(129)].map(text).into();
    let long_list = vec!["account-0"; 101];
    let milliseconds = || vec![number(1.0), number(1.5), number(20_000.0), number(2_147_483_647.0)];
    let no_milliseconds =
        || [0.0, -1.0, 0.5, -0.0, 2_147_483_648.0, 1e300, f64::INFINITY, f64::NEG_INFINITY].map(number).into();
    vec![
        Row {
            option: "instance",
            good: vec![text("toolbox"), text("a")],
            bad: vec![text(""), text("Toolbox"), text(&format!("evil.com/#{CANARY}"))],
            kinds: &[],
        },
        Row {
            option: "connectUrl",
            good: vec![text("https://connect.example/v2/"), text("http://127.0.0.1:4201/v2/")],
            bad: vec![
                text(""),
                text("http://connect.example/"),
                text(&format!("https://connect.example/?t={CANARY}")),
                text(&format!("https://u:{CANARY}@connect.example/")),
            ],
            kinds: &[],
        },
        Row {
            option: "container",
            good: vec![text("#here"), Property::Element],
            bad: vec![],
            kinds: &["text", "element"],
        },
        Row { option: "requestId", good: vec![text(REQUEST)], bad: bad_ids.clone(), kinds: &[] },
        Row {
            option: "start",
            good: vec![text("/start"), Property::Function],
            bad: vec![text("")],
            kinds: &["text", "function"],
        },
        Row { option: "authorizeToken", good: vec![text(TOKEN)], bad: bad_ids, kinds: &[] },
        Row {
            option: "resumeSelectedAccounts",
            good: vec![
                texts(&[]),
                texts(&[CHEQUING]),
                texts(&[CHEQUING, SAVINGS]),
                texts(&long_list[..100]),
                text(""),
                text(&format!("[\"{CHEQUING}\"]")),
            ],
            bad: vec![
                texts(&[CHEQUING, CANARY]),
                texts(&[""]),
                texts(&[&format!("{CHEQUING},{SAVINGS}")]),
                texts(&long_list),
                text(&"x".repeat(8_193)),
            ],
            kinds: &["text"],
        },
        Row {
            option: "deliver",
            good: vec![text("/deliver"), Property::Function],
            bad: vec![text("")],
            kinds: &["text", "function"],
        },
        Row { option: "onFailure", good: vec![text("ask"), text("end")], bad: vec![text(""), text("End")], kinds: &[] },
        Row { option: "allow", good: vec![text(""), text("camera; microphone")], bad: vec![], kinds: &["text"] },
        Row { option: "headers", good: vec![Property::Function], bad: vec![], kinds: &["function"] },
        Row {
            option: "credentials",
            good: vec![text("same-origin"), text("include"), text("omit")],
            bad: vec![text(""), text("Include"), text("include ")],
            kinds: &[],
        },
        Row {
            option: "language",
            good: vec![text("en"), text("fr")],
            bad: vec![text(""), text("fr-CA"), text("EN"), text("de")],
            kinds: &[],
        },
        Row {
            option: "params",
            good: vec![
                pairs(&[]),
                pairs(&[("demo", "true"), ("theme", ""), ("a_new_one", "é & ?")]),
                pairs(&[("tag", "a tag"), ("redirectUrl", "https://a.example/")]),
                pairs(&[("redirectUrl", "myapp://callback")]),
            ],
            bad: vec![
                pairs(&[("", "x")]),
                pairs(&[("a b", CANARY)]),
                pairs(&[("a&requestId", CANARY)]),
                pairs(&[("a[]", CANARY)]),
                pairs(&[("é", CANARY)]),
                pairs(&[("tag", "")]),
                pairs(&[("tag", &format!("{CANARY}\n"))]),
                pairs(&[("tag", &"x".repeat(257))]),
                pairs(&[("redirectUrl", "/thanks")]),
                pairs(&[("redirectUrl", CANARY)]),
                pairs(&[("redirectUrl", &format!("https://{REQUEST}@a.example/"))]),
                pairs(&[("demo", "true"), ("requestId", CANARY)]),
            ],
            kinds: &[],
        },
        Row {
            option: "fullFlow",
            good: vec![text("continue"), text("stop")],
            bad: vec![text(""), text("Stop")],
            kinds: &[],
        },
        Row {
            option: "labels",
            good: vec![pairs(&[]), pairs(&[("title", "<img onerror=x>")])],
            bad: vec![],
            kinds: &["pairs"],
        },
        Row { option: "loadTimeoutMs", good: milliseconds(), bad: no_milliseconds(), kinds: &[] },
        Row { option: "deliverTimeoutMs", good: milliseconds(), bad: no_milliseconds(), kinds: &[] },
        Row {
            option: "sandbox",
            good: vec![text("allow-scripts"), text(""), Property::Null],
            bad: vec![],
            kinds: &["text", "null"],
        },
        Row { option: "signal", good: vec![Property::Signal], bad: vec![], kinds: &["signal"] },
    ]
}

#[track_caller]
fn is_refused(option: &str, given: &Given) {
    let error = given.read().err().unwrap_or_else(|| panic!("`{option}` was accepted"));
    assert_eq!(error, InvalidOption(option.to_owned()));
}

#[test]
fn the_table_has_every_option() {
    assert_eq!(rows().iter().map(|row| row.option).collect::<Vec<_>>(), NAMES);
}

#[test]
fn every_good_value_is_accepted() {
    for row in rows() {
        for value in row.good {
            if let Err(error) = base_for(row.option).with(row.option, value.clone()).read() {
                panic!("{} = {value:?}: {error:?}", row.option);
            }
        }
    }
}

#[test]
fn every_bad_value_is_refused_by_name_and_never_repeated() {
    let mut refused = 0;
    for row in rows() {
        for value in row.bad {
            is_refused(row.option, &base_for(row.option).with(row.option, value));
            refused += 1;
        }
        for (kind, value) in every_kind() {
            let given = base_for(row.option).with(row.option, value);
            if row.kinds.contains(&kind) {
                assert!(given.read().is_ok(), "{} takes {kind}", row.option);
            } else {
                is_refused(row.option, &given);
                refused += 1;
            }
        }
    }
    println!("{refused} bad values");
}

#[test]
fn what_is_left_out_has_its_default() {
    let options = base_for("").read().expect("options");
    assert_eq!(options.settings.accounts.as_str(), None);
    assert_eq!(options.destination, Destination::Page);
    assert_eq!(options.language, Language::En);
    assert_eq!(options.settings.params, []);
    assert_eq!(options.full_flow, FullFlowPolicy::Continue);
    assert_eq!(options.load_timeout_ms, 20_000);
    assert_eq!(options.deliver_timeout_ms, 120_000);
    assert_eq!(options.begin_with, BeginWith::StartEndpoint);
    assert_eq!(options.settings.connect.map(|connect| connect.origin().to_owned()).as_deref(), Some(CONNECT_ORIGIN));
}

#[test]
fn undefined_is_as_good_as_left_out() {
    let mut given = base_for("");
    for name in NAMES {
        if *given.0.get(name) == Property::Absent {
            given = given.with(name, Property::Absent);
        }
    }
    assert_eq!(given.0.0.len(), NAMES.len());
    assert!(given.read().is_ok());
}

#[test]
fn what_is_given_arrives() {
    let given = Given::new(&[
        ("connectUrl", text("http://127.0.0.1:4201/v2/")),
        ("requestId", text(REQUEST)),
        ("authorizeToken", text(TOKEN)),
        ("resumeSelectedAccounts", texts(&[CHEQUING, SAVINGS])),
        ("deliver", Property::Function),
        ("language", text("fr")),
        ("params", pairs(&[("demo", "true")])),
        ("fullFlow", text("stop")),
        ("loadTimeoutMs", number(1_500.9)),
        ("deliverTimeoutMs", number(9.0)),
    ]);
    let options = given.read().expect("options");
    assert_eq!(options.begin_with, BeginWith::RequestId);
    let settings = options.settings;
    assert_eq!(settings.request_id, RequestId::parse(REQUEST));
    assert_eq!(settings.authorize_token, AuthorizeToken::parse(TOKEN));
    assert_eq!(
        settings.accounts.ids().iter().map(flinks_connect::id::AccountId::as_str).collect::<Vec<_>>(),
        [CHEQUING, SAVINGS]
    );
    assert_eq!(options.destination, Destination::Backend);
    assert_eq!(options.language, Language::Fr);
    assert_eq!(settings.params, [("demo".to_owned(), "true".to_owned())]);
    assert_eq!(options.full_flow, FullFlowPolicy::Stop);
    assert_eq!((options.load_timeout_ms, options.deliver_timeout_ms), (1_500, 9));
}

#[test]
fn a_session_begins_in_exactly_one_way_at_exactly_one_place() {
    let rows: &[(&[(&str, Property)], &str)] = &[
        (&[], "requestId"),
        (&[("instance", text("toolbox"))], "requestId"),
        (&[("instance", text("toolbox")), ("requestId", text(REQUEST)), ("start", text("/start"))], "requestId"),
        (
            &[("instance", text("toolbox")), ("connectUrl", text("https://a.example/")), ("start", text("/start"))],
            "connectUrl",
        ),
        // Only a start reply can supply the place.
        (&[("requestId", text(REQUEST))], "instance"),
        // A start reply brings its own token.
        (
            &[("instance", text("toolbox")), ("start", text("/start")), ("authorizeToken", text(TOKEN))],
            "authorizeToken",
        ),
    ];
    for (given, option) in rows {
        is_refused(option, &Given::new(given));
    }
    assert!(Given::new(&[("start", text("/start"))]).read().expect("options").settings.connect.is_none());
}

#[test]
fn unknown_names_are_refused() {
    for name in ["requestID", "Instance", "instanceId", "loginId", "webview", "toString", "__proto__", "x"] {
        is_refused(name, &base_for("").with(name, text(CANARY)));
    }
}

#[test]
fn a_name_that_may_be_anything_is_not_repeated() {
    for name in [CANARY, "canary canary", &"canary".repeat(10), "", "https://canary.example/"] {
        let InvalidOption(told) = base_for("").with(name, Property::Null).read().expect_err(name);
        assert!(told == "?" || name.is_empty(), "{told}");
    }
}

#[test]
fn parameters_the_widget_owns_are_refused_in_any_casing() {
    for reserved in ["requestId", "authorizeToken", "resumeSelectedAccounts", "language", "webview", "stringify"] {
        assert!(parameters::RESERVED.contains(&reserved));
        let spongy: String = reserved
            .chars()
            .enumerate()
            .map(|(at, letter)| if at % 2 == 0 { letter.to_ascii_uppercase() } else { letter })
            .collect();
        for name in [reserved, &reserved.to_uppercase(), &reserved.to_lowercase(), &spongy] {
            is_refused("params", &base_for("").with("params", pairs(&[("demo", "true"), (name, CANARY)])));
        }
    }
    assert_eq!(parameters::RESERVED.len(), 6);
}

#[test]
fn every_documented_parameter_may_be_set() {
    for name in parameters::DOCUMENTED {
        let value = if *name == parameters::REDIRECT_URL { "https://a.example/done" } else { "true" };
        assert!(base_for("").with("params", pairs(&[(name, value)])).read().is_ok(), "{name}");
    }
}

#[test]
fn the_documents_language_is_the_default() {
    for (document, language) in [
        ("fr", Language::Fr),
        ("fr-CA", Language::Fr),
        ("FR-ca", Language::Fr),
        ("fr_CA", Language::Fr),
        ("en", Language::En),
        ("en-CA", Language::En),
        ("de", Language::En),
        ("", Language::En),
        ("f", Language::En),
        ("é", Language::En),
        ("日本", Language::En),
    ] {
        let read = Options::read(&base_for("").0, document, parse_url).expect("options");
        assert_eq!(read.language, language, "{document:?}");
        let chosen = base_for("").with("language", text("en"));
        assert_eq!(Options::read(&chosen.0, document, parse_url).expect("options").language, Language::En);
    }
}

#[test]
fn options_hide_their_ids_in_debug_output() {
    let given = Given::new(&[
        ("instance", text("toolbox")),
        ("requestId", text(REQUEST)),
        ("authorizeToken", text(TOKEN)),
        ("resumeSelectedAccounts", texts(&[CHEQUING])),
    ]);
    for printed in [format!("{:?}", given.read().expect("options")), format!("{:?}", given.0)] {
        assert!(printed.contains("authorize"), "it tells what there is: {printed}");
        for secret in [REQUEST, TOKEN, CHEQUING] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
