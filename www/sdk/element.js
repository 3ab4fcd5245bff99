// <flinks-reconnect>: the options as attributes and properties, the session's events as the element's.
//
// Invariants: one session at a time; the options are read when it begins, and a later change is for the next one; what is shown stands in the
// element's shadow tree, so that whoever counts the element's children (a framework that takes over a server's page, a clone) finds none.

import { EVENTS, reconnect } from "./index.js";
import { follow } from "./endings.js";

/** How an attribute's text becomes an option's value. What makes no sense is passed on: the widget refuses it by the option's name. */
const text = (value) => value;
const number = (value) => (value.trim() ? Number(value) : value);
const list = (value) => value.split(",").map((item) => item.trim()).filter(Boolean);
const query = (value) => {
  const pairs = [...new URLSearchParams(value)];
  const object = Object.fromEntries(pairs);
  // Which of two values is meant?
  return pairs.length === Object.keys(object).length ? object : value;
};

/** Every option is a property, and an attribute of the same name in kebab-case. */
const OPTIONS = {
  instance: text,
  connectUrl: text,
  requestId: text,
  start: text,
  authorizeToken: text,
  resumeSelectedAccounts: list,
  deliver: text,
  headers: text,
  credentials: text,
  language: text,
  params: query,
  fullFlow: text,
  labels: text,
  loadTimeoutMs: number,
  deliverTimeoutMs: number,
  sandbox: text,
};

/** The properties that are nothing but their attribute. Of the others the markup must not tell (ids, tokens), or cannot (functions, objects). */
const REFLECTED = ["instance", "connectUrl", "credentials", "language", "fullFlow", "loadTimeoutMs", "deliverTimeoutMs"];

/** Attributes that are there or not. */
const FLAGS = ["modal", "manual"];

const kebabCase = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Where it stands: the frame's size is the element's. */
const STYLE = ":host{display:block}:host([hidden]){display:none}div{height:100%}";

/** On a server there is no HTMLElement; importing must work all the same. */
class Reconnect extends (globalThis.HTMLElement ?? class {}) {
  #session = null;
  #held = {};
  #place = document.createElement("div");
  /** Whether the element is on the page and had its chance to begin. */
  #isPlaced = false;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.#place);
    // Properties a page set before the element was defined shadow the accessors: take them in.
    for (const name of [...Object.keys(OPTIONS), ...FLAGS]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  get session() {
    return this.#session;
  }

  connectedCallback() {
    // A framework may append first and set attributes and properties after.
    queueMicrotask(() => {
      if (!this.isConnected || this.#isPlaced) return;
      this.#isPlaced = true;
      if (!this.manual) this.open();
    });
  }

  disconnectedCallback() {
    // Moved, not removed, when it is back by the end of this task.
    queueMicrotask(() => {
      if (this.isConnected || !this.#isPlaced) return;
      this.#isPlaced = false;
      this.close();
    });
  }

  /** Begins a session, unless one is open. */
  open() {
    if (this.#session && !/done|failed|closed/.test(this.#session.phase)) return this.#session;
    // Takes away what a failed session still says.
    this.close();
    try {
      const session = reconnect(this.#options());
      this.#session = session;
      for (const name of EVENTS) session.addEventListener(name, ({ detail }) => this.#report(name, detail));
      follow(
        session,
        (result) => this.#report("reconnected", result),
        (error) => this.#report("failed", error),
      );
      return session;
    } catch (error) {
      this.#report("failed", error);
      return null;
    }
  }

  close() {
    const session = this.#session;
    this.#session = null;
    session?.close();
  }

  retry() {
    this.#session?.retry();
  }

  /** What stands for an option: the property, else the attribute. */
  #given(name) {
    const value = name in this.#held ? this.#held[name] : this.getAttribute(kebabCase(name));
    return typeof value === "string" ? OPTIONS[name](value) : value;
  }

  #options() {
    const options = this.modal ? {} : { container: this.#place };
    for (const name of Object.keys(OPTIONS)) {
      if (name in this.#held || this.hasAttribute(kebabCase(name))) options[name] = this.#given(name);
    }
    return options;
  }

  #report(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  static {
    const define = (name, get, set) => Object.defineProperty(this.prototype, name, { configurable: true, enumerable: true, get, set });

    for (const name of Object.keys(OPTIONS)) {
      define(
        name,
        function () {
          return this.#given(name);
        },
        REFLECTED.includes(name)
          ? function (value) {
              if (value === null || value === undefined) this.removeAttribute(kebabCase(name));
              else this.setAttribute(kebabCase(name), value);
            }
          : function (value) {
              // `sandbox: null` says something: no attribute on the frame.
              if (value === undefined || (value === null && name !== "sandbox")) delete this.#held[name];
              else this.#held[name] = value;
            },
      );
    }

    for (const name of FLAGS) {
      define(
        name,
        function () {
          return this.hasAttribute(name);
        },
        function (value) {
          this.toggleAttribute(name, Boolean(value));
        },
      );
    }
  }
}

const registry = globalThis.customElements;
if (registry && !registry.get("flinks-reconnect")) registry.define("flinks-reconnect", Reconnect);

/** The class behind the tag: the first one, where two copies of this package are on a page. */
export const FlinksReconnectElement = registry?.get("flinks-reconnect") ?? Reconnect;
