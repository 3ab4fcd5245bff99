// The store in SQL, once for SQLite and Postgres. Each step is a generator of statements; whoever runs it does so inside one transaction: at
// once on SQLite, whose transactions are synchronous, and awaiting each answer on Postgres.
//
// Invariants: a condition that decides is part of the statement that writes; whoever changes a connection and its attempts writes the
// connection first, so no two transactions wait for each other in a circle.

import type { Attempt, Connection, Outcome, Query, ReconnectEvent, Stored } from "./records.js";
import type { Claim, DueEvent, Told, Write } from "./store.js";

export type Dialect = "sqlite" | "postgres";
export type Value = string | number | null;
export type Row = { [column: string]: unknown };

/** A statement with `$1`, `$2` … in it, and whether it gives rows. */
export interface Statement {
  sql: string;
  values: Value[];
  gives: "rows" | "nothing";
}

export type Step<T> = Generator<Statement, T, Row[]>;

const rows = (sql: string, ...values: Value[]): Statement => ({ sql, values, gives: "rows" });
const write = (sql: string, ...values: Value[]): Statement => ({ sql, values, gives: "nothing" });

/** The name by which a database says that a result has been taken. */
export const RESULT_INDEX = "flinks_reconnect_attempts_result";

/** What each version of the tables adds to the one before. A released one is never changed. */
const VERSIONS: string[][] = [
  [
    `CREATE TABLE flinks_reconnect_connections (
       id TEXT PRIMARY KEY, user_id TEXT NOT NULL, login_id TEXT NOT NULL, version BIGINT NOT NULL, sign_in_until BIGINT, record TEXT NOT NULL, data TEXT,
       data_at BIGINT)`,
    "CREATE INDEX flinks_reconnect_connections_user ON flinks_reconnect_connections (user_id)",
    "CREATE INDEX flinks_reconnect_connections_login ON flinks_reconnect_connections (login_id)",
    "CREATE TABLE flinks_reconnect_turns (name TEXT PRIMARY KEY, due_at BIGINT NOT NULL)",
    `CREATE TABLE flinks_reconnect_attempts (
       id TEXT PRIMARY KEY, tag TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, connection_id TEXT NOT NULL, state TEXT NOT NULL, request_id TEXT, result TEXT,
       created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, due_at BIGINT NOT NULL, claimed_by TEXT, claimed_until BIGINT NOT NULL DEFAULT 0,
       record TEXT NOT NULL)`,
    `CREATE UNIQUE INDEX ${RESULT_INDEX} ON flinks_reconnect_attempts (result)`,
    "CREATE INDEX flinks_reconnect_attempts_connection ON flinks_reconnect_attempts (connection_id)",
    "CREATE INDEX flinks_reconnect_attempts_session ON flinks_reconnect_attempts (request_id)",
    "CREATE INDEX flinks_reconnect_attempts_due ON flinks_reconnect_attempts (due_at) WHERE state IN ('open', 'accepted')",
    `CREATE TABLE flinks_reconnect_events (
       id TEXT PRIMARY KEY, connection_id TEXT NOT NULL, number BIGINT NOT NULL, event TEXT NOT NULL, tries BIGINT NOT NULL DEFAULT 0, since BIGINT NOT NULL,
       due_at BIGINT NOT NULL, claimed_by TEXT, claimed_until BIGINT NOT NULL DEFAULT 0, parked BIGINT NOT NULL DEFAULT 0, UNIQUE (connection_id, number))`,
    "CREATE INDEX flinks_reconnect_events_due ON flinks_reconnect_events (due_at) WHERE parked = 0",
  ],
];

