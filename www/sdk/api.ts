// The public types: what a page gives, and what it gets.

import type { ReconnectError } from "./error.js";
import type { FlinksCode, FlinksStep, Mode, Phase } from "./names.js";
import type { TextName } from "./words.js";

/** What the host's start endpoint (or `start` function) answers. */
export type StartReply =
  | {
      /** Connect must ask the user something. */
      status: "challenge";
      mode: "resume" | "refresh";
      /** At least 128 random bits, bound to the signed-in user by the host. Also the delivery's idempotency key. */
      attemptId: string;
      requestId: string;
      authorizeToken?: string | null | undefined;
      /** How long the token is good for. Default 900000, fifteen minutes. */
      authorizeTokenExpiresInMs?: number | null | undefined;
      resumeSelectedAccounts?: string[] | string | null | undefined;
      /** The language of the login at Flinks; it wins over the page's. */
      language?: "en" | "fr" | null | undefined;
      /** The host's own opaque mark; a REDIRECT that returns another is refused. */
      tag?: string | null | undefined;
      instance?: string | null | undefined;
      connectUrl?: string | null | undefined;
      params?: ConnectParams | null | undefined;
    }
  | {
      /** There is nothing to resume: the full flow. */
      status: "connect";
      attemptId: string;
      authorizeToken?: string | null | undefined;
      /** How long the token is good for. Default 900000, fifteen minutes. */
      authorizeTokenExpiresInMs?: number | null | undefined;
      /** The language of the login at Flinks; it wins over the page's. */
      language?: "en" | "fr" | null | undefined;
      tag?: string | null | undefined;
      instance?: string | null | undefined;
      connectUrl?: string | null | undefined;
      params?: ConnectParams | null | undefined;
    }
  | {
      /** Flinks answered 200: nobody is needed. */
      status: "upToDate";
    };

export type ConnectValue = string | number | boolean | undefined;

/**
 * Further parameters of Connect's address. The documented ones have their types here; any other name is passed on as it is, and so is a value
 * that Flinks adds later. Names the widget owns are refused.
 */
