// The one error class. Codes are the contract; messages are not, and carry no id, token or URL.

const MESSAGES = {
  UNSUPPORTED:
    "This environment cannot run the widget: it needs a DOM and WebAssembly. If a Content-Security-Policy is set, " +
    "its script-src must contain 'wasm-unsafe-eval'.",
  INTERNAL: "The widget failed. Please report it.",
};

export class ReconnectError extends Error {
  name = "ReconnectError";

  constructor({ code, message = MESSAGES[code], flinksCode = null, httpStatus = null, retryable = false, phase = "starting" }, options) {
    super(message, options);
    Object.assign(this, { code, flinksCode, httpStatus, retryable, phase });
  }

  /** What the module threw: the fields of an error, or a trap. */
  static from(thrown) {
    return thrown?.code ? new ReconnectError(thrown) : new ReconnectError({ code: "INTERNAL" }, { cause: thrown });
  }
}
