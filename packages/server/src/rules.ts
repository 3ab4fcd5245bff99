// The rules, as WebAssembly: what to ask Flinks, what an answer means, the life of an attempt (`crates/backend`).
//
// Compiled when they are first needed, and kept without state: after a trap the instance is made anew, and one call has failed.

import * as glue from "flinks-reconnect-server:module";
import bytes from "flinks-reconnect-server:bytes";
import type { Connection, Attempt, Outcome, Query, Stored } from "./records.js";

/** How long things live, wait and may take; milliseconds, but for `signInsPerUser`. */
export interface Pace {
  /** How long Flinks lets a bank take for one live sign-in. */
  bankMs?: number | undefined;
  /** How long a request to start waits for a sign-in before it is answered `BANK_SLOW`. */
  startAnswerMs?: number | undefined;
  /** From a challenge to the first time Flinks is asked whether the browser lost its result; later pauses double. */
  reconcileAfterMs?: number | undefined;
  /** How long the result of an attempt is taken. */
  attemptLifeMs?: number | undefined;
  /** Between two questions for data that Flinks is still preparing. */
  pollMs?: number | undefined;
  /** How long data may take from the accepted result on. */
  dataDeadlineMs?: number | undefined;
  /** How many live sign-ins of one user may be under way at Flinks. */
  signInsPerUser?: number | undefined;
  /** Between two questions which logins Nightly Refresh passes over. */
  nightlyMs?: number | undefined;
}

export type Settings = { [name in keyof Pace]-?: number };

/** The time of a decision, and a random fraction. */
export interface Now {
  nowMs: number;
  fraction: number;
}

/** Something to decide, and how far that is. It is the rules' own: data to be handed back. */
export type Task = { task: "start" | "deliver" | "webhook" | "work" | "nightly" };

/** A call to Flinks, as the rules name it: data to be handed back. */
export type Call = { call: "signIn" | "session" | "cached" | "data" | "poll" | "token" | "nightly" };

/** What came of a call: data to be handed back, but for these names. */
export type Answer =
  | { answer: "token"; token: string }
  | { answer: "failed"; trouble: Trouble; sent: "no" | "perhaps" }
  | { answer: "data"; accounts: string[] }
  | { answer: "nightly"; listed: Listed[] }
  | { answer: "authorized" | "challenge" | "working" | "code" };

/** A login that Nightly Refresh passes over: data to be handed back, but for its name. */
export type Listed = { loginId: string };

export type Trouble = { trouble: "unreachable" | "silent" | "keysRefused" | "unreadable" | "crowded" } | { trouble: "limit"; afterMs: number };

export type Change =
  | { change: "addAttempt" | "putAttempt"; to: Attempt }
  | { change: "putConnection"; to: Connection }
  | { change: "select"; to: string[] }
  | { change: "storeAccounts"; to: "all" | { only: string[] } };

export interface Commit {
  connection: string;
  version: number;
  changes: Change[];
  events: {
    type: "connection.refreshed" | "connection.needs_attention" | "attempt.failed";
    user: string;
    connection: string;
    attempt: string | null;
    loginId: string;
    accountIds: string[];
    refreshedAtMs: number | null;
    reason: string | null;
  }[];
  limit: { user: string; most: number; nowMs: number } | null;
}

/** An answer to whoever asked, without Connect's address. */
export interface HttpAnswer {
  status: number;
  retryAfterS: number | null;
  outcome: string;
  body: { [name: string]: unknown };
}

export interface Decision {
  commit: Commit | null;
  then: { then: "again" } | { then: "call"; with: Call } | { then: "wait"; with: number } | { then: "reply" };
  answer: HttpAnswer | null;
  task: Task;
}

/** A call as HTTP, below `/v3/{customerId}/BankingServices/`. */
export interface ToSend {
  endpoint: string;
  method: "POST" | "GET";
  path: string[];
  key: "secret" | "fresh" | "api" | { token: string };
  body: string | null;
  patienceMs: number;
  /** Later than that it is not sent. */
  byMs: number | null;
}

/** A task, or the refusal of its request. */
export type ReadTask = { is: "task"; task: Task } | { is: "refused"; answer: HttpAnswer };

/** A decision could not be made: a record that is none of the rules', or a trap. Its text names no value. */
export class RulesFailed extends Error {
  override name = "RulesFailed";
}

let isReady = false;

function call<T>(decide: (module: typeof glue) => string): T {
  try {
    if (!isReady) {
      glue.initSync({ module: new WebAssembly.Module(Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))) });
      isReady = true;
    }
    return JSON.parse(decide(glue)) as T;
  } catch (error) {
    if (typeof error === "string") throw new RulesFailed(error);
    // A trap leaves the instance's memory as it was in the middle of something.
    glue.__wbg_reset_state();
    throw new RulesFailed("the rules broke off; the next call begins with a new instance");
  }
}

const json = JSON.stringify;

export const readSettings = (pace: Pace): Settings => call((module) => module.settings(json(pace)));
export const isLoginId = (text: string): boolean => call((module) => json(module.is_login_id(text)));
export const startTask = (settings: Settings, now: Now, starting: { user: string; connection: string; minted: { attempt: string; tag: string } }, body: Uint8Array): ReadTask =>
  call((module) => module.start_task(json(settings), json(now), json(starting), body));
export const deliverTask = (delivering: { user: string; idempotencyKey: string | null; fingerprint: string }, body: Uint8Array): ReadTask =>
  call((module) => module.deliver_task(json(delivering), body));
export const webhookTask = (body: Uint8Array): Task | null => call((module) => module.webhook_task(body));
export const workTask = (attempt: string): Task => call((module) => module.work_task(attempt));
export const nightlyTasks = (listed: Listed[], connections: Connection[], asked: Now): Task[] => call((module) => module.nightly_tasks(json(listed), json(connections), json(asked)));
export const queryOf = (task: Task): Query => call((module) => module.query(json(task)));
export const step = (settings: Settings, now: Now, task: Task, stored: Stored | null): Decision =>
  call((module) => module.step(json(settings), json(now), json(task), json(stored)));
export const hear = (task: Task, answer: Answer): Task => call((module) => module.hear(json(task), json(answer)));
export const refused = (task: Task, outcome: Outcome): Task => call((module) => module.refused(json(task), json(outcome)));
export const bankSlow = (): HttpAnswer => call((module) => module.bank_slow());
export const requestOf = (settings: Settings, asked: Call): ToSend => call((module) => module.request(json(settings), json(asked)));
export const readAnswer = (asked: Call, token: string | null, status: number, retryAfterMs: number | null, body: Uint8Array): Answer =>
  call((module) => module.read_answer(json(asked), token ?? undefined, status, retryAfterMs ?? undefined, body));