export interface ConnectParams {
  /** Which accounts the Account Selector lists. */
  accountSelectorCurrency?: "cad" | "usd" | (string & {}) | undefined;
  /** The Account Selector after sign-in: REDIRECT then brings account ids. */
  accountSelectorEnable?: boolean | undefined;
  /** Several accounts can be picked. */
  accountSelectorMultiple?: boolean | undefined;
  accountSelectorNoTitle?: boolean | undefined;
  /** The back button. Flinks' default: true. */
  backEnable?: boolean | undefined;
  /** Hexadecimal without `#`. */
  backgroundColor?: string | undefined;
  boxLayout?: boolean | undefined;
  /** Connect's own X, which ends the session with `CANCELLED`. */
  closeEnable?: boolean | undefined;
  /** The consent page. Without it, you must show one of your own. */
  consentEnable?: boolean | undefined;
  customerId?: string | undefined;
  /** Your name on the consent page. */
  customerName?: string | undefined;
  daysOfTransactions?: "Days90" | "Days365" | (string & {}) | undefined;
  /** Lists FlinksCapital, the test bank. Never in production. */
  demo?: boolean | undefined;
  /** The test bank signs in by a pop-up, as OAuth banks do. */
  demoOutbound?: boolean | undefined;
  desktopLayout?: boolean | undefined;
  detailsAndStatementEnable?: boolean | undefined;
  /** A filter of the Account Selector, as 0.8. */
  eftEligibleRatio?: number | undefined;
  /** Deprecated by Flinks. */
  enhancedMFA?: boolean | undefined;
  /** What the consent page lists, separated by commas, as `TransactionHistory,AccountNumberandAccountInfo`. */
  features?: string | undefined;
  /** Every account is fetched, though one was picked. */
  fetchAllAccounts?: boolean | undefined;
  fixedHeightEnable?: boolean | undefined;
  /** Hexadecimal without `#`. */
  foregroundColor1?: string | undefined;
  /** Hexadecimal without `#`. */
  foregroundColor2?: string | undefined;
  headerEnable?: boolean | undefined;
  headerImgEnable?: boolean | undefined;
  /**
   * Connect ends inside its frame instead of leading the page to `redirectUrl`. Set by itself with a `redirectUrl`, unless the frame's `sandbox`
   * allows top navigation.
   */
  innerRedirect?: boolean | undefined;
  /** A search box above the bank list. */
  institutionFilterEnable?: boolean | undefined;
  /** Which country's banks are listed, as `ca`. */
  institutionsLocation?: string | undefined;
  /** Success is told by the REDIRECT message, not by leaving the page. */
  jsRedirect?: boolean | undefined;
  loadingType?: "dots" | "progressbar" | (string & {}) | undefined;
  /** How often credentials can be tried. */
  maximumRetry?: number | undefined;
  monthsOfStatements?: "MostRecent" | "Months12" | (string & {}) | undefined;
  /** OAuth banks take over the window instead of opening one; the frame's `sandbox` must then allow top navigation. */
  oauthWindowRedirect?: boolean | undefined;
  productType?: "banking" | "investment" | (string & {}) | undefined;
  /** A page of yours that REDIRECT's `url` must lead to; another is a `CONFLICT`, but for Connect's own where it ends inside its frame. */
  redirectUrl?: string | undefined;
  removePadding?: boolean | undefined;
  /** Nightly Refresh for the new login. */
  scheduleRefresh?: boolean | undefined;
  /** The Account Selector lists more than operations accounts. */
  showAllAccounts?: boolean | undefined;
  showAllOperationsAccounts?: boolean | undefined;
  /** Deprecated by Flinks. */
  skipEnhancedMFA?: boolean | undefined;
  statement?: boolean | undefined;
  staticLoadingEnable?: boolean | undefined;
  /** Your own opaque mark, for a session without a `start` reply that has one. */
  tag?: string | undefined;
  termsNoCheckbox?: boolean | undefined;
  termsUrl?: string | undefined;
  theme?: "dark" | "light" | (string & {}) | undefined;
  waitSummary?: boolean | undefined;
  withMFAQuestions?: boolean | undefined;
  withTransactions?: boolean | undefined;
  requestId?: undefined;
  authorizeToken?: undefined;
  resumeSelectedAccounts?: undefined;
  language?: undefined;
  webview?: undefined;
  stringify?: undefined;
  [name: string]: ConnectValue;
}

/** What is delivered: the same bytes in every try. */
export interface Delivery {
  attemptId: string;
  mode: Mode;
  /** Null where Connect named none that could be read: your backend then takes it from Flinks, by `requestId`. */
  loginId: string | null;
  requestId: string | null;
  institution: string | null;
  accountIds: string[];
  tag: string | null;
}

/** The widget's own texts; docs/texts.md has them all. */
export type Labels = { [Name in TextName]?: string | undefined };

/** Where Connect is: exactly one of the two, unless a start reply supplies it. */
export type Address =
  | {
      /** Flinks instance name. */
      instance: string;
      connectUrl?: undefined;
    }
  | {
      instance?: undefined;
      /** Base URL of Connect: https, or http on a loopback host; no query, fragment or credentials. */
      connectUrl: string;
    };

