// What a page can get wrong: each ends in a typed error or in nothing, and the page goes on.

import { CONNECT, EVENTS, EVIL, REQUEST, Visit, frames, good, mounted, proved, reach, tell, turn, until } from "./lab.js";

const { lab } = window;
const { reconnect, ReconnectError } = await import("/sdk/index.js");

const options = (more) => ({ instance: "toolbox", requestId: REQUEST, ...more });

function thrownBy(action) {
  try {
    action();
    return null;
  } catch (error) {
    return error;
  }
}

/** Nothing of the widget's is on the page, and nothing waits or listens. */
const isClean = () => frames().length === 0 && !document.querySelector(".flinks-reconnect") && lab.timers.size === 0 && !lab.listeners().includes("Window message");

/** The same, once the farewell to whoever listens to the page is over. */
const getsClean = () => until("nothing is left", () => isClean() || undefined).catch(() => false);

/** Whatever somebody passes where options or a container belong. */
export async function wrong() {
  const hostile = new Proxy({}, { ownKeys: () => { throw new Error("no keys"); }, get: () => { throw new Error("no value"); } });
  const getter = Object.defineProperty(options(), "deliver", { enumerable: true, get: () => { throw new Error("no value"); } });
  const detachedFrame = document.createElement("iframe");
  const given = {
    "no options": [undefined],
    null: [null],
    "a string": ["/start"],
    "an array": [[]],
    "a function": [() => {}],
    "empty options": [{}],
    "a proxy that throws": [hostile],
    "a class's own getters": [new (class { get requestId() { return REQUEST; } })()],
    "requestId as a number": [options({ requestId: 42 })],
    "an unknown option": [options({ onSuccess() {} })],
    "a container that nothing matches": [options({ container: "#nowhere" })],
    "a container that is no selector": [options({ container: "::::" })],
    "an empty selector": [options({ container: "" })],
    "container: null": [options({ container: null })],
    "container: document": [options({ container: document })],
    "container: window": [options({ container: window })],
    "container: a text node": [options({ container: document.createTextNode("") })],
    "container: a list": [options({ container: document.querySelectorAll("#one") })],
    "container: a shadow root": [options({ container: document.createElement("div").attachShadow({ mode: "open" }) })],
    "container: jQuery's": [options({ container: { 0: document.body, length: 1 } })],
    "signal: a controller": [options({ signal: new AbortController() })],
    "headers: an object": [options({ headers: { "X-Token": "1" } })],
    "deliver: an object": [options({ deliver: { url: "/deliver" } })],
    "params: an object in it": [options({ params: { demo: {} } })],
    "params: a list in it": [options({ params: { demo: ["true"] } })],
    "params: null in it": [options({ params: { demo: null } })],
    "params: a function in it": [options({ params: { demo: () => "true" } })],
    "labels: a name that is none": [options({ labels: { titel: "Hello" } })],
    "labels: an object in it": [options({ labels: { title: {} } })],
    "resumeSelectedAccounts: a number in it": [options({ resumeSelectedAccounts: ["account-0001", 10000001] })],
    "start: a promise": [{ instance: "toolbox", start: Promise.resolve() }],
  };
  const complaints = [];
  for (const [what, [value]] of Object.entries(given)) {
    const error = thrownBy(() => reconnect(value));
    const isRight = error instanceof ReconnectError && error.code === "INVALID_OPTIONS" && /^Option `\w+\??`/.test(error.message.replace("`?`", "`x`"));
    if (!isRight) complaints.push(`${what}: ${error?.code ?? error}: ${error?.message}`);
    if (!isClean()) complaints.push(`${what}: something is left`);
  }
  // A getter that throws is no value, so this session has nowhere to deliver to: it is the page's own to notice.
  const odd = thrownBy(() => reconnect(getter).close());
  await turn();

  // A container that is an element, but shows nothing.
  const detached = reconnect(options({ container: document.createElement("div"), loadTimeoutMs: 100, onFailure: "end" }));
  const hidden = await detached.result.catch((error) => error);
  const inFrame = reconnect(options({ container: detachedFrame, loadTimeoutMs: 100, onFailure: "end" }));
  const lost = await inFrame.result.catch((error) => error);
  detached.close();
  inFrame.close();
  const after = await mounted();
  await after.delivers();
  return [
    proved(`${Object.keys(given).length} wrong options and containers`, "INVALID_OPTIONS, thrown at once", "the next good one delivers", {
      [complaints.join("; ")]: complaints.length === 0,
      [`a getter that throws: ${odd}`]: odd === null,
    }),
    proved("containers that are not on the page, or show no children", `${hidden.code}, ${lost.code}`, "on the page it mounts", {
      typed: hidden.code === "LOAD_TIMEOUT" && lost.code === "LOAD_TIMEOUT",
      "nothing is left": await getsClean(),
    }),
  ];
}

