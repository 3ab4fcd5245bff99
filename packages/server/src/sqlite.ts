// A store in a SQLite file: `sqliteStore(db)` with a database of `node:sqlite` (Node 22.5 and later), better-sqlite3 or `bun:sqlite`.
//
// Invariants: a step is one `BEGIN IMMEDIATE` transaction without a pause in it; whatever fails in it is rolled back, also where it is the
// commit that fails.

import { type Row, type Step, type Value, RESULT_INDEX } from "./sql.js";
import * as sql from "./sql.js";
import type { Store } from "./store.js";

/** A database, as far as it is used. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): { all(...values: Value[]): unknown[]; run(...values: Value[]): unknown };
}

/** Turns write-ahead logging and full synchronisation on: what has been accepted is on the disk. */
export function sqliteStore(db: SqliteDatabase): Store {
  function perform<T>(step: Step<T>, begin = "BEGIN IMMEDIATE"): T {
    db.exec(begin);
    try {
      let next = step.next();
      while (!next.done) {
        const { sql, values, gives } = next.value;
        const ordered: Value[] = [];
        const text = sql.replace(/\$(\d+)/g, (_, number: string) => {
          ordered.push(values[Number(number) - 1] ?? null);
          return "?";
        });
        const statement = db.prepare(text);
        if (gives === "rows") next = step.next(statement.all(...ordered) as Row[]);
        else {
          statement.run(...ordered);
          next = step.next([]);
        }
      }
      db.exec("COMMIT");
      return next.value;
    } catch (error) {
      try {
        db.exec("ROLLBACK");
      } catch {
        // The database has rolled back by itself.
      }
      throw error;
    }
  }

  /** Looking takes no write lock, so it waits for nobody. */
  const look = <T>(step: Step<T>): T => perform(step, "BEGIN");

  return {
    prepare() {
      db.exec("PRAGMA busy_timeout = 5000");
      db.exec("PRAGMA journal_mode = WAL");
      db.exec("PRAGMA synchronous = FULL");
      perform(sql.prepare("sqlite"));
    },
    add: (connection) => perform(sql.add(connection)),
    remove: (user, id) => perform(sql.remove(user, id)),
    list: (user) => look(sql.list(user)),
    ofLogins: (logins) => look(sql.ofLogins(logins)),
    data: (user, id, sinceMs) => look(sql.data(user, id, sinceMs)),
    read: (query, nowMs) => look(sql.read(query, nowMs)),
    version: (connection) => look(sql.version(connection)),
    commit(write) {
      try {
        return perform(sql.commit(write, "sqlite"));
      } catch (error) {
        if (isResultTaken(error)) return "result-taken";
        throw error;
      }
    },
    claimAttempts: (claim) => perform(sql.claimAttempts(claim, "sqlite")),
    hold: (attempt, holder, untilMs) => perform(sql.hold(attempt, holder, untilMs)),
    claimEvents: (claim) => perform(sql.claimEvents(claim, "sqlite")),
    settle: (event, holder, told) => perform(sql.settle(event, holder, told)),
    parked: () => look(sql.parked()),
    unpark: (event, nowMs) => perform(sql.unpark(event, nowMs)),
    takeTurn: (name, nowMs, untilMs) => perform(sql.takeTurn(name, nowMs, untilMs)),
    nextDueMs: () => look(sql.nextDueMs()),
    forget: (attemptsMs, dataMs) => perform(sql.forget(attemptsMs, dataMs)),
  };
}

/** SQLite names the column of a unique index, other builds the index. */
const isResultTaken = (error: unknown): boolean =>
  error instanceof Error && /UNIQUE constraint failed/.test(error.message) && (error.message.includes("attempts.result") || error.message.includes(RESULT_INDEX));
