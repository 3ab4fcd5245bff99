//! The shell in a real browser: options in, a real frame's real messages, results out, and nothing left behind.
//!
//! The frame shows a page of the test server's own origin, so the tests can make it post whatever they like: the messages are the browser's
//! own, from the frame's own window. `tests/e2e` has the cross-origin half.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a broken premise must stop the test")]

use flinks_reconnect::{Page, Widget};
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::Element;

wasm_bindgen_test_configure!(run_in_browser);

const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";

#[wasm_bindgen(inline_js = r#"
import { inWords } from "./src/web/report.js";

export const evaluate = (source, ...values) => new Function("a", "b", `return ${source}`)(...values);
export const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
export const postFromFrame = (frame, source) => frame.contentWindow.Function(`parent.postMessage(${source}, "*")`)();

/** What the façade gives a session, without its class: one input at a time, and the news written down. */
export function pageOf(style) {
  const page = { style, heard: [], inbox: [], isBusy: false, isOver: false };
  page.tell = (report) => {
    const [name, detail] = inWords(report);
    if (name === "reconnected") detail.reply = page.reply;
    page.heard.push([name, detail]);
    page.onNews?.();
  };
  page.hear = (kind, number = 0, value) => {
    page.inbox.push([kind, number, value]);
    if (page.isBusy) return;
    page.isBusy = true;
    while (page.inbox.length > 0) page.isOver = page.widget.hear(...page.inbox.shift());
    page.isBusy = false;
  };
  return page;
}
"#)]
extern "C" {
    fn evaluate(source: &str, a: &JsValue, b: &JsValue) -> JsValue;
    fn pause() -> Promise;
    #[wasm_bindgen(js_name = postFromFrame, catch)]
    fn post_from_frame(frame: &Element, source: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = pageOf)]
    fn page_of(style: &str) -> Page;
}

// The shell's files import each other; what a test runs on serves only the files that Rust names.
#[wasm_bindgen(module = "/src/web/gate.js")]
extern "C" {
    type Gate;
    #[wasm_bindgen(constructor)]
    fn new(frame: &Element, origin: &str) -> Gate;
    #[wasm_bindgen(method)]
    fn admits(this: &Gate, event: &JsValue) -> bool;
}
#[wasm_bindgen(module = "/src/web/inputs.js")]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = BEGIN)]
    static BEGIN: u32;
    #[wasm_bindgen(thread_local_v2, js_name = HOST_CLOSED)]
    static HOST_CLOSED: u32;
}
#[wasm_bindgen(module = "/src/web/report.js")]
extern "C" {
    #[wasm_bindgen(js_name = inWords)]
    fn in_words(report: &JsValue) -> JsValue;
}
#[wasm_bindgen(module = "/www/sdk/error.js")]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = CODES)]
    static CODES: JsValue;
}
#[wasm_bindgen(module = "/src/web/words.js")]
extern "C" {
    fn word(name: &str, is_french: bool, labels: &JsValue) -> String;
}

const STYLE: &str = include_str!("../src/web/stage.css");

fn js(source: &str) -> JsValue {
    evaluate(source, &JsValue::UNDEFINED, &JsValue::UNDEFINED)
}

/// A session in a container, what it told, and its frame.
struct Mounted {
    page: Page,
    container: Element,
}

impl Mounted {
    async fn new(further_options: &str) -> Self {
        let container = js("document.body.appendChild(document.createElement('section'))").unchecked_into::<Element>();
        let options = evaluate(
            &format!(
                "({{ connectUrl: location.origin + '/connect/', requestId: 'request-0001', container: a, ...{further_options} }})"
            ),
            &container,
            &JsValue::UNDEFINED,
        );
        let page = create(&options).expect("the options are right");
        hear(&page, &BEGIN);
        let mounted = Self { page, container };
        // The frame's first document is empty and of no server: wait for the one that was asked for.
        mounted.until("a.querySelector('iframe')?.contentWindow.location.pathname === '/connect/' && a.querySelector('iframe').contentDocument.readyState === 'complete'").await;
        mounted
    }