export function* prepare(dialect: Dialect): Step<void> {
  // On SQLite the transaction itself keeps other processes out.
  if (dialect === "postgres") yield rows("SELECT pg_advisory_xact_lock(7265636)");
  yield write("CREATE TABLE IF NOT EXISTS flinks_reconnect_schema (version BIGINT NOT NULL)");
  const [row] = yield rows("SELECT MAX(version) AS version FROM flinks_reconnect_schema");
  const present = Number(row?.["version"] ?? 0);
  for (const [index, statements] of VERSIONS.entries()) {
    if (index < present) continue;
    for (const statement of statements) yield write(statement);
    yield write("INSERT INTO flinks_reconnect_schema (version) VALUES ($1)", index + 1);
  }
}

export function* add(connection: Connection): Step<boolean> {
  const added = yield rows(
    "INSERT INTO flinks_reconnect_connections (id, user_id, login_id, version, record) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING id",
    connection.id, connection.user, connection.loginId, connection.version, JSON.stringify(connection),
  );
  return added.length === 1;
}

export function* remove(user: string, id: string): Step<void> {
  const removed = yield rows("DELETE FROM flinks_reconnect_connections WHERE id = $1 AND user_id = $2 RETURNING id", id, user);
  if (removed.length === 0) return;
  yield write("DELETE FROM flinks_reconnect_attempts WHERE connection_id = $1", id);
  yield write("DELETE FROM flinks_reconnect_events WHERE connection_id = $1", id);
}

export function* list(user: string): Step<Connection[]> {
  const found = yield rows("SELECT record FROM flinks_reconnect_connections WHERE user_id = $1 ORDER BY id", user);
  return found.map((row) => record<Connection>(row));
}

export function* ofLogins(logins: string[]): Step<Connection[]> {
  if (logins.length === 0) return [];
  const places = logins.map((_, index) => `$${index + 1}`).join(", ");
  const found = yield rows(`SELECT record FROM flinks_reconnect_connections WHERE login_id IN (${places}) ORDER BY id`, ...logins);
  return found.map((row) => record<Connection>(row));
}

export function* data(user: string, id: string, sinceMs: number): Step<string | null> {
  const [row] = yield rows("SELECT data FROM flinks_reconnect_connections WHERE id = $1 AND user_id = $2 AND data_at >= $3", id, user, sinceMs);
  return (row?.["data"] as string | null | undefined) ?? null;
}

export function* read(query: Query, nowMs: number): Step<Stored | null> {
  const found = yield* find(query);
  if (!found) return null;
  const [row] = yield rows("SELECT record FROM flinks_reconnect_connections WHERE id = $1", found.connection);
  if (!row) return null;
  const attempts = yield rows(
    `SELECT record FROM flinks_reconnect_attempts WHERE connection_id = $1
       AND (state IN ('open', 'accepted') OR (state = 'superseded' AND expires_at > $2) OR id = $3) ORDER BY created_at DESC, id`,
    found.connection, nowMs, found.subject,
  );
  return { connection: record<Connection>(row), attempts: attempts.map((one) => record<Attempt>(one)), subject: found.subject };
}

function* find(query: Query): Step<{ connection: string; subject: string | null } | null> {
  if (query.by === "connection") {
    const [row] = yield rows("SELECT id FROM flinks_reconnect_connections WHERE id = $1 AND user_id = $2", query.id, query.user);
    return row ? { connection: query.id, subject: null } : null;
  }
  const [found] = yield* attempt(query);
  return found ? { connection: String(found["connection_id"]), subject: String(found["id"]) } : null;
}

function* attempt(query: Exclude<Query, { by: "connection" }>): Step<Row[]> {
  const select = "SELECT id, connection_id FROM flinks_reconnect_attempts WHERE";
  switch (query.by) {
    case "attempt":
      return yield rows(`${select} id = $1 AND user_id = $2`, query.id, query.user);
    case "id":
      return yield rows(`${select} id = $1`, query.id);
    case "tag":
      return yield rows(`${select} tag = $1`, query.tag);
    case "session": {
      const accepted = yield rows(`${select} result = $1`, query.requestId);
      if (accepted.length > 0) return accepted;
      return yield rows(`${select} request_id = $1 ORDER BY created_at DESC, id LIMIT 1`, query.requestId);
    }
  }
}

