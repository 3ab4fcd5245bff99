// The one error class, and every word an error may say. Codes are the contract; messages are not, and carry no id, token or URL.

import type { ErrorCode, FlinksCode, LoadProblem, OptionName, Phase } from "./names.js";

/** @internal */
export const MESSAGES: Record<ErrorCode, string> = {
  INVALID_OPTIONS: "The options are wrong.",
  UNSUPPORTED: "The widget needs a DOM and WebAssembly. A Content-Security-Policy must allow script-src 'wasm-unsafe-eval'.",
  START_FAILED: "The start endpoint failed, or its answer is not one of the documented replies.",
  LOAD_TIMEOUT:
    "Connect did not load in time. Usual causes: a Content-Security-Policy without frame-src for Connect's address; a site that is not allow-listed for the Flinks instance; an offline browser; a cross-origin isolated page (COEP).",
  SESSION_EXPIRED: "The Flinks session expired. Start a new one.",
  TOKEN_INVALID: "The authorize token was refused or is too old: tokens work once, within 15 minutes. Get a fresh one for every session.",
  FULL_FLOW: 'Connect left the MFA prompt for the full flow, and fullFlow is "stop".',
  FLINKS: "Flinks refused the login, and the user closed; flinksCode tells why.",
  CONFLICT: "Connect reported a success that does not belong to this session or names no login. Nothing was accepted.",
  SIGNED_OUT: "The host's backend answered that the user is not signed in (401, or a redirect). Sign the user in, then call `retry()`.",
  REJECTED: "The host's backend refused the result; httpStatus tells how.",
  LOGIN_MISMATCH: "The host's backend refused the result: the user connected another login than the one to reconnect.",
  UNDELIVERED: "The host's backend could not be reached in time. `retry()` sends the same result again.",
  BUSY: "Another tab holds this session. `retry()` takes it over.",
  CANCELLED: "The user closed the session.",
  CLOSED: "The page closed the session.",
  INTERNAL: "The widget failed. Please report it.",
};

/** Better texts for a LOAD_TIMEOUT, by its cause. */
const LOAD_PROBLEMS: Record<Exclude<LoadProblem, "unknown">, string> = {
  policy: "Connect did not load: this page's Content-Security-Policy lacks a frame-src for Connect's address.",
  isolation: "Connect did not load: this page is cross-origin isolated (COEP), and browsers show Connect in no such page.",
  offline: "Connect did not load in time: the browser is offline.",
  redirected:
    "Connect did not load: the frame was redirected to another origin, whose messages do not count. `instance` or `connectUrl` must name the one that Connect is served from.",
};

const PLACE = "exactly one of `instance` and `connectUrl`, unless a start reply brings it";
const ID = "8 to 128 letters, digits, `.`, `_` or `-`";
const ENDPOINT = "a URL of your backend or a function";
const MILLISECONDS = "a positive number of milliseconds, at most 2147483647";

/** What each option accepts. @internal */
export const EXPECTED: Record<OptionName, string> = {
  instance: `${PLACE}; 1 to 56 lower-case letters, digits or inner hyphens, as "toolbox"`,
  connectUrl: `${PLACE}; an absolute https URL (or http on a loopback host) without query, fragment and credentials`,
  container: "an element, or a selector that finds one on the page",
  requestId: `exactly one of \`requestId\` and \`start\`; ${ID}`,
  start: ENDPOINT,
  authorizeToken: `only with \`requestId\`, for a start reply brings its own; ${ID}`,
  resumeSelectedAccounts: `an array of at most 100 account ids: ${ID}; or a ready text`,
  deliver: ENDPOINT,
  onFailure: '"ask" or "end"',
  allow: "a text",
  headers: "a function that returns headers",
  credentials: '"same-origin", "include" or "omit"',
  language: '"en" or "fr"',
  params:
    "an object of strings, numbers or booleans, named by letters, digits and underscores; not `requestId`, `authorizeToken`, `resumeSelectedAccounts`, `language`, `webview` and `stringify`, which the widget sets; `tag` is 1 to 256 printable ASCII characters, `redirectUrl` an absolute URL without credentials",
  fullFlow: '"continue" or "stop"',
  labels: "an object of texts",
  loadTimeoutMs: MILLISECONDS,
  deliverTimeoutMs: MILLISECONDS,
  sandbox: "the frame's sandbox tokens, or null",
  signal: "an AbortSignal",
};

