//! What Connect posts, read: every documented step, every shape of REDIRECT, and what must never become a result.

#![allow(clippy::panic, clippy::expect_used, reason = "helpers of tests: a broken premise must stop the test")]

use flinks_connect::address::parse_url;
use flinks_connect::code;
use flinks_connect::id::{AccountId, LoginId, RequestId, Tag};
use flinks_connect::message::{MAX_JSON_LEN, MAX_TEXT_LEN, MAX_URL_LEN, Message};
use flinks_connect::redirect::{Contradiction, Expected, Redirect};
use flinks_connect::step::{self, Meaning};
use flinks_reconnect::session::Posted;
use serde_json::{Value, json};

use crate::support::*;

pub(crate) const BASE: &str = "https://toolbox-iframe.private.fin.ag/v2/";
pub(crate) const NOTHING_ASKED: Expected<'static> =
    Expected { tag: None, redirect_url: None, ends_inside: false, base: BASE };

fn read(data: Value) -> Option<Message> {
    let letter = Letter(data);
    let fields = letter.fields()?;
    Message::read(&*fields)
}

fn redirect_of(data: Value) -> Result<Box<Redirect>, Contradiction> {
    redirect_for(data, NOTHING_ASKED)
}

fn redirect_for(data: Value, expected: Expected<'_>) -> Result<Box<Redirect>, Contradiction> {
    Message::redirect(&Json(data), parse_url, expected)
}

/// A REDIRECT whose ids stand only in its URL's query.
fn by_url(query: &str) -> Value {
    json!({ "step": "REDIRECT", "url": landing(query) })
}

/// The login, `None` where none can be read.
fn login_of(data: Value) -> Result<Option<String>, Contradiction> {
    redirect_of(data).map(|redirect| redirect.login_id.map(|id| id.as_str().to_owned()))
}

#[allow(clippy::unnecessary_wraps, reason = "it is compared with what reading returns")]
fn login(id: &str) -> Result<Option<String>, Contradiction> {
    Ok(Some(id.to_owned()))
}

fn accounts_of(data: Value) -> Vec<String> {
    let redirect = redirect_of(data).unwrap_or_else(|error| panic!("no redirect: {error:?}"));
    redirect.accounts.iter().map(|id| id.as_str().to_owned()).collect()
}

// ---- messages ----

#[test]
fn every_documented_step_is_read_as_object_and_as_text_alike() {
    for step in step::ALL {
        let object =
            json!({ "step": step.name, "institution": BANK, "cached": false, "mfaTypes": ["x"], "totalAccounts": 4 });
        let message = read(object.clone()).expect(step.name);
        assert_eq!(message.step.as_deref(), Some(step.name));
        assert_eq!(message.institution.as_deref(), Some(BANK));
        assert_eq!(message.code, None);
        assert_eq!(message.meaning, step.meaning, "{}", step.name);
        assert_eq!(read(Value::String(object.to_string())), Some(message), "{}", step.name);
    }
    assert_eq!(step::ALL.len(), 31);
}

#[test]
fn every_documented_code_is_read_from_its_field_and_from_the_step() {
    for code in code::ALL {
        let by_field = read(json!({ "flinksCode": code.name })).expect(code.name);
        assert_eq!((by_field.step, by_field.code.as_deref()), (None, Some(code.name)));
        let by_step = read(json!({ "step": code.name })).expect(code.name);
        assert_eq!((by_step.step.as_deref(), by_step.code.as_deref()), (Some(code.name), Some(code.name)));
        assert_eq!(by_step.meaning, Meaning::Passing, "a code is judged as one, not as a step");
    }
}