    fn frame(&self) -> Element {
        self.container.query_selector("iframe").ok().flatten().expect("a frame")
    }

    fn post(&self, source: &str) {
        post_from_frame(&self.frame(), source).expect("the frame can clone it");
    }

    /// Waits until the expression over the container (`a`) and what was heard (`b`) holds.
    async fn until(&self, expression: &str) {
        for _ in 0..2_000 {
            if self.evaluate(expression).is_truthy() {
                return;
            }
            JsFuture::from(pause()).await.expect("a pause");
        }
        panic!("waited in vain: {expression}; heard {}", self.transcript());
    }

    /// An expression over the container (`a`) and what was heard (`b`).
    fn evaluate(&self, expression: &str) -> JsValue {
        evaluate(&format!("((b) => {expression})(b.heard)"), &self.container, &self.page)
    }

    fn transcript(&self) -> String {
        self.evaluate("JSON.stringify(b)").as_string().unwrap_or_default()
    }

    /// Waits for the result and gives a field of it.
    async fn result(&self, field: &str) -> Option<String> {
        self.until("b.some(([name]) => name === 'reconnected')").await;
        self.evaluate(&format!("b.find(([name]) => name === 'reconnected')[1].{field}")).as_string()
    }

    /// Waits for the error's code.
    async fn error(&self) -> Option<String> {
        self.until("b.some(([name]) => name === 'failed')").await;
        self.evaluate("b.find(([name]) => name === 'failed')[1].code").as_string()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        hear(&self.page, &HOST_CLOSED);
        self.container.remove();
    }
}

/// A session, and the page that hears of it.
fn create(options: &JsValue) -> Result<Page, JsValue> {
    let page = page_of(STYLE);
    let widget = Widget::create(options, page.clone())?;
    evaluate("a.widget = b", &page, &widget.into());
    Ok(page)
}

fn hear(page: &Page, kind: &'static wasm_bindgen::JsThreadLocal<u32>) {
    kind.with(|kind| evaluate("a.hear(b)", page, &(*kind).into()));
}

fn redirect() -> String {
    format!("{{ step: 'REDIRECT', loginId: '{LOGIN}', institution: 'FlinksCapital' }}")
}

#[wasm_bindgen_test]
fn a_wrong_option_is_thrown_by_its_name() {
    for (options, named) in [
        ("undefined", "requestId"),
        ("null", "requestId"),
        ("42", "requestId"),
        ("({ start: '/s', instance: 'evil.com/#' })", "instance"),
        ("({ start: '/s', connectUrl: 'http://evil.test/' })", "connectUrl"),
        ("({ start: '/s', params: { requestId: 'x' } })", "params"),
        ("({ start: '/s', container: '#nowhere' })", "container"),
        ("({ start: '/s', container: '!' })", "container"),
        ("({ start: '/s', instanc: 'x' })", "instanc"),
        ("({ start: '/s', get instance() { throw 1 }, labels: 5 })", "labels"),
        ("({ start: Symbol() })", "start"),
    ] {
        let thrown = create(&js(options)).err().expect(options);
        assert_eq!(thrown.as_string().as_deref(), Some(named), "{options}");
    }
}

#[wasm_bindgen_test]
fn a_report_is_told_in_words() {
    let told = in_words(&js("[0, 1, 0]"));
    assert!(
        evaluate(
            "JSON.stringify(a) === '[\"phasechange\",{\"phase\":\"loading\",\"previous\":\"starting\"}]'",
            &told,
            &told
        )
        .is_truthy()
    );
    let told = in_words(&js("[6, 15, 0, null, null, 0, 1]"));
    assert_eq!(CODES.with(|codes| evaluate("a[15] === b[1].code", codes, &told)).as_bool(), Some(true));
}

