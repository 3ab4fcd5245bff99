/** What the host's start endpoint (or `start` function) answers. */
export type StartReply =
  | {
      /** Connect must ask the user something. */
      status: "challenge";
      mode: "resume" | "refresh";
      /** At least 128 random bits, bound to the signed-in user by the host. Also the delivery's idempotency key. */
      attemptId: string;
      requestId: string;
      authorizeToken?: string | null;
      resumeSelectedAccounts?: string[] | null;
      /** The host's own opaque mark; a REDIRECT that returns another is refused. */
      tag?: string | null;
      instance?: string | null;
      connectUrl?: string | null;
      params?: ConnectParams | null;
    }
  | {
      /** There is nothing to resume: the full flow. */
      status: "connect";
      attemptId: string;
      authorizeToken?: string | null;
      tag?: string | null;
      instance?: string | null;
      connectUrl?: string | null;
      params?: ConnectParams | null;
    }
  | {
      /** Flinks answered 200: nobody is needed. */
      status: "upToDate";
    };

type ConnectValue = string | number | boolean | undefined;

/** Further parameters of Connect's address. Names the widget owns are refused. */
export interface ConnectParams {
  accountSelectorCurrency?: "cad" | "usd";
  accountSelectorEnable?: boolean;
  accountSelectorMultiple?: boolean;
  accountSelectorNoTitle?: boolean;
  backEnable?: boolean;
  backgroundColor?: string;
  boxLayout?: boolean;
  /** Shows Connect's own X. */
  closeEnable?: boolean;
  consentEnable?: boolean;
  customerId?: string;
  customerName?: string;
  daysOfTransactions?: "Days90" | "Days365";
  /** Shows FlinksCapital, the test bank. Never in production. */
  demo?: boolean;
  demoOutbound?: boolean;
  desktopLayout?: boolean;
  detailsAndStatementEnable?: boolean;
  eftEligibleRatio?: number;
  enhancedMFA?: boolean;
  features?: string;
  fetchAllAccounts?: boolean;
  fixedHeightEnable?: boolean;
  foregroundColor1?: string;
  foregroundColor2?: string;
  headerEnable?: boolean;
  headerImgEnable?: boolean;
  innerRedirect?: boolean;
  institutionFilterEnable?: boolean;
  institutionsLocation?: string;
  jsRedirect?: boolean;
  loadingType?: "dots" | "progressbar";
  maximumRetry?: number;
  monthsOfStatements?: string;
  oauthWindowRedirect?: boolean;
  productType?: "banking" | "investment";
  redirectUrl?: string;
  removePadding?: boolean;
  scheduleRefresh?: boolean;
  showAllAccounts?: boolean;
  showAllOperationsAccounts?: boolean;
  skipEnhancedMFA?: boolean;
  statement?: boolean;
  staticLoadingEnable?: boolean;
  tag?: string;
  termsNoCheckbox?: boolean;
  termsUrl?: string;
  theme?: string;
  waitSummary?: boolean;
  withMFAQuestions?: boolean;
  withTransactions?: boolean;
  requestId?: never;
  authorizeToken?: never;
  resumeSelectedAccounts?: never;
  language?: never;
  webview?: never;
  stringify?: never;
  [name: string]: ConnectValue;
}

/** What is delivered: the same bytes in every try. */
export interface Delivery {
  attemptId: string;
  mode: "resume" | "refresh" | "connect";
  loginId: string;
  requestId: string | null;
  institution: string | null;
  accountIds: string[];
  tag: string | null;
}

/** The widget's own texts. */
export interface Labels {
  title?: string;
  frame?: string;
  close?: string;
  retry?: string;
  takeOver?: string;
  busy?: string;
  loading?: string;
  connect?: string;
  expiring?: string;
  renewing?: string;
  delivering?: string;
  retrying?: string;
  loadTimeout?: string;
  expired?: string;
  undelivered?: string;
  mismatch?: string;
  failed?: string;
}

