// What the user sees: the dialog or the host's container, the status line, the buttons, Connect's frame.
//
// Invariants: texts and buttons stand in a shadow tree, so that nothing leaks in from the page's styles or out to them; the frame is slotted,
// because it belongs to the page's own frames. Styling goes through the style object model only, which a strict Content-Security-Policy
// allows, and nothing is ever parsed as HTML. What to show is decided in Rust.

import { Gate } from "./gate.js";
import { BLOCKED, POSTED, USER_CLOSED, USER_RETRIES, USER_STAYS } from "./inputs.js";
import { raw } from "./value.js";
import { VIEWS, word } from "./words.js";

/** Enough for Connect and a bank's pop-up; without top navigation, so that the frame cannot lead the host's page away. */
const SANDBOX =
  "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

// Why the browser refuses to load the frame; `driver.rs` has the same numbers.
const POLICY = 0;
const ISOLATION = 1;

/** What the buttons beside the one that closes mean. */
const MEANING = { retry: USER_RETRIES, startAgain: USER_RETRIES, takeOver: USER_RETRIES, stay: USER_STAYS, leave: USER_CLOSED };
const PART = { startAgain: "retry", takeOver: "retry" };

/** Views that are news of progress. The others interrupt whoever listens to the page. */
const CALM = ["loading", "slow", "connect", "renewing", "offline", "delivering", "retrying"];

/** What can be styled from outside. In a container that is in a shadow tree itself, as the element's is, the page reaches these through its host. */
const PARTS = "panel,header,title,close,about,status,alert,buttons,retry,stay,leave,body,skeleton,frame";

/** Views of waiting for Connect: there is nothing to see of it yet. */
const WAITING = ["loading", "slow", "renewing"];

/** How long a frame in an isolated page may be silent after it has loaded, and how long it may take to load, in milliseconds. */
const SILENCE_MS = 2_000;
const UNLOADED_MS = 5_000;

/** How long texts wait for whoever listens to the page to notice that there is a place for them, in milliseconds. */
const HUSH_MS = 50;

/** How long the farewell stays for whoever listens to the page, in milliseconds. */
const FAREWELL_MS = 1_000;

/** The dialog is in reach of the page's styles; these go on it as `!important`, and what they do not say is the browser's default. Of spacing they say nothing. */
const DIALOG_STYLE = {
  all: "initial", position: "fixed", inset: "0", width: "100%", height: "100%", overflow: "hidden", display: "block", "letter-spacing": "", "word-spacing": "",
};

/** For assistive technology only. */
const UNSEEN_STYLE = { ...DIALOG_STYLE, width: "1px", height: "1px", "clip-path": "inset(50%)" };

let count = 0;

export class Stage {
  #hear;
  #style;
  #container;
  #sandbox;
  #say;
  #lang;
  /** On the page: the dialog, or the surface in its container. */
  #root;
  #surface;
  #panel;
  #status;
  #alert;
  #buttons;
  #farewell;
  #frame;
  /** Aborted when the stage leaves the page. Not with an error: its stack would hold the session that holds us, past the module's memory, for ever. */
  #up;
  /** Aborted when the frame leaves it. */
  #framed;
  #silence;
  #view;
  /** The timer until the first text. */
  #hush;
  #unlockScrolling;