/** Chromium before 115 compiles no module of this size at once on the main thread. */
const OLD_CHROMIUM = "The widget needs Chromium 115 or later.";

/** A document without what every browser above the floor has: an old one, or jsdom. */
const NO_BROWSER =
  "The widget needs a browser with modal dialogs and constructed style sheets. A component test (jsdom) imports `flinks-reconnect/testing` instead.";

/** What an error has beside its message; `code` alone is enough. */
export interface ReconnectErrorDetails {
  code: ErrorCode;
  flinksCode?: FlinksCode | null | undefined;
  httpStatus?: number | null | undefined;
  hostCode?: string | null | undefined;
  retryable?: boolean | undefined;
  phase?: Phase | undefined;
}

/** How a session failed. @internal */
export interface Failure extends ReconnectErrorDetails {
  loadProblem?: LoadProblem;
  /** The property of the start reply that is wrong. */
  property?: string | null;
  /** What the page's own function, or the browser, threw. */
  cause?: unknown;
}

/** What the module throws for options and browsers that it refuses. @internal */
export interface Refusal {
  code: ErrorCode;
  option?: string;
}

/** Codes are the contract, messages are not. No id, token or URL stands in a message. */
export class ReconnectError extends Error {
  override readonly name = "ReconnectError";
  readonly code: ErrorCode;
  /** What Flinks said: with `FLINKS`, where a session or token died at Flinks, and with `CANCELLED` if there was a code. */
  readonly flinksCode: FlinksCode | null;
  /** What your backend answered, when it refused. */
  readonly httpStatus: number | null;
  /** The `code` of your backend's answer (its `application/problem+json`), when it had one. */
  readonly hostCode: string | null;
  /** While the session goes on: whether `session.retry()` can help. After its end: whether a new `reconnect()` can. */
  readonly retryable: boolean;
  readonly phase: Phase;

  /** The package makes them; so do tests of an application. */
  constructor(details: ReconnectErrorDetails, message: string = MESSAGES[details.code], options?: ErrorOptions) {
    super(message, options);
    // A page may have extended `Object.prototype`.
    const { code, flinksCode = null, httpStatus = null, hostCode = null, retryable = false, phase = "starting" } = { __proto__: null, ...details } as ReconnectErrorDetails;
    this.code = code;
    this.flinksCode = flinksCode;
    this.httpStatus = httpStatus;
    this.hostCode = hostCode;
    this.retryable = retryable;
    this.phase = phase;
  }

  /** @internal */
  static of(failure: Failure, options?: ErrorOptions): ReconnectError {
    const { loadProblem = "unknown", property, cause } = failure;
    const message = property
      ? `The start endpoint's answer is not one of the documented replies: \`${property}\` is missing or wrong.`
      : loadProblem === "unknown"
        ? undefined
        : LOAD_PROBLEMS[loadProblem];
    return new ReconnectError(failure, message, options ?? (cause ? { cause } : undefined));
  }

  /** What the module refused: a wrong option, or the browser. @internal */
  static refused({ code, option }: Refusal): ReconnectError {
    if (option === undefined) return ReconnectError.of({ code });
    const what = isOption(option) ? `expected ${EXPECTED[option]}` : `unknown; the options are ${Object.keys(EXPECTED).join(", ")}`;
    return new ReconnectError({ code }, `Option \`${option}\`: ${what}.`);
  }

  /** There is a document, but no browser's. @internal */
  static noBrowser(): ReconnectError {
    return new ReconnectError({ code: "UNSUPPORTED" }, NO_BROWSER);
  }

  /** WebAssembly is missing, a Content-Security-Policy refuses it, or the browser is too old. @internal */
  static unsupported(cause?: unknown): ReconnectError {
    const isOldChromium = cause instanceof RangeError && /main thread/.test(cause.message);
    return new ReconnectError({ code: "UNSUPPORTED" }, isOldChromium ? OLD_CHROMIUM : undefined, { cause });
  }
}

const isOption = (name: string): name is OptionName => Object.hasOwn(EXPECTED, name);