#[wasm_bindgen_test]
fn every_text_is_there_in_both_languages_and_the_hosts_own_come_first() {
    assert_eq!(word("close", false, &JsValue::UNDEFINED), "Close");
    assert_eq!(word("close", true, &JsValue::UNDEFINED), "Fermer");
    assert_eq!(word("close", true, &js("({ close: '<b>' })")), "<b>");
}

#[wasm_bindgen_test]
async fn the_frame_has_its_attributes_and_its_address() {
    let mounted = Mounted::new("{ params: { customerName: 'A & B' }, language: 'fr' }").await;
    let frame = mounted.frame();
    let attribute = |name: &str| frame.get_attribute(name);
    assert_eq!(attribute("allow").as_deref(), Some(""));
    assert_eq!(attribute("referrerpolicy").as_deref(), Some("strict-origin"));
    assert_eq!(
        attribute("sandbox").as_deref(),
        Some(
            "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox \
             allow-storage-access-by-user-activation"
        )
    );
    assert!(attribute("title").is_some_and(|title| title.contains("Flinks")));
    let src = attribute("src").unwrap_or_default();
    assert!(src.ends_with("/connect/?requestId=request-0001&customerName=A%20%26%20B&language=fr"), "{src}");
}

#[wasm_bindgen_test]
async fn a_success_of_the_frame_is_the_result() {
    let mounted = Mounted::new("{}").await;
    mounted.post("{ step: 'APP_MOUNTED' }");
    mounted.post(&redirect());
    assert_eq!(mounted.result("loginId").await.as_deref(), Some(LOGIN));
    assert_eq!(mounted.result("mode").await.as_deref(), Some("resume"));
    assert_eq!(mounted.result("requestId").await.as_deref(), Some("request-0001"));
    mounted.until("!a.querySelector('iframe')").await;
}

#[wasm_bindgen_test]
async fn a_success_as_json_text_is_the_same() {
    let mounted = Mounted::new("{}").await;
    mounted.post(&format!("JSON.stringify({})", redirect()));
    assert_eq!(mounted.result("loginId").await.as_deref(), Some(LOGIN));
}

#[wasm_bindgen_test]
async fn an_event_made_by_a_script_is_nothing() {
    let mounted = Mounted::new("{}").await;
    let forged = "dispatchEvent(new MessageEvent('message', { data: { step: 'REDIRECT', loginId: 'forged-login-1' }, origin: \
                  location.origin, source: a.querySelector('iframe').contentWindow }))";
    evaluate(forged, &mounted.container, &JsValue::UNDEFINED);
    // The twin: the same from the frame itself is believed.
    mounted.post(&redirect());
    assert_eq!(mounted.result("loginId").await.as_deref(), Some(LOGIN));
}

#[wasm_bindgen_test]
async fn another_window_of_the_same_origin_is_nothing() {
    let mounted = Mounted::new("{}").await;
    js("postMessage({ step: 'REDIRECT', loginId: 'forged-login-1' }, '*')");
    mounted.post(&redirect());
    assert_eq!(mounted.result("loginId").await.as_deref(), Some(LOGIN));
}