#[test]
fn the_words_that_matter_mean_what_they_say() {
    for (name, meaning) in [
        ("APP_MOUNTED", Meaning::Mounted),
        ("COMPONENT_LOAD_MFA", Meaning::Mfa),
        ("COMPONENT_LOAD_INSTITUTION_SELECTOR", Meaning::FullFlow),
        ("COMPONENT_LOAD_CREDENTIAL", Meaning::FullFlow),
        ("COMPONENT_LOAD_CREDENTIAL_RETRY", Meaning::Screen),
        ("COMPONENT_LOAD_MFA_RETRY", Meaning::Mfa),
        ("COMPONENT_LOAD_CONSENT", Meaning::Screen),
        ("POPUP_OPENED", Meaning::Window),
        // Names we do not know, by their beginning: they move a clock and end nothing.
        ("COMPONENT_LOAD_SOMETHING_NEW", Meaning::Screen),
        ("SUBMIT_SOMETHING_NEW", Meaning::Submitted),
        ("SUBMIT_CREDENTIAL", Meaning::SignedIn),
        ("SUBMIT_MFA", Meaning::Submitted),
        ("COMPONENT_CLOSE_SESSION", Meaning::Closed),
        ("COMPONENT_DENY_CONSENT", Meaning::Denied),
        // An unticked box, not an end.
        ("COMPONENT_DENY_TERMS", Meaning::Passing),
        ("TOKEN_INVALID", Meaning::TokenInvalid),
        ("REDIRECT", Meaning::Redirect),
        ("redirect", Meaning::Passing),
        ("ＲＥＤＩＲＥＣＴ", Meaning::Passing),
    ] {
        assert_eq!(read(json!({ "step": name })).map(|message| message.meaning), Some(meaning), "{name}");
    }
}

#[test]
fn a_step_that_means_nothing_yields_to_a_code_that_does() {
    assert_eq!(
        read(json!({ "step": "ERROR", "flinksCode": "TOKEN_INVALID" })).map(|it| it.meaning),
        Some(Meaning::TokenInvalid)
    );
    assert_eq!(read(json!({ "step": "APP_MOUNTED", "flinksCode": "OK" })).map(|it| it.meaning), Some(Meaning::Mounted));
}

#[test]
fn what_has_neither_step_nor_code_is_no_message() {
    for data in [
        json!({}),
        json!({ "institution": BANK }),
        json!({ "step": null, "flinksCode": null }),
        json!({ "step": "", "flinksCode": "" }),
        json!({ "step": 1, "flinksCode": [] }),
        json!({ "step": { "toString": "REDIRECT" } }),
        json!({ "data": { "step": "REDIRECT" } }),
        json!({ "__proto__": { "step": "REDIRECT" } }),
        json!({ "step": "x".repeat(MAX_TEXT_LEN + 1) }),
        json!("{\"step\":\"REDIRECT\""),
        json!("{'step':'REDIRECT'}"),
        json!("REDIRECT"),
        json!(format!("{}{}", "[".repeat(8_000), "]".repeat(8_000))),
        json!(format!("{}{}", "{\"step\":".repeat(1_000), "}".repeat(1_000))),
        json!(" ".repeat(MAX_JSON_LEN) + "{\"step\":\"REDIRECT\"}"),
    ] {
        assert_eq!(read(data.clone()), None, "{data}");
    }
}

#[test]
fn a_step_at_the_limit_is_read() {
    let name = "é".repeat(MAX_TEXT_LEN);
    assert_eq!(read(json!({ "step": name })).and_then(|message| message.step), Some(name));
}

#[test]
fn a_bank_that_is_no_text_is_left_out() {
    for bank in [json!(5), json!(["a"]), json!("x".repeat(MAX_TEXT_LEN + 1)), json!("")] {
        let message = read(json!({ "step": "INSTITUTION_SELECTED", "institution": bank })).expect("a message");
        assert_eq!(message.institution, None);
    }
}

// ---- REDIRECT: where the login may stand ----