export function* version(connection: string): Step<number | null> {
  const [row] = yield rows("SELECT version FROM flinks_reconnect_connections WHERE id = $1", connection);
  return row ? Number(row["version"]) : null;
}

export function* commit(given: Write, dialect: Dialect): Step<Outcome> {
  const { connection, expectedVersion, added, put, data, events, limit, holder, nowMs } = given;
  if (limit) {
    // Of two starts at once the second one counts the first. SQLite has one writer anyway.
    if (dialect === "postgres") yield rows("SELECT pg_advisory_xact_lock(7265636, hashtext($1))", limit.user);
    const [row] = yield rows(
      "SELECT COUNT(*) AS under_way FROM flinks_reconnect_connections WHERE user_id = $1 AND sign_in_until > $2 AND id <> $3",
      limit.user, limit.nowMs, connection.id,
    );
    if (Number(row?.["under_way"]) >= limit.most) return "over-limit";
  }
  const raised = yield rows(
    "UPDATE flinks_reconnect_connections SET version = $3, sign_in_until = $4, record = $5 WHERE id = $1 AND version = $2 RETURNING id",
    connection.id, expectedVersion, connection.version, connection.signIn?.untilMs ?? null, JSON.stringify(connection),
  );
  if (raised.length !== 1) return "conflict";
  if (data) yield write("UPDATE flinks_reconnect_connections SET data = $2, data_at = $3 WHERE id = $1", connection.id, data.json, data.atMs);
  for (const one of added) {
    yield write(
      `INSERT INTO flinks_reconnect_attempts (id, tag, user_id, connection_id, state, request_id, result, created_at, expires_at, due_at, record)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      one.id, one.tag, one.user, one.connection, one.state, one.requestId, one.result, one.createdAtMs, one.expiresAtMs, one.dueAtMs, JSON.stringify(one),
    );
  }
  for (const one of put) {
    yield write(
      `UPDATE flinks_reconnect_attempts SET
         claimed_by = CASE WHEN state = $2 AND claimed_by <> $7 THEN claimed_by END,
         claimed_until = CASE WHEN state = $2 AND claimed_by <> $7 THEN claimed_until ELSE 0 END,
         state = $2, request_id = $3, result = $4, due_at = $5, record = $6
       WHERE id = $1`,
      one.id, one.state, one.requestId, one.result, one.dueAtMs, JSON.stringify(one), holder ?? "",
    );
  }
  for (const event of events) {
    yield write(
      "INSERT INTO flinks_reconnect_events (id, connection_id, number, event, since, due_at) VALUES ($1, $2, $3, $4, $5, $6)",
      event.id, connection.id, event.number, JSON.stringify(event), nowMs, nowMs,
    );
  }
  return "done";
}

export function* claimAttempts({ nowMs, untilMs, holder, most }: Claim, dialect: Dialect): Step<string[]> {
  const due = yield rows(
    `SELECT id FROM flinks_reconnect_attempts WHERE state IN ('open', 'accepted') AND due_at <= $1 AND claimed_until <= $2 ORDER BY due_at LIMIT $3${skipping(dialect)}`,
    nowMs, nowMs, most,
  );
  for (const { id } of due) yield write("UPDATE flinks_reconnect_attempts SET claimed_by = $2, claimed_until = $3 WHERE id = $1", String(id), holder, untilMs);
  return due.map(({ id }) => String(id));
}

/** Processes take different rows at the same time instead of queueing for the same ones. */
const skipping = (dialect: Dialect): string => (dialect === "postgres" ? " FOR UPDATE SKIP LOCKED" : "");

export function* hold(id: string, holder: string, untilMs: number): Step<boolean> {
  const held = yield rows("UPDATE flinks_reconnect_attempts SET claimed_until = $3 WHERE id = $1 AND claimed_by = $2 RETURNING id", id, holder, untilMs);
  return held.length === 1;
}

export function* claimEvents({ nowMs, untilMs, holder, most }: Claim, dialect: Dialect): Step<DueEvent[]> {
  const due = yield rows(
    `SELECT id, event, tries, since FROM flinks_reconnect_events AS head WHERE parked = 0 AND due_at <= $1 AND claimed_until <= $2 AND NOT EXISTS (
       SELECT 1 FROM flinks_reconnect_events AS earlier
       WHERE earlier.connection_id = head.connection_id AND earlier.parked = 0 AND earlier.number < head.number)
     ORDER BY due_at LIMIT $3${skipping(dialect)}`,
    nowMs, nowMs, most,
  );
  for (const { id } of due) yield write("UPDATE flinks_reconnect_events SET claimed_by = $2, claimed_until = $3 WHERE id = $1", String(id), holder, untilMs);
  return due.map((row) => ({ event: eventOf(row), tries: Number(row["tries"]), sinceMs: Number(row["since"]) }));
}

export function* settle(id: string, holder: string, told: Told): Step<void> {
  const own = "WHERE id = $1 AND claimed_by = $2";
  if (told.is === "heard") yield write(`DELETE FROM flinks_reconnect_events ${own}`, id, holder);
  else if (told.is === "parked") yield write(`UPDATE flinks_reconnect_events SET parked = 1, claimed_by = NULL, claimed_until = 0 ${own}`, id, holder);
  else yield write(`UPDATE flinks_reconnect_events SET tries = tries + 1, due_at = $3, claimed_by = NULL, claimed_until = 0 ${own}`, id, holder, told.dueAtMs);
}

export function* parked(): Step<ReconnectEvent[]> {
  const found = yield rows("SELECT event FROM flinks_reconnect_events WHERE parked = 1 ORDER BY since, number");
  return found.map(eventOf);
}

export function* unpark(id: string, nowMs: number): Step<boolean> {
  const found = yield rows("UPDATE flinks_reconnect_events SET parked = 0, tries = 0, since = $2, due_at = $3 WHERE id = $1 AND parked = 1 RETURNING id", id, nowMs, nowMs);
  return found.length === 1;
}

export function* takeTurn(name: string, nowMs: number, untilMs: number): Step<boolean> {
  const taken = yield rows(
    `INSERT INTO flinks_reconnect_turns (name, due_at) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET due_at = $3 WHERE flinks_reconnect_turns.due_at <= $4 RETURNING name`,
    name, untilMs, untilMs, nowMs,
  );
  return taken.length === 1;
}

export function* nextDueMs(): Step<number | null> {
  // What is claimed comes up when its claim runs out.
  const later = "CASE WHEN claimed_until > due_at THEN claimed_until ELSE due_at END";
  const due = yield rows(
    `SELECT MIN(due) AS due FROM (
       SELECT ${later} AS due FROM flinks_reconnect_attempts WHERE state IN ('open', 'accepted')
       UNION ALL
       SELECT ${later} AS due FROM flinks_reconnect_events AS head WHERE parked = 0 AND NOT EXISTS (
         SELECT 1 FROM flinks_reconnect_events AS earlier
         WHERE earlier.connection_id = head.connection_id AND earlier.parked = 0 AND earlier.number < head.number)) AS all_due`,
  );
  const at = due[0]?.["due"];
  return at === null || at === undefined ? null : Number(at);
}

export function* forget(attemptsMs: number, dataMs: number): Step<void> {
  yield write("DELETE FROM flinks_reconnect_attempts WHERE state NOT IN ('open', 'accepted') AND expires_at < $1", attemptsMs);
  yield write("UPDATE flinks_reconnect_connections SET data = NULL, data_at = NULL WHERE data_at < $1", dataMs);
}

const record = <T>(row: Row): T => JSON.parse(String(row["record"])) as T;
const eventOf = (row: Row): ReconnectEvent => JSON.parse(String(row["event"])) as ReconnectEvent;
