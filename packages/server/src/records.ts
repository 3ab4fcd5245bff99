// What is stored, and what is decided about it: the data of `crates/backend` as it comes over the boundary.
//
// A store keeps a `Connection` and an `Attempt` as they are, as JSON. The few fields that it has to find them by are described here; the
// rest is the rules' own, and may get more fields.

/** A bank connection of a user. */
export interface Connection {
  /** The application's name for it; unique in the store. */
  id: string;
  user: string;
  /** Rises by one with every commit. */
  version: number;
  loginId: string;
  language: "en" | "fr" | null;
  /** The accounts its user picked in the Account Selector; empty when it was made without. */
  selection: string[];
  status: "needs-attention" | "up-to-date";
  /** Why it could not be refreshed: a Flinks code or one of ours. */
  problem: string | null;
  /** Flinks' `LastRefresh` of the data, in milliseconds since 1970. */
  refreshedAtMs: number | null;
  settledAtMs: number | null;
  /** A live sign-in that was sent, and until when it keeps others away. */
  signIn: { attempt: string; untilMs: number } | null;
}

/** One try to bring a connection back. */
export interface Attempt {
  id: string;
  tag: string;
  user: string;
  connection: string;
  /** A worker looks after an `open` or `accepted` one. */
  state: "open" | "superseded" | "accepted" | "finished" | "failed";
  requestId: string | null;
  /** The session its result is of; no two attempts have the same. */
  result: string | null;
  createdAtMs: number;
  expiresAtMs: number;
  /** When a worker looks at it next. */
  dueAtMs: number;
  [more: string]: unknown;
}

/** What a decision is made on. */
export interface Stored {
  connection: Connection;
  /** Those that are open or accepted, those superseded whose time is not over, and the one the query named; newest first. */
  attempts: Attempt[];
  /** The attempt that the query named. */
  subject: string | null;
}

/** What to read. Another user's connection or attempt is as unknown as one that never was. */
export type Query =
  | { by: "connection"; user: string; id: string }
  | { by: "attempt"; user: string; id: string }
  | { by: "id"; id: string }
  | { by: "tag"; tag: string }
  /** The attempt whose `result` this session is, or else the newest whose `requestId` it is. */
  | { by: "session"; requestId: string };

/** What became of a write. */
export type Outcome =
  | "done"
  /** The connection has another version by now, or is gone: nothing was stored. */
  | "conflict"
  /** The user has as many sign-ins under way as the limit allows: nothing was stored. */
  | "over-limit"
  /** Another attempt has this `result`: nothing was stored. */
  | "result-taken";

/** What happened, for the application. */
export interface ReconnectEvent {
  /** The same whenever it is told again. */
  id: string;
  /** Rises with each event of a connection. */
  number: number;
  type: "connection.refreshed" | "connection.needs_attention" | "attempt.failed";
  /** When it happened: ISO 8601. */
  timestamp: string;
  data: {
    user: string;
    connection: string;
    attempt: string | null;
    loginId: string;
    /** The accounts whose data came. */
    accountIds: string[];
    /** How fresh it is, by Flinks' clock: ISO 8601. */
    refreshedAt: string | null;
    /** Why, as a stable word: `nightly_failed`, `bank_refused`, `login_changed` … (the table is in `crates/backend/src/reason.rs`). */
    reason: string | null;
  };
}
