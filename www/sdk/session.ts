// The session a page holds: events, a promise and a few methods around one `Widget` of the module.
//
// Everything that could be wrong about the protocol is decided in Rust, which also owns every listener, timer, request and lock. Here is only what
// JavaScript must express itself: a class that extends EventTarget, a promise, and an exception that ends a session.

import { type Facade, Widget, initSync } from "flinks-reconnect:glue";
import moduleBytes from "flinks-reconnect:wasm";
import type { Labels, ReconnectOptions, ReconnectResult, ReconnectSession } from "./api.js";
import { type Failure, ReconnectError, type Refusal } from "./error.js";
import type { Phase } from "./names.js";
import { settleable } from "./settleable.js";
import { WidgetUi } from "./ui.js";
import { WORDS } from "./words.js";

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
  readonly #result = settleable<ReconnectResult>();
  readonly #dismissed = settleable<void>();

  constructor(options: ReconnectOptions) {
    super();
    load();
    sessions.set(this.#number, this);
    try {
      this.#widget = Widget.create(options, Session.#facadeOf(this.#number));
    } catch (thrown) {
      sessions.delete(this.#number);
      if (thrown instanceof ReconnectError) throw thrown;
      // Other errors are the browser's or a trap of ours.
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
        const unknown = Object.keys(labels ?? {}).find((name) => !Object.hasOwn(WORDS, name));
        if (unknown !== undefined) {
          throw new ReconnectError({ code: "INVALID_OPTIONS" }, `Option \`labels\`: \`${unknown}\` is unknown; the texts are ${Object.keys(WORDS).join(", ")}.`);
        }
        const ui = new WidgetUi(container, language, labels as Labels | undefined, actions);
        session((session) => (session.#ui = ui));
        return ui;
      },
      emit: (name, detail) => session((session) => session.#emit(name, detail)),
      succeed: (result) => session((session) => session.#result.resolve(result as ReconnectResult)),
      fail: (failure) => session((session) => session.#result.reject(ReconnectError.of(failure as Failure))),
    };
  }

  get phase(): Phase {
    return this.#phase;
  }

  get result(): Promise<ReconnectResult> {
    return this.#result.promise;
  }

  get dismissed(): Promise<void> {
    return this.#dismissed.promise;
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

  retry(): boolean {
    const isOffered = this.#widget?.retriedByPage() ?? false;
    this.#work();
    return isOffered;
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
    if (name === "attemptfailed") detail = { error: ReconnectError.of(detail as Failure) };
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Nothing can happen to the session any more. */
  #forget(): void {
    sessions.delete(this.#number);
    // At once: until the garbage is collected, the module's memory would grow with every session.
    const widget = this.#widget;
    this.#requestId = this.requestId;
    this.#widget = undefined;
    widget?.free();
    this.#dismissed.resolve();
  }

  /** A trap in the module is our bug: the session is over, and says so. */
  #fail(cause: unknown): void {
    const [widget, ui, previous] = [this.#widget, this.#ui, this.#phase];
    const error = ReconnectError.of({ code: "INTERNAL", phase: previous }, { cause });
    this.#widget = undefined;
    sessions.delete(this.#number);
    const steps = [
      () => this.#result.reject(error),
      () => this.#emit("phasechange", { phase: "failed", previous }),
      () => widget?.abandon(),
      () => ui?.hide(),
      () => this.#dismissed.resolve(),
    ];
    for (const step of steps) {
      try {
        step();
      } catch {
        // What failed before may fail again; the rest is done all the same.
      }
    }
  }
}