const never = () => new Promise(() => {});
const fails = () => { throw new Error("the page's own mistake"); };
const rejects = () => Promise.reject(new Error("the page's own mistake"));
const nonsense = () => 42;
const answers = (status, body) => async () => new Response(JSON.stringify(body ?? {}), { status });

/** `start`, `deliver`, `headers` that throw, reject, answer nonsense or never settle. */
export async function functions() {
  const outcomes = {};
  const begin = async (name, more) => {
    const visit = await Visit.open({ deliver: undefined, ...more });
    const { error } = await visit.ended();
    outcomes[name] = error?.code;
    visit.session.close();
    return error;
  };
  const mistake = new TypeError("the page's own mistake");
  const causes = [
    await begin("start throws an error of its own", { start: () => { throw mistake; } }),
    await begin("start rejects with it", { start: () => Promise.reject(mistake) }),
  ].map(({ cause }) => cause);
  await begin("start throws", { start: fails });
  await begin("start rejects", { start: rejects });
  await begin("start answers 42", { start: nonsense });
  await begin("headers throw at start", { start: "/start", headers: fails });
  await begin("headers answer 42 at start", { start: "/start", headers: nonsense });
  const waiting = await Visit.open({ start: never });
  await turn();
  await waiting.closed();
  outcomes["start never settles, closed"] = waiting.outcome.error?.code;

  const finish = async (name, more) => {
    const visit = await mounted({ deliverTimeoutMs: 400, ...more });
    await visit.says(good());
    const { error } = await visit.ended();
    outcomes[name] = error?.code;
    visit.session.close();
    return error;
  };
  const judged = {};
  for (const [name, deliver] of Object.entries({
    "returns 503": answers(503),
    "returns 409": answers(409, { code: "LOGIN_MISMATCH" }),
    "returns 422": answers(422, { code: "NOT_YOURS" }),
    "throws 401": () => answers(401)().then((response) => Promise.reject(response)),
  })) {
    const visit = await mounted({ deliverTimeoutMs: 400, deliver });
    await visit.says(good());
    const { error, result } = await visit.ended();
    judged[name] = result?.status ?? [error.code, error.httpStatus, error.hostCode].join(" ").trim();
    visit.session.close();
  }
  await finish("deliver throws", { deliver: fails });
  await finish("deliver rejects", { deliver: rejects });
  await finish("deliver never settles", { deliver: never });
  await finish("headers throw at delivery", { headers: fails });
  await finish("headers never settle at delivery", { headers: never });
  await turn();
  const expected = (name) => (name.includes("closed") ? "CLOSED" : /^(start|headers.*start$)/.test(name) ? "START_FAILED" : "UNDELIVERED");
  const wrong = Object.entries(outcomes).filter(([name, code]) => code !== expected(name));
  const after = await mounted({ deliver: nonsense });
  await after.delivers();
  const verdicts = Object.values(judged).join(", ");
  return [
    proved("a Response of a deliver function", verdicts, "a function that answers 42 has delivered", {
      [`judged like an answer of the host's: ${verdicts}`]: verdicts === "UNDELIVERED, LOGIN_MISMATCH 409 LOGIN_MISMATCH, REJECTED 422 NOT_YOURS, SIGNED_OUT 401",
    }),
    proved("what start throws", "START_FAILED, with that as its cause", "thrown at once and in a promise", { "the very same": causes.every((cause) => cause === mistake) }),
    proved(`${Object.keys(outcomes).length} functions that throw, reject or never settle`, [...new Set(Object.values(outcomes))].join(", "), "a function that answers 42 has delivered", {
      [wrong.map((pair) => pair.join(": ")).join("; ")]: wrong.length === 0,
      [`no unhandled rejection: ${lab.errors}`]: lab.errors.length === 0,
      "nothing is left": await getsClean(),
    }),
  ];
}

