// A store in Postgres: `postgresStore(pool)` with a pool of `pg`.
//
// Invariants: a step is one transaction of one client of the pool; a client whose transaction could not be ended is not given back.

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
}

export function postgresStore(pool: PostgresPool): Store {
  async function perform<T>(step: Step<T>, begin = "BEGIN"): Promise<T> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(begin);
      let next = step.next();
      while (!next.done) {
        const { rows } = await client.query(next.value.sql, next.value.values);
        next = step.next(rows as Row[]);
      }
      await client.query("COMMIT");
      return next.value;
    } catch (error) {
      await client.query("ROLLBACK").catch((also: unknown) => (broken = also instanceof Error ? also : new Error("ROLLBACK failed")));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  return {
    prepare: () => perform(sql.prepare("postgres")),
    add: (connection) => perform(sql.add(connection)),
    remove: (user, id) => perform(sql.remove(user, id)),
    list: (user) => perform(sql.list(user)),
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
    nextDueMs: () => perform(sql.nextDueMs()),
    forget: (attemptsMs, dataMs) => perform(sql.forget(attemptsMs, dataMs)),
  };
}
