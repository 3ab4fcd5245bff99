//! The browser part in a real browser: options in, a real frame's real messages, results out, and nothing left behind.
//!
//! The frame shows a page of the test server's own origin, so the tests can make it post whatever they like: the messages are the browser's
//! own, from the frame's own window. `tests/e2e` has the cross-origin half.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a broken premise must stop the test")]

use flinks_reconnect::{Facade, Gate, Strangers, Widget};
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, HtmlIFrameElement, MessageEvent};

wasm_bindgen_test_configure!(run_in_browser);

const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";

#[wasm_bindgen(inline_js = r#"
export const evaluate = (source, ...values) => new Function("a", "b", `return ${source}`)(...values);
export const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
export const postFromFrame = (frame, source) => frame.contentWindow.Function(`parent.postMessage(${source}, "*")`)();

/** What the user sees, without anything to see: a place for the frame in a shadow tree, and what was asked for. */
class Ui {
  views = [];
  constructor(container) {
    this.container = container ?? document.body;
  }
  show(view) {
    this.views.push(view);
    if (this.element) return;
    this.element = this.container.appendChild(document.createElement("div"));
    this.place = this.element.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
  }
  frameTitle() {
    return "Flinks";
  }
  framePlace() {
    if (this.refuses) throw new Error("no place");
    return this.place;
  }
  frameOpened() {}
  frameCloses() {}
  resize(height) {
    this.height = height;
  }
  hide() {
    this.element?.remove();
    this.element = undefined;
  }
  hideAndAnnounceSuccess() {
    this.hide();
  }
}

/** What the session's class is to the module, without being one; what it was told is written down in `heard`. */
export function facade() {
  const facade = {
    heard: [],
    work() {
      try {
        if (facade.widget?.work()) facade.isOver = true;
      } catch (error) {
        facade.thrown = error;
        facade.widget.abandon();
      }
    },
    createUi: (container) => (facade.ui = new Ui(container)),
    emit: (name, detail) => facade.hears(name, detail),
    succeed: (result) => facade.hears(result.status, result),
    fail: (failure) => facade.hears("failed", failure),
    hears(name, detail) {
      facade.heard.push([name, detail]);
      facade.onNews?.();
    },
    does(what) {
      facade.widget[what]();
      facade.work();
    },
  };
  return facade;
}
"#)]
extern "C" {
    fn evaluate(source: &str, a: &JsValue, b: &JsValue) -> JsValue;
    fn pause() -> Promise;
    #[wasm_bindgen(js_name = postFromFrame, catch)]
    fn post_from_frame(frame: &Element, source: &str) -> Result<(), JsValue>;
    fn facade() -> Facade;
}

fn js(source: &str) -> JsValue {
    evaluate(source, &JsValue::UNDEFINED, &JsValue::UNDEFINED)
}

/// The frame, as an expression over the container.
const FRAME: &str = "a.querySelector('div')?.shadowRoot.querySelector('iframe')";

/// A session in a container, what it told, and its frame.
struct Mounted {
    facade: Facade,
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
        let facade = create(&options).expect("the options are right");
        does(&facade, "begin");
        let mounted = Self { facade, container };
        // The frame's first document is empty and of no server: wait for the one that was asked for.
        mounted.until(&format!("{FRAME}?.contentWindow.location.pathname === '/connect/' && {FRAME}.contentDocument.readyState === 'complete'")).await;
        mounted
    }

    fn frame(&self) -> HtmlIFrameElement {
        self.evaluate(FRAME).dyn_into().expect("a frame")
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
        evaluate(&format!("((b) => {expression})(b.heard)"), &self.container, &self.facade)
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
        does(&self.facade, "closedByPage");
        self.container.remove();
    }
}

/// A session, and the façade that hears of it.
fn create(options: &JsValue) -> Result<Facade, JsValue> {
    let facade = facade();
    let widget = Widget::create(options, facade.clone())?;
    evaluate("a.widget = b", &facade, &widget.into());
    Ok(facade)
}

/// Calls this method of the widget's, and has it do what follows.
fn does(facade: &Facade, what: &str) {
    evaluate("a.does(b)", facade, &what.into());
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
        let option = evaluate("a.code === 'INVALID_OPTIONS' && a.option", &thrown, &JsValue::UNDEFINED);
        assert_eq!(option.as_string().as_deref(), Some(named), "{options}");
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
    mounted.until("!a.querySelector('div')").await;
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
                  location.origin, source: a.querySelector('div').shadowRoot.querySelector('iframe').contentWindow }))";
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

/// An event that writes down in `asked` what it is asked; its data must not be.
const WITNESS: &str = "Object.defineProperties({ asked: [] }, Object.fromEntries(['isTrusted', 'source', 'origin', 'data'].map((name) => [name, \
     { get() { this.asked.includes(name) || this.asked.push(name); return a[name] } }])))";