#[test]
fn the_login_is_read_from_the_field_from_the_url_or_from_both() {
    for data in [
        redirect(),
        json!({ "loginId": LOGIN }),
        by_url(&format!("loginId={LOGIN}")),
        by_url(&format!("a=b&loginId={LOGIN}&institution=X")),
        by_url(&format!("loginId={}", LOGIN.replace('-', "%2D"))),
        by_url(&format!("loginId={LOGIN}#fragment?loginId={OTHER_LOGIN}")),
        by_url(&format!("&&=&loginId={LOGIN}&&")),
        json!({ "loginId": LOGIN, "url": "https://example.com/thank-you" }),
        json!({ "loginId": LOGIN, "url": "" }),
        json!({ "loginId": LOGIN, "url": null }),
        json!({ "loginId": "", "url": landing(&format!("loginId={LOGIN}")) }),
        // What is empty or no id counts as absent, wherever it stands.
        json!({ "loginId": "?", "url": landing(&format!("loginId={LOGIN}")) }),
        json!({ "loginId": 5, "url": landing(&format!("loginId={LOGIN}")) }),
        json!({ "loginId": [LOGIN], "url": landing(&format!("loginId={LOGIN}")) }),
        json!({ "loginId": "x".repeat(MAX_TEXT_LEN + 1), "url": landing(&format!("loginId={LOGIN}")) }),
        by_url(&format!("loginId={LOGIN}&loginId=")),
        by_url(&format!("loginId=?&loginId={LOGIN}")),
        // Names in any case, and the same said several times.
        json!({ "Step": "REDIRECT", "LoginId": LOGIN }),
        json!({ "LOGINID": LOGIN, "loginid": LOGIN, "loginId": LOGIN }),
        json!({ "Url": landing(&format!("LoginId={LOGIN}")) }),
        by_url(&format!("loginid={LOGIN}")),
        by_url(&format!("LOGINID={LOGIN}")),
        by_url(&format!("loginId={LOGIN}&loginId={LOGIN}&LoginId={LOGIN}")),
        // A url at Connect's own address, in full or as it stands in a page of its own.
        json!({ "url": format!("/v2/Result/FlinksCapital?thank-you=true&loginId={LOGIN}") }),
        json!({ "url": format!("Result/FlinksCapital?loginId={LOGIN}") }),
        json!({ "url": format!("?loginId={LOGIN}") }),
        json!({ "url": format!("//example.com/?loginId={LOGIN}") }),
        json!({ "url": format!("{BASE}Result/FlinksCapital?loginId={LOGIN}") }),
    ] {
        assert_eq!(login_of(data.clone()), login(LOGIN), "{data}");
    }
}

#[test]
fn a_redirect_without_a_login_by_the_grammar_names_none() {
    let rows = [
        json!({ "step": "REDIRECT" }),
        json!({ "loginId": 5 }),
        json!({ "loginId": [LOGIN] }),
        json!({ "loginId": { "loginId": LOGIN } }),
        json!({ "loginId": "x".repeat(MAX_TEXT_LEN + 1) }),
        json!({ "url": "https://example.com/" }),
        by_url("loginId="),
        by_url("loginId"),
        by_url(&format!("login%20Id={LOGIN}")),
        by_url(&format!("demo=true?loginId={LOGIN}")),
        by_url(&format!("#loginId={LOGIN}")),
        by_url(&format!("loginId={LOGIN}%26accountId%3Db")),
        by_url(&format!("loginId={LOGIN}+")),
        by_url(&format!("loginId=+{LOGIN}")),
        by_url(&format!("loginId={LOGIN}%00")),
        by_url(&format!("loginId={LOGIN}%0d%0aX:%20y")),
        by_url(&format!("loginId={LOGIN}%F0%9F")),
        by_url(&format!("loginId={LOGIN};x=1")),
        json!({ "url": format!("https://example.com/thank-you/%3FloginId={LOGIN}") }),
        json!({ "url": format!("https://example.com/loginId={LOGIN}") }),
    ];
    for data in rows {
        assert_eq!(login_of(data.clone()), Ok(None), "{data}");
    }
}

#[test]
fn ids_are_eight_to_128_safe_characters_wherever_they_stand() {
    let good = ["abcd1234", LOGIN, "A.b_c-d.1529418524", "12345678", "________", &"x".repeat(128)];
    let bad = [
        "short77",
        &"x".repeat(129),
        "has space",
        "tab\tinside",
        "nul\u{0}inside",
        "line\r\nbreak",
        "<script>alert(1)</script>",
        "../../../etc/passwd",
        "8b35f6c8,e7b6aaaa",
        "8b35f6c8/e7b6aaaa",
        "8b35f6c8%20e7b6aa",
        "８b35f6c8-e7b6-41d3",
        "8b35f6c8\u{2010}e7b6-41d3",
        "8b35f6c8\u{ad}e7b6-41d3",
        "8b35f6c8\u{fffd}e7b6-41d3",
        "8b35f6c8\u{202e}e7b6-41d3",
        "'; DROP TABLE--",
        "{\"a\":\"bcdef\"}",
    ];
    for id in good {
        assert_eq!(login_of(json!({ "loginId": id })), login(id));
        assert_eq!(login_of(by_url(&format!("loginId={id}"))), login(id));
        assert_eq!(accounts_of(json!({ "loginId": LOGIN, "accountId": id })), [id]);
    }
    for id in bad {
        assert_eq!(login_of(json!({ "loginId": id })), Ok(None), "{id:?}");
        let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        assert_eq!(login_of(by_url(&format!("loginId={encoded}"))), Ok(None), "{id:?}");
        assert_eq!(RequestId::parse(id), None, "{id:?}");
        assert_eq!(AccountId::parse(id), None, "{id:?}");
    }
}

