// A reconnect from start to data, and what goes wrong on the way: on each store, through the driver.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createReconnect, InvalidOptions } from "flinks-reconnect-server";
import { memoryStore } from "flinks-reconnect-server/memory";
import { postgresDatabase, sqliteDatabases } from "./databases.mjs";
import { accessOf, answerAll, bankOf, deliver, LOGIN, resultOf, signIns, start, tickUntil, until, withSandbox } from "./world.mjs";

const inMemory = () => {
  const store = memoryStore();
  return { one: store, other: store, close() {} };
};
const databases = [
  { name: "in memory", skip: false, open: inMemory },
  ...sqliteDatabases,
  { name: "Postgres", skip: !process.env.POSTGRES && "POSTGRES is not set", open: postgresDatabase },
];
const sqlite = sqliteDatabases.find(({ skip }) => !skip);

/** A sandbox, two instances on one database, and a connection. */
async function withBanks(open, work, more = {}) {
  await withSandbox(async (sandbox) => {
    const { one, other, close } = await open();
    try {
      const events = [];
      const options = { onEvent: (event) => void events.push(event), ...more };
      const banks = [bankOf(sandbox, one, options), bankOf(sandbox, other, options)];
      await banks[0].addConnection({ user: "alice", id: "bank", loginId: LOGIN });
      await work({ sandbox, one, other, banks, bank: banks[0], events });
    } finally {
      await close();
    }
  });
}

for (const { name, skip, open } of databases) {
  describe(name, { skip }, () => {
    test("a reconnect, from start to data and its event", async () => {
      await withBanks(open, async ({ sandbox, bank, events }) => {
        const reply = await start(bank, "bank");
        assert.deepEqual([reply.status, reply.body.status, reply.body.mode, reply.body.connectUrl], [200, "challenge", "refresh", sandbox.connectUrl]);
        assert.equal((await deliver(bank, resultOf(reply.body))).body.code, "NOT_FINISHED");
        await answerAll(sandbox, reply.body);
        for (const time of ["first", "second"]) assert.deepEqual((await deliver(bank, resultOf(reply.body))).body, { status: "accepted" }, time);
        await tickUntil(bank, "the data is stored", () => events.length > 0);
        assert.equal(events.length, 1);
        assert.equal(events[0].type, "connection.refreshed");
        assert.equal(events[0].data.loginId, LOGIN);
        const data = await bank.data({ user: "alice", id: "bank" });
        assert.deepEqual(data.Accounts.map(({ Id }) => Id).sort(), [...events[0].data.accountIds].sort());
        assert.equal((await bank.connections("alice"))[0].status, "up-to-date");
        assert.equal(await bank.data({ user: "bob", id: "bank" }), null);
      });
    });

    test("five clicks on two processes are one sign-in", async () => {
      await withBanks(open, async ({ sandbox, banks }) => {
        const replies = await Promise.all([0, 1, 2, 3, 4].map((index) => start(banks[index % 2], "bank")));
        assert.equal((await signIns(sandbox)).length, 1);
        const sessions = new Set(replies.map(({ status, body }) => (assert.equal(status, 200, JSON.stringify(body)), body.requestId)));
        assert.equal(sessions.size, 1);
      });
    });

    test("a result that no browser brings is found by itself, once, by two processes", async () => {
      await withBanks(open, async ({ sandbox, banks, events }) => {
        const { body } = await start(banks[0], "bank");
        await answerAll(sandbox, body);
        await until("it is found", async () => (await Promise.all(banks.map((bank) => bank.tick())), events.length > 0));
        await Promise.all(banks.map((bank) => bank.tick()));
        assert.equal(events.length, 1);
      });
    });

    test("the same result twice at once, on two processes, is one", async () => {
      await withBanks(open, async ({ sandbox, banks, events }) => {
        const { body } = await start(banks[0], "bank");
        await answerAll(sandbox, body);
        const replies = await Promise.all([0, 1, 2, 3].map((index) => deliver(banks[index % 2], resultOf(body))));
        assert.deepEqual(replies.map(({ status }) => status), [200, 200, 200, 200]);
        await tickUntil(banks[1], "the data is stored", () => events.length > 0);
        await Promise.all(banks.map((bank) => bank.tick()));
        assert.equal(events.length, 1);
        const other = await deliver(banks[0], resultOf(body, { institution: "Elsewhere" }));
        assert.deepEqual([other.status, other.body.code], [422, "ATTEMPT_USED"]);
      });
    });
  });
}

