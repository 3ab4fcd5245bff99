// What a store does for the server half: a few steps, each all or nothing, of which one of several at once wins.
//
// Any number of processes may share a database. A method may be synchronous or not; whatever it does is one atomic step inside. Times are
// numbers that are passed in, in milliseconds since 1970; they are those of one clock for all processes, `nowMs`. `flinks-reconnect-server/store-tests` proves a store of your own.

import type { Attempt, Connection, Outcome, Query, ReconnectEvent, Stored } from "./records.js";

export type Awaitable<T> = T | Promise<T>;

/** Everything that one decision changes. */
export interface Write {
  /** The connection as it is from now on, its version raised by one. */
  connection: Connection;
  /** The version it must still have. */
  expectedVersion: number;
  /** New attempts. */
  added: Attempt[];
  /** Attempts as they are from now on. Whoever has claimed one has it no more where its `state` changes. */
  put: Attempt[];
  /** Flinks' answer with the accounts' data, as JSON; `null` where none came. */
  data: { json: string; atMs: number } | null;
  /** What to tell the application, recorded in the same step. */
  events: ReconnectEvent[];
  /** When they may be told: now. */
  nowMs: number;
  /** So many other connections of the user may have a `signIn` that is not over by then. */
  limit: { user: string; most: number; nowMs: number } | null;
  /** Claims of this holder on the attempts above are given back. */
  holder: string | null;
}

/** Rights to due work, for a while. */
export interface Claim {
  nowMs: number;
  /** Until when nobody else gets it, if it is not given back. */
  untilMs: number;
  /** Random, for each claim: only who knows it can hold on to it or give it back. */
  holder: string;
  most: number;
}

/** An event to tell, and how often that was tried. */
export interface DueEvent {
  event: ReconnectEvent;
  tries: number;
  /** When it was first due. */
  sinceMs: number;
}

/** What became of telling an event. */
export type Told =
  /** It was heard: it is forgotten. */
  | { is: "heard" }
  /** Once more then. */
  | { is: "refused"; dueAtMs: number }
  /** It is kept, and its connection's later events go on. */
  | { is: "parked" };

export interface Store {
  /** Makes the tables, or those that are new in this version. Called before anything else, by several processes at once. */
  prepare(): Awaitable<void>;
  /**
   * What time it is, for every process that shares the database: the database's own clock, where they may be on several machines. Without it each
   * process has its machine's clock, and one that is wrong by a lease takes what another one is working on.
   */
  nowMs?(): Awaitable<number>;
  /** Adds a connection; `false`, and nothing is changed, where there is one with this id. */
  add(connection: Connection): Awaitable<boolean>;
  /** Removes a connection with its attempts, its data and its events. */
  remove(user: string, id: string): Awaitable<void>;
  /** All connections of a user, by id. */
  list(user: string): Awaitable<Connection[]>;
  /** All connections of these logins, whosever. */
  ofLogins(logins: string[]): Awaitable<Connection[]>;
  /** The data that was stored last, where it is not older than `sinceMs`. */
  data(user: string, id: string, sinceMs: number): Awaitable<string | null>;

  /** Reads what a decision is made on, all of it as it was at one moment: an attempt that is newer than the connection would be taken for an old one. */
  read(query: Query, nowMs: number): Awaitable<Stored | null>;
  /** A connection's version, or `null`. */
  version(connection: string): Awaitable<number | null>;
  /** Stores a decision, all of it or nothing. */
  commit(write: Write): Awaitable<Outcome>;

  /** Claims attempts that are `open` or `accepted`, due, and not claimed, the longest due first. */
  claimAttempts(claim: Claim): Awaitable<string[]>;
  /** Makes a claim last until then, or gives it back with 0; `false` where the holder does not have it any more. */
  hold(attempt: string, holder: string, untilMs: number): Awaitable<boolean>;

  /** Claims, of each connection, the first event that is neither heard nor parked, where it is due and not claimed. */
  claimEvents(claim: Claim): Awaitable<DueEvent[]>;
  /** Records what became of a claimed event; nothing where the holder does not have it any more. */
  settle(event: string, holder: string, told: Told): Awaitable<void>;
  /** The events that were parked, oldest first. */
  parked(): Awaitable<ReconnectEvent[]>;
  /** Makes a parked event due again; `false` where there is none with this id. */
  unpark(event: string, nowMs: number): Awaitable<boolean>;

  /** Whether it is this caller's turn to do what `name` says: where that is due by `nowMs`, or never was. It is due again at `untilMs`, then. */
  takeTurn(name: string, nowMs: number, untilMs: number): Awaitable<boolean>;

  /** When there is something to claim next, or `null`. Turns do not count. */
  nextDueMs(nowMs: number): Awaitable<number | null>;
  /** Forgets attempts that ended and whose time was over before `attemptsMs`, and data older than `dataMs`. */
  forget(attemptsMs: number, dataMs: number): Awaitable<void>;
}