  /** From options that were proved; undefined when there is no such container. */
  static on(options, page, isFrench) {
    const stage = (page.stage = new Stage());
    const container = raw(options, "container");
    try {
      stage.#container = typeof container === "string" ? document.querySelector(container) : container;
    } catch {
      // No selector at all.
      return undefined;
    }
    if (stage.#container === null) return undefined;
    const labels = raw(options, "labels");
    const sandbox = raw(options, "sandbox");
    stage.#hear = page.hear;
    stage.#style = page.style;
    stage.#sandbox = sandbox === undefined ? SANDBOX : sandbox;
    stage.#say = (name) => word(name, isFrench, labels);
    stage.#lang = isFrench ? "fr-CA" : "en";
    return stage;
  }

  /** Shows a view, by its number. */
  show(number) {
    if (!this.#root) this.#raise();
    const [view, ...buttons] = VIEWS[number];
    this.#view = view;
    if (!this.#hush) this.#announce();
    this.#surface.setAttribute("data-view", view);
    this.#surface.classList.toggle("waiting", WAITING.includes(view));
    this.#offer(buttons);
  }

  #announce() {
    const text = this.#say(this.#view);
    const isCalm = CALM.includes(this.#view);
    this.#status.textContent = isCalm ? text : "";
    this.#alert.textContent = isCalm ? "" : text;
  }

  #offer(names) {
    const hadFocus = this.#buttons.contains(this.#surface.shadowRoot.activeElement);
    this.#buttons.replaceChildren();
    for (const name of names) {
      this.#button(this.#buttons, PART[name] ?? name, name, () => {
        this.#hear(MEANING[name]);
        // They go on in Connect.
        if (name === "stay") this.#frame?.focus();
      });
    }
    // The safe choice first, where something must be chosen; and nobody is left nowhere.
    if (names.includes("leave")) this.#buttons.firstChild.focus();
    else if (hadFocus) this.#panel.focus();
  }