// ---- REDIRECT: conflicts ----

#[test]
fn what_field_and_url_say_must_agree() {
    for (name, one, other) in
        [("loginId", LOGIN, OTHER_LOGIN), ("requestId", REQUEST, OTHER_REQUEST), ("tag", "tag-1", "tag-2")]
    {
        let both = |field: Value, in_url: &str| {
            let mut data = json!({ "loginId": LOGIN, "url": landing(&format!("{name}={in_url}")) });
            data[name] = field;
            redirect_of(data)
        };
        assert!(both(json!(one), one).is_ok(), "{name}");
        assert_eq!(both(json!(one), other), Err(Contradiction), "{name}");
        assert_eq!(both(json!(one), &one.to_uppercase()), Err(Contradiction), "{name}");
        assert!(both(json!([one]), one).is_ok(), "{name}: what is no text says nothing");
        assert!(both(json!("x".repeat(MAX_TEXT_LEN + 1)), one).is_ok(), "{name}: nor what is too long");
    }
}

#[test]
fn what_is_said_twice_must_be_the_same() {
    for query in [
        format!("loginId={LOGIN}&loginId={OTHER_LOGIN}"),
        format!("loginId={LOGIN}&LoginID={OTHER_LOGIN}"),
        format!("loginId={LOGIN}&x=1&login%49d={OTHER_LOGIN}"),
        format!("loginId={LOGIN}&requestId={REQUEST}&requestid={OTHER_REQUEST}"),
        format!("loginId={LOGIN}&tag=a&tag=b"),
    ] {
        assert_eq!(redirect_of(by_url(&query)), Err(Contradiction), "{query}");
        // A field beside it does not settle which one is meant.
        assert_eq!(redirect_of(with(by_url(&query), json!({ "loginId": LOGIN }))), Err(Contradiction), "{query}");
    }
    for data in [
        json!({ "loginId": LOGIN, "LoginId": OTHER_LOGIN }),
        json!({ "loginId": LOGIN, "url": landing(""), "URL": landing(&format!("loginId={OTHER_LOGIN}")) }),
    ] {
        assert_eq!(redirect_of(data.clone()), Err(Contradiction), "{data}");
    }
    let query = format!("loginId={LOGIN}&requestId={REQUEST}&requestId={REQUEST}&tag=a&tag=a");
    let redirect = redirect_of(by_url(&query)).expect("a redirect");
    assert_eq!((redirect.request_id, redirect.tag), (RequestId::parse(REQUEST), Tag::parse("a")));
}

#[test]
fn a_url_that_cannot_be_read_or_is_not_on_the_web_says_nothing() {
    let urls = [
        format!("javascript:alert(1)//?loginId={OTHER_LOGIN}"),
        format!("JaVaScRiPt:alert(1)//?loginId={OTHER_LOGIN}"),
        format!("java\tscript:alert(1)//?loginId={OTHER_LOGIN}"),
        format!("data:text/html,x?loginId={OTHER_LOGIN}"),
        format!("vbscript:x?loginId={OTHER_LOGIN}"),
        format!("blob:https://example.com/8b35?loginId={OTHER_LOGIN}"),
        format!("file:///thank-you?loginId={OTHER_LOGIN}"),
        format!("ftp://example.com/?loginId={OTHER_LOGIN}"),
        format!("ws://example.com/?loginId={OTHER_LOGIN}"),
        format!("about:blank?loginId={OTHER_LOGIN}"),
        format!("myapp://callback?loginId={OTHER_LOGIN}"),
        format!("http://?loginId={OTHER_LOGIN}"),
        format!("https://exa mple.com/?loginId={OTHER_LOGIN}"),
        format!("https://[::1/?loginId={OTHER_LOGIN}"),
        format!("https://example.com/?loginId={OTHER_LOGIN}&pad={}", "x".repeat(MAX_URL_LEN)),
        "not a url".to_owned(),
    ];
    let odd = [json!(5), json!({}), json!([landing("")]), json!(true)];
    for url in urls.into_iter().map(Value::String).chain(odd) {
        assert_eq!(login_of(json!({ "url": url })), Ok(None), "{url}");
        assert_eq!(login_of(json!({ "loginId": LOGIN, "url": url })), login(LOGIN), "{url}");
        // Where a place was asked for, it is elsewhere.
        let expected = Expected { redirect_url: Some("https://app.example.com/done"), ..NOTHING_ASKED };
        assert_eq!(redirect_for(json!({ "loginId": LOGIN, "url": url }), expected), Err(Contradiction), "{url}");
    }
}

