// What the shell in this folder has the browser do, in the browser's own language: plumbing that would cost ten times the bytes if every
// property and call crossed into WebAssembly by itself. Nothing is decided here: what to show, whom to believe, what an answer means is
// Rust's.
//
// Invariant: no function throws. An exception would pass through the Rust frames above it and leave them half done.

// ---- reading ----

/** The host's own property as it is (a polluted `Object.prototype` must not choose where a login goes); a getter that throws is none. */
function raw(object, name) {
  try {
    return typeof object === "object" && object && Object.hasOwn(object, name) ? object[name] : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the host's properties. */
function names(object) {
  try {
    return object instanceof Object ? Object.keys(object) : [];
  } catch {
    return [];
  }
}

// The kinds of `Property`; `value.rs` has the same numbers.
const ABSENT = 0;
const NULL = 1;
const TEXT = 2;
const NUMBER = 3;
const TEXTS = 4;
const PAIRS = 5;
const FUNCTION = 6;
const ELEMENT = 7;
const SIGNAL = 8;
const OTHER = 9;

/** The host's property as a list: its kind, then its content. */
function property(object, name) {
  const value = raw(object, name);
  if (value === undefined) return [ABSENT];
  if (value === null) return [NULL];
  if (typeof value === "string") return [TEXT, value];
  if (typeof value === "number") return [NUMBER, value];
  if (typeof value === "function") return [FUNCTION];
  try {
    if (value instanceof Element) return [ELEMENT];
    if (value instanceof AbortSignal) return [SIGNAL];
    if (Array.isArray(value)) {
      const items = Array.from(value);
      return items.every((item) => typeof item === "string") ? [TEXTS, ...items] : [OTHER];
    }
    return value instanceof Object ? pairs(value) : [OTHER];
  } catch {
    return [OTHER];
  }
}

/** Names and values in turn, each as text. */
function pairs(object) {
  const list = [PAIRS];
  for (const [name, value] of Object.entries(object)) {
    // `undefined` is how JavaScript leaves a value out.
    if (value === undefined) continue;
    if (!/^(string|number|boolean)$/.test(typeof value)) return [OTHER];
    list.push(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return list;
}

/** The object a message carries, or whose JSON text it carries. */
function fields({ data }, maxLength) {
  try {
    const value = typeof data !== "string" ? data : data.length <= maxLength ? JSON.parse(data) : undefined;
    return value instanceof Object ? value : undefined;
  } catch {
    return undefined;
  }
}

function own(object, name) {
  try {
    // Not the object's own `hasOwnProperty`: the sender chooses that.
    return Object.hasOwn(object, name) ? object[name] : undefined;
  } catch {
    return undefined;
  }
}

/** The own property when it is a short string; undefined when it says nothing, null when it is something else. */
function ownText(object, name, maxLength) {
  const value = own(object, name) ?? "";
  if (value === "") return undefined;
  return isText(value, maxLength) ? value : null;
}

/** The short strings in the own property: in an array, or alone. */
function ownTexts(object, name, maxItems, maxLength) {
  const value = own(object, name);
  const items = Array.isArray(value) ? value : [value];
  const texts = [];
  // By index: a sparse array can claim four billion elements, and the sender chooses what the array's methods are.
  for (let index = 0; index < items.length && index < maxItems; index += 1) {
    if (isText(items[index], maxLength)) texts.push(items[index]);
  }
  return texts;
}

const isText = (value, maxLength) => typeof value === "string" && value.length <= maxLength;

/** The parts of a URL by the parser that will load it, then its query's names and values in turn. */
function urlParts(text) {
  try {
    const { href, protocol, hostname, pathname, origin, username, password, searchParams } = new URL(text);
    return [href, protocol, hostname, pathname, origin, username + password, ...[...searchParams].flat()];
  } catch {
    return undefined;
  }
}

// ---- the page ----

/** The page's own language. */
const language = () => document.documentElement?.getAttribute("lang") ?? "";

/** Milliseconds on a clock that nobody sets. */
const monotonicMs = () => performance.now();

/** 128 random bits in hexadecimal. */
function randomName() {
  try {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return undefined;
  }
}

/** The element itself, or the one its selector finds. */
function place(container) {
  try {
    return (typeof container === "string" ? document.querySelector(container) : container) ?? undefined;
  } catch {
    return undefined;
  }
}

// ---- messages ----

const isTrusted = (event) => event.isTrusted;

/** A detached frame has no window and a vanished sender is null: null must never equal null. */
function isFromFrame({ source }, frame) {
  const sender = frame.contentWindow;
  return sender !== null && source === sender;
}

const isFromOrigin = (event, origin) => event.origin === origin;

// ---- the stage ----

/** The dialog is in reach of the page's styles; these go on it as `!important`. */
const DIALOG_STYLE = {
  position: "fixed", inset: "0", width: "100%", height: "100%", "max-width": "none", "max-height": "none",
  margin: "0", border: "0", padding: "0", background: "none", display: "block",
};

function part(parent, tag, name, attributes) {
  const element = document.createElement(tag);
  for (const [attribute, value] of Object.entries({ part: name, ...attributes })) element.setAttribute(attribute, value);
  return parent.appendChild(element);
}

/** The widget's place on the page. `gesture` hears true for "try again" and false for "close". */
class Stage {
  #root;
  #surface = document.createElement("div");
  #status;
  #alert;
  #retry;
  #listeners = new AbortController();

  constructor(container, style, lang, title, close, gesture) {
    const surface = this.#surface;
    const shadow = surface.attachShadow({ mode: "open" });
    // A constructed style sheet passes a strict Content-Security-Policy.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    shadow.adoptedStyleSheets = [sheet];
    const panel = part(shadow, "div", "panel");
    if (container) {
      this.#root = container.appendChild(surface);
    } else {
      surface.className = "modal";
      const header = part(panel, "header", "header");
      part(header, "h2", "title").textContent = title;
      this.#button(header, "close", () => gesture(false)).textContent = close;
      this.#root = this.#dialog(title, () => gesture(false));
    }
    surface.lang = lang;
    // Live regions are announced only when they exist before their text does.
    this.#status = part(panel, "p", "status", { role: "status" });
    this.#alert = part(panel, "p", "alert", { role: "alert" });
    this.#retry = this.#button(panel, "retry", () => gesture(true));
    this.#retry.hidden = true;
    part(panel, "div", "body").append(document.createElement("slot"));
    // In a container that is in a shadow tree itself, as the element's is, the page's styles reach the parts through its host.
    surface.setAttribute("exportparts", Array.from(shadow.querySelectorAll("[part]"), (element) => element.part).join());
  }

  #on(target, type, action) {
    target.addEventListener(type, action, { signal: this.#listeners.signal });
  }

  #button(parent, name, action) {
    const button = part(parent, "button", name, { type: "button" });
    this.#on(button, "click", action);
    return button;
  }

  #dialog(title, close) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", title);
    for (const [name, value] of Object.entries(DIALOG_STYLE)) dialog.style.setProperty(name, value, "important");
    dialog.append(this.#surface);
    document.body.append(dialog);
    dialog.showModal();
    // Esc asks to close; the session decides. A browser that closes anyway is closing all the same.
    this.#on(dialog, "cancel", (event) => {
      event.preventDefault();
      close();
    });
    this.#on(dialog, "close", close);
    return dialog;
  }

  /** Says `text`, as an alert or as a status; offers another try under the name `retry`. */
  show(view, text, alerts, retry) {
    this.#status.textContent = alerts ? "" : text;
    this.#alert.textContent = alerts ? text : "";
    this.#retry.hidden = retry === undefined;
    this.#retry.textContent = retry ?? "";
    this.#surface.setAttribute("data-view", view);
  }

  /** A new frame: attributes first, then the address, then the page. */
  openFrame(url, title, sandbox) {
    const frame = document.createElement("iframe");
    const attributes = { title, allow: "", referrerpolicy: "strict-origin", sandbox, src: url };
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) frame.setAttribute(name, value);
    }
    return this.#surface.appendChild(frame);
  }

  lower() {
    this.#listeners.abort();
    // Closing first gives the focus back to the opener.
    this.#root.close?.();
    this.#root.remove();
  }
}