  /** A new frame in place of any other: attributes first, then the address, then the page. */
  openFrame(url, origin) {
    this.closeFrame();
    // What re-uses an element adds an entry to the page's history.
    const frame = document.createElement("iframe");
    const attributes = { title: this.#say("frame"), allow: "", referrerpolicy: "strict-origin", sandbox: this.#sandbox, src: url };
    for (const [name, value] of Object.entries(attributes)) if (value !== null) frame.setAttribute(name, value);
    this.#framed = new AbortController();
    const { signal } = this.#framed;
    const gate = new Gate(frame, origin);
    addEventListener("message", (event) => gate.admits(event) && this.#hear(POSTED, 0, event), { signal });
    document.addEventListener(
      "securitypolicyviolation",
      (event) => {
        if (event.isTrusted && event.disposition === "enforce" && /^(frame|child|default)-src/.test(event.effectiveDirective) && originOf(event.blockedURI) === origin) {
          this.#hear(BLOCKED, POLICY);
        }
      },
      { signal },
    );
    // Browsers put an error page in the place of a frame that is not isolated itself, or nothing (Firefox, WebKit), and do not tell. Connect would speak soon
    // after it has loaded.
    if (globalThis.crossOriginIsolated) {
      const listen = (ms) => {
        clearTimeout(this.#silence);
        this.#silence = setTimeout(() => this.#hear(BLOCKED, ISOLATION), ms);
      };
      listen(UNLOADED_MS);
      frame.addEventListener("load", () => listen(SILENCE_MS), { signal });
    }
    this.#frame = this.#surface.appendChild(frame);
    this.#surface.classList.add("framed");
  }

  closeFrame() {
    const frame = this.#frame;
    if (!frame) return;
    const hadFocus = frame.getRootNode().activeElement === frame;
    clearTimeout(this.#silence);
    this.#framed.abort(null);
    frame.remove();
    this.#frame = undefined;
    this.#surface.classList.remove("framed");
    // Else the focus would be nowhere, and could not be given back.
    if (hadFocus) this.#panel.focus({ preventScroll: true });
  }

  /** The frame's height, where it stands in a container. */
  resize(height) {
    this.#surface.style.setProperty("--_height", `${height}px`);
  }

  /** Takes everything off the page; `isSent` says so to whoever listens to it. */
  hide(isSent) {
    if (!this.#root) return;
    this.closeFrame();
    clearTimeout(this.#hush);
    this.#up.abort(null);
    this.#unlockScrolling?.();
    const dialog = this.#root;
    // Closing gives the focus back to the opener; but if the page has moved it elsewhere since, it stays there.
    if (dialog.contains(document.activeElement)) dialog.close?.();
    dialog.remove();
    this.#root = undefined;
    const farewell = this.#farewell;
    if (!isSent) return farewell.remove();
    farewell.textContent = this.#say("sent");
    setTimeout(() => farewell.remove(), FAREWELL_MS);
  }

  // ---- setting up ----

  #raise() {
    this.#up = new AbortController();
    const surface = (this.#surface = document.createElement("div"));
    surface.className = "flinks-reconnect";
    surface.setAttribute("exportparts", PARTS);
    surface.lang = this.#lang;
    const shadow = surface.attachShadow({ mode: "open" });
    // A constructed style sheet passes a strict Content-Security-Policy.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(this.#style);
    shadow.adoptedStyleSheets = [sheet];
    const panel = (this.#panel = part(shadow, "div", "panel", { tabindex: "-1" }));
    const close = () => this.#hear(USER_CLOSED);
    if (!this.#container) {
      // No <header>, which would be another banner of the page's.
      const header = part(panel, "div", "header");
      part(header, "h2", "title").textContent = this.#say("title");
      this.#button(header, "close", "close", close);
      part(panel, "slot", "about", { name: "about" });
    }
    // Live regions are announced only when they exist before their text does.
    this.#hush = setTimeout(() => {
      this.#hush = undefined;
      this.#announce();
    }, HUSH_MS);
    this.#status = part(panel, "p", "status", { role: "status" });
    this.#alert = part(panel, "p", "alert", { role: "alert" });
    this.#buttons = part(panel, "div", "buttons");
    const body = part(panel, "div", "body");
    part(body, "div", "skeleton", { "aria-hidden": "true" });
    part(body, "slot", "frame");
    this.#farewell = document.body.appendChild(document.createElement("div"));
    this.#farewell.setAttribute("role", "status");
    this.#farewell.lang = this.#lang;
    setStyle(this.#farewell, UNSEEN_STYLE);
    this.#root = this.#container ? this.#container.appendChild(surface) : this.#dialog(surface, close);
  }

  #dialog(surface, close) {
    const dialog = document.createElement("dialog");
    setStyle(dialog, DIALOG_STYLE);
    surface.classList.add("modal");
    // The page sees the dialog from outside the shadow tree, so its description stands there too.
    const about = surface.appendChild(document.createElement("p"));
    about.slot = "about";
    about.id = `flinks-reconnect-about-${(count += 1)}`;
    about.textContent = this.#say("about");
    dialog.lang = this.#lang;
    dialog.setAttribute("aria-label", this.#say("title"));
    dialog.setAttribute("aria-describedby", about.id);
    dialog.append(surface);
    document.body.append(dialog);
    dialog.showModal();
    this.#unlockScrolling = lockScrolling();
    const { signal } = this.#up;
    // Esc asks to close; the session decides. A browser that will not be prevented closes anyway, which is the same wish and must count once.
    dialog.addEventListener("cancel", (event) => event.cancelable && (event.preventDefault(), close()), { signal });
    dialog.addEventListener("close", () => (dialog.isConnected && dialog.showModal(), close()), { signal });
    return dialog;
  }

  #button(parent, name, text, action) {
    const button = part(parent, "button", name, { type: "button" });
    button.textContent = this.#say(text);
    button.addEventListener("click", action, { signal: this.#up.signal });
  }
}

function originOf(url) {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}

function part(parent, tag, name, attributes) {
  const element = document.createElement(tag);
  for (const [attribute, value] of Object.entries({ part: name, ...attributes })) element.setAttribute(attribute, value);
  return parent.appendChild(element);
}

function setStyle(element, style) {
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value, "important");
}

// ---- the page behind a dialog ----

let locks = 0;
let before;

/** Keeps the page behind from scrolling, where it stands and without a jump; when the last dialog unlocks it, all is as it was. */
function lockScrolling() {
  const root = document.documentElement;
  const names = ["overflow", "scrollbar-gutter"];
  if ((locks += 1) === 1) {
    const hasScrollbar = innerWidth > root.clientWidth;
    before = [root.hasAttribute("style"), ...names.map((name) => [root.style.getPropertyValue(name), root.style.getPropertyPriority(name)])];
    root.style.setProperty("overflow", "hidden", "important");
    if (hasScrollbar) root.style.setProperty("scrollbar-gutter", "stable", "important");
  }
  return () => {
    if ((locks -= 1) > 0) return;
    const [hadStyle, ...values] = before;
    values.forEach(([value, priority], index) => root.style.setProperty(names[index], value, priority));
    // Read first: Chromium writes the attribute only when somebody looks, and would put an empty one back.
    if (!hadStyle && root.getAttribute("style") === "") root.removeAttribute("style");
  };
}
