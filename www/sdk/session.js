// The session a page holds: events, a promise and a few methods around one wasm `Widget`.
//
// Everything that could be wrong about the protocol is decided in Rust; here is only what JavaScript must express itself: a class that
// extends EventTarget, a promise, and that one thing happens at a time.

import moduleBytes from "flinks-reconnect:wasm";
import { Widget, initSync } from "flinks-reconnect:glue";
import style from "../../src/web/stage.css";
import { BEGIN, HOST_CLOSED, OFFLINE, ONLINE, RETRY, WAKE } from "../../src/web/inputs.js";
import { inWords } from "../../src/web/report.js";
import { ReconnectError } from "./error.js";

/** Compiles the module once, on first use: importing the package must have no side effect. */
let isLoaded = false;
function load() {
  if (isLoaded) return;
  if (typeof document === "undefined") throw new ReconnectError({ code: "UNSUPPORTED" });
  try {
    initSync(moduleBytes());
    isLoaded = true;
  } catch (cause) {
    // WebAssembly is missing, or a Content-Security-Policy refuses it.
    throw new ReconnectError({ code: "UNSUPPORTED" }, { cause });
  }
}

/** What happens to the page. Timers are throttled in hidden tabs and stop in frozen ones: look at the clock whenever the page is back. */
const PAGE_EVENTS = { online: ONLINE, offline: OFFLINE, pageshow: WAKE, visibilitychange: WAKE };

/**
 * Sessions to which something can still happen, by number. The number is all that the module and the browser hold of a session: a circle through
 * the module's memory would keep the page from ever forgetting one.
 */
const sessions = new Map();
let count = 0;

export class ReconnectSession extends EventTarget {
  #number = (count += 1);
  #page;
  #widget;
  #inbox = [];
  #isBusy = false;
  #phase = "starting";
  #result;
  #settle;
  /** Aborted when the attempt is settled. */
  #attempt;

  /** @param {import("./index.js").ReconnectOptions} options */
  constructor(options) {
    super();
    load();
    this.#page = ReconnectSession.#pageOf(this.#number);
    try {
      this.#widget = Widget.create(options, this.#page);
    } catch (refused) {
      if (typeof refused === "string") throw ReconnectError.invalid(refused);
      throw new ReconnectError({ code: refused === undefined ? "UNSUPPORTED" : "INTERNAL" }, { cause: refused });
    }
    sessions.set(this.#number, this);
    this.#begin();
    const signal = options.signal;
    signal?.addEventListener("abort", () => this.close(), { once: true });
    if (signal?.aborted) this.close();
    // After the caller had its chance to listen, or to close again (as React's StrictMode does) before a token is burned.
    queueMicrotask(() => this.#hear(BEGIN));
  }

  /** What the module holds of a session. By itself: functions that are made in one place share what any of them needs, and here nobody needs `this`. */
  static #pageOf(number) {
    return {
      style,
      hear: (...input) => sessions.get(number)?.#hear(...input),
      tell: (report) => sessions.get(number)?.#tell(...inWords(report)),
    };
  }

  get phase() {
    return this.#phase;
  }

  get result() {
    return this.#result;
  }

  get expiresAt() {
    return this.#widget?.expiresAt || null;
  }

  close() {
    this.#hear(HOST_CLOSED);
  }

  retry() {
    sessions.set(this.#number, this);
    this.#hear(RETRY);
  }

  /** An attempt begins: the first, or one after a retry. */
  #begin() {
    this.#result = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // A page that only listens to events must not be told of an unhandled rejection.
    this.#result.catch(() => {});
    this.#attempt = new AbortController();
    const { hear } = this.#page;
    for (const [name, kind] of Object.entries(PAGE_EVENTS)) addEventListener(name, () => hear(kind), { signal: this.#attempt.signal });
  }

  /** One input after the other: what the page's own listeners lead to waits until the input that called them is done. */
  #hear(kind, number = 0, value) {
    this.#inbox.push([kind, number, value]);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      let isOver = true;
      while (this.#widget && this.#inbox.length > 0) isOver = this.#widget.hear(...this.#inbox.shift());
      if (isOver) this.#forget();
    } catch (cause) {
      this.#fail(cause);
    }
    this.#isBusy = false;
  }

  /** Nothing can happen to the session any more, but a retry where it failed. */
  #forget() {
    sessions.delete(this.#number);
    if (this.#phase === "failed") return;
    // At once: until the garbage is collected, the module's memory would grow with every session.
    this.#widget?.free();
    this.#widget = undefined;
  }

  #tell(name, detail) {
    switch (name) {
      case "reconnected":
        detail.reply = this.#page.reply ?? null;
      // Falls through.
      case "upToDate":
        this.#attempt.abort();
        return this.#settle.resolve({ status: name, ...detail });
      case "failed":
        this.#attempt.abort();
        return this.#settle.reject(new ReconnectError(detail));
      case "phasechange":
        // Only a retry leaves a final phase, and it needs a promise of its own.
        if (isFinal(detail.previous)) this.#begin();
        this.#phase = detail.phase;
    }
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** A trap in the module is our bug: the session is over, and says so. */
  #fail(cause) {
    const error = new ReconnectError({ code: "INTERNAL", phase: this.#phase }, { cause });
    this.#phase = "failed";
    this.#widget = undefined;
    sessions.delete(this.#number);
    this.#attempt.abort();
    this.#page.stage?.hide();
    this.#settle.reject(error);
  }
}

const isFinal = (phase) => phase === "done" || phase === "failed" || phase === "closed";