#[test]
fn a_url_with_credentials_is_nobodys() {
    for user in ["user:secret@", "user@", ":secret@"] {
        let url = format!("https://{user}example.com/?loginId={LOGIN}");
        assert_eq!(login_of(json!({ "url": url })), Err(Contradiction), "{url}");
        assert_eq!(login_of(json!({ "loginId": LOGIN, "url": url })), Err(Contradiction), "{url}");
    }
}

#[test]
fn without_a_redirect_url_asked_for_any_web_address_will_do() {
    for url in [
        "https://example.com/a?",
        "http://localhost:4200/done?",
        "HTTPS://EXAMPLE.COM?",
        "https:\\\\example.com\\a?",
        "  https://example.com/?",
    ] {
        assert_eq!(login_of(json!({ "url": format!("{url}loginId={LOGIN}") })), login(LOGIN), "{url}");
    }
}

#[test]
fn a_redirect_url_that_was_asked_for_is_the_only_place() {
    let asked = "https://app.example.com/done?own=1#top";
    let at = |url: &str| {
        let expected = Expected { redirect_url: Some(asked), ..NOTHING_ASKED };
        redirect_for(json!({ "loginId": LOGIN, "url": url }), expected).map(|_| ())
    };
    for same in [
        "https://app.example.com/done",
        "https://app.example.com/done?own=1&loginId=8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31",
        "https://app.example.com/done?other",
        "https://APP.example.com:443/done#x",
        "https://app.example.com/x/../done",
    ] {
        assert_eq!(at(same), Ok(()), "{same}");
    }
    for elsewhere in [
        "https://app.example.com/",
        "https://app.example.com/done/",
        "https://app.example.com/Done",
        "https://app.example.com/done;x",
        "https://app.example.com/done%3Fown=1",
        "https://app.example.com/open?to=https://app.example.com/done",
        "https://app.example.com.evil.test/done",
        "https://evil.test/done",
        "https://evil.test/#https://app.example.com/done",
        "https://evil.test/?https://app.example.com/done",
        "http://app.example.com/done",
        "https://app.example.com:8443/done",
        "https://app.example.com./done",
        "https://app.example.com@evil.test/done",
        "https://u:p@app.example.com/done",
        "javascript:https://app.example.com/done",
    ] {
        assert_eq!(at(elsewhere), Err(Contradiction), "{elsewhere}");
    }
    let expected = Expected { redirect_url: Some(asked), ..NOTHING_ASKED };
    assert!(redirect_for(json!({ "loginId": LOGIN }), expected).is_ok(), "a REDIRECT need not name its address");
}

#[test]
fn a_custom_scheme_is_accepted_only_where_it_was_asked_for() {
    let asked = Expected { redirect_url: Some("myapp://callback"), ..NOTHING_ASKED };
    let data = |url: &str| json!({ "url": format!("{url}?loginId={LOGIN}") });
    assert!(redirect_for(data("myapp://callback"), asked).is_ok());
    for elsewhere in
        ["myapp://callback/x", "myapp://other", "yourapp://callback", "https://callback", "javascript://callback"]
    {
        assert_eq!(redirect_for(data(elsewhere), asked), Err(Contradiction), "{elsewhere}");
    }
}