#[wasm_bindgen_test]
async fn the_gate_lets_the_frame_in_and_counts_everybody_else() {
    let mounted = Mounted::new("{}").await;
    let origin = js("location.origin").as_string().expect("an origin");
    let gate = Gate::new(&mounted.frame(), &origin);
    let of_elsewhere = Gate::new(&mounted.frame(), "https://elsewhere.test");
    let dropped = |gate: &Gate| {
        let text = evaluate("JSON.stringify(a.dropped)", gate, &JsValue::UNDEFINED);
        text.as_string().expect("counts")
    };
    let next = || {
        js("new Promise((resolve) => addEventListener('message', resolve, { once: true }))").unchecked_into::<Promise>()
    };
    let heard = |event| async move { JsFuture::from(event).await.expect("a message") };

    let event = next();
    mounted.post("{ step: 'APP_MOUNTED' }");
    let event = heard(event).await;
    assert!(gate.admits(&event));
    assert_eq!(dropped(&gate), r#"{"isTrusted":0,"source":0,"origin":0}"#);
    assert!(!of_elsewhere.admits(&event));
    assert_eq!(dropped(&of_elsewhere), r#"{"isTrusted":0,"source":0,"origin":1}"#);

    let event = next();
    js("postMessage({ step: 'APP_MOUNTED' }, '*')");
    assert!(!gate.admits(&heard(event).await));
    let event = next();
    evaluate(
        "dispatchEvent(new MessageEvent('message', { origin: location.origin, source: a.contentWindow }))",
        &mounted.frame(),
        &JsValue::UNDEFINED,
    );
    assert!(!gate.admits(&heard(event).await));
    assert_eq!(dropped(&gate), r#"{"isTrusted":1,"source":1,"origin":0}"#);
}

/// Every kind of value in the message's place and in a field's place: none ends the session or harms the module, and the next true message still
/// arrives.
#[wasm_bindgen_test]
async fn hostile_values_are_dropped_and_the_next_success_arrives() {
    let mounted = Mounted::new("{}").await;
    let values = [
        "null",
        "undefined",
        "0",
        "-0",
        "NaN",
        "1e309",
        "1n",
        "true",
        "''",
        "'text'",
        "'{'",
        "'{\"step\":'",
        "'[1,2,3]'",
        "'\"REDIRECT\"'",
        "[]",
        "[1, 'REDIRECT']",
        "({})",
        "new Map([['step', 'REDIRECT']])",
        "new Set([1])",
        "new Date(0)",
        "/x/",
        "new Error('x')",
        "new String('REDIRECT')",
        "new Uint8Array(64)",
        "new Blob(['x'])",
        "(() => { const o = {}; o.self = o; return o })()",
        "(() => { const a = []; a.length = 4294967295; return a })()",
        "'\\ud800'",
        "'x'.repeat(20000)",
        "'['.repeat(16000)",
        "({ hasOwnProperty: 1 })",
        "({ toString: 1, valueOf: 1 })",
        "JSON.parse('{\"__proto__\": {\"step\": \"REDIRECT\"}}')",
    ];
    for value in values {
        mounted.post(value);
        for name in ["step", "flinksCode", "institution"] {
            mounted.post(&format!("{{ {name}: {value} }}"));
        }
        for name in ["loginId", "url"] {
            // A REDIRECT with a useless login is noise; one with a useless url contradicts itself, which has its own tests.
            if name == "loginId" {
                mounted.post(&format!("{{ step: 'REDIRECT', {name}: {value} }}"));
            }
        }
    }
    mounted.post(&redirect());
    assert_eq!(mounted.result("loginId").await.as_deref(), Some(LOGIN));
}

#[wasm_bindgen_test]
async fn only_own_properties_count() {
    let mounted = Mounted::new("{}").await;
    js(
        "Object.assign(Object.prototype, { loginId: 'polluted-login', step: 'REDIRECT', url: 'https://evil.test/?loginId=polluted-login' })",
    );
    mounted.post("{ institution: 'FlinksCapital' }");
    mounted.post(&format!("{{ step: 'REDIRECT', url: 'https://example.com/?loginId={LOGIN}' }}"));
    let login = mounted.result("loginId").await;
    js("['loginId', 'step', 'url'].forEach((name) => delete Object.prototype[name])");
    assert_eq!(login.as_deref(), Some(LOGIN));
}

#[wasm_bindgen_test]
async fn a_success_that_contradicts_itself_is_a_conflict() {
    let mounted = Mounted::new("{}").await;
    mounted.post(&format!(
        "{{ step: 'REDIRECT', loginId: '{LOGIN}', url: 'https://example.com/?loginId=another-login' }}"
    ));
    assert_eq!(mounted.error().await.as_deref(), Some("CONFLICT"));
}

#[wasm_bindgen_test]
async fn the_pages_own_function_delivers_and_its_reply_is_told() {
    let mounted = Mounted::new(
        "{ deliver: (delivery, { attemptId, signal }) => ({ seen: delivery.loginId, same: attemptId === delivery.attemptId, signal: signal instanceof \
         AbortSignal }) }",
    )
    .await;
    mounted.post(&redirect());
    assert_eq!(mounted.result("reply.seen").await.as_deref(), Some(LOGIN));
    mounted
        .until("b.some(([name, detail]) => name === 'reconnected' && detail.reply.same && detail.reply.signal)")
        .await;
}

#[wasm_bindgen_test]
async fn a_function_that_throws_is_tried_again_and_one_that_refuses_is_not() {
    let mounted = Mounted::new(
        "{ deliver: () => { if (!(a.tries = (a.tries ?? 0) + 1, a.tries > 1)) throw new Error('down'); return 'ok' } }",
    )
    .await;
    mounted.post(&redirect());
    assert_eq!(mounted.result("reply").await.as_deref(), Some("ok"));

    let refused =
        Mounted::new("{ deliver: async () => { throw Object.assign(new Error('no'), { status: 403 }) } }").await;
    refused.post(&redirect());
    assert_eq!(refused.error().await.as_deref(), Some("REJECTED"));
}

#[wasm_bindgen_test]
async fn closing_inside_a_listener_is_allowed() {
    let container = js("document.body.appendChild(document.createElement('section'))");
    let options = evaluate(
        "({ connectUrl: location.origin + '/connect/', start: async () => ({ status: 'upToDate' }), container: a })",
        &container,
        &JsValue::UNDEFINED,
    );
    let page = create(&options).expect("the options are right");
    HOST_CLOSED.with(|closed| evaluate("a.onNews = () => a.hear(b)", &page, &(*closed).into()));
    hear(&page, &BEGIN);
    for _ in 0..2_000 {
        if evaluate("a.heard.some(([name]) => name === 'failed' || name === 'upToDate')", &page, &JsValue::UNDEFINED)
            .is_truthy()
        {
            assert!(evaluate("a.isOver", &page, &JsValue::UNDEFINED).is_truthy());
            return;
        }
        JsFuture::from(pause()).await.expect("a pause");
    }
    panic!("the session never ended");
}

#[wasm_bindgen_test]
async fn nothing_is_left_after_a_thousand_sessions() {
    let options = js("({ connectUrl: location.origin + '/connect/', requestId: 'request-0001' })");
    let mut pages = Vec::new();
    let style = js("document.documentElement.getAttribute('style')");
    for _ in 0..3 {
        for _ in 0..1_000 {
            let page = create(&options).expect("the options are right");
            hear(&page, &BEGIN);
            hear(&page, &HOST_CLOSED);
            evaluate("a.widget.free()", &page, &JsValue::UNDEFINED);
        }
        // The claims on the session are answered, and given back, a little later.
        js(
            "(globalThis.allGivenBack = false, navigator.locks.query().then(function poll({ held, pending }) { globalThis.locks = JSON.stringify({ held, pending }); if (held.length + pending.length) \
            navigator.locks.query().then(poll); else globalThis.allGivenBack = true }))",
        );
        wait_until("globalThis.allGivenBack").await;
        pages.push(wasm_pages());
    }
    assert_eq!(
        js("document.querySelectorAll('iframe, dialog, .flinks-reconnect, [role=status]').length").as_f64(),
        Some(0.0)
    );
    assert_eq!(js("document.documentElement.getAttribute('style')"), style);
    assert_eq!(pages[1], pages[2], "memory keeps growing: {pages:?} pages");
}

async fn wait_until(expression: &str) {
    for _ in 0..2_000 {
        if js(expression).is_truthy() {
            return;
        }
        JsFuture::from(pause()).await.expect("a pause");
    }
    panic!("waited in vain: {expression} {:?}", js("globalThis.locks"));
}

fn wasm_pages() -> u32 {
    let memory = wasm_bindgen::memory().unchecked_into::<js_sys::WebAssembly::Memory>();
    memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length() / 65_536
}