describe("with one store", () => {
  const { open } = sqlite ?? { open: inMemory };

  test("events come in order, again with the same id while they are refused, and after the process has died", async () => {
    const heard = [];
    let refusals = 2;
    const onEvent = (event) => {
      heard.push(event.id);
      if (refusals-- > 0) throw new Error("not now");
    };
    await withBanks(open, async ({ sandbox, one }) => {
      let aheadMs = 0;
      const bank = bankOf(sandbox, { ...one, nowMs: () => Date.now() + aheadMs }, { onEvent });
      const { body } = await start(bank, "bank");
      await answerAll(sandbox, body);
      await deliver(bank, resultOf(body));
      for (const pauseMs of [1_000, 5_000]) {
        await tickUntil(bank, "it is refused", () => heard.length === (pauseMs === 1_000 ? 1 : 2));
        aheadMs += pauseMs - 500;
        const before = heard.length;
        await bank.tick();
        assert.equal(heard.length, before, "before its pause is over");
        aheadMs += 500;
      }
      await tickUntil(bank, "it is heard", () => heard.length === 3);
      assert.equal(new Set(heard).size, 1);
      await bank.tick();
      assert.equal(heard.length, 3);
    });
  });

  test("a store that fails in the middle is a 503, and nothing is lost", async () => {
    await withBanks(open, async ({ sandbox, one, events }) => {
      let fails = 0;
      const flaky = Object.fromEntries(Object.entries(one).map(([name, method]) => [name, (...given) => {
        if (fails > 0 && name !== "prepare") {
          fails -= 1;
          throw Object.assign(new Error(`the disk with ${LOGIN} is full`), { code: "SQLITE_FULL" });
        }
        return method(...given);
      }]));
      const lines = [];
      const bank = bankOf(sandbox, flaky, { onEvent: (event) => void events.push(event), log: (...line) => lines.push(JSON.stringify(line)) });
      fails = 1;
      const refused = await start(bank, "bank");
      assert.deepEqual([refused.status, refused.body.code, refused.headers.get("retry-after")], [503, "STORAGE_UNAVAILABLE", "2"]);
      const { body } = await start(bank, "bank");
      await answerAll(sandbox, body);
      fails = 1;
      assert.equal((await deliver(bank, resultOf(body))).status, 503);
      assert.equal((await deliver(bank, resultOf(body))).status, 200);
      fails = 1;
      assert.deepEqual(await bank.tick(), { nextInMs: 5_000 });
      await tickUntil(bank, "it is told", () => events.length > 0);
      assert.ok(lines.some((line) => line.includes("SQLITE_FULL")) && !lines.some((line) => line.includes(LOGIN)), "what is logged of it");
    });
  });

  test("the login that Flinks names decides, and another one changes nothing", async () => {
    await withBanks(open, async ({ sandbox, bank }) => {
      const { body } = await start(bank, "bank");
      await answerAll(sandbox, body);
      const forged = await deliver(bank, resultOf(body, { loginId: "0d5a3c10-0001-4000-8000-000000000001" }));
      assert.deepEqual([forged.status, forged.body.code], [409, "LOGIN_MISMATCH"]);
      assert.equal((await deliver(bank, resultOf(body), { user: "bob" })).status, 404);
      assert.equal((await deliver(bank, resultOf(body))).status, 200);
    });
  });

  test("nothing of Flinks' and no secret is in a log or in a refusal", async () => {
    const lines = [];
    await withBanks(open, async ({ sandbox, bank, events }) => {
      await sandbox.faults({ apiFailure: { calls: 2, httpStatus: 500, flinksCode: "AGGREGATION_ERROR" } });
      const refusals = [JSON.stringify((await start(bank, "bank")).body)];
      await sandbox.faults({});
      const { body } = await start(bank, "bank");
      refusals.push(JSON.stringify((await deliver(bank, resultOf(body))).body));
      await answerAll(sandbox, body);
      await deliver(bank, resultOf(body));
      await tickUntil(bank, "it is told", () => events.length > 0);
      const said = [...lines, ...refusals].join("\n");
      assert.ok(lines.length > 2, said);
      const data = await bank.data({ user: "alice", id: "bank" });
      const secrets = [sandbox.secretKey, sandbox.apiKey, sandbox.customerId, LOGIN, body.requestId, body.authorizeToken, body.tag, body.attemptId, data.Accounts[0].Id, data.Accounts[0].Title];
      for (const secret of secrets) assert.ok(secret && !said.includes(secret), said);
    }, { log: (...line) => lines.push(JSON.stringify(line)) });
  });
});

test("options are refused by name, without their values", async () => {
  await withSandbox(async (sandbox) => {
    const good = { flinks: accessOf(sandbox), store: memoryStore(), user: () => "alice" };
    const wrong = [
      [{ flinks: undefined }, /^flinks:/], [{ flinks: accessOf(sandbox, { secretKey: "" }) }, /^flinks.secretKey:/], [{ flinks: accessOf(sandbox, { apiUrl: "http://hunter2.example" }) }, /^flinks.apiUrl: expected https/],
      [{ flinks: accessOf(sandbox, { connectUrl: "https://a.example/?hunter2" }) }, /^flinks.connectUrl: expected no query/], [{ flinks: accessOf(sandbox, { instance: "Hunter2." }) }, /^flinks.instance:/],
      [{ store: undefined }, /^store:/], [{ user: undefined }, /^user:/], [{ pace: { hunter2: 5 } }, /^pace: there is no such option; there are (?!.*fetch)/], [{ pace: { fetch: 5 } }, /^pace: there is no such option/], [{ pace: { pollMs: "hunter2" } }, /^pace.pollMs: expected a whole number/],
      [{ origins: ["https://app.example/hunter2"] }, /^origins:/],
    ];
    for (const [more, line] of wrong) {
      assert.throws(() => createReconnect({ ...good, ...more }), (error) => {
        assert.ok(error instanceof InvalidOptions && line.test(error.message) && !/hunter2/i.test(error.message), error.message);
        return true;
      });
    }
    createReconnect(good);
  });
});