#[test]
fn a_returned_tag_must_be_the_one_that_was_set() {
    let tag = Tag::parse(TAG).expect("a tag");
    let expected = Expected { tag: Some(&tag), ..NOTHING_ASKED };
    let encoded = "opaque%20tag+1";
    for same in [
        json!({ "loginId": LOGIN }),
        json!({ "loginId": LOGIN, "tag": TAG }),
        by_url(&format!("loginId={LOGIN}&tag={encoded}")),
        with(by_url(&format!("loginId={LOGIN}&tag={encoded}")), json!({ "tag": TAG })),
    ] {
        assert!(redirect_for(same.clone(), expected).is_ok(), "{same}");
    }
    for other in [
        json!({ "loginId": LOGIN, "tag": "other" }),
        json!({ "loginId": LOGIN, "tag": "OPAQUE TAG 1" }),
        json!({ "loginId": LOGIN, "tag": format!("{TAG} ") }),
        json!({ "loginId": LOGIN, "tag": "línea" }),
        by_url(&format!("loginId={LOGIN}&tag=other")),
        by_url(&format!("loginId={LOGIN}&tag={encoded}&tag=other")),
        by_url(&format!("loginId={LOGIN}&tag=%0a")),
    ] {
        assert_eq!(redirect_for(other.clone(), expected), Err(Contradiction), "{other}");
    }
}

#[test]
fn a_tag_that_nobody_set_is_passed_on_and_never_a_conflict() {
    // Design §2.3: a tag conflicts "when we set one and it returns one".
    let redirect = redirect_of(by_url(&format!("loginId={LOGIN}&tag=theirs"))).expect("a redirect");
    assert_eq!(redirect.tag, Tag::parse("theirs"));
    for odd in [
        by_url(&format!("loginId={LOGIN}&tag=")),
        by_url(&format!("loginId={LOGIN}&tag=%C3%A9t%C3%A9")),
        by_url(&format!("loginId={LOGIN}&tag={}", "x".repeat(257))),
        json!({ "loginId": LOGIN, "tag": "été" }),
        json!({ "loginId": LOGIN, "tag": "" }),
    ] {
        assert_eq!(redirect_of(odd.clone()).map(|redirect| redirect.tag), Ok(None), "{odd}");
    }
}

#[test]
fn an_empty_parameter_in_the_url_is_as_good_as_none() {
    // As `?tag=&requestId=` of a template whose values were missing: fields treat the empty text the same way.
    for name in ["requestId", "tag", "accountId", "institution"] {
        let redirect = redirect_of(by_url(&format!("loginId={LOGIN}&{name}="))).expect(name);
        assert_eq!(redirect, redirect_of(by_url(&format!("loginId={LOGIN}"))).expect("a redirect"), "{name}");
    }
    let field = json!({ "loginId": LOGIN, "requestId": REQUEST, "url": landing("requestId=&tag=") });
    assert_eq!(redirect_of(field).map(|redirect| redirect.request_id), Ok(RequestId::parse(REQUEST)));
}

#[test]
fn redirect_ignores_invalid_optional_fields() {
    // A success with an odd extra must not get lost: what is odd and needless falls away.
    for odd in [json!(5), json!({}), json!(["x"]), json!(true), json!("x".repeat(MAX_TEXT_LEN + 1)), json!("?")] {
        for name in ["requestId", "institution", "accountId", "accounts"] {
            let mut data = json!({ "loginId": LOGIN });
            data[name] = odd.clone();
            let redirect = redirect_of(data.clone());
            assert_eq!(
                redirect.as_ref().map(|redirect| redirect.login_id.as_ref()),
                Ok(LoginId::parse(LOGIN).as_ref())
            );
            assert_eq!(redirect.map(|redirect| redirect.request_id), Ok(None), "{data}");
        }
    }
}

// ---- REDIRECT: accounts ----

#[test]
fn a_session_is_named_by_any_message() {
    assert_eq!(
        read(json!({ "step": "APP_MOUNTED", "RequestId": REQUEST })).and_then(|it| it.request_id),
        RequestId::parse(REQUEST)
    );
    assert_eq!(read(json!({ "step": "APP_MOUNTED", "requestId": "?" })).and_then(|it| it.request_id), None);
}