/// A frame with this window, and an event of these properties.
fn gate_and_event(window: &JsValue, properties: &JsValue) -> (Gate, MessageEvent) {
    let frame = evaluate("({ contentWindow: a })", window, &JsValue::UNDEFINED);
    let event = evaluate(WITNESS, properties, &JsValue::UNDEFINED);
    (Gate::new(frame.unchecked_into(), ORIGIN.to_owned()), event.unchecked_into())
}

const ORIGIN: &str = "https://toolbox-iframe.private.fin.ag";

#[wasm_bindgen_test]
fn of_all_combinations_of_senders_the_genuine_one_alone_is_let_in() {
    let ours = js("({ name: \"our frame's window\" })");
    let sources = [&ours, &js("({ name: 'another window' })"), &JsValue::NULL];
    let origins = [
        ORIGIN,
        "null",
        "",
        "https://toolbox-iframe.private.fin.ag.",
        "https://toolbox-iframe.private.fin.ag:8443",
        "http://toolbox-iframe.private.fin.ag",
        "https://toolbox-iframe.private.fin.ag.attacker.test",
        "https://other-iframe.private.fin.ag",
        "https://private.fin.ag",
    ];
    for is_trusted in [true, false] {
        for source in sources {
            for origin in origins {
                let letter = format!("trusted {is_trusted}, source {source:?}, origin {origin}");
                let properties =
                    evaluate(&format!("({{ isTrusted: {is_trusted}, source: a, origin: b }})"), source, &origin.into());
                let (gate, event) = gate_and_event(&ours, &properties);
                let answers = [is_trusted, *source == ours, origin == ORIGIN];
                assert_eq!(gate.admits(&event), answers == [true; 3], "{letter}");
                // The first failure is the last question, and is counted.
                let first_failure = answers.iter().position(|answer| !answer);
                let questions = ["isTrusted", "source", "origin"];
                let asked = evaluate("a.asked.join()", &event, &JsValue::UNDEFINED).as_string().unwrap_or_default();
                assert_eq!(asked, questions[..first_failure.map_or(3, |place| place + 1)].join(","), "{letter}");
                let counted = |place| u32::from(first_failure == Some(place));
                let strangers = Strangers { is_trusted: counted(0), source: counted(1), origin: counted(2) };
                assert_eq!(gate.strangers(), strangers, "{letter}");
                // A frame that is gone hears nobody: its window is null, and so is the source of a sender that is gone.
                let (gone, event) = gate_and_event(&JsValue::NULL, &properties);
                assert!(!gone.admits(&event), "{letter}");
            }
        }
    }
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
    let facade = create(&options).expect("the options are right");
    evaluate("a.onNews = () => a.does('closedByPage')", &facade, &JsValue::UNDEFINED);
    does(&facade, "begin");
    for _ in 0..2_000 {
        if evaluate("a.heard.some(([name]) => name === 'failed' || name === 'upToDate')", &facade, &JsValue::UNDEFINED)
            .is_truthy()
        {
            assert!(evaluate("a.isOver", &facade, &JsValue::UNDEFINED).is_truthy());
            return;
        }
        JsFuture::from(pause()).await.expect("a pause");
    }
    panic!("the session never ended");
}

#[wasm_bindgen_test]
async fn a_failure_in_the_middle_leaves_nothing_behind() {
    let listeners = "(globalThis.listened ??= (() => { const on = []; for (const [name, sign] of [['addEventListener', 1], ['removeEventListener', -1]]) { \
         const original = EventTarget.prototype[name]; EventTarget.prototype[name] = function (type, ...rest) { if (this === globalThis) on.push([type, sign]); \
         return original.call(this, type, ...rest); }; } return on; })())";
    js(listeners);
    let options = js("({ connectUrl: location.origin + '/connect/', requestId: 'request-0002' })");
    let facade = create(&options).expect("the options are right");
    evaluate("a.ui.refuses = true", &facade, &JsValue::UNDEFINED);
    does(&facade, "begin");
    for _ in 0..2_000 {
        if evaluate("a.thrown", &facade, &JsValue::UNDEFINED).is_truthy() {
            break;
        }
        JsFuture::from(pause()).await.expect("a pause");
    }
    assert_eq!(evaluate("a.thrown?.message", &facade, &JsValue::UNDEFINED).as_string().as_deref(), Some("no place"));
    assert_eq!(
        js("listened.reduce((sum, [, sign]) => sum + sign, 0)").as_f64(),
        Some(0.0),
        "{:?}",
        js("String(listened)")
    );
    wait_until("globalThis.isFree ??= (navigator.locks.query().then(({ held }) => { globalThis.isFree = held.length === 0 ? true : undefined }), undefined)").await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_after_a_thousand_sessions() {
    let options = js("({ connectUrl: location.origin + '/connect/', requestId: 'request-0001' })");
    let mut pages = Vec::new();
    let style = js("document.documentElement.getAttribute('style')");
    for _ in 0..3 {
        for _ in 0..1_000 {
            let facade = create(&options).expect("the options are right");
            does(&facade, "begin");
            does(&facade, "closedByPage");
            evaluate("(a.widget.free(), a.widget = undefined)", &facade, &JsValue::UNDEFINED);
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