/** Listeners that throw: the others hear, the session goes on, and the browser reports it like any other mistake of the page's. */
export async function listeners() {
  const visit = await Visit.open();
  let thrown = 0;
  for (const name of EVENTS) {
    lab.original.add.call(visit.session, name, () => {
      thrown += 1;
      throw new Error("the page's own mistake");
    });
  }
  const later = [];
  lab.original.add.call(visit.session, "phasechange", ({ detail }) => later.push(detail.phase));
  await visit.mounted();
  await visit.delivers();
  return [
    proved("every listener throws", `delivered; ${thrown} errors reported`, "a listener after it hears everything", {
      "all were thrown, all reported": thrown > 3 && lab.errors.length === thrown,
      [`later: ${later}`]: later.join() === "loading,active,delivering,done",
      "nothing is left": await getsClean(),
    }),
  ];
}

/** `close()` wherever a page can call it. */
export async function closings() {
  const outcomes = {};
  const close = async (name, more, when) => {
    const visit = await Visit.open(more);
    when(visit.session);
    for (const moment of ["active", "delivering"]) {
      await until(moment, () => visit.outcome || visit.session.phase === moment);
      if (visit.outcome || moment === "delivering") break;
      await reach(visit.window, CONNECT).catch(() => {});
      if (visit.window) await visit.says(good()).catch(() => {});
    }
    const { result, error } = await visit.ended();
    await turn();
    visit.session.close();
    outcomes[name] = `${result?.status ?? error.code}${(await getsClean()) ? "" : ", something is left"}`;
  };
  const at = (phase) => (session) =>
    lab.original.add.call(session, "phasechange", ({ detail }) => detail.phase === phase && (session.close(), session.close()));
  const challenge = { status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId: REQUEST };

  await close("at once", {}, (session) => session.close());
  await close("before the first phase, by a signal that was aborted", { signal: AbortSignal.abort() }, () => {});
  await close("in a microtask", {}, (session) => queueMicrotask(() => session.close()));
  let starting;
  await close("inside start", { start: () => (starting.close(), challenge) }, (session) => (starting = session));
  await close("inside headers", { start: "/start", headers: () => (starting.close(), {}) }, (session) => (starting = session));
  for (const phase of ["loading", "active"]) await close(`on becoming ${phase}`, {}, at(phase));
  await close("on a step", {}, (session) => lab.original.add.call(session, "step", () => session.close()));
  await close("on becoming delivering", {}, at("delivering"));
  let delivering;
  await close("inside deliver", { deliver: async () => (delivering.close(), { saved: true }) }, (session) => (delivering = session));
  await close("on becoming done", {}, at("done"));
  await close("on becoming closed", {}, (session) => (at("closed")(session), session.close()));
  await close("when the result is there", {}, (session) => session.result.then(() => session.close()));
  const controller = new AbortController();
  await close("by the signal, in a listener", { signal: controller.signal }, (session) => lab.original.add.call(session, "phasechange", () => controller.abort()));
  const late = /delivering|deliver$|done|result/;

  // The page's signal may outlive many sessions: read once, heard until the session is over.
  const lasting = new AbortController();
  const reads = {};
  const get = (given, name) => ((reads[name] = (reads[name] ?? 0) + 1), given[name]);
  const signalled = reconnect(new Proxy(options({ container: "#one", loadTimeoutMs: 9_000, signal: lasting.signal }), { get }));
  const isHeard = () => lab.listeners().includes("AbortSignal abort");
  const wasHeard = isHeard();
  signalled.close();
  await signalled.dismissed;
  const isLeft = isHeard();
  const inherited = reconnect(Object.setPrototypeOf(options({ container: "#two" }), { signal: AbortSignal.abort() }));
  await until("Connect mounts all the same", () => inherited.phase === "active");
  inherited.close();
  const wrong = Object.entries(outcomes).filter(([name, outcome]) => outcome !== (late.test(name) ? "reconnected" : "CLOSED"));
  return [
    proved("a signal that outlives its session", `read ${reads.signal} time`, "one that the options inherit is none of theirs", {
      "heard while the session lasts": wasHeard && !isLeft,
      [`each option is read once: ${JSON.stringify(reads)}`]: reads.signal === 1 && Object.values(reads).every((times) => times === 1),
    }),
    proved(`close() at ${Object.keys(outcomes).length} moments, most of them inside a callback`, "CLOSED before REDIRECT, reconnected after", "after REDIRECT the result is delivered all the same", {
      [wrong.map((pair) => pair.join(": ")).join("; ")]: wrong.length === 0,
      [`no error: ${lab.errors}`]: lab.errors.length === 0,
    }),
  ];
}

