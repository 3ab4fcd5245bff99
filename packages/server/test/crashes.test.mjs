// Processes that die or stand still in the middle of a reconnect, on a file and on Postgres; another process goes on.
//
// Each point is played by itself: at statement or call number `at` of a whole reconnect, on a database and a Flinks of its own. A first reconnect that
// nobody disturbs tells how many points there are; of these a few are played every day, and all with WHOLE=1. Leases and marks run out because the store's clock leaps, in all processes at once.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { postgresDatabase, sqliteDatabases } from "./databases.mjs";
import { Died, inTurns, launch, relay } from "./processes.mjs";
import { accessOf, answerAll, bankOf, deliver, LOGIN, resultOf, signIns, start, tickUntil, until, withSandbox } from "./world.mjs";

const sqlite = sqliteDatabases.find(({ name }) => name === "node:sqlite");
const databases = [
  { ...sqlite, name: "a SQLite file" },
  { name: "Postgres", skip: !process.env.POSTGRES && "POSTGRES is not set", open: postgresDatabase },
];

/** How long a bank may take for a sign-in: the default. */
const BANK_MS = 210_000;
/** Longer than a claim lasts and a sign-in keeps others away, shorter than a session waits for its user. */
const LEAP_MS = 300_000;
const pace = { reconcileAfterMs: 50, pollMs: 20, startAnswerMs: 3_000 };
const AT_ONCE = 3;
const isWhole = process.env.WHOLE === "1";
/** The points to play: some of each kind, from the first one on. */
const chosen = (points, few) => (isWhole ? points : points.filter((_, index) => index % Math.ceil(points.length / few) === 0));

/** A database, a Flinks with a relay before it, a connection that has an event to tell, and a bank in this process. */
async function withStage(open, onCall, work) {
  return withSandbox(async (sandbox) => {
    const { one, close, address } = await open();
    const folder = mkdtempSync(join(tmpdir(), "flinks-crash-"));
    const [events, clock] = ["events", "clock"].map((name) => join(folder, name));
    writeFileSync(events, "");
    writeFileSync(clock, "0");
    const store = { ...one, nowMs: async () => (await one.nowMs?.() ?? Date.now()) + Number(readFileSync(clock, "utf8")) };
    const leap = async (ms = LEAP_MS) => {
      writeFileSync(clock, String(Number(readFileSync(clock, "utf8")) + ms));
      await sandbox.advance(ms);
    };
    const processes = [];
    const gate = await relay(sandbox.apiUrl, (_, forward, number) => onCall(number, forward, () => processes[0]));
    try {
      const told = () => readFileSync(events, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
      const bank = bankOf(sandbox, store, { pace, onEvent: (event) => writeFileSync(events, `${JSON.stringify(event)}\n`, { flag: "a" }) });
      await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN });
      // Nightly Refresh is asked about at any time, and would make the points differ.
      await store.takeTurn("nightly", 0, Number.MAX_SAFE_INTEGER);
      const { connection } = await store.read({ by: "connection", user: "alice", id: "bank" }, 0);
      const earlier = { id: "earlier", number: 1, type: "attempt.failed", timestamp: new Date(0).toISOString(), data: { user: "alice", connection: "bank", attempt: null, loginId: LOGIN, accountIds: [], refreshedAt: null, reason: "DATA_TIMEOUT" } };
      await store.commit({ connection: { ...connection, version: 1 }, expectedVersion: 0, added: [], put: [], data: null, events: [earlier], nowMs: 0, limit: null, holder: null });
      const begin = async (end, own = pace) => {
        processes.push(await launch({ ...address, flinks: { ...accessOf(sandbox), apiUrl: gate.url }, pace: own, events, clock, end }));
        return processes.at(-1);
      };
      return await work({ sandbox, store, bank, told, begin, gate, leap });
    } finally {
      gate.close();
      await Promise.all(processes.map((one) => one.end()));
      await close();
      rmSync(folder, { recursive: true });
    }
  });
}

/** What the page has by now: it goes on with it when its request gets no answer. */
async function reconnect({ sandbox, told }, bank, page, events) {
  page.reply ??= await until("start answers", async () => {
    const answer = await start(bank, "bank");
    return answer.status === 200 ? answer.body : undefined;
  }, 60);
  if (page.reply.status === "challenge") {
    if (!page.hasAnswered) await answerAll(sandbox, page.reply);
    page.hasAnswered = true;
    await until("it is accepted", async () => (await deliver(bank, resultOf(page.reply))).status === 200, 60);
  }
  await tickUntil(bank, "it is told", () => distinct(told()).length >= events, 60);
}

const distinct = (events) => [...new Map(events.map((event) => [event.id, event])).values()];

