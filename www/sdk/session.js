// The session a page holds: events, a promise and four methods around one wasm `Widget`.
//
// Everything that could be wrong about the protocol is decided in Rust; here is only what JavaScript must express itself: a class that
// extends EventTarget, an Error class, a promise.

import moduleBytes from "flinks-reconnect:wasm";
import { Widget, initSync } from "flinks-reconnect:glue";
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

export class ReconnectSession extends EventTarget {
  #widget;
  #phase = "starting";
  #result;
  #settle;

  /** @param {import("./index.js").ReconnectOptions} options */
  constructor(options) {
    super();
    load();
    this.#promise();
    try {
      this.#widget = Widget.create(options, (name, detail) => this.#hear(name, detail));
    } catch (refused) {
      throw ReconnectError.from(refused);
    }
    const signal = options.signal;
    signal?.addEventListener("abort", () => this.close(), { once: true });
    if (signal?.aborted) this.close();
    // After the caller had its chance to listen, or to close again (as React's StrictMode does) before a token is burned.
    queueMicrotask(() => this.#run((widget) => widget.begin()));
  }

  get phase() {
    return this.#phase;
  }

  get result() {
    return this.#result;
  }

  get expiresAt() {
    return this.#run((widget) => widget.expiresAt) ?? null;
  }

  close() {
    this.#run((widget) => widget.close());
  }

  retry() {
    this.#run((widget) => widget.retry());
  }

  #promise() {
    const { promise, ...settle } = deferred();
    // A page that only listens to events must not be told of an unhandled rejection.
    promise.catch(() => {});
    this.#result = promise;
    this.#settle = settle;
  }

  #hear(name, detail) {
    switch (name) {
      case "result":
        return this.#settle.resolve(detail);
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
  #run(action) {
    try {
      return action(this.#widget);
    } catch (cause) {
      const error = new ReconnectError({ code: "INTERNAL", phase: this.#phase }, { cause });
      this.#phase = "failed";
      this.#settle.reject(error);
    }
  }
}

const isFinal = (phase) => phase === "done" || phase === "failed" || phase === "closed";

function deferred() {
  let resolve, reject;
  const promise = new Promise((...functions) => ([resolve, reject] = functions));
  return { promise, resolve, reject };
}