/** The browser fails us: what the page is told, in which order, and that everything is given back. */
export async function broken() {
  const { signal } = new AbortController();
  const visit = await mounted({ signal });
  const surface = document.querySelector("#one").firstElementChild;
  const held = async () => (await navigator.locks.query()).held.length;
  const before = { locks: await held(), frames: frames().length };
  const order = [];
  lab.original.add.call(visit.session, "phasechange", ({ detail: { phase } }) => {
    order.push(phase, frames().length);
    // Whichever is settled already, the first before the second.
    Promise.race([visit.session.result, Promise.resolve("open")]).then(order.push.bind(order), ({ code }) => order.push(code));
    throw new Error("the page's own mistake");
  });
  surface.classList.toggle = () => { throw new Error("the browser's mistake"); };
  // And again, when all is given back.
  const { frame } = visit;
  frame.remove = () => {
    Element.prototype.remove.call(frame);
    throw new Error("the browser's second mistake");
  };
  await visit.says({ step: "POPUP_BLOCKED" });
  const error = await visit.session.result.catch((error) => error);
  let isDismissed = false;
  visit.session.dismissed.then(() => (isDismissed = true));
  await until("it is dismissed", () => isDismissed);
  const isFree = await until("the lock is free", async () => (await held()) === before.locks - 2);
  return [
    proved("the browser fails in the middle of a session", `${error.code}: ${order.join(", ")}`, "what a listener throws then stops nothing", {
      "promise, phase, then the rest": order.join() === `failed,${before.frames},INTERNAL`,
      "its cause is the browser's": /browser's mistake/.test(error.cause?.message),
      "nothing is left": isFree && (await getsClean()) && !lab.listeners().includes("AbortSignal abort"),
    }),
  ];
}

/** A tab that was taken over has lost the session, however soon the other is done. */
export async function taken() {
  const first = await mounted();
  const second = await Visit.open({ container: "#two" });
  await second.ended();
  second.follow();
  const isOffered = second.session.retry();
  await until("it has the session", () => second.session.phase !== "starting");
  await second.closed();
  const { error } = await first.ended();
  const { pending, held } = await navigator.locks.query();
  // Of the session's own lock: the one that all tabs share may be on its way to be released.
  const ofSession = [...pending, ...held].filter(({ name }) => name.startsWith("flinks-reconnect:"));
  first.session.close();
  return [
    proved("taken over, and closed at once by the other", `the first: ${error?.code}`, `the other: ${second.outcome.error.code}`, {
      "BUSY, and no frame": isOffered && error?.code === "BUSY",
      "nobody queues for the lock": ofSession.length === 0,
    }),
  ];
}

