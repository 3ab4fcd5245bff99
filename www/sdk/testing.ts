// The entry for component tests, in place of `flinks-reconnect`: sessions that a test drives. There is no WebAssembly, no frame and no request in it, so it
// runs in jsdom and in Node. Nothing happens by itself, but that `close()` and the options' signal end a session.

import type { Delivery, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./api.js";
import { type Failure, ReconnectError } from "./error.js";
import { EVENT_NAMES, type ErrorCode, type Phase } from "./names.js";

export { ReconnectError };

/** Every event of a session, for those who pass them on. */
export const EVENTS: readonly (keyof ReconnectEventMap)[] = EVENT_NAMES;

export const version: string = FLINKS_RECONNECT_VERSION;

/** The sessions that were begun, the newest last. A test empties it: `sessions.length = 0`. */
export const sessions: TestSession[] = [];

/** Begins a session that the test finds in `sessions`. The options are kept, and neither validated nor called. */
export function reconnect(options: ReconnectOptions): TestSession {
  const session = new TestSession(options);
  sessions.push(session);
  return session;
}

const isFinal = (phase: Phase) => phase === "done" || phase === "failed" || phase === "closed";

/** A session as the application sees it, with methods for what a user, Connect and the backend would do. */
export class TestSession extends EventTarget implements ReconnectSession {
  /** When the session at Flinks would die, in epoch milliseconds. */
  expiresAt: number | null = null;
  /** The session at Flinks: the one that the options name, until a test sets another. */
  requestId: string | null;
  readonly options: ReconnectOptions;
  #phase: Phase = "starting";
  #result!: Promise<ReconnectResult>;
  #resolve!: (result: ReconnectResult) => void;
  #reject!: (error: ReconnectError) => void;
  #isRetryable = false;

  constructor(options: ReconnectOptions) {
    super();
    this.options = options;
    this.requestId = options.requestId ?? null;
    this.#attemptBegins();
    options.signal?.addEventListener("abort", () => this.close());
    if (options.signal?.aborted) this.close();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get result(): Promise<ReconnectResult> {
    return this.#result;
  }

  // ---- what the application does ----

  /** Ends the session with `CLOSED`. */
  close(): void {
    this.#end("closed", { code: "CLOSED" });
  }

  /** After a failure with `retryable`: another attempt, with a `result` of its own. */
  retry(): void {
    if (this.#phase !== "failed" || !this.#isRetryable) return;
    this.#attemptBegins();
    this.enter("starting");
  }

  // ---- what the test does ----

  /** Goes to a phase: `loading`, `active` … What ends a session is `succeed()`, `fail()`, `cancel()` and `close()`. */
  enter(phase: Exclude<Phase, "done" | "failed" | "closed">): this {
    this.#move(phase);
    return this;
  }

  /** Tells an event: `emit("step", { step: "COMPONENT_LOAD_MFA", institution: "FlinksCapital" })`. */
  emit<Name extends keyof ReconnectEventMap>(name: Name, detail: ReconnectEventMap[Name]["detail"]): this {
    this.dispatchEvent(new CustomEvent(name, { detail }));
    return this;
  }

  /** Ends the session with a result: a reconnected login, of which the test may say the parts that it cares for, or `upToDate`. */
  succeed(result: Partial<Delivery & { reply: unknown }> | "upToDate" = {}): void {
    if (isFinal(this.#phase)) return;
    this.#move("done");
    if (result === "upToDate") return this.#resolve({ status: "upToDate" });
    const login: Delivery = {
      attemptId: "attempt-of-the-test-0001", mode: "resume", loginId: "login-of-the-test-0001", requestId: "request-of-the-test-0001", institution: "FlinksCapital",
      accountIds: [], tag: null,
    };
    this.#resolve({ status: "reconnected", reply: null, ...login, ...result });
  }

  /** Ends the session with an error; with `retryable: true`, `retry()` is possible. */
  fail(code: ErrorCode, details: Partial<Pick<ReconnectError, "flinksCode" | "httpStatus" | "retryable">> = {}): void {
    this.#end("failed", { ...details, code });
  }

  /** The user closes the widget: `CANCELLED`. */
  cancel(): void {
    this.#end("closed", { code: "CANCELLED" });
  }

  #attemptBegins(): void {
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#result.catch(() => {});
  }

  #move(phase: Phase): void {
    const previous = this.#phase;
    if (phase === previous) return;
    this.#phase = phase;
    this.emit("phasechange", { phase, previous });
  }

  #end(phase: Phase, failure: Failure): void {
    if (isFinal(this.#phase)) return;
    const error = ReconnectError.of({ ...failure, phase: this.#phase });
    this.#isRetryable = error.retryable;
    this.#move(phase);
    this.#reject(error);
  }
}