/** Nothing is lost, nothing twice, whatever happened; `reconnects` is how many were begun by a user. */
async function audit({ sandbox, store, bank, told, leap }, what, reconnects = 1) {
  await leap();
  await bank.tick();
  const all = told();
  const events = distinct(all);
  assert.deepEqual(events.map(({ type }) => type), ["attempt.failed", ...Array(reconnects).fill("connection.refreshed")], `${what}: events`);
  const first = all.filter(({ id }, index) => all.findIndex((event) => event.id === id) === index);
  assert.ok(first.every(({ number }, index) => index === 0 || first[index - 1].number < number), `${what}: their order`);
  const { connection, attempts } = await store.read({ by: "connection", user: "alice", id: "bank" }, await store.nowMs());
  assert.deepEqual(attempts.filter(({ state }) => state === "open" || state === "accepted"), [], `${what}: attempts that nobody ends`);
  assert.deepEqual([connection.status, connection.problem, connection.signIn], ["up-to-date", null, null], what);
  assert.equal(new Date(connection.refreshedAtMs).toISOString(), events.at(-1).data.refreshedAt, `${what}: the newest data`);
  assert.equal((await bank.data({ user: "alice", id: "bank" })).Accounts.length, events.at(-1).data.accountIds.length, `${what}: the data`);
  const signedIn = await signIns(sandbox);
  const early = signedIn.filter(({ atMs }, index) => index > 0 && atMs - signedIn[index - 1].atMs < BANK_MS);
  return { signedIn: signedIn.length, early: early.length, repeated: all.length - events.length };
}

/** How many points a reconnect has in a process that nobody disturbs. */
async function pointsOf(open) {
  return withStage(open, (_, forward) => forward(), async (stage) => {
    const bank = await stage.begin();
    await reconnect(stage, bank, {}, 2);
    return { statements: await bank.points(), calls: stage.gate.count() };
  });
}

/** Plays a reconnect whose process dies at this point; `null` where it comes to its end before. */
async function killedAt(open, { statement = 0, call = 0, when }) {
  const kill = async (number, forward, victim) => {
    if (number !== call) return forward();
    if (when === "before") victim().kill();
    const answer = await forward();
    victim().kill();
    await victim().died;
    return answer;
  };
  return withStage(open, kill, async (stage) => {
    const page = {};
    const victim = await stage.begin(statement ? { at: statement, signal: "SIGKILL" } : undefined);
    const died = await reconnect(stage, victim, page, 2).then(() => false, (error) => {
      if (error instanceof Died) return true;
      throw error;
    });
    if (!died) return null;
    assert.equal(await victim.died, "SIGKILL");
    await stage.leap();
    if (distinct(stage.told()).length < 2) await reconnect(stage, stage.bank, page, 2);
    return audit(stage, `killed ${when ?? ""} ${statement ? `at statement ${statement}` : `call ${call}`}`);
  });
}

/** Stops a process (SIGSTOP) at this call, and lets it go on when another one has done its reconnect and a newer one. */
async function frozenAt(open, { call, statement, answer }) {
  let stand;
  const frozen = new Promise((resolve) => (stand = resolve));
  const freeze = async (number, forward, victim) => {
    if (number !== call) return forward();
    victim().kill("SIGSTOP");
    await victim().stopped();
    const given = await forward();
    stand();
    return answer === "comes" ? given : null;
  };
  // Whatever it was doing is answered only when it is over.
  return withStage(open, freeze, async (stage) => {
    const { sandbox, bank, told, leap } = stage;
    const what = `stopped ${call ? `in call ${call}, whose answer ${answer}` : `at statement ${statement}`}`;
    const victim = await stage.begin(statement && { at: statement, signal: "SIGSTOP" }, { ...pace, startAnswerMs: 60_000 });
    if (statement) void victim.stopped(60).then(stand, () => {});
    let isFrozen = false;
    // The page has given up what it asked of it.
    const once = (name) => async (given) => {
      const value = await victim[name](given);
      if (isFrozen) throw new Died("it stood still");
      return value;
    };
    const page = {};
    const going = reconnect(stage, { fetch: once("fetch"), tick: once("tick") }, page, 2).then(() => "over", () => "stood still");
    if ((await Promise.race([frozen, going])) === "over") return null;
    isFrozen = true;
    await leap();
    if (distinct(told()).length < 2) await reconnect(stage, bank, page, 2);
    await leap();
    await reconnect(stage, bank, {}, 3);
    const state = async () => [distinct(told()).length, (await signIns(sandbox)).length, await bank.data({ user: "alice", id: "bank" }), await bank.connections("alice")];
    const before = await state();
    victim.kill("SIGCONT");
    assert.equal(await going, "stood still", what);
    await victim.tick().catch(() => {});
    assert.deepEqual(await state(), before, `${what}: what it did when it went on`);
    return audit(stage, what, 2);
  });
}