#[test]
fn accounts_are_read_under_every_key_and_in_every_form() {
    for key in ["accountId", "accountIds", "accounts", "resumeSelectedAccounts"] {
        let field = |value: Value| {
            let mut data = json!({ "loginId": LOGIN });
            data[key] = value;
            accounts_of(data)
        };
        let query = |query: String| accounts_of(by_url(&format!("loginId={LOGIN}&{query}")));
        let both = [CHEQUING, SAVINGS];
        assert_eq!(field(json!(CHEQUING)), [CHEQUING], "{key}: a string");
        assert_eq!(field(json!(format!("{CHEQUING},{SAVINGS}"))), both, "{key}: a comma list");
        assert_eq!(field(json!(format!(" {CHEQUING} , {SAVINGS} ,"))), both, "{key}: a loose comma list");
        assert_eq!(field(json!([CHEQUING, SAVINGS])), both, "{key}: an array");
        assert_eq!(field(json!([format!("{CHEQUING},{SAVINGS}")])), both, "{key}: a comma list in an array");
        assert_eq!(
            field(json!([CHEQUING, null, 5, "?", [SAVINGS], CHEQUING, SAVINGS])),
            both,
            "{key}: what is no id falls away"
        );
        assert_eq!(field(json!([])), [""; 0], "{key}: empty");
        assert_eq!(query(format!("{key}={CHEQUING}")), [CHEQUING], "{key}: in the URL");
        assert_eq!(query(format!("{key}={CHEQUING},{SAVINGS}")), both, "{key}: a comma list in the URL");
        assert_eq!(query(format!("{key}={CHEQUING}%2C{SAVINGS}")), both, "{key}: an escaped comma list in the URL");
        assert_eq!(query(format!("{key}={CHEQUING}&x=1&{key}={SAVINGS}")), both, "{key}: repeated in the URL");
    }
}

#[test]
fn the_fields_accounts_come_before_the_urls_and_empty_ones_do_not_count() {
    let data =
        |field: Value| json!({ "loginId": LOGIN, "accountId": field, "url": landing(&format!("accountId={SAVINGS}")) });
    assert_eq!(accounts_of(data(json!([CHEQUING]))), [CHEQUING]);
    assert_eq!(accounts_of(data(json!([]))), [SAVINGS]);
    assert_eq!(accounts_of(data(json!(""))), [SAVINGS]);
    assert_eq!(accounts_of(json!({ "loginId": LOGIN, "accountId": "?", "accounts": [SAVINGS] })), [SAVINGS]);
}

#[test]
fn no_more_accounts_are_read_than_anybody_has() {
    let many: Vec<String> = (0..1_000).map(|number| format!("account-{number:08}")).collect();
    assert_eq!(accounts_of(json!({ "loginId": LOGIN, "accounts": many })), many[..100]);
    let joined = many[..300].join(",");
    assert!(joined.len() < MAX_URL_LEN);
    assert_eq!(accounts_of(json!({ "loginId": LOGIN, "accounts": joined })), many[..100]);
    assert_eq!(accounts_of(by_url(&format!("loginId={LOGIN}&accounts={joined}"))), many[..100]);
}

// ---- REDIRECT: the rest ----

#[test]
fn the_bank_is_named_by_the_field_or_else_by_the_url() {
    let bank = |data: Value| redirect_of(data).expect("a redirect").institution;
    assert_eq!(bank(redirect()).as_deref(), Some(BANK));
    assert_eq!(bank(by_url(&format!("loginId={LOGIN}&institution=Caisse%20%C3%89"))).as_deref(), Some("Caisse É"));
    assert_eq!(
        bank(json!({ "loginId": LOGIN, "institution": 5, "url": landing("institution=TD") })).as_deref(),
        Some("TD")
    );
    assert_eq!(bank(by_url(&format!("loginId={LOGIN}&institution={}", "x".repeat(MAX_TEXT_LEN + 1)))), None);
    assert_eq!(bank(json!({ "loginId": LOGIN })), None);
}

#[test]
fn a_request_id_that_is_none_is_left_out() {
    for data in [
        json!({ "loginId": LOGIN, "requestId": "short" }),
        by_url(&format!("loginId={LOGIN}&requestId=a%20b%20c%20d%20e")),
    ] {
        assert_eq!(redirect_of(data).map(|redirect| redirect.request_id), Ok(None));
    }
}

#[test]
fn ids_never_show_in_debug_output() {
    let redirect = redirect_of(with(redirect(), json!({ "accountId": CHEQUING, "tag": TAG }))).expect("a redirect");
    let printed = format!("{redirect:?}");
    for secret in [LOGIN, REQUEST, CHEQUING, TAG] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert_eq!(LoginId::parse(LOGIN), redirect.login_id);
}