export interface CommonOptions {
  /** Where the frame goes. Absent: an accessible modal dialog. */
  container?: Element | string | undefined;
  /** Account ids picked in the original session: an array travels with commas between them, a string as it is. */
  resumeSelectedAccounts?: string[] | string | undefined;
  /**
   * Where the result goes: an endpoint of your backend, or a function. Absent: `result` settles on REDIRECT.
   * A `Response` that the function returns or throws is judged like an answer to our own request. Any other rejection is tried again, unless the
   * error has a numeric `status`, which is then judged like an HTTP status.
   */
  deliver?: string | ((delivery: Delivery, context: { attemptId: string; signal: AbortSignal }) => unknown) | undefined;
  /** After a failure that a retry can cure: `ask` says so and offers it (the default); `end` ends the session at once. */
  onFailure?: "ask" | "end" | undefined;
  /** The frame's `allow` attribute, as `camera; microphone`. Default: nothing. */
  allow?: string | undefined;
  /** Asked before every request to your backend. */
  headers?: (() => HeadersInit | Promise<HeadersInit>) | undefined;
  /** For both endpoints. Default `same-origin`. */
  credentials?: RequestCredentials | undefined;
  /** Default: the document's language. */
  language?: "en" | "fr" | undefined;
  params?: ConnectParams | undefined;
  /** What to do when Connect leaves the MFA prompt for the full flow. Default `continue`. */
  fullFlow?: "continue" | "stop" | undefined;
  labels?: Labels | undefined;
  /** Default 20000. */
  loadTimeoutMs?: number | undefined;
  /** Default 120000. */
  deliverTimeoutMs?: number | undefined;
  /** The frame's `sandbox` tokens; `null` leaves the attribute off. */
  sandbox?: string | null | undefined;
  /** Aborting closes the session. */
  signal?: AbortSignal | undefined;
}

/** An interrupted session: the live `requestId` is known. It must come from your backend, never from the page's address. */
export type InterruptedOptions = CommonOptions & Address & {
  requestId: string;
  authorizeToken?: string | undefined;
  start?: undefined;
};

/** A session the host's backend begins or resumes. */
export type StartOptions = CommonOptions & (Address | { instance?: undefined; connectUrl?: undefined }) & {
  start: string | ((signal: AbortSignal) => StartReply | Response | Promise<StartReply | Response>);
  requestId?: undefined;
  authorizeToken?: undefined;
};

export type ReconnectOptions = InterruptedOptions | StartOptions;

export type ReconnectResult =
  | ({
      status: "reconnected";
      /** The JSON your backend answered, or null. */
      reply: unknown;
    } & Delivery)
  | { status: "upToDate" };

export interface ReconnectEventMap {
  phasechange: CustomEvent<{ phase: Phase; previous: Phase }>;
  /** Every trusted Flinks event, known or not. */
  step: CustomEvent<{ step: FlinksStep; institution: string | null }>;
  /** Flinks reports a code. Most do not end the session. */
  flinkscode: CustomEvent<{ flinksCode: FlinksCode }>;
  /** Connect left the reconnect for the full flow. */
  fullflow: CustomEvent<Record<string, never>>;
  /** By our estimate the session dies unless something happens in it. */
  expiring: CustomEvent<{ remainingMs: number }>;
  /** Delivery will be tried again. */
  retrying: CustomEvent<{ attempt: number; delayMs: number }>;
  /** Each failure, also one that the user can still cure. */
  attemptfailed: CustomEvent<{ error: ReconnectError }>;
}

export interface ReconnectSession extends EventTarget {
  readonly phase: Phase;
  /**
   * Settles once, at the end: while a retry is offered, `phase` is `failed` and this waits. Never an unhandled rejection when nobody reads it.
   */
  readonly result: Promise<ReconnectResult>;
  /** Nothing of ours is on the page any more, but for a line that tells a screen reader of a success and stays a second. */
  readonly dismissed: Promise<void>;
  /** The session at Flinks that was launched, or that Connect named last: to come back to it later. */
  readonly requestId: string | null;
  /** When the session at Flinks is estimated to die of idleness, in epoch milliseconds. */
  readonly expiresAt: number | null;
  /** Ends the session. What was accepted is still delivered; a failure that a retry could have cured is what `result` rejects with. */
  close(): void;
  /**
   * Another attempt while one is offered: after `LOAD_TIMEOUT`, `UNDELIVERED`, `BUSY` (which takes over), `SIGNED_OUT`, a `START_FAILED` that is
   * `retryable`, and with `start` after `SESSION_EXPIRED` or `TOKEN_INVALID`. Returns whether one was offered; after the end, false.
   */
  retry(): boolean;
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
