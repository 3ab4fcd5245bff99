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
      authorizeToken?: string | null;
      /** How long the token is good for. Default 900000, fifteen minutes. */
      authorizeTokenExpiresInMs?: number | null;
      resumeSelectedAccounts?: string[] | string | null;
      /** The language of the login at Flinks; it wins over the page's. */
      language?: "en" | "fr" | null;
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
      /** How long the token is good for. Default 900000, fifteen minutes. */
      authorizeTokenExpiresInMs?: number | null;
      /** The language of the login at Flinks; it wins over the page's. */
      language?: "en" | "fr" | null;
      tag?: string | null;
      instance?: string | null;
      connectUrl?: string | null;
      params?: ConnectParams | null;
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
  accountSelectorCurrency?: "cad" | "usd" | (string & {});
  /** The Account Selector after sign-in: REDIRECT then brings account ids. */
  accountSelectorEnable?: boolean;
  /** Several accounts can be picked. */
  accountSelectorMultiple?: boolean;
  accountSelectorNoTitle?: boolean;
  /** The back button. Flinks' default: true. */
  backEnable?: boolean;
  /** Hexadecimal without `#`. */
  backgroundColor?: string;
  boxLayout?: boolean;
  /** Connect's own X, which ends the session with `CANCELLED`. */
  closeEnable?: boolean;
  /** The consent page. Without it, you must show one of your own. */
  consentEnable?: boolean;
  customerId?: string;
  /** Your name on the consent page. */
  customerName?: string;
  daysOfTransactions?: "Days90" | "Days365" | (string & {});
  /** Lists FlinksCapital, the test bank. Never in production. */
  demo?: boolean;
  /** The test bank signs in by a pop-up, as OAuth banks do. */
  demoOutbound?: boolean;
  desktopLayout?: boolean;
  detailsAndStatementEnable?: boolean;
  /** A filter of the Account Selector, as 0.8. */
  eftEligibleRatio?: number;
  /** Deprecated by Flinks. */
  enhancedMFA?: boolean;
  /** What the consent page lists, separated by commas, as `TransactionHistory,AccountNumberandAccountInfo`. */
  features?: string;
  /** Every account is fetched, though one was picked. */
  fetchAllAccounts?: boolean;
  fixedHeightEnable?: boolean;
  /** Hexadecimal without `#`. */
  foregroundColor1?: string;
  /** Hexadecimal without `#`. */
  foregroundColor2?: string;
  headerEnable?: boolean;
  headerImgEnable?: boolean;
  /**
   * Connect ends inside its frame instead of leading the page to `redirectUrl`. Set by itself with a `redirectUrl`, unless the frame's `sandbox`
   * allows top navigation.
   */
  innerRedirect?: boolean;
  /** A search box above the bank list. */
  institutionFilterEnable?: boolean;
  /** Which country's banks are listed, as `ca`. */
  institutionsLocation?: string;
  /** Success is told by the REDIRECT message, not by leaving the page. */
  jsRedirect?: boolean;
  loadingType?: "dots" | "progressbar" | (string & {});
  /** How often credentials can be tried. */
  maximumRetry?: number;
  monthsOfStatements?: "MostRecent" | "Months12" | (string & {});
  /** OAuth banks take over the window instead of opening one; the frame's `sandbox` must then allow top navigation. */
  oauthWindowRedirect?: boolean;
  productType?: "banking" | "investment" | (string & {});
  /** A page of yours that REDIRECT's `url` must lead to; another is a `CONFLICT`, but for Connect's own where it ends inside its frame. */
  redirectUrl?: string;
  removePadding?: boolean;
  /** Nightly Refresh for the new login. */
  scheduleRefresh?: boolean;
  /** The Account Selector lists more than operations accounts. */
  showAllAccounts?: boolean;
  showAllOperationsAccounts?: boolean;
  /** Deprecated by Flinks. */
  skipEnhancedMFA?: boolean;
  statement?: boolean;
  staticLoadingEnable?: boolean;
  /** Your own opaque mark, for a session without a `start` reply that has one. */
  tag?: string;
  termsNoCheckbox?: boolean;
  termsUrl?: string;
  theme?: "dark" | "light" | (string & {});
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
  mode: Mode;
  /** Null where Connect named none that could be read: your backend then takes it from Flinks, by `requestId`. */
  loginId: string | null;
  requestId: string | null;
  institution: string | null;
  accountIds: string[];
  tag: string | null;
}

/** The widget's own texts; docs/texts.md has them all. */
export type Labels = { [Name in TextName]?: string };

export interface CommonOptions {
  /** Flinks instance name. Exactly one of `instance` and `connectUrl`, unless the start reply supplies it. */
  instance?: string;
  /** Base URL of Connect: https, or http on a loopback host; no query, fragment or credentials. */
  connectUrl?: string;
  /** Where the frame goes. Absent: an accessible modal dialog. */
  container?: Element | string;
  /** Account ids picked in the original session: an array travels with commas between them, a string as it is. */
  resumeSelectedAccounts?: string[] | string;
  /**
   * Where the result goes: an endpoint of your backend, or a function. Absent: `result` settles on REDIRECT.
   * A `Response` that the function returns or throws is judged like an answer to our own request. Any other rejection is tried again, unless the
   * error has a numeric `status`, which is then judged like an HTTP status.
   */
  deliver?: string | ((delivery: Delivery, context: { attemptId: string; signal: AbortSignal }) => unknown);
  /** After a failure that a retry can cure: `ask` says so and offers it (the default); `end` ends the session at once. */
  onFailure?: "ask" | "end";
  /** The frame's `allow` attribute, as `camera; microphone`. Default: nothing. */
  allow?: string;
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
export interface InterruptedOptions extends CommonOptions {
  requestId: string;
  authorizeToken?: string;
  start?: never;
}

/** A session the host's backend begins or resumes. */
export interface StartOptions extends CommonOptions {
  start: string | ((signal: AbortSignal) => StartReply | Response | Promise<StartReply | Response>);
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
