//! The shell in a real browser: options in, a real frame's real messages, results out, and nothing left behind.
//!
//! The frame shows a page of the test server's own origin, so the tests can make it post whatever they like: the messages are the browser's
//! own, from the frame's own window. `tests/e2e` has the cross-origin half.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a broken premise must stop the test")]

use flinks_reconnect::Widget;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::Element;

wasm_bindgen_test_configure!(run_in_browser);

const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";

#[wasm_bindgen(inline_js = r#"
export const evaluate = (source, ...values) => new Function("a", "b", `return ${source}`)(...values);
export const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
export const postFromFrame = (frame, source) => frame.contentWindow.Function(`parent.postMessage(${source}, "*")`)();
"#)]
extern "C" {
    fn evaluate(source: &str, a: &JsValue, b: &JsValue) -> JsValue;
    fn pause() -> Promise;
    #[wasm_bindgen(js_name = postFromFrame, catch)]
    fn post_from_frame(frame: &Element, source: &str) -> Result<(), JsValue>;
}

fn js(source: &str) -> JsValue {
    evaluate(source, &JsValue::UNDEFINED, &JsValue::UNDEFINED)
}

/// A session in a container, what it told, and its frame.
struct Mounted {
    widget: Widget,
    container: Element,
    heard: Array,
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
        let heard = Array::new();
        let sink = evaluate("(name, detail) => { a.push([name, detail]); }", &heard, &JsValue::UNDEFINED);
        let widget = create(&options, sink.unchecked_ref()).expect("the options are right");
        widget.begin();
        let mounted = Self { widget, container, heard };
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
            if evaluate(expression, &self.container, &self.heard).is_truthy() {
                return;
            }
            JsFuture::from(pause()).await.expect("a pause");
        }
        panic!("waited in vain: {expression}; heard {}", self.transcript());
    }

    fn transcript(&self) -> String {
        evaluate("JSON.stringify(b)", &self.container, &self.heard).as_string().unwrap_or_default()
    }

    /// Waits for the result and gives a field of it.
    async fn result(&self, field: &str) -> Option<String> {
        self.until("b.some(([name]) => name === 'result')").await;
        evaluate(&format!("b.find(([name]) => name === 'result')[1].{field}"), &self.container, &self.heard).as_string()
    }

    /// Waits for the error's code.
    async fn error(&self) -> Option<String> {
        self.until("b.some(([name]) => name === 'error')").await;
        evaluate("b.find(([name]) => name === 'error')[1].code", &self.container, &self.heard).as_string()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.widget.close();
        self.container.remove();
    }
}

fn create(options: &JsValue, sink: &Function) -> Result<Widget, JsValue> {
    Widget::create(options, sink.clone())
}

fn redirect() -> String {
    format!("{{ step: 'REDIRECT', loginId: '{LOGIN}', institution: 'FlinksCapital' }}")
}

fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

#[wasm_bindgen_test]
fn wrong_options_throw_the_fields_of_an_error() {
    let ignore = Function::new_no_args("");
    for (options, named) in [
        ("undefined", "requestId"),
        ("null", "requestId"),
        ("42", "requestId"),
        ("({ start: '/s', instance: 'evil.com/#' })", "instance"),
        ("({ start: '/s', connectUrl: 'http://evil.test/' })", "connectUrl"),
        ("({ start: '/s', params: { requestId: 'x' } })", "params"),
        ("({ start: '/s', container: '#nowhere' })", "container"),
        ("({ start: '/s', instanc: 'x' })", "instanc"),
        ("({ start: '/s', get instance() { throw 1 }, labels: 5 })", "labels"),
        ("({ start: Symbol() })", "start"),
    ] {
        let thrown = create(&js(options), &ignore).err().expect(options);
        assert_eq!(field(&thrown, "code").as_string().as_deref(), Some("INVALID_OPTIONS"), "{options}");
        let message = field(&thrown, "message").as_string().unwrap_or_default();
        assert!(message.contains(&format!("`{named}`")), "{options}: {message}");
        assert!(field(&thrown, "flinksCode").is_null());
    }
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
    mounted.until("b.some(([name, detail]) => name === 'result' && detail.reply.same && detail.reply.signal)").await;
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
    let shared = Object::new();
    let sink =
        evaluate("(name, detail) => { (a.heard ??= []).push(name); a.close?.(); }", &shared, &JsValue::UNDEFINED);
    let widget = std::rc::Rc::new(create(&options, sink.unchecked_ref()).expect("the options are right"));
    let closing = std::rc::Rc::clone(&widget);
    let close = Closure::<dyn Fn()>::new(move || closing.close());
    Reflect::set(&shared, &"close".into(), close.as_ref()).expect("a plain object");
    widget.begin();
    for _ in 0..2_000 {
        if evaluate("a.heard?.includes('error') || a.heard?.includes('result')", &shared, &JsValue::UNDEFINED)
            .is_truthy()
        {
            Reflect::set(&shared, &"close".into(), &JsValue::UNDEFINED).expect("a plain object");
            return;
        }
        JsFuture::from(pause()).await.expect("a pause");
    }
    panic!("the session never ended");
}

#[wasm_bindgen_test]
async fn nothing_is_left_after_a_thousand_sessions() {
    let ignore = Function::new_no_args("");
    let options = js("({ connectUrl: location.origin + '/connect/', requestId: 'request-0001' })");
    let mut pages = Vec::new();
    for _ in 0..3 {
        for _ in 0..1_000 {
            let widget = create(&options, &ignore).expect("the options are right");
            widget.begin();
            widget.close();
        }
        // The claims on the session are answered, and given back, a little later.
        js(
            "(globalThis.allGivenBack = false, navigator.locks.query().then(function poll({ held, pending }) { globalThis.locks = JSON.stringify({ held, pending }); if (held.length + pending.length) \
            navigator.locks.query().then(poll); else globalThis.allGivenBack = true }))",
        );
        wait_until("globalThis.allGivenBack").await;
        pages.push(wasm_pages());
    }
    assert_eq!(js("document.querySelectorAll('iframe, dialog').length").as_f64(), Some(0.0));
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
