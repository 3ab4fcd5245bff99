// A store in Postgres: `postgresStore(pool)` with a pool of `pg`.
//
// Invariants: a step is one transaction of one client of the pool; a client whose transaction could not be ended is not given back; a process that
// stands still in the middle of a transaction keeps its locks for seconds only; the time is the database's, whatever a machine's clock says.

import { type Row, type Step, type Value, RESULT_INDEX } from "./sql.js";
import * as sql from "./sql.js";
import type { Store } from "./store.js";

/** A pool, as far as it is used. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

export interface PostgresClient {
  query(text: string, values?: Value[]): Promise<{ rows: unknown[] }>;
  release(error?: Error | boolean): void;
  on?(event: "error", listener: (error: Error) => void): unknown;
  off?(event: "error", listener: (error: Error) => void): unknown;
}

/** After so long without a word in the middle of a transaction, the database ends it. */
const STANDSTILL_MS = 5_000;
const limited = `SET LOCAL idle_in_transaction_session_timeout = ${STANDSTILL_MS}`;

export function postgresStore(pool: PostgresPool): Store {
  async function withClient<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    let broken: Error | undefined;
    // A connection that breaks between two statements; without a listener Node ends the process.
    const breaks = (error: Error): void => void (broken = error);
    client.on?.("error", breaks);
    try {
      return await work(client);
    } catch (error) {
      await client.query("ROLLBACK").catch((also: unknown) => (broken ??= also instanceof Error ? also : new Error("ROLLBACK failed")));
      throw error;
    } finally {
      client.off?.("error", breaks);
      client.release(broken);
    }
  }

  const perform = <T>(step: Step<T>, begin = "BEGIN"): Promise<T> =>
    withClient(async (client) => {
      await client.query(`${begin}; ${limited}`);
      let next = step.next();
      while (!next.done) {
        const { rows } = await client.query(next.value.sql, next.value.values);
        next = step.next(rows as Row[]);
      }
      await client.query("COMMIT");
      return next.value;
    });

  return {
    prepare: () => perform(sql.prepare("postgres")),
    async nowMs() {
      const { rows } = await withClient((client) => client.query("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now"));
      return Number((rows[0] as Row)["now"]);
    },
    add: (connection) => perform(sql.add(connection)),
    remove: (user, id) => perform(sql.remove(user, id)),
    list: (user) => perform(sql.list(user)),
    ofLogins: (logins) => perform(sql.ofLogins(logins)),
    data: (user, id, sinceMs) => perform(sql.data(user, id, sinceMs)),
    // All statements see the same moment.
    read: (query, nowMs) => perform(sql.read(query, nowMs), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    version: (connection) => perform(sql.version(connection)),
    async commit(write) {
      try {
        return await perform(sql.commit(write, "postgres"));
      } catch (error) {
        const { code, constraint } = error as { code?: unknown; constraint?: unknown };
        if (code === "23505" && constraint === RESULT_INDEX) return "result-taken";
        // Serialisation failure or deadlock: somebody else was in the way, and nothing was stored.
        if (code === "40001" || code === "40P01") return "conflict";
        throw error;
      }
    },
    claimAttempts: (claim) => perform(sql.claimAttempts(claim, "postgres")),
    hold: (attempt, holder, untilMs) => perform(sql.hold(attempt, holder, untilMs)),
    claimEvents: (claim) => perform(sql.claimEvents(claim, "postgres")),
    settle: (event, holder, told) => perform(sql.settle(event, holder, told)),
    parked: () => perform(sql.parked()),
    unpark: (event, nowMs) => perform(sql.unpark(event, nowMs)),
    takeTurn: (name, nowMs, untilMs) => perform(sql.takeTurn(name, nowMs, untilMs)),
    nextDueMs: () => perform(sql.nextDueMs()),
    forget: (attemptsMs, dataMs) => perform(sql.forget(attemptsMs, dataMs)),
  };
}
