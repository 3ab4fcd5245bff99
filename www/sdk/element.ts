// <flinks-reconnect>: the options as attributes and properties, the session's events as the element's.
//
// Invariants: one session at a time; the options are read when it begins, and a later change is for the next one; what is shown stands in the
// element's shadow tree, so that whoever counts the element's children (a framework that takes over a server's page, a clone) finds none.

import type { ConnectParams, Labels, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./api.js";
import { EVENTS, type ReconnectError, reconnect } from "./index.js";
import type { OptionName } from "./names.js";
import { styleSheet } from "./style-sheet.js";

/** What the element dispatches: its session's events, and how each session ends. None of them bubbles. */
export interface FlinksReconnectElementEventMap extends ReconnectEventMap {
  reconnected: CustomEvent<ReconnectResult>;
  failed: CustomEvent<ReconnectError>;
}

/** The options as properties; null where nothing was said. They are read when a session begins. */
export interface FlinksReconnectProperties {
  /** Reflected, as are `connectUrl`, `credentials`, `language`, `fullFlow`, `onFailure`, `loadTimeoutMs`, `deliverTimeoutMs`, `modal` and `manual`. */
  instance: string | null;
  connectUrl: string | null;
  /** From your backend, never from the page's address. Set as a property, it does not stand in the markup. */
  requestId: string | null;
  start: NonNullable<ReconnectOptions["start"]> | null;
  authorizeToken: string | null;
  resumeSelectedAccounts: string[] | string | null;
  deliver: NonNullable<ReconnectOptions["deliver"]> | null;
  onFailure: "ask" | "end" | null;
  /** The frame's own `allow` attribute. */
  allow: string | null;
  headers: NonNullable<ReconnectOptions["headers"]> | null;
  credentials: RequestCredentials | null;
  language: "en" | "fr" | null;
  /** An object, or text in the form of a query. */
  params: ConnectParams | string | null;
  fullFlow: "continue" | "stop" | null;
  labels: Labels | null;
  loadTimeoutMs: number | null;
  deliverTimeoutMs: number | null;
  /** `null`, once set, leaves the frame's attribute off; `undefined` unsets. */
  sandbox: string | null | undefined;
  /** A dialog instead of a frame in place. */
  modal: boolean;
  /** Waits for `open()`. */
  manual: boolean;
}

/** The options as attributes, where those have another name than the property. */
export interface FlinksReconnectAttributes {
  "connect-url"?: string | undefined;
  "request-id"?: string | undefined;
  "authorize-token"?: string | undefined;
  /** Separated by commas. */
  "resume-selected-accounts"?: string | undefined;
  "on-failure"?: "ask" | "end" | undefined;
  "full-flow"?: "continue" | "stop" | undefined;
  "load-timeout-ms"?: number | string | undefined;
  "deliver-timeout-ms"?: number | string | undefined;
}

export type Milliseconds = "loadTimeoutMs" | "deliverTimeoutMs";

/** What a template can say about the element, whichever framework it is written in. */
export type FlinksReconnectElementProps = FlinksReconnectAttributes & {
  [Name in Exclude<keyof FlinksReconnectProperties, Milliseconds>]?: FlinksReconnectProperties[Name] | undefined;
} & { [Name in Milliseconds]?: number | string | null | undefined };

/** Listeners as attributes: `Prefix` and the event's name. */
export type FlinksReconnectListeners<Prefix extends string> = {
  [Name in keyof FlinksReconnectElementEventMap as `${Prefix}${Name}`]?: ((event: FlinksReconnectElementEventMap[Name]) => void) | undefined;
};

export interface FlinksReconnectElement extends HTMLElement, FlinksReconnectProperties {
  /** The session that was opened last, until `close()`. */
  readonly session: ReconnectSession | null;
  /**
   * Begins a session, unless one is open. One that was closed while it delivered is gone on with. Null when the options are wrong: `failed` has told.
   */
  open(): ReconnectSession | null;
  close(): void;
  /** Another attempt while one is offered; whether one was. */
  retry(): boolean;
  addEventListener<Name extends keyof FlinksReconnectElementEventMap>(
    type: Name,
    listener: (this: FlinksReconnectElement, event: FlinksReconnectElementEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<Name extends keyof HTMLElementEventMap>(
    type: Name,
    listener: (this: FlinksReconnectElement, event: HTMLElementEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Name extends keyof FlinksReconnectElementEventMap>(
    type: Name,
    listener: (this: FlinksReconnectElement, event: FlinksReconnectElementEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof HTMLElementEventMap>(
    type: Name,
    listener: (this: FlinksReconnectElement, event: HTMLElementEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

/** How an attribute's text becomes an option's value. What makes no sense is passed on: the widget refuses it by the option's name. */
const text = (value: string): unknown => value;
const number = (value: string): unknown => (value.trim() ? Number(value) : value);
const list = (value: string): unknown => value.split(",").map((item) => item.trim()).filter(Boolean);
const query = (value: string): unknown => {
  const pairs = [...new URLSearchParams(value)];
  const object = Object.fromEntries(pairs);
  // Which of two values is meant?
  return pairs.length === Object.keys(object).length ? object : value;
};

/** Every option is a property, and an attribute of the same name in kebab-case. */
const OPTIONS: Record<Exclude<OptionName, "container" | "signal">, (value: string) => unknown> = {
  instance: text,
  connectUrl: text,
  requestId: text,
  start: text,
  authorizeToken: text,
  resumeSelectedAccounts: list,
  deliver: text,
  onFailure: text,
  allow: text,
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

/** An option that the element has: it is the container itself, and its removal is the signal. */
type Name = keyof typeof OPTIONS;
const NAMES = Object.keys(OPTIONS) as Name[];

/** The properties that are nothing but their attribute. Of the others the markup must not tell (ids, tokens), or cannot (functions, objects). */
const REFLECTED: readonly Name[] = ["instance", "connectUrl", "credentials", "language", "fullFlow", "onFailure", "loadTimeoutMs", "deliverTimeoutMs"];

/** Attributes that are there or not. */
const FLAGS = ["modal", "manual"] as const;

const kebabCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Where it stands: the frame's size is the element's. */
const STYLE = ":host{display:block}:host([hidden]){display:none}div{height:100%}";

/** On a server there is no HTMLElement; importing must work all the same. */
class Reconnect extends (globalThis.HTMLElement ?? (class {} as typeof HTMLElement)) {
  #session: ReconnectSession | null = null;
  /** Closed while it delivered: what was accepted is still on its way. */
  #unfinished: ReconnectSession | null = null;
  /** What was set as a property. A map: `Object.prototype` must not choose where a login goes. */
  readonly #given = new Map<Name, unknown>();
  readonly #place = document.createElement("div");
  /** Whether the element is on the page and had its chance to begin. */
  #isPlaced = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append(this.#place);
    this.#dress();
    // Properties a page set before the element was defined shadow the accessors: take them in.
    for (const name of [...NAMES, ...FLAGS]) {
      const early = Object.getOwnPropertyDescriptor(this, name);
      if (!early) continue;
      Reflect.deleteProperty(this, name);
      if (Object.hasOwn(early, "value")) Reflect.set(this, name, early.value);
    }
  }

  get session(): ReconnectSession | null {
    return this.#session;
  }

  connectedCallback(): void {
    // A framework may append first and set attributes and properties after.
    queueMicrotask(() => {
      if (!this.isConnected || this.#isPlaced) return;
      this.#isPlaced = true;
      if (!this.hasAttribute("manual")) this.open();
    });
  }

  disconnectedCallback(): void {
    // Moved, not removed, when it is back by the end of this task: who moves it may await in between.
    setTimeout(() => {
      if (!this.isConnected) this.#isTakenAway();
    });
  }

  adoptedCallback(): void {
    // The session listens to the window that it began in. Here another one begins.
    this.#isTakenAway();
    this.#dress();
  }

  #isTakenAway(): void {
    if (!this.#isPlaced) return;
    this.#isPlaced = false;
    this.close();
  }

  #dress(): void {
    // A document without a window shows nothing, and jsdom has no such sheets.
    const { CSSStyleSheet } = this.ownerDocument.defaultView ?? {};
    if (CSSStyleSheet?.prototype.replaceSync) this.shadowRoot!.adoptedStyleSheets = [styleSheet(this.ownerDocument, STYLE)];
  }

  /** Begins a session, unless one is open or still delivers. */
  open(): ReconnectSession | null {
    const before = this.#session ?? this.#unfinished;
    if (before && !/done|failed|closed/.test(before.phase)) return (this.#session = before);
    // Takes away what a failed session still says.
    this.close();
    try {
      const session = reconnect(this.#options());
      this.#session = session;
      for (const name of EVENTS) session.addEventListener(name, (event) => this.#report(name, (event as CustomEvent).detail));
      session.result.then(
        (result) => this.#report("reconnected", result),
        (error) => {
          this.#report("failed", error);
          // It was taken off the page, and there is nothing to see of it now that it is back.
          if (this.#session === session && this.#unfinished === session) this.open();
        },
      );
      return session;
    } catch (error) {
      this.#report("failed", error);
      return null;
    }
  }

  close(): void {
    const session = this.#session;
    this.#session = null;
    session?.close();
    if (session?.phase === "delivering") this.#unfinished = session;
  }

  retry(): boolean {
    return this.#session?.retry() ?? false;
  }

  /** What stands for an option: the property, else the attribute. */
  #value(name: Name): unknown {
    const value = this.#given.has(name) ? this.#given.get(name) : this.getAttribute(kebabCase(name));
    return typeof value === "string" ? OPTIONS[name](value) : value;
  }

  #options(): ReconnectOptions {
    const given = NAMES.filter((name) => this.#given.has(name) || this.hasAttribute(kebabCase(name)));
    const options = Object.fromEntries(given.map((name) => [name, this.#value(name)]));
    // The module validates them.
    return (this.hasAttribute("modal") ? options : { ...options, container: this.#place }) as unknown as ReconnectOptions;
  }

  #report(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  static {
    const define = (name: string, get: (this: Reconnect) => unknown, set: (this: Reconnect, value: unknown) => void) =>
      Object.defineProperty(this.prototype, name, { __proto__: null, configurable: true, enumerable: true, get, set } as PropertyDescriptor);

    for (const name of NAMES) {
      define(
        name,
        function () {
          return this.#value(name);
        },
        REFLECTED.includes(name)
          ? function (value) {
              if (value === null || value === undefined) this.removeAttribute(kebabCase(name));
              else this.setAttribute(kebabCase(name), String(value));
            }
          : function (value) {
              // `sandbox: null` says something: no attribute on the frame.
              if (value === undefined || (value === null && name !== "sandbox")) this.#given.delete(name);
              else this.#given.set(name, value);
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

/** `<flinks-reconnect>`. Where two copies of this package are on a page, the class of the first. */
export const FlinksReconnectElement = (registry?.get("flinks-reconnect") ?? Reconnect) as unknown as {
  new (): FlinksReconnectElement;
  prototype: FlinksReconnectElement;
};

declare global {
  interface HTMLElementTagNameMap {
    "flinks-reconnect": FlinksReconnectElement;
  }
}
