import type { Delivery, Labels, ReconnectError, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./index.js";

export interface FlinksReconnectElementEventMap extends ReconnectEventMap {
  reconnected: CustomEvent<ReconnectResult>;
  failed: CustomEvent<ReconnectError>;
}

/** `<flinks-reconnect>`: the options as attributes in kebab-case, functions as properties. */
export declare class FlinksReconnectElement extends HTMLElement {
  start: ReconnectOptions["start"] | null;
  deliver: ReconnectOptions["deliver"] | null;
  headers: ReconnectOptions["headers"] | null;
  labels: Labels | null;
  /** The session, while one is open. */
  readonly session: ReconnectSession | null;
  /** Begins a session, unless one is open. */
  open(): ReconnectSession | null;
  close(): void;
  retry(): void;
  addEventListener<Name extends keyof FlinksReconnectElementEventMap>(
    type: Name,
    listener: (event: FlinksReconnectElementEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

export type { Delivery };

declare global {
  interface HTMLElementTagNameMap {
    "flinks-reconnect": FlinksReconnectElement;
  }
}
