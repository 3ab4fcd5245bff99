// <flinks-reconnect>: the options as attributes, the session's events as the element's.

import { EVENTS, ReconnectError, reconnect } from "./index.js";

/** How an attribute's text becomes an option's value. */
const text = (value) => value;
const number = Number;
const list = (value) => value.split(",").map((item) => item.trim()).filter(Boolean);
const query = (value) => Object.fromEntries(new URLSearchParams(value));

const ATTRIBUTES = {
  instance: text,
  "connect-url": text,
  "request-id": text,
  start: text,
  "authorize-token": text,
  "resume-selected-accounts": list,
  deliver: text,
  credentials: text,
  language: text,
  params: query,
  "full-flow": text,
  "load-timeout-ms": number,
  "deliver-timeout-ms": number,
  sandbox: text,
};

/** Options that only a property can carry. */
const PROPERTIES = ["start", "deliver", "headers", "labels"];

const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

/** On a server there is no HTMLElement; importing must work all the same. */
const Base = globalThis.HTMLElement ?? class {};

export class FlinksReconnectElement extends Base {
  #session = null;
  #properties = {};

  constructor() {
    super();
    // Properties a page set before the element was defined shadow the accessors: take them in.
    for (const name of PROPERTIES) {
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
  }

  get session() {
    return this.#session;
  }

  connectedCallback() {
    // A framework may append first and set attributes and properties after.
    queueMicrotask(() => {
      if (this.isConnected && !this.hasAttribute("manual")) this.open();
    });
  }

  disconnectedCallback() {
    // Moved, not removed, when it is back by the end of this task.
    queueMicrotask(() => {
      if (!this.isConnected) this.close();
    });
  }

  /** Begins a session, unless one is open. */
  open() {
    if (this.#session) return this.#session;
    let session;
    try {
      session = reconnect(this.#options());
    } catch (error) {
      this.#report("failed", error);
      return null;
    }
    this.#session = session;
    for (const name of EVENTS) {
      session.addEventListener(name, ({ detail }) => this.#report(name, detail));
    }
    this.#await(session);
    return session;
  }

  close() {
    this.#session?.close();
    this.#session = null;
  }

  retry() {
    if (!this.#session) return;
    const before = this.#session.result;
    this.#session.retry();
    if (this.#session.result !== before) this.#await(this.#session);
  }

  #options() {
    const options = {};
    for (const [attribute, read] of Object.entries(ATTRIBUTES)) {
      if (this.hasAttribute(attribute)) options[camelCase(attribute)] = read(this.getAttribute(attribute));
    }
    Object.assign(options, this.#properties);
    if (!this.hasAttribute("modal")) options.container = this;
    return options;
  }

  #await(session) {
    session.result.then(
      (result) => this.#settled(session, "reconnected", result),
      (error) => this.#settled(session, "failed", error),
    );
  }

  #settled(session, name, detail) {
    const isRetryable = detail instanceof ReconnectError && detail.retryable;
    if (this.#session === session && !isRetryable) this.#session = null;
    this.#report(name, detail);
  }

  #report(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  static {
    for (const name of PROPERTIES) {
      Object.defineProperty(this.prototype, name, {
        configurable: true,
        enumerable: true,
        get() {
          return this.#properties[name] ?? this.getAttribute(name);
        },
        set(value) {
          if (value === null || value === undefined) delete this.#properties[name];
          else this.#properties[name] = value;
        },
      });
    }
  }
}

if (globalThis.customElements && !customElements.get("flinks-reconnect")) {
  customElements.define("flinks-reconnect", FlinksReconnectElement);
}
