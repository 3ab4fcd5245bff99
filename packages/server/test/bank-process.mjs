// A bank in a process of its own, for tests that kill or stop processes. It does what its parent says, and writes each event into a file before it
// has heard it.
//
// BANK says, as JSON: `sqlite` or `postgres` (where the database is), `flinks`, `pace`, `events` and `clock` (files: what was heard, and how far the
// store's clock is ahead), `machineMs` (how wrong this machine's clock is), and `end`: at which statement that changes the database this process ends or
// stops itself, by which signal.

import { appendFileSync, readFileSync } from "node:fs";
import { createReconnect } from "flinks-reconnect-server";

const { sqlite, postgres, flinks, pace, events, clock, machineMs = 0, end } = JSON.parse(process.env.BANK);
const machine = Date.now;
Date.now = () => machine() + machineMs;
const points = [];

/** A point where a process may die: before a statement that changes something, before the end of such a transaction, after it. */
function point(name) {
  points.push(name);
  if (points.length === end?.at) process.kill(process.pid, end.signal);
}

/** Names the points of one connection to the database; `perform` carries the statement out. */
function watched() {
  let hasWritten = false;
  return (sql, perform) => {
    const verb = /^\w+/.exec(sql)?.[0];
    if (verb === "BEGIN") hasWritten = false;
    const writes = ["INSERT", "UPDATE", "DELETE"].includes(verb);
    hasWritten ||= writes;
    const ends = verb === "COMMIT" && hasWritten;
    if (writes || ends) point(`before ${verb}`);
    const result = perform();
    if (!ends) return result;
    const after = (value) => (point("after COMMIT"), value);
    return result instanceof Promise ? result.then(after) : after(result);
  };
}

async function openStore() {
  if (sqlite) {
    const { DatabaseSync } = await import("node:sqlite");
    const { sqliteStore } = await import("flinks-reconnect-server/sqlite");
    const db = new DatabaseSync(sqlite);
    const statement = watched();
    return sqliteStore({
      exec: (sql) => statement(sql, () => db.exec(sql)),
      prepare(sql) {
        const prepared = db.prepare(sql);
        return { all: (...values) => statement(sql, () => prepared.all(...values)), run: (...values) => statement(sql, () => prepared.run(...values)) };
      },
    });
  }
  const { default: pg } = await import("pg");
  const { postgresStore } = await import("flinks-reconnect-server/postgres");
  const pool = new pg.Pool({ connectionString: postgres, max: 4 });
  pool.on("error", () => {});
  return postgresStore({
    async connect() {
      const client = await pool.connect();
      const statement = watched();
      return { on: client.on.bind(client), off: client.off.bind(client), release: (error) => client.release(error), query: (sql, values) => statement(sql, () => client.query(sql, values)) };
    },
  });
}

const opened = await openStore();
const store = clock === undefined ? opened : { ...opened, nowMs: async () => (await opened.nowMs?.() ?? Date.now()) + Number(readFileSync(clock, "utf8")) };

const bank = createReconnect({
  flinks,
  pace,
  store,
  user: (request) => request.headers.get("x-user"),
  onEvent: (event) => appendFileSync(events, `${JSON.stringify(event)}\n`),
});

const can = {
  async fetch({ path, headers, body }) {
    const response = await bank.fetch(new Request(`http://bank.example${path}`, { method: "POST", headers, body }));
    return { status: response.status, body: await response.text() };
  },
  tick: () => bank.tick(),
  points: async () => points,
};

process.on("message", async ({ id, what, given }) => process.send({ id, value: await can[what](given) }));
process.on("disconnect", () => process.exit());
process.send({ id: "ready" });
