// The one error class, and every word an error may say. Codes are the contract; messages are not, and carry no id, token or URL.

const MESSAGES = {
  UNSUPPORTED:
    "This environment cannot run the widget: it needs a DOM and WebAssembly. If a Content-Security-Policy is set, its script-src must contain 'wasm-unsafe-eval'.",
  START_FAILED: "The start endpoint failed, or its answer is not one of the documented replies.",
  LOAD_TIMEOUT:
    "Connect did not load in time. Usual causes: a Content-Security-Policy without frame-src for Connect's address; this site is not allow-listed for the Flinks instance; the user is offline; this page is cross-origin isolated (COEP).",
  "LOAD_TIMEOUT policy": "Connect was not loaded: this page's Content-Security-Policy lacks a frame-src for Connect's address.",
  "LOAD_TIMEOUT isolation":
    "Connect was not loaded: this page is cross-origin isolated (Cross-Origin-Embedder-Policy), and browsers show Connect in no such page.",
  "LOAD_TIMEOUT offline": "Connect did not load in time: the browser is offline.",
  SESSION_EXPIRED: "The Flinks session expired. Start a new one.",
  TOKEN_INVALID: "The authorize token was refused, or is too old. Tokens work once, within 15 minutes: get a fresh one for every session.",
  FULL_FLOW: 'Connect left the MFA prompt for the full flow, and fullFlow is "stop".',
  FLINKS: "Flinks ended the session; flinksCode tells why.",
  CONFLICT: "Connect reported a success that does not belong to this session, or two different ones. Nothing was accepted.",
  REJECTED: "The host's backend refused the result; httpStatus tells how.",
  LOGIN_MISMATCH: "The user connected another login than the one being reconnected. The stored connection is unchanged.",
  UNDELIVERED: "The host's backend could not be reached in time. `retry()` sends the same result again.",
  BUSY: "Another tab holds this session. `retry()` takes it over.",
  CANCELLED: "The user closed the session.",
  CLOSED: "The page closed the session.",
  INTERNAL: "The widget failed. Please report it.",
};

const ONE_PLACE = "expected exactly one of `instance` and `connectUrl` (only a start reply can supply it otherwise)";
const ID = "8 to 128 letters, digits, `.`, `_` or `-`";
const ENDPOINT = "expected a URL of your backend or a function";
const MILLISECONDS = "expected a positive number of milliseconds, at most 2147483647";

/** What each option accepts. */
const EXPECTED = {
  instance: `${ONE_PLACE}; an instance name is 1 to 56 lower-case letters, digits or inner hyphens, as "toolbox"`,
  connectUrl: `${ONE_PLACE}; the URL must be absolute, https (or http on a loopback host), without query, fragment and credentials`,
  container: "expected an element, or a selector that finds one on the page",
  requestId: `expected exactly one of \`requestId\` (${ID}) and \`start\``,
  start: ENDPOINT,
  authorizeToken: `accepted only with \`requestId\`, for a start reply brings its own; expected ${ID}`,
  resumeSelectedAccounts: `expected an array of at most 100 account ids, ${ID} each`,
  deliver: ENDPOINT,
  headers: "expected a function that returns headers",
  credentials: 'expected "same-origin", "include" or "omit"',
  language: 'expected "en" or "fr"',
  params:
    "expected an object whose names are letters, digits and underscores and whose values are strings, numbers or booleans. `requestId`, `authorizeToken`, `resumeSelectedAccounts`, `language`, `webview` and `stringify` are the widget's own; `tag` is 1 to 256 printable ASCII characters; `redirectUrl` is an absolute URL without credentials",
  fullFlow: 'expected "continue" or "stop"',
  labels: "expected an object of texts",
  loadTimeoutMs: MILLISECONDS,
  deliverTimeoutMs: MILLISECONDS,
  sandbox: "expected the frame's sandbox tokens, or null",
  signal: "expected an AbortSignal",
};

export class ReconnectError extends Error {
  name = "ReconnectError";

  /** Made by the package only. */
  constructor({ code, loadProblem, flinksCode = null, httpStatus = null, retryable = false, phase = "starting", message }, options) {
    super(message ?? MESSAGES[`${code} ${loadProblem}`] ?? MESSAGES[code], options);
    Object.assign(this, { code, flinksCode, httpStatus, retryable, phase });
  }

  /** A wrong option, by its name. */
  static invalid(option) {
    const expected = Object.hasOwn(EXPECTED, option) ? EXPECTED[option] : `unknown; the options are ${Object.keys(EXPECTED).join(", ")}`;
    return new ReconnectError({ code: "INVALID_OPTIONS", message: `Option \`${option}\`: ${expected}.` });
  }
}
