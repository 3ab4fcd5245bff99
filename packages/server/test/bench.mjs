// A bank whose Flinks does what a test says, with four connections that want their user; it looks for work all the time.

import assert from "node:assert/strict";
import { access, Flinks } from "./flinks.mjs";
import { bankOf, deliver, pause, start, until, webhook } from "./world.mjs";

/** The demo's logins, in order. */
export const LOGINS = [1, 2, 3, 4].map((number) => `0d5a3c10-0001-4000-8000-00000000000${number}`);
const CONNECTIONS = { nightly: [LOGINS[0], []], ondemand: [LOGINS[1], []], mfachanged: [LOGINS[2], []], selected: [LOGINS[3], ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"]] };

export class Bench {
  flinks = new Flinks();
  events = [];
  #isOver = false;
  #worker;

  /** `open` opens a database twice; `pace` is what a test wants otherwise. */
  static async with(open, { looks = true, ...pace }, work) {
    const { one, other, close } = await open();
    const bench = new Bench();
    Object.assign(bench, { one, other, pace: { pollMs: 20, reconcileAfterMs: 3_600_000, ...pace } });
    try {
      bench.begin(one);
      for (const [id, [loginId, selectedAccounts]] of Object.entries(CONNECTIONS)) {
        await bench.bank.addConnection({ user: "alice", id, loginId, selectedAccounts });
        await bench.change(id, { status: "needs-attention" });
      }
      if (looks) bench.look();
      await work(bench);
    } finally {
      await bench.stop();
      await close();
    }
  }

  begin(store) {
    this.bank = bankOf(null, store, { flinks: access, fetch: this.flinks.fetch, pace: this.pace, onEvent: (event) => void this.events.push(event) });
  }

  look() {
    this.#isOver = false;
    this.#worker = (async () => {
      while (!this.#isOver) await pause(Math.min((await this.bank.tick()).nextInMs, 5));
    })();
  }

  async stop() {
    this.#isOver = true;
    this.flinks.held = null;
    await this.#worker;
  }

  /** Another process goes on with the same database. */
  async restart() {
    await this.stop();
    this.begin(this.other);
    this.look();
  }

  /** Stores it as it is, but for this. */
  async change(id, change, { added = [] } = {}) {
    const { connection } = await this.stored(id);
    const write = { connection: { ...connection, ...change, version: connection.version + 1 }, expectedVersion: connection.version, added, put: [], data: null, events: [], nowMs: 0, limit: null, holder: null };
    assert.equal(await this.one.commit(write), "done");
  }

  stored = (id) => this.one.read({ by: "connection", user: "alice", id }, Date.now());

  async start(id, more) {
    const reply = await start(this.bank, id, more);
    return Object.assign(reply, { expect: (status) => expected(reply, status), refused: (status, code) => expected(reply, status, code) });
  }

  async challenge(id) {
    const { body } = (await this.start(id)).expect(200);
    assert.equal(body.status, "challenge", JSON.stringify(body));
    return body;
  }

  async deliver(body, more) {
    const reply = await deliver(this.bank, body, more);
    return Object.assign(reply, { expect: (status) => expected(reply, status), refused: (status, code) => expected(reply, status, code) });
  }

  webhook = (notice, signature) => webhook(this.bank, typeof notice === "string" ? notice : JSON.stringify(notice), signature);

  /** With what the demo of the host shows beside: whether something is under way. */
  async connection(id) {
    const connection = (await this.bank.connections("alice")).find((one) => one.id === id);
    const { connection: { selection }, attempts } = await this.stored(id);
    const isUnderWay = attempts.some(({ state, stage, expiresAtMs }) => state === "accepted" || (state === "open" && ["signing-in", "session"].includes(stage) && expiresAtMs > Date.now()));
    return { ...connection, status: isUnderWay ? "in-progress" : connection.status, selectedAccounts: selection.length };
  }

  async accounts(id) {
    return (await this.bank.data({ user: "alice", id }))?.Accounts.map(({ Id }) => Id) ?? [];
  }

  until = (what, isSo) => until(what, isSo, 20);
  untilStatus = (id, status) => this.until(`${id} is ${status}`, async () => {
    const connection = await this.connection(id);
    return connection.status === status && connection;
  });
  untilProblem = (id, status, problem) => this.until(`${id} is ${status} because of ${problem}`, async () => {
    const connection = await this.connection(id);
    return connection.status === status && connection.problem === problem;
  });

  /** A connection that is up to date. */
  async repaired(id) {
    const reply = await this.challenge(id);
    this.flinks.setSession(reply.requestId, "finished");
    (await this.deliver(delivery(reply, CONNECTIONS[id][0]))).expect(200);
    await this.untilStatus(id, "up-to-date");
  }

  /** A connection whose result was accepted and whose data Flinks prepares until it is told otherwise. */
  async accepted(id) {
    this.flinks.pending = Infinity;
    const reply = await this.challenge(id);
    this.flinks.setSession(reply.requestId, "finished");
    (await this.deliver(delivery(reply, CONNECTIONS[id][0]))).expect(200);
    await this.until("data is asked for", () => this.flinks.wasAskedForDataOf(reply.requestId));
  }
}

function expected(reply, status, code) {
  assert.equal(reply.status, status, JSON.stringify(reply.body));
  if (status >= 400) assert.ok(reply.headers.get("content-type") === "application/problem+json" && reply.body.code && reply.body.detail, JSON.stringify(reply.body));
  if (code !== undefined) assert.equal(reply.body.code, code);
  return reply;
}

/** What the widget delivers for this start. */
export const delivery = (reply, loginId) => ({
  attemptId: reply.attemptId, mode: reply.mode ?? "connect", loginId, requestId: reply.requestId ?? null, institution: "FlinksCapital", accountIds: reply.resumeSelectedAccounts ?? [], tag: reply.tag,
});
