// The session a page holds: events, a promise and a few methods around one wasm `Widget`.
//
// Everything that could be wrong about the protocol is decided in Rust; here is only what JavaScript must express itself: a class that
// extends EventTarget, a promise, and that one thing happens at a time.

import moduleBytes from "flinks-reconnect:wasm";
import { Widget, initSync } from "flinks-reconnect:glue";
import style from "../../src/web/stage.css";
import { BEGIN, HOST_CLOSED, RETRY } from "../../src/web/inputs.js";
import { ReconnectError } from "./error.js";

/** Compiles the module once, on first use: importing the package must have no side effect. */
let isLoaded = false;
function load() {
  if (isLoaded) return;
  if (typeof document === "undefined") throw new ReconnectError({ code: "UNSUPPORTED" });
  try {
    initSync({ module: moduleBytes() });
    isLoaded = true;
  } catch (cause) {
    // WebAssembly is missing, or a Content-Security-Policy refuses it.
    throw new ReconnectError({ code: "UNSUPPORTED" }, { cause });
  }
}

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

  /** @param {import("./index.js").ReconnectOptions} options */
  constructor(options) {
    super();
    load();
    this.#promise();
    const number = this.#number;
    this.#page = {
      style,
      hear: (...input) => sessions.get(number)?.#hear(...input),
      tell: (...news) => sessions.get(number)?.#tell(...news),
    };
    try {
      this.#widget = Widget.create(options, this.#page);
    } catch (refused) {
      if (typeof refused === "string") throw ReconnectError.invalid(refused);
      throw new ReconnectError({ code: refused === undefined ? "UNSUPPORTED" : "INTERNAL" }, { cause: refused });
    }
    sessions.set(number, this);
    const signal = options.signal;
    signal?.addEventListener("abort", () => this.close(), { once: true });
    if (signal?.aborted) this.close();
    // After the caller had its chance to listen, or to close again (as React's StrictMode does) before a token is burned.
    queueMicrotask(() => this.#hear(BEGIN));
  }

  get phase() {
    return this.#phase;
  }

  get result() {
    return this.#result;
  }

  get expiresAt() {
    return this.#widget?.expiresAt ?? null;
  }

  close() {
    this.#hear(HOST_CLOSED);
  }

  retry() {
    sessions.set(this.#number, this);
    this.#hear(RETRY);
  }

  #promise() {
    const { promise, ...settle } = deferred();
    // A page that only listens to events must not be told of an unhandled rejection.
    promise.catch(() => {});
    this.#result = promise;
    this.#settle = settle;
  }

  /** One input after the other: what the page's own listeners lead to waits until the input that called them is done. */
  #hear(kind, number = 0, value) {
    this.#inbox.push([kind, number, value]);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      let isOver;
      while (this.#widget && this.#inbox.length > 0) isOver = this.#widget.hear(...this.#inbox.shift());
      if (isOver) sessions.delete(this.#number);
    } catch (cause) {
      this.#fail(cause);
    }
    this.#isBusy = false;
  }

  #tell(name, detail) {
    switch (name) {
      case "result":
        return this.#settle.resolve(detail ? { status: "reconnected", ...detail } : { status: "upToDate" });
      case "error":
        return this.#settle.reject(new ReconnectError(detail));
      case "phasechange":
        // Only a retry leaves a final phase, and it needs a promise of its own.
        if (isFinal(detail.previous)) this.#promise();
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
    this.#page.stage?.hide();
    this.#settle.reject(error);
  }
}

const isFinal = (phase) => phase === "done" || phase === "failed" || phase === "closed";

function deferred() {
  let resolve, reject;
  const promise = new Promise((...functions) => ([resolve, reject] = functions));
  return { promise, resolve, reject };
}