/** The browser tells a page late what has become of its locks, as one that it had frozen; and it takes them all away by itself, as WebKit does from a page in its cache. */
export async function woken() {
  const { prototype } = LockManager;
  const { request } = prototype;
  const locksOf = async (kind) => (await navigator.locks.query())[kind].length;

  let wake;
  const frozen = new Promise((resolve) => (wake = resolve));
  prototype.request = function (...claim) {
    return request.apply(this, claim).finally(() => frozen);
  };
  const first = await mounted();
  prototype.request = request;
  const second = await Visit.open({ container: "#two" });
  await second.ended();
  second.follow();
  second.session.retry();
  await second.mounted();
  await second.delivers();
  const stillHeld = await locksOf("held");
  wake();
  const { error } = await first.ended();
  const areFree = await until("the locks are free", async () => (await locksOf("held")) + (await locksOf("pending")) === 0);
  first.session.close();

  let evict;
  const evicted = new Promise((_, reject) => (evict = () => reject(new DOMException("the page is kept in the cache", "AbortError"))));
  const grants = [];
  const hold = (name, keep) => (lock) => {
    if (lock) grants.push(name);
    return keep(lock);
  };
  prototype.request = function (name, options, granted) {
    return request.call(this, name, options, hold(name, (lock) => Promise.race([granted(lock), ...(lock ? [evicted] : [])])));
  };
  const kept = await mounted();
  await until("all its locks are granted", () => grants.length === 2);
  prototype.request = function (name, options, granted) {
    return request.call(this, name, options, hold(name, granted));
  };
  evict();
  await until("they are granted again, or it ends", () => grants.length === 4 || kept.outcome);
  prototype.request = request;
  const { phase } = kept.session;
  const third = await Visit.open({ container: "#two" });
  const busy = (await third.ended()).error;
  third.session.close();
  await kept.delivers();
  return [
    proved("taken over while it was frozen, and woken when the other is done", `the first: ${error?.code}`, "locks that the browser itself has taken away, see below", {
      BUSY: error?.code === "BUSY" && error.retryable,
      "its locks are given back": areFree && stillHeld < 2,
    }),
    proved("a browser that takes all locks of a page away", `${phase}, and delivers`, `another is ${busy?.code}: it has the lock again`, { "it goes on": phase === "active" && busy?.code === "BUSY" }),
  ];
}

/** A frame that another site's page took over before Connect spoke. */
export async function redirected() {
  const visit = await Visit.open({ params: { theme: "silent" } });
  await until("the frame is there", () => visit.frame);
  // Firefox may forget an address that it is given while it loads the one before.
  await reach(visit.window, CONNECT);
  visit.frame.src = `${EVIL}/puppet`;
  await reach(visit.window, `${EVIL}/puppet`);
  await visit.says({ step: "APP_MOUNTED" });
  // Its time is over: the wall clock says so, and the page looks at it when it is shown again.
  const clock = Date.now;
  Date.now = () => clock() + 60_000;
  dispatchEvent(new Event("pageshow"));
  const { error } = await visit.ended();
  Date.now = clock;
  visit.session.close();
  return [
    proved("a frame that speaks from another origin only", error.message, "one that says nothing at all is told the usual causes", {
      "it says so": error.code === "LOAD_TIMEOUT" && /redirected to another origin/.test(error.message) && !error.message.includes(EVIL),
    }),
  ];
}

/** A network that comes and goes while nobody tells the page. */
export async function offline() {
  let isOnline = false;
  Object.defineProperty(navigator, "onLine", { configurable: true, get: () => isOnline });
  let refuse;
  const start = () => new Promise((_, reject) => (refuse = () => reject({ status: 500 })));
  const visit = await Visit.open({ container: null, start });
  const dialog = () => document.querySelector(".flinks-reconnect.modal");
  /** What the user sees while the host is asked; then it refuses. */
  const seen = async () => {
    await until("the host is asked", () => refuse);
    const { view } = dialog().dataset;
    refuse();
    refuse = undefined;
    await until("it has refused", () => visit.session.phase === "failed");
    return view;
  };
  const views = { "at the beginning": await seen() };
  visit.session.retry();
  views["the page retries"] = await seen();
  dialog().shadowRoot.querySelector("[part=retry]").click();
  views["the user retries"] = await seen();
  isOnline = true;
  visit.session.retry();
  await until("the host is asked", () => refuse);
  const told = ["offline", "online"].map((name) => {
    dispatchEvent(new Event(name));
    return dialog().dataset.view;
  });
  const online = await seen();
  delete navigator.onLine;
  await visit.closed();
  const unasked = Object.keys(views).filter((when) => views[when] !== "offline");
  return [
    proved("a network that is gone before anybody listens", Object.values(views).join(", "), `once it is back: ${online}`, {
      [`the browser is asked: ${unasked}`]: unasked.length === 0,
      [`after a failure it is still listened to: ${told}`]: told.join() === "offline,loading",
      "the twin": online === "loading",
    }),
  ];
}

