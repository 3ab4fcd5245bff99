// Our own stores by the suite that we publish, each with two instances on one database; and that the suite finds a store that breaks its word.
//
// POSTGRES is the address of a server whose user may create schemas.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryStore } from "flinks-reconnect-server/memory";
import { postgresStore } from "flinks-reconnect-server/postgres";
import { storeTests } from "flinks-reconnect-server/store-tests";
import { postgresDatabase, sqliteDatabases } from "./databases.mjs";

describe("in memory", () => {
  storeTests(test, () => {
    const store = memoryStore();
    return { one: store, other: store };
  }, { sharesDatabase: false });
});

for (const { name, skip, open } of sqliteDatabases) describe(name, { skip }, () => storeTests(test, open));

describe("Postgres", { skip: !process.env.POSTGRES && "POSTGRES is not set" }, () => {
  storeTests(test, postgresDatabase);

  test("what is read is of one moment, though another process commits in the middle", async () => {
    const { one, close, pools } = await postgresDatabase();
    const connection = { id: "bank", user: "alice", version: 0, loginId: "login-12345", selection: [], signIn: null };
    await one.prepare();
    await one.add(connection);
    const attempt = { id: "attempt-1", tag: "tag-1", user: "alice", connection: "bank", state: "open", requestId: null, result: null, createdAtMs: 0, expiresAtMs: 9_000, dueAtMs: 0 };
    const commit = () => one.commit({ connection: { ...connection, version: 1 }, expectedVersion: 0, added: [attempt], put: [], data: null, events: [], nowMs: 0, limit: null, holder: null });
    const interrupted = postgresStore({
      async connect() {
        const client = await pools[1].connect();
        return {
          release: (error) => client.release(error),
          async query(text, values) {
            if (/^SELECT record FROM flinks_reconnect_attempts/.test(text)) assert.equal(await commit(), "done");
            return client.query(text, values);
          },
        };
      },
    });
    const read = await interrupted.read({ by: "connection", user: "alice", id: "bank" }, 0);
    assert.deepEqual([read.connection.version, read.attempts], [0, []]);
    await close();
  });
});

/** A store that is ours but for one method. */
const broken = {
  "the version is not compared": (store) => ({ ...store, commit: (write) => store.commit({ ...write, expectedVersion: store.version(write.connection.id) ?? 0 }) }),
  "a claim is everybody's": (store) => ({ ...store, hold: (attempt, _, untilMs) => (store.hold(attempt, "holder-1", untilMs), true) }),
  "a limit is nobody's": (store) => ({ ...store, commit: (write) => store.commit({ ...write, limit: null }) }),
  "events are lost": (store) => ({ ...store, commit: (write) => store.commit({ ...write, events: [] }) }),
  "another user's connection is read": (store) => ({ ...store, read: (query, nowMs) => store.read(query.by === "connection" ? { ...query, user: "alice" } : query, nowMs) }),
};

for (const [what, breakIt] of Object.entries(broken)) {
  test(`the suite finds out that ${what}`, async () => {
    let failed = 0;
    const bodies = [];
    storeTests((_, body) => bodies.push(body), () => {
      const store = breakIt(memoryStore());
      return { one: store, other: store };
    }, { sharesDatabase: false });
    for (const body of bodies) await body().catch(() => (failed += 1));
    assert.ok(failed > 0 && failed < bodies.length, `${failed} of ${bodies.length} tests failed`);
  });
}
