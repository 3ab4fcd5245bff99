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

    test("killed, or frozen, at any point: nothing is lost, nothing twice, one sign-in at a time", { timeout: 120_000 }, async () => {
      let points = 0;
      for (const when of ["before", "after"]) {
        for (let at = 1; ; at += 1) {
          const { isOver, signedIn, told } = await killedAt(open, when, at);
          if (isOver) break;
          points += 1;
          // The answer to a sign-in is lost where its process dies before it is stored: it is repeated once the bank can no longer be at it.
          const answerIsLost = when === "before" && at === 2;
          assert.equal(signedIn.length, answerIsLost ? 2 : 1, `sign-ins, killed ${when} step ${at}`);
          if (answerIsLost) assert.ok(signedIn[1].atMs - signedIn[0].atMs >= BANK_MS - 50, "the second while the first could be under way");
          assert.equal(told, 1, `events that are new, killed ${when} step ${at}`);
        }
      }
      console.log(`| crashes on ${name} | killed before and after each of its steps: ${points} points | 0 lost, 0 twice, one live sign-in at a time |`);
      assert.ok(points >= 10, String(points));
    });
  });
}

/** How long a bank may take: longer than a sign-in takes here on a busy machine, or it is repeated though nobody died. */
const BANK_MS = 2_000;
/** The steps of a store that change something. */
const WRITES = ["commit", "hold", "claimAttempts", "claimEvents", "settle"];

/**
 * A whole reconnect, whose process is frozen for good before or after its step number `at` that changes something; another process goes on. A sign-in whose answer is
 * lost is waited for only as long as a quick bank takes.
 */
async function killedAt(open, when, at) {
  let outcome;
  const pace = { reconcileAfterMs: 50, pollMs: 20, bankMs: BANK_MS, startAnswerMs: 3_000 };
  await withBanks(open, async ({ sandbox, one, other, events }) => {
    let steps = 0;
    let isDead = false;
    let died;
    const death = new Promise((resolve) => (died = resolve));
    const frozen = () => ((isDead = true), died("died"), new Promise(() => {}));
    const mortal = Object.fromEntries(Object.entries(one).map(([name, method]) => [name, async (...given) => {
      if (isDead) return frozen();
      const isPoint = WRITES.includes(name) && (steps += 1) === at;
      if (isPoint && when === "before") return frozen();
      const result = await method(...given);
      return isPoint ? frozen() : result;
    }]));
    const lines = { onEvent: (event) => void events.push(event), pace };
    const first = bankOf(sandbox, mortal, lines);
    const second = bankOf(sandbox, other, { ...lines });
    // What the page has by now: it goes on with it when its request gets no answer.
    const page = { reply: null, hasAnswered: false };
    const journey = async (bank) => {
      page.reply ??= await until("start answers", async () => {
        const answer = await start(bank, "bank");
        // Nobody asks the dead once more.
        if (bank === first && isDead) throw new Error("it died");
        return answer.status === 200 ? answer.body : undefined;
      }, 20);
      if (page.reply.status === "challenge") {
        if (!page.hasAnswered) await answerAll(sandbox, page.reply);
        page.hasAnswered = true;
        await until("it is accepted", async () => (await deliver(bank, resultOf(page.reply))).status === 200);
      }
      await tickUntil(bank, "it is told", () => events.length > 0);
    };
    const ended = await Promise.race([journey(first).then(() => "over"), death]);
    if (ended === "over") {
      outcome = { isOver: true };
      return;
    }
    await releaseAll(other);
    if (events.length === 0) await journey(second);
    await releaseAll(other);
    await second.tick();
    const ids = new Set(events.map(({ id }) => id));
    outcome = { isOver: false, signedIn: await signIns(sandbox), told: ids.size };
  }, { pace });
  return outcome;
}

/** Time goes on until the claims of the dead have run out. */
async function releaseAll(store) {
  const later = Date.now() + 120_000;
  for (const kind of ["claimAttempts", "claimEvents"]) await store[kind]({ nowMs: later, untilMs: 0, holder: "time", most: 100 });
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
    await withBanks(open, async ({ sandbox, bank }) => {
      const { body } = await start(bank, "bank");
      await answerAll(sandbox, body);
      await deliver(bank, resultOf(body));
      await tickUntil(bank, "it is heard", () => heard.length === 3, 15);
      assert.equal(new Set(heard).size, 1);
      await bank.tick();
      assert.equal(heard.length, 3);
    }, { onEvent });
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
      [{ store: undefined }, /^store:/], [{ user: undefined }, /^user:/], [{ pace: { hunter2: 5 } }, /^pace: there is no such option/], [{ pace: { pollMs: "hunter2" } }, /^pace.pollMs: expected a whole number/],
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