for (const { name, skip, open } of databases) {
  describe(name, { skip }, () => {
    test("a process killed at any statement and at any call: another one goes on, nothing is lost, nothing twice", { timeout: 600_000 }, async () => {
      const { statements, calls } = await pointsOf(open);
      const points = [
        ...chosen(statements.map((_, index) => ({ statement: index + 1 })), 4),
        ...chosen(Array.from({ length: calls }, (_, index) => ["before", "after"].map((when) => ({ call: index + 1, when }))).flat(), 2),
      ];
      const ends = [];
      await inTurns(points, AT_ONCE, async (point) => {
        const end = await killedAt(open, point);
        if (end) ends.push(end);
      });
      const sum = (what) => ends.reduce((total, end) => total + end[what], 0);
      assert.ok(ends.length >= points.length * 0.9, `${ends.length} of ${points.length} points were reached`);
      assert.equal(sum("early"), 0, "a sign-in while another one could be under way");
      console.log(`| crash on ${name}: SIGKILL at ${isWhole ? "each" : "some"} of ${statements.length} statements that change something and before and after each of ${calls} calls | ${ends.length} killed, ${sum("signedIn")} sign-ins, ${sum("repeated")} events told again | 0 lost | 0 twice |`);
    });

    test("a process stopped in any call and continued when others have gone on: it overwrites nothing and repeats nothing", { timeout: 600_000 }, async () => {
      const { calls } = await pointsOf(open);
      // The second one is what a sign-in is decided on, the third one buys its token.
      const points = (isWhole ? Array.from({ length: calls }, (_, index) => index + 1) : [2, 3]).flatMap((call) => ["comes", "is broken off"].map((answer) => ({ call, answer })));
      const ends = [];
      await inTurns(points, AT_ONCE, async (point) => ends.push(await frozenAt(open, point)));
      assert.equal(ends.filter(Boolean).length, points.length, "points that were reached");
      assert.equal(ends.reduce((total, { early }) => total + early, 0), 0, "a sign-in while another one could be under way");
      console.log(`| frozen on ${name}: SIGSTOP in ${isWhole ? "each" : "two"} of ${calls} calls, SIGCONT when another process has done this reconnect and a newer one | ${ends.length} frozen | 0 lost | 0 twice | nothing newer overwritten |`);
    });

    // A SQLite file is locked as a whole for as long as its process stands still.
    const isFile = name !== "Postgres";
    test("a process stopped in the middle of a transaction keeps others waiting for seconds, not until it goes on", { skip: isFile ? "Postgres only" : !isWhole && "only with WHOLE=1", timeout: 600_000 }, async () => {
      const { statements } = await pointsOf(open);
      const points = statements.map((point, index) => ({ statement: index + 1, point })).filter(({ point }) => point === "before COMMIT");
      const ends = [];
      await inTurns(points, points.length, async ({ statement }) => ends.push(await frozenAt(open, { statement })));
      assert.equal(ends.filter(Boolean).length, points.length, "points that were reached");
      assert.equal(ends.reduce((total, { early }) => total + early, 0), 0, "a sign-in while another one could be under way");
      console.log(`| frozen on ${name}: SIGSTOP before each of ${points.length} COMMITs | ${ends.length} frozen | 0 lost | 0 twice | nothing newer overwritten |`);
    });

    test("five clicks over two processes at once are one sign-in, also where the one that signs in is killed", { timeout: 60_000 }, async () => {
      for (const isKilled of [false, true]) {
        let asked;
        const isAsked = new Promise((resolve) => (asked = resolve));
        let goOn;
        const held = new Promise((resolve) => (goOn = resolve));
        // Call 4 is the sign-in: token, what Flinks has, token, sign-in.
        const hold = async (number, forward) => {
          const answer = await forward();
          if (number === 4) (asked(), await held);
          return answer;
        };
        await withStage(open, hold, async (stage) => {
          const banks = [await stage.begin(), await stage.begin()];
          const first = start(banks[0], "bank");
          first.catch(() => {});
          await isAsked;
          const others = [1, 2, 3, 4].map((click) => start(banks[click % 2], "bank"));
          if (isKilled) {
            banks[0].kill();
            await banks[0].died;
            await stage.leap();
          } else goOn();
          const replies = await Promise.allSettled([first, ...others]);
          goOn();
          const answered = replies.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
          const page = { reply: null };
          if (!isKilled) {
            assert.deepEqual(answered.map(({ status }) => status), [200, 200, 200, 200, 200]);
            assert.equal(new Set(answered.map(({ body }) => body.attemptId)).size, 1);
            assert.equal((await signIns(stage.sandbox)).length, 1);
            page.reply = answered[0].body;
          }
          await reconnect(stage, banks[1], page, 2);
          const { signedIn, early } = await audit(stage, "five clicks");
          assert.deepEqual([signedIn, early], [isKilled ? 2 : 1, 0]);
          const how = isKilled ? "the one that signs in is killed: 1 live sign-in in the bank's time, 1 after it" : "1 attempt, 1 live sign-in";
          console.log(`| five clicks over two processes on ${name} | ${how} | 0 lost | 0 twice |`);
        });
      }
    });
  });
}
