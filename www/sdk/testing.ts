// The entry for component tests, in place of `flinks-reconnect`: sessions that a test drives. There is no WebAssembly, no frame and no request in it, so it
// runs in jsdom and in Node. Nothing happens by itself, but that `close()` and the options' signal end a session.

import type { Delivery, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./api.js";
import { ReconnectError } from "./error.js";
import { EVENT_NAMES, type ErrorCode, type Phase } from "./names.js";
import { settleable } from "./settleable.js";

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
  readonly #result = settleable<ReconnectResult>();
  readonly #dismissed = settleable<void>();
  /** The failure that a retry can still cure. */
  #failure: ReconnectError | undefined;

  constructor(options: ReconnectOptions) {
    super();
    this.options = options;
    this.requestId = options.requestId ?? null;
    options.signal?.addEventListener("abort", () => this.close());
    if (options.signal?.aborted) this.close();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get result(): Promise<ReconnectResult> {
    return this.#result.promise;
  }

  get dismissed(): Promise<void> {
    return this.#dismissed.promise;
  }

  // ---- what the application does ----

  /** Ends the session with `CLOSED`, or with the failure that a retry could have cured. */
  close(): void {
    this.#leave("CLOSED");
  }

  /** Another attempt, while one is offered. */
  retry(): boolean {
    if (!this.#failure) return false;
    this.#failure = undefined;
    this.enter("starting");
    return true;
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
    this.#dismissed.resolve();
    if (result === "upToDate") return this.#result.resolve({ status: "upToDate" });
    const login: Delivery = {
      attemptId: "attempt-of-the-test-0001", mode: "resume", loginId: "login-of-the-test-0001", requestId: "request-of-the-test-0001", institution: "FlinksCapital",
      accountIds: [], tag: null,
    };
    this.#result.resolve({ status: "reconnected", reply: null, ...login, ...result });
  }

  /**
   * The attempt fails. With `retryable: true`, and unless `onFailure` is `end`, a retry is offered and `result` waits, until `retry()`, `close()` or
   * `cancel()`; otherwise that is the end.
   */
  fail(code: ErrorCode, details: Partial<Pick<ReconnectError, "flinksCode" | "httpStatus" | "hostCode" | "retryable">> = {}): void {
    if (isFinal(this.#phase)) return;
    const error = ReconnectError.of({ ...details, code, phase: this.#phase });
    this.#move("failed");
    this.emit("attemptfailed", { error });
    if (error.retryable && this.options.onFailure !== "end") this.#failure = error;
    else this.#result.reject(error);
  }

  /** The user closes the widget: `CANCELLED`, or the failure that a retry could have cured. */
  cancel(): void {
    this.#leave("CANCELLED");
  }

  #leave(code: ErrorCode): void {
    this.#dismissed.resolve();
    if (this.#failure) this.#result.reject(this.#failure);
    this.#failure = undefined;
    if (isFinal(this.#phase)) return;
    const error = ReconnectError.of({ code, phase: this.#phase });
    this.#move("closed");
    this.#result.reject(error);
  }

  #move(phase: Phase): void {
    const previous = this.#phase;
    if (phase === previous) return;
    this.#phase = phase;
    this.emit("phasechange", { phase, previous });
  }
}