/** Puts the empty stage on the page: into `container`, else as a modal dialog. */
function raise(...place) {
  try {
    return new Stage(...place);
  } catch {
    return undefined;
  }
}

// ---- requests to the host ----

/** How to reach the host's backend: by URL, or by a function of the page's. */
class Host {
  #start;
  #deliver;
  #headers;
  #credentials;

  constructor(options) {
    this.#start = raw(options, "start");
    this.#deliver = raw(options, "deliver");
    this.#headers = raw(options, "headers");
    this.#credentials = raw(options, "credentials");
  }

  /** Begins a session; the controller it returns aborts that. */
  start(answer) {
    const controller = new AbortController();
    const { signal } = controller;
    const start = this.#start;
    tell(answer, async () => (typeof start === "string" ? read(await this.#post(start, { body: "{}", signal })) : success(await start(signal))));
    return controller;
  }

  /** Sends a result. */
  deliver(delivery, timeoutMs, answer) {
    const signal = AbortSignal.timeout(timeoutMs);
    const { attemptId } = delivery;
    const deliver = this.#deliver;
    tell(answer, async () =>
      typeof deliver === "string" ? read(await this.#send(deliver, delivery, signal)) : success(await deliver(delivery, { attemptId, signal })),
    );
  }

  async #send(url, delivery, signal) {
    const init = { body: JSON.stringify(delivery), signal };
    try {
      return await this.#post(url, { ...init, keepalive: true }, delivery.attemptId);
    } catch (error) {
      if (signal.aborted) throw error;
      // The 64 KiB for keepalive requests are shared with everything on the page and may be used up.
      return this.#post(url, init, delivery.attemptId);
    }
  }

  /**
   * Never follows a redirect (a 307 would send the body, `loginId` included, to wherever it points), is never cached and tells no referrer.
   */
  async #post(url, init, key) {
    const given = this.#headers;
    const headers = new Headers(await given?.());
    headers.set("Content-Type", "application/json");
    headers.set("Accept", "application/json");
    // A string of structured fields (RFC 8941): the quotes belong to the value.
    if (key) headers.set("Idempotency-Key", `"${key}"`);
    return fetch(url, {
      ...init,
      method: "POST",
      headers,
      credentials: this.#credentials,
      redirect: "error",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  }
}

/** How to reach the host, from options that were proved. */
const host = (options) => new Host(options);

// What `answer` hears: `[isOk, reply, status, code, retryAfterMs]`.

const success = (reply) => [true, reply ?? null];

/** A response and the JSON of its body, or null: a host may answer with nothing, or with a page. */
async function read(response) {
  const body = await response.json().catch(() => null);
  return [response.ok, body, response.status, raw(body, "code"), retryAfterMs(response.headers.get("Retry-After") ?? "")];
}

/** An error of the page's own transport: with a `status`, it is an answer; without, there was none. */
const failure = (error) => [false, null, raw(error, "status"), raw(error, "code")];

/** Seconds or an HTTP date, as milliseconds from now. Anything else says nothing. */
function retryAfterMs(text) {
  if (/^\d+$/.test(text)) return text * 1_000;
  return text.endsWith("GMT") ? Date.parse(text) - Date.now() : undefined;
}

/** Asks, and tells what came of it: later, for the page's functions must not run inside the session's. */
const tell = (answer, ask) => Promise.resolve().then(ask).catch(failure).then(answer);

// ---- the claim on a session among the tabs of this site ----

const HELD = 0;
const BUSY = 1;
const LOST = 2;

/** How long a claim waits for one that is being let go, in milliseconds: closing and opening again at once is no conflict. */
const PATIENCE_MS = 300;

/** Claims `name`, if need be from who has it; `answer` hears where the claim stands, now and when it is lost, until the function it returns lets go. */
function claim(name, steal, answer) {
  const signal = steal ? undefined : AbortSignal.timeout(PATIENCE_MS);
  let isWanted = true;
  let isHeld = false;
  let free;
  // The lock lasts until the promise settles that this returns.
  const granted = () => {
    isHeld = true;
    if (isWanted) answer(HELD);
    return isWanted && new Promise((resolve) => (free = resolve));
  };
  Promise.resolve()
    .then(() => navigator.locks.request(name, steal ? { steal } : { signal }, granted))
    .catch(() => {
      // A browser without locks, or a page that may not use them, holds everything: a second tab is then told by Flinks, not by us.
      if (isWanted) answer(isHeld ? LOST : signal?.aborted ? BUSY : HELD);
    });
  return () => {
    isWanted = false;
    free?.();
  };
}

/** What `page.rs` calls. */
export const page = {
  raw,
  names,
  property,
  fields,
  ownText,
  ownTexts,
  urlParts,
  itself: () => window,
  language,
  monotonicMs,
  randomName,
  place,
  isTrusted,
  isFromFrame,
  isFromOrigin,
  raise,
  host,
  claim,
};
