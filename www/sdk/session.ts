// The session a page holds: events, a promise and a few methods around one `Widget` of the module.
//
// Everything that could be wrong about the protocol is decided in Rust, which also owns every listener, timer, request and lock. Here is only what
// JavaScript must express itself: a class that extends EventTarget, a promise, and an exception that ends a session.

import { type Facade, Widget, initSync } from "flinks-reconnect:glue";
import moduleBytes from "flinks-reconnect:wasm";
import type { Labels, ReconnectOptions, ReconnectResult, ReconnectSession } from "./api.js";
import { type Failure, ReconnectError, type Refusal } from "./error.js";
import type { Phase } from "./names.js";
import { WidgetUi } from "./ui.js";

/** jsdom has a document, and lacks some or all of these. */
const isBrowser = () =>
  [globalThis.HTMLDialogElement?.prototype.showModal, globalThis.CSSStyleSheet?.prototype.replaceSync, globalThis.TextDecoder].every(Boolean);

/** Compiles the module once, on first use: importing the package must have no side effect. */
let isLoaded = false;
function load(): void {
  if (isLoaded) return;
  if (typeof document === "undefined") throw ReconnectError.unsupported();
  if (!isBrowser()) throw ReconnectError.noBrowser();
  try {
    initSync({ module: moduleBytes() });
    isLoaded = true;
  } catch (cause) {
    throw ReconnectError.unsupported(cause);
  }
}

/**
 * Sessions to which something can still happen, by number. The number is all that the module and the browser hold of a session: a circle through
 * the module's memory would keep the page from ever forgetting one.
 */
const sessions = new Map<number, Session>();
let count = 0;

/** Importing must work where there is no EventTarget, too; bundlers must see that nothing happens here. */
const Target = /* @__PURE__ */ (() => globalThis.EventTarget ?? class {})() as typeof EventTarget;

export class Session extends Target implements ReconnectSession {
  readonly #number = (count += 1);
  #widget: Widget | undefined;
  #ui: WidgetUi | undefined;
  #phase: Phase = "starting";
  /** The module's last word, when it is gone. */
  #requestId: string | null = null;
  #result!: Promise<ReconnectResult>;
  #resolve!: (result: ReconnectResult) => void;
  #reject!: (error: ReconnectError) => void;

  constructor(options: ReconnectOptions) {
    super();
    load();
    this.#attemptBegins();
    sessions.set(this.#number, this);
    try {
      this.#widget = Widget.create(options, Session.#facadeOf(this.#number));
    } catch (thrown) {
      sessions.delete(this.#number);
      // Errors are the browser's or a trap of ours.
      throw thrown instanceof Error ? ReconnectError.of({ code: "INTERNAL" }, { cause: thrown }) : ReconnectError.refused(thrown as Refusal);
    }
    this.#work();
    // After the caller had its chance to listen, or to close again (as React's StrictMode does) before a token is burned.
    queueMicrotask(() => this.#do((widget) => widget.begin()));
  }

  /** What the module holds of a session. Static: closures of one place share what any of them needs, and none here may need `this`. */
  static #facadeOf(number: number): Facade {
    const session = (action: (session: Session) => void) => {
      const live = sessions.get(number);
      if (live) action(live);
    };
    const user = (happened: (widget: Widget) => void) => () => session((session) => session.#do(happened));
    const actions = {
      closedByUser: user((widget) => widget.closedByUser()),
      userStays: user((widget) => widget.userStays()),
      retriedByUser: user((widget) => widget.retriedByUser()),
      elementsTaken: user((widget) => widget.closedByPage()),
      elementsStay: user((widget) => widget.rearranged()),
    };
    return {
      work: () => session((session) => session.#work()),
      createUi(container, language, labels) {
        const ui = new WidgetUi(container, language, labels as Labels | undefined, actions);
        session((session) => (session.#ui = ui));
        return ui;
      },
      attemptBegins: () => session((session) => session.#attemptBegins()),
      emit: (name, detail) => session((session) => session.#emit(name, detail)),
      succeed: (result) => session((session) => session.#resolve(result as ReconnectResult)),
      fail: (failure) => session((session) => session.#reject(ReconnectError.of(failure as Failure))),
    };
  }

  get phase(): Phase {
    return this.#phase;
  }

  get result(): Promise<ReconnectResult> {
    return this.#result;
  }

  get requestId(): string | null {
    return this.#widget ? (this.#widget.requestId ?? null) : this.#requestId;
  }

  get expiresAt(): number | null {
    return this.#widget?.expiresAt ?? null;
  }

  close(): void {
    this.#do((widget) => widget.closedByPage());
  }

  retry(): void {
    if (this.#widget) sessions.set(this.#number, this);
    this.#do((widget) => widget.retriedByPage());
  }

  /** The first attempt, or one after a retry. */
  #attemptBegins(): void {
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A page that only listens to events must not be told of an unhandled rejection.
    this.#result.catch(() => {});
  }

  /** Tells the module what happened, and has it do what follows. */
  #do(happened: (widget: Widget) => void): void {
    if (this.#widget) happened(this.#widget);
    this.#work();
  }

  /** What a page's own listener leads to is done by the work that called the listener: the module goes on until nothing is left. */
  #work(): void {
    try {
      if (this.#widget?.work()) this.#forget();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #emit(name: string, detail: object): void {
    if (name === "phasechange") this.#phase = (detail as { phase: Phase }).phase;
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Nothing can happen to the session any more, but a retry where it failed. */
  #forget(): void {
    sessions.delete(this.#number);
    if (this.#phase === "failed") return;
    // At once: until the garbage is collected, the module's memory would grow with every session.
    const widget = this.#widget;
    this.#requestId = this.requestId;
    this.#widget = undefined;
    widget?.free();
  }

  /** A trap in the module is our bug: the session is over, and says so. */
  #fail(cause: unknown): void {
    const error = ReconnectError.of({ code: "INTERNAL", phase: this.#phase }, { cause });
    const [widget, ui] = [this.#widget, this.#ui];
    this.#phase = "failed";
    this.#widget = undefined;
    sessions.delete(this.#number);
    for (const giveBack of [() => widget?.abandon(), () => ui?.hide()]) {
      try {
        giveBack();
      } catch {
        // What failed before may fail again; the rest is given back all the same.
      }
    }
    this.#reject(error);
  }
}