interface CommonOptions {
  /** Flinks instance name. Exactly one of `instance` and `connectUrl`, unless the start reply supplies it. */
  instance?: string;
  /** Base URL of Connect: https, or http on a loopback host; no query, fragment or credentials. */
  connectUrl?: string;
  /** Where the frame goes. Absent: an accessible modal dialog. */
  container?: Element | string;
  /** Account ids picked in the original session. */
  resumeSelectedAccounts?: string[];
  /**
   * Where the result goes: an endpoint of your backend, or a function. Absent: `result` settles on REDIRECT.
   * A function that rejects is tried again, unless the error has a numeric `status`, which is then judged like an HTTP status.
   */
  deliver?: string | ((delivery: Delivery, context: { attemptId: string; signal: AbortSignal }) => unknown);
  /** Asked before every request to your backend. */
  headers?: () => HeadersInit | Promise<HeadersInit>;
  /** For both endpoints. Default `same-origin`. */
  credentials?: RequestCredentials;
  /** Default: the document's language. */
  language?: "en" | "fr";
  params?: ConnectParams;
  /** What to do when Connect leaves the MFA prompt for the full flow. Default `continue`. */
  fullFlow?: "continue" | "stop";
  labels?: Labels;
  /** Default 20000. */
  loadTimeoutMs?: number;
  /** Default 120000. */
  deliverTimeoutMs?: number;
  /** The frame's `sandbox` tokens; `null` leaves the attribute off. */
  sandbox?: string | null;
  /** Aborting closes the session. */
  signal?: AbortSignal;
}

/** An interrupted session: the live `requestId` is known. It must come from your backend, never from the page's address. */
interface InterruptedOptions extends CommonOptions {
  requestId: string;
  authorizeToken?: string;
  start?: never;
}

/** A session the host's backend begins or resumes. */
interface StartOptions extends CommonOptions {
  start: string | ((signal: AbortSignal) => StartReply | Promise<StartReply>);
  requestId?: never;
  authorizeToken?: never;
}

export type ReconnectOptions = InterruptedOptions | StartOptions;

export type ReconnectResult =
  | ({
      status: "reconnected";
      /** The JSON your backend answered, or null. */
      reply: unknown;
    } & Delivery)
  | { status: "upToDate" };

export type Phase = "starting" | "loading" | "active" | "delivering" | "done" | "failed" | "closed";

export type ErrorCode =
  | "INVALID_OPTIONS"
  | "UNSUPPORTED"
  | "START_FAILED"
  | "LOAD_TIMEOUT"
  | "SESSION_EXPIRED"
  | "TOKEN_INVALID"
  | "FULL_FLOW"
  | "FLINKS"
  | "CONFLICT"
  | "REJECTED"
  | "LOGIN_MISMATCH"
  | "UNDELIVERED"
  | "BUSY"
  | "CANCELLED"
  | "CLOSED"
  | "INTERNAL";

/** Codes are the contract, messages are not. No id, token or URL stands in a message. */
export declare class ReconnectError extends Error {
  private constructor();
  readonly name: "ReconnectError";
  readonly code: ErrorCode;
  readonly flinksCode: string | null;
  readonly httpStatus: number | null;
  /** Whether `session.retry()` can help. */
  readonly retryable: boolean;
  readonly phase: Phase;
}

export interface ReconnectEventMap {
  phasechange: CustomEvent<{ phase: Phase; previous: Phase }>;
  /** Every trusted Flinks event, known or not. */
  step: CustomEvent<{ step: string; institution: string | null }>;
  flinkscode: CustomEvent<{ flinksCode: string }>;
  /** Connect left the reconnect for the full flow. */
  fullflow: CustomEvent<Record<string, never>>;
  /** The session dies unless something happens in it. */
  expiring: CustomEvent<{ remainingMs: number }>;
  /** Delivery will be tried again. */
  retrying: CustomEvent<{ attempt: number; delayMs: number }>;
}

/** Every event of a session, for those who pass them on. */
export declare const EVENTS: readonly (keyof ReconnectEventMap)[];

export interface ReconnectSession extends EventTarget {
  readonly phase: Phase;
  /** Settles once per attempt; `retry()` replaces it. Never an unhandled rejection when nobody reads it. */
  readonly result: Promise<ReconnectResult>;
  /** When the session at Flinks is estimated to die, in epoch milliseconds. */
  readonly expiresAt: number | null;
  /** Ends the session. What was accepted is still delivered. */
  close(): void;
  /** A new try after `LOAD_TIMEOUT`, `SESSION_EXPIRED`, `TOKEN_INVALID` or `UNDELIVERED`; after `BUSY` it takes over. */
  retry(): void;
  addEventListener<Name extends keyof ReconnectEventMap>(
    type: Name,
    listener: (event: ReconnectEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Name extends keyof ReconnectEventMap>(
    type: Name,
    listener: (event: ReconnectEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** Begins a session. Synchronous; throws a ReconnectError `INVALID_OPTIONS` or `UNSUPPORTED`. */
export declare function reconnect(options: ReconnectOptions): ReconnectSession;

export declare const version: string;
