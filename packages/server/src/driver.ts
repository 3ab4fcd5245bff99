// The driver of the rules: it reads and stores, calls Flinks and waits. It decides nothing.
//
// Invariants: a decision is stored before anything else of it is done; after a conflict it is made anew; nothing is remembered between two
// tasks.

import type { Flinks } from "./flinks.js";
import { kindOf, type Log } from "./log.js";
import type { Connection, ReconnectEvent, Stored } from "./records.js";
import { type Answer, type Call, type Commit, hear, type HttpAnswer, type Now, queryOf, refused, type Settings, step, type Task } from "./rules.js";
import type { Store, Write } from "./store.js";

/** How often a request that waits for a sign-in looks whether its answer is stored: another process may have stored it. */
const LOOKING_MS = 100;
/** The longest pause after a conflict. */
const LONGEST_CONFLICT_PAUSE_MS = 100;

/** The store did not do what it was asked; nobody knows whether it was stored. */
export class StoreFailed extends Error {
  override name = "StoreFailed";
}

/** How a task ended. */
export interface Ended {
  answer: HttpAnswer;
  /** How long Flinks wants no more requests; 0 where it does not say so. */
  limitedMs: number;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What `work` gives, or `late` where it takes longer; no timer is left behind, which would keep the process from ending. */
export async function within<T, L>(ms: number, work: T | Promise<T>, late: L): Promise<T | L> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([work, new Promise<L>((resolve) => (timer = setTimeout(() => resolve(late), ms)))]);
  } finally {
    clearTimeout(timer);
  }
}

/** Forty hexadecimal digits from the platform's secure generator. */
export const randomId = (): string => Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Driver {
  #prepared: Promise<void> | null = null;

  constructor(
    private readonly store: Store,
    private readonly flinks: Flinks,
    readonly settings: Settings,
    /** Whether anybody is told of events. */
    private readonly tells: boolean,
    private readonly log: Log,
  ) {}

  /** What time it is for all processes: asked anew each time, because a process may have stood still since. */
  nowMs(): Promise<number> {
    return this.ask((store) => store.nowMs?.() ?? Date.now());
  }

  async now(): Promise<Now> {
    return { nowMs: await this.nowMs(), fraction: Math.random() };
  }

  /** Asks the store; the first time, it makes its tables. */
  async ask<T>(what: (store: Store) => T | Promise<T>): Promise<T> {
    try {
      this.#prepared ??= Promise.resolve(this.store.prepare());
      await this.#prepared.catch((error: unknown) => {
        this.#prepared = null;
        throw error;
      });
      return await what(this.store);
    } catch (error) {
      this.log("error", "the store failed", kindOf(error));
      throw new StoreFailed("the store failed");
    }
  }

  /** A call to Flinks of which no task knows. */
  async call(call: Call): Promise<Answer> {
    return (await this.flinks.call(call, () => this.nowMs())).answer;
  }

  /** Carries a task out. `holder` is a worker's claim, which is given back with the commit that ends it. */
  async run(given: Task, holder: string | null = null): Promise<Ended> {
    let task = given;
    let data: string | null = null;
    let limitedMs = 0;
    let conflicts = 0;
    for (;;) {
      const query = queryOf(task);
      const now = await this.now();
      const stored = await this.ask((store) => store.read(query, now.nowMs));
      const { commit, then, answer, task: next } = step(this.settings, now, task, stored);
      if (commit && stored) {
        const write = this.written(stored, commit, data, then.then === "reply" ? holder : null, now.nowMs);
        const outcome = await this.ask((store) => store.commit(write));
        if (outcome === "conflict") {
          await pause(Math.min(2 ** conflicts, LONGEST_CONFLICT_PAUSE_MS) * (0.5 + Math.random() / 2));
          conflicts += 1;
          continue;
        }
        if (outcome !== "done") {
          task = refused(task, outcome);
          continue;
        }
      }
      task = next;
      if (then.then === "call") {
        const called = await this.flinks.call(then.with, () => this.nowMs());
        limitedMs = limitOf(called.answer);
        data = called.data;
        task = hear(task, called.answer);
      } else if (then.then === "wait" && stored) {
        await this.wait(stored.connection, then.with - now.nowMs);
      } else if (answer) {
        this.note(answer);
        return { answer, limitedMs };
      }
    }
  }

  /** Until the connection has another version, at most so long. */
  private async wait({ id, version }: Connection, mostMs: number): Promise<void> {
    const begun = performance.now();
    const leftMs = (): number => mostMs - (performance.now() - begun);
    while (leftMs() > 0 && (await this.ask((store) => store.version(id))) === version) {
      await pause(Math.min(LOOKING_MS, Math.max(leftMs(), 1)));
    }
  }

  /** A decision as what a store writes. */
  private written({ connection: before }: Stored, commit: Commit, answer: string | null, holder: string | null, nowMs: number): Write {
    const connection: Connection = { ...before, version: before.version + 1 };
    const write: Write = { connection, expectedVersion: commit.version, added: [], put: [], data: null, events: [], nowMs, limit: commit.limit, holder };
    for (const change of commit.changes) {
      switch (change.change) {
        case "addAttempt":
          write.added.push(change.to);
          break;
        case "putAttempt":
          write.put.push(change.to);
          break;
        case "putConnection": {
          const { status, problem, refreshedAtMs, settledAtMs, signIn } = change.to;
          Object.assign(connection, { status, problem, refreshedAtMs, settledAtMs, signIn });
          break;
        }
        case "select":
          connection.selection = change.to;
          break;
        case "storeAccounts":
          if (answer !== null) write.data = { json: kept(answer, change.to), atMs: nowMs };
      }
    }
    if (this.tells) write.events = commit.events.map((event, index) => eventOf(event, connection.version * 16 + index, nowMs));
    return write;
  }

  private note({ status, outcome }: HttpAnswer): void {
    if (outcome === "nothing" || outcome === "postponed") return;
    const isOdd = ["LOGIN_MISMATCH", "other-login", "ended"].includes(outcome) || status === 502;
    this.log(isOdd ? "warn" : "info", "a reconnect's step", { outcome });
  }
}

function limitOf(answer: Answer): number {
  return answer.answer === "failed" && answer.trouble.trouble === "limit" ? Math.max(answer.trouble.afterMs, 500) : 0;
}

/** What the user did not pick is not stored even if Flinks sends it. */
function kept(answer: string, which: "all" | { only: string[] }): string {
  if (which === "all") return answer;
  const body = JSON.parse(answer) as { Accounts?: { Id?: unknown }[] };
  return JSON.stringify({ ...body, Accounts: body.Accounts?.filter(({ Id }) => which.only.includes(String(Id))) });
}

function eventOf(event: Commit["events"][number], number: number, nowMs: number): ReconnectEvent {
  const { type, user, connection, attempt, loginId, accountIds, refreshedAtMs, reason } = event;
  const refreshedAt = refreshedAtMs === null ? null : new Date(refreshedAtMs).toISOString();
  return {
    id: randomId(),
    number,
    type,
    timestamp: new Date(nowMs).toISOString(),
    data: { user, connection, attempt, loginId, accountIds, refreshedAt, reason },
  };
}