/** A double click. */
export async function doubled() {
  const first = await mounted();
  const second = await Visit.open({ container: "#two" });
  const { error } = await second.ended();
  const isFirstAlive = first.session.phase === "active";
  second.session.close();
  await first.delivers();

  const visits = [await Visit.open({ container: null, start: "/start" }), await Visit.open({ container: null, start: "/start" })];
  await until("one of two mounts", () => visits.some(({ session }) => session.phase === "active"));
  await until("the other is busy", () => visits.some(({ outcome }) => outcome));
  const codes = visits.map(({ outcome }) => outcome?.error?.code ?? "active");
  for (const { session } of visits) session.close();
  await turn();
  return [
    proved("reconnect() twice for one session", `active, then ${error.code}; in dialogs: ${codes.join(", ")}`, "the first delivers", {
      busy: error.code === "BUSY" && isFirstAlive,
      "dialogs too": codes.toSorted().join() === "BUSY,active",
      "nothing is left": (await getsClean()) && !document.querySelector(".flinks-reconnect"),
    }),
  ];
}

/** A browser that takes its time to say whether another tab has the session. */
export async function slowly() {
  const { prototype } = LockManager;
  const { request } = prototype;
  prototype.request = function (...claim) {
    return new Promise((resolve) => lab.original.setTimeout(() => resolve(request.apply(this, claim)), 1_000));
  };
  const visit = await mounted();
  const second = await Visit.open({ container: "#two" });
  const { error } = await second.ended();
  second.session.close();
  await visit.delivers();
  prototype.request = request;
  return [
    proved("a browser that needs a second to grant a lock", "no other tab has it: delivered", `where one has it: ${error?.code}`, { "the twin is busy": error?.code === "BUSY" }),
  ];
}

const script = (src) =>
  new Promise((resolve, reject) => {
    const element = document.createElement("script");
    Object.assign(element, { src, onload: resolve, onerror: () => reject(new Error(`${src} does not load`)) });
    document.head.append(element);
  });

/** The script tag twice, and the modules as well: an application that has grown. */
export async function copies() {
  await script("/sdk/flinks-reconnect.global.js?first");
  const { FlinksReconnect } = window;
  const Defined = customElements.get("flinks-reconnect");
  await script("/sdk/flinks-reconnect.global.js?second");
  const { FlinksReconnectElement } = await import("/sdk/element.js");
  const isStable = window.FlinksReconnect === FlinksReconnect && customElements.get("flinks-reconnect") === Defined;

  // Both work beside each other, and one is told when the other has the session.
  const module = await mounted();
  const tag = new Visit(FlinksReconnect.reconnect, { container: "#two" });
  const { error } = await tag.ended();
  tag.session.close();
  const isModuleAlive = module.session.phase === "active";
  await module.delivers();
  const alone = await new Visit(FlinksReconnect.reconnect, { container: "#two" }).mounted();
  await alone.delivers();
  return [
    proved("two script tags and the modules on one page", `one tag, one global; of two on one session one is ${error.code}`, "each copy delivers", {
      "the first stays": isStable && FlinksReconnectElement === Defined && new FlinksReconnectElement() instanceof HTMLElement,
      "its own error class": error instanceof FlinksReconnect.ReconnectError && error.code === "BUSY",
      "the other goes on": isModuleAlive,
      [`no error: ${lab.errors}`]: lab.errors.length === 0,
    }),
  ];
}
