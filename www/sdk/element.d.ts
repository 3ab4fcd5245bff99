import type { ConnectParams, Labels, ReconnectError, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./index.js";

/** What the element dispatches: its session's events, and how each attempt ends. None of them bubbles. */
export interface FlinksReconnectElementEventMap extends ReconnectEventMap {
  reconnected: CustomEvent<ReconnectResult>;
  failed: CustomEvent<ReconnectError>;
}

/** The options as properties; null where nothing was said. They are read when a session begins. */
export interface FlinksReconnectProperties {
  /** Reflected, as are `connectUrl`, `credentials`, `language`, `fullFlow`, `loadTimeoutMs`, `deliverTimeoutMs`, `modal` and `manual`. */
  instance: string | null;
  connectUrl: string | null;
  /** From your backend, never from the page's address. Set as a property, it does not stand in the markup. */
  requestId: string | null;
  start: NonNullable<ReconnectOptions["start"]> | null;
  authorizeToken: string | null;
  resumeSelectedAccounts: string[] | string | null;
  deliver: NonNullable<ReconnectOptions["deliver"]> | null;
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
  "full-flow"?: "continue" | "stop" | undefined;
  "load-timeout-ms"?: number | string | undefined;
  "deliver-timeout-ms"?: number | string | undefined;
}

type Milliseconds = "loadTimeoutMs" | "deliverTimeoutMs";

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
  /** Begins a session, unless one is open. Null when the options are wrong: `failed` has told. */
  open(): ReconnectSession | null;
  close(): void;
  /** Another try after a failure that is `retryable`. */
  retry(): void;
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

/** `<flinks-reconnect>`. Where two copies of this package are on a page, the class of the first. */
export declare const FlinksReconnectElement: { new (): FlinksReconnectElement; prototype: FlinksReconnectElement };

declare global {
  interface HTMLElementTagNameMap {
    "flinks-reconnect": FlinksReconnectElement;
  }
}
