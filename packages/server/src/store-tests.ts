// Proves a store: `storeTests(test, open)` with the `test` of node:test or Vitest, and a function that opens an empty database twice.
//
// Every test has two instances on one database, as two processes would have. Times are passed in; nothing here waits.

import type { Attempt, Connection, ReconnectEvent } from "./records.js";
import type { Awaitable, Claim, Store, Write } from "./store.js";

/** Two instances on one empty database; `close` is called when a test has ended, however it ended. */
export interface Opened {
  one: Store;
  other: Store;
  close?: () => Awaitable<void>;
}

export interface StoreTestsOptions {
  /** `false` for a store that lives in one process: both instances are the same then. */
  sharesDatabase?: boolean;
}

const LOGIN = "0d5a3c10-0001-4000-8000-000000000001";
const DAY = 24 * 3_600_000;

function connectionOf(id: string, user = "alice"): Connection {
  return { id, user, version: 0, loginId: LOGIN, language: null, selection: [], status: "up-to-date", problem: null, refreshedAtMs: null, settledAtMs: null, signIn: null };
}

function attemptOf(id: string, connection: string, more: Partial<Attempt> = {}): Attempt {
  return {
    id, tag: `tag of ${id}`, user: "alice", connection, state: "open", stage: "session", requestId: null, token: null, baselineMs: 0, choice: [], createdAtMs: 1_000,
    expiresAtMs: DAY, dueAtMs: 2_000, tries: 0, acceptedAtMs: null, result: null, dataStep: "ask", transactions: "wanted", fingerprint: null, ...more,
  };
}

function eventOf(id: string, connection: string, number: number): ReconnectEvent {
  const data = { user: "alice", connection, attempt: null, loginId: LOGIN, accountIds: ["account-1"], refreshedAt: null, reason: null };
  return { id, number, type: "connection.refreshed", timestamp: "2026-01-01T00:00:00.000Z", data };
}

/** A decision that leaves everything as it is, and more. */
function writeOf(connection: Connection, more: Partial<Write> = {}): Write {
  return {
    connection: { ...connection, version: connection.version + 1, ...more.connection }, expectedVersion: connection.version, added: [], put: [], data: null, events: [], nowMs: 0, limit: null,
    holder: null, ...(({ connection: _, ...rest }) => rest)(more),
  };
}

const claimOf = (holder: string, nowMs: number, most = 8): Claim => ({ nowMs, untilMs: nowMs + 60_000, holder, most });

function same(got: unknown, expected: unknown, what: string): void {
  const [one, other] = [ordered(got), ordered(expected)].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${what}: expected ${other}, got ${one}`);
}

/** The same value with its names in order: stores may keep records as they like. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value ?? null;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, inner]) => [name, ordered(inner)]));
}

type Case = (stores: { one: Store; other: Store }) => Promise<void>;

const cases: { [name: string]: Case } = {
  async "a connection is added once, and what was added is read"({ one, other }) {
    const connection = { ...connectionOf("bank"), language: "fr" as const, selection: ["account-1"] };
    same(await Promise.all([one.add(connection), other.add({ ...connection, user: "bob" })].map((added) => added)).then((all) => all.sort()), [false, true], "two adds of one id");
    const owner = (await one.list("alice")).length === 1 ? "alice" : "bob";
    same(await other.list(owner), [{ ...connection, user: owner }], "what is read");
    same(await other.read({ by: "connection", user: "mallory", id: "bank" }, 0), null, "another user's connection");
    same(await one.version("bank"), 0, "its version");
    same(await one.version("none"), null, "no connection's version");
  },

  async "of a hundred decisions on one version one is stored"({ one, other }) {
    const connection = connectionOf("bank");
    await one.add(connection);
    const writes = Array.from({ length: 100 }, async (_, index) => {
      const store = index % 2 === 0 ? one : other;
      return store.commit(writeOf(connection, { added: [attemptOf(`attempt-${index}`, "bank")] }));
    });
    const outcomes = await Promise.all(writes);
    same(outcomes.filter((outcome) => outcome === "done").length, 1, "how many were stored");
    same(outcomes.filter((outcome) => outcome === "conflict").length, 99, "how many were not");
    const stored = await one.read({ by: "connection", user: "alice", id: "bank" }, 0);
    same(stored?.attempts.length, 1, "attempts that are there");
    same(await other.version("bank"), 1, "the version");
  },

  async "an attempt is found by its id, its user, its tag and its session"({ one, other }) {
    await one.add(connectionOf("bank"));
    const old = attemptOf("attempt-old", "bank", { requestId: "session-1", createdAtMs: 1 });
    const young = attemptOf("attempt-young", "bank", { requestId: "session-1", createdAtMs: 2 });
    await one.commit(writeOf(connectionOf("bank"), { added: [old, young] }));
    const subject = async (query: Parameters<Store["read"]>[0]) => (await other.read(query, 0))?.subject ?? null;
    same(await subject({ by: "id", id: "attempt-old" }), "attempt-old", "by id");
    same(await subject({ by: "attempt", user: "alice", id: "attempt-old" }), "attempt-old", "by user and id");
    same(await subject({ by: "attempt", user: "mallory", id: "attempt-old" }), null, "another user's");
    same(await subject({ by: "tag", tag: "tag of attempt-old" }), "attempt-old", "by tag");
    same(await subject({ by: "session", requestId: "session-1" }), "attempt-young", "the newest with a session");
    await one.commit(writeOf({ ...connectionOf("bank"), version: 1 }, { put: [{ ...old, state: "accepted", result: "session-1" }] }));
    same(await subject({ by: "session", requestId: "session-1" }), "attempt-old", "the one accepted with a session");
    const stored = await other.read({ by: "connection", user: "alice", id: "bank" }, 0);
    same(stored?.attempts, [young, { ...old, state: "accepted", result: "session-1" }], "attempts, newest first, as they were written");
    same(await subject({ by: "session", requestId: "session-2" }), null, "an unknown session");
  },

  async "attempts that have ended are read only by name"({ one, other }) {
    await one.add(connectionOf("bank"));
    const states = ["open", "superseded", "accepted", "finished", "failed"] as const;
    await one.commit(writeOf(connectionOf("bank"), { added: states.map((state, index) => attemptOf(`attempt-${state}`, "bank", { state, createdAtMs: index })) }));
    const ids = async (query: Parameters<Store["read"]>[0], nowMs: number) => (await other.read(query, nowMs))?.attempts.map(({ id }) => id);
    same(await ids({ by: "connection", user: "alice", id: "bank" }, 0), ["attempt-accepted", "attempt-superseded", "attempt-open"], "before their time is over");
    same(await ids({ by: "connection", user: "alice", id: "bank" }, DAY), ["attempt-accepted", "attempt-open"], "after it");
    same(await ids({ by: "id", id: "attempt-failed" }, DAY), ["attempt-failed", "attempt-accepted", "attempt-open"], "with the one that is named");
  },

  async "one result for each session"({ one, other }) {
    const banks = [connectionOf("bank-1"), connectionOf("bank-2")];
    for (const bank of banks) {
      await one.add(bank);
      await one.commit(writeOf(bank, { added: [attemptOf(`attempt of ${bank.id}`.replaceAll(" ", "-"), bank.id)] }));
    }
    const take = (store: Store, id: string) =>
      store.commit(writeOf({ ...connectionOf(id), version: 1 }, { put: [attemptOf(`attempt-of-${id}`, id, { state: "accepted", result: "session-1" })] }));
    const outcomes = await Promise.all([take(one, "bank-1"), take(other, "bank-2")]);
    same([...outcomes].sort(), ["done", "result-taken"], "two attempts with one result");
    const late = outcomes[0] === "done" ? "bank-2" : "bank-1";
    same(await one.version(late), 1, "the version of the connection that was late");
    const stored = await one.read({ by: "id", id: `attempt-of-${late}` }, 0);
    same(stored?.attempts[0]?.state, "open", "the attempt that was late");
  },

  async "a user's limit holds for two starts at once"({ one, other }) {
    const banks = ["bank-1", "bank-2", "bank-3"].map((id) => connectionOf(id));
    for (const bank of [...banks, connectionOf("bobs", "bob")]) await one.add(bank);
    const limit = { user: "alice", most: 1, nowMs: 1_000 };
    const signIn = (store: Store, bank: Connection, untilMs: number) =>
      store.commit(writeOf(bank, { connection: { ...bank, version: bank.version + 1, signIn: { attempt: `attempt-${bank.id}`, untilMs } }, limit }));
    await signIn(one, connectionOf("bobs", "bob"), 5_000);
    const outcomes = await Promise.all(banks.map((bank, index) => signIn(index % 2 ? one : other, bank, 5_000)));
    same([...outcomes].sort(), ["done", "over-limit", "over-limit"], "three sign-ins of a user who may have one");
    const at = outcomes.indexOf("over-limit");
    const late = { user: "alice", most: 1, nowMs: 6_000 };
    same(await one.commit(writeOf(banks[at] as Connection, { limit: late })), "done", "once the sign-in is over");
  },

  async "a claim has one holder, runs out, and is given back"({ one, other }) {
    await one.add(connectionOf("bank"));
    const attempts = Array.from({ length: 20 }, (_, index) => attemptOf(`attempt-${String(index).padStart(2, "0")}`, "bank", { dueAtMs: 1_000 + index }));
    await one.commit(writeOf(connectionOf("bank"), { added: [...attempts, attemptOf("attempt-late", "bank", { dueAtMs: 9_000 }), attemptOf("attempt-ended", "bank", { state: "finished", dueAtMs: 0 })] }));
    same(await one.nextDueMs(0), 1_000, "when the first one is due");
    const claimed = await Promise.all([one.claimAttempts(claimOf("holder-1", 5_000, 10)), other.claimAttempts(claimOf("holder-2", 5_000, 10)), one.claimAttempts(claimOf("holder-3", 5_000, 10))]);
    const rest = await other.claimAttempts(claimOf("holder-4", 5_000, 30));
    same([...claimed.flat(), ...rest].sort(), attempts.map(({ id }) => id), "each due attempt, claimed once");
    const [first = ""] = claimed.flat();
    const holder = ["holder-1", "holder-2", "holder-3"].find((_, index) => claimed[index]?.includes(first)) ?? "";
    same(await other.hold(first, "somebody-else", 0), false, "giving another's claim back");
    same(await other.claimAttempts(claimOf("holder-5", 6_000)), [], "while all are claimed");
    same(await one.nextDueMs(6_000), 9_000, "what is claimed is not due");
    same(await other.hold(first, holder, 0), true, "giving one's own claim back");
    same(await other.claimAttempts(claimOf("holder-5", 6_000)), [first], "what was given back");
    same(await one.hold(first, holder, 99_000), false, "the old holder's renewal");
    same((await one.claimAttempts(claimOf("holder-6", 66_500, 30))).length, 21, "when all claims have run out, and the late one is due");
  },

  async "a claim ends with the commit that ends its step, and where the state changes"({ one, other }) {
    await one.add(connectionOf("bank"));
    const [same_, changed, kept] = ["same", "changed", "kept"].map((name) => attemptOf(`attempt-${name}`, "bank")) as [Attempt, Attempt, Attempt];
    await one.commit(writeOf(connectionOf("bank"), { added: [same_, changed, kept] }));
    await one.claimAttempts(claimOf("holder-1", 5_000));
    const put = [same_, { ...changed, state: "accepted" as const }];
    same(await other.commit(writeOf({ ...connectionOf("bank"), version: 1 }, { put: [kept] })), "done", "somebody else's change");
    same(await other.claimAttempts(claimOf("holder-2", 5_000)), [], "somebody else's change gives no claim back");
    await one.commit(writeOf({ ...connectionOf("bank"), version: 2 }, { put: [put[0] as Attempt], holder: "holder-1" }));
    await other.commit(writeOf({ ...connectionOf("bank"), version: 3 }, { put: [put[1] as Attempt] }));
    same((await other.claimAttempts(claimOf("holder-3", 5_000))).sort(), ["attempt-changed", "attempt-same"], "what is free");
  },

  async "events are told in order for each connection, and one at a time"({ one, other }) {
    for (const id of ["bank-1", "bank-2"]) {
      await one.add(connectionOf(id));
      await one.commit(writeOf(connectionOf(id), { events: [eventOf(`${id}-first`, id, 16), eventOf(`${id}-second`, id, 17)], nowMs: 1_000 }));
    }
    const claimed = await Promise.all([one.claimEvents(claimOf("holder-1", 2_000)), other.claimEvents(claimOf("holder-2", 2_000))]);
    same(claimed.flat().map(({ event }) => event.id).sort(), ["bank-1-first", "bank-2-first"], "the first of each");
    same(claimed.flat()[0]?.sinceMs, 1_000, "since when");
    const holder = claimed[0]?.some(({ event }) => event.id === "bank-1-first") ? "holder-1" : "holder-2";
    await other.settle("bank-1-first", "somebody-else", { is: "heard" });
    same(await one.claimEvents(claimOf("holder-3", 3_000)), [], "settled by who has not claimed it");
    await one.settle("bank-1-first", holder, { is: "refused", dueAtMs: 9_000 });
    same(await one.claimEvents(claimOf("holder-3", 8_000)), [], "before it is due again");
    const again = await other.claimEvents(claimOf("holder-4", 9_000));
    same(again.map(({ event, tries }) => [event, tries]), [[eventOf("bank-1-first", "bank-1", 16), 1]], "the same, again");
    await other.settle("bank-1-first", "holder-4", { is: "heard" });
    same((await one.claimEvents(claimOf("holder-5", 9_000))).map(({ event }) => event.id), ["bank-1-second"], "the second, then");
    same((await one.claimEvents(claimOf("holder-6", 63_000))).map(({ event }) => event.id), ["bank-2-first"], "a claim that ran out");
  },

  async "a turn is one caller's, until it is due again"({ one, other }) {
    same((await Promise.all([one.takeTurn("a", 1_000, 5_000), other.takeTurn("a", 1_000, 5_000), one.takeTurn("b", 1_000, 5_000)])).sort(), [false, true, true], "two callers at once");
    same(await other.takeTurn("a", 4_999, 9_000), false, "before it is due again");
    same([await other.takeTurn("a", 5_000, 9_000), await one.takeTurn("a", 5_000, 9_000)], [true, false], "when it is due again");
  },

  async "connections are found by their logins, whosever they are"({ one, other }) {
    const [first, second, third] = [connectionOf("bank-1"), { ...connectionOf("bank-2", "bob"), loginId: "login-of-bob" }, { ...connectionOf("bank-3"), loginId: "another-login" }];
    for (const connection of [first, second, third]) await one.add(connection);
    same(await other.ofLogins([LOGIN, "login-of-bob", "login-of-nobody"]), [first, second], "those of two logins");
    same(await other.ofLogins([]), [], "those of none");
  },

  async "a parked event is listed, lets later ones go on, and can be told again"({ one, other }) {
    await one.add(connectionOf("bank"));
    await one.commit(writeOf(connectionOf("bank"), { events: [eventOf("first", "bank", 16), eventOf("second", "bank", 17)], nowMs: 1_000 }));
    await one.claimEvents(claimOf("holder-1", 1_000));
    await one.settle("first", "holder-1", { is: "parked" });
    same(await other.parked(), [eventOf("first", "bank", 16)], "what is parked");
    same((await other.claimEvents(claimOf("holder-2", 1_000))).map(({ event }) => event.id), ["second"], "the later one");
    await other.settle("second", "holder-2", { is: "heard" });
    same(await other.nextDueMs(1_000), null, "nothing is due");
    same([await one.unpark("first", 5_000), await one.unpark("first", 5_000), await one.unpark("none", 5_000)], [true, false, false], "making it due again");
    same((await other.claimEvents(claimOf("holder-3", 5_000))).map(({ event, tries, sinceMs }) => [event.id, tries, sinceMs]), [["first", 0, 5_000]], "it is told again");
  },

  async "events are stored with their decision or not at all"({ one, other }) {
    await one.add(connectionOf("bank"));
    await one.commit(writeOf(connectionOf("bank"), {}));
    same(await other.commit(writeOf(connectionOf("bank"), { events: [eventOf("first", "bank", 16)] })), "conflict", "a decision on an old version");
    same(await one.claimEvents(claimOf("holder-1", 9_000)), [], "its events");
  },

  async "data is kept for its user, and is forgotten"({ one, other }) {
    await one.add(connectionOf("bank"));
    await one.commit(writeOf(connectionOf("bank"), { data: { json: '{"Accounts":[]}', atMs: 5_000 } }));
    same(await other.data("alice", "bank", 5_000), '{"Accounts":[]}', "data");
    same([await other.data("bob", "bank", 0), await other.data("alice", "bank", 5_001)], [null, null], "another user's, and what is too old");
    const ended = attemptOf("attempt-ended", "bank", { state: "finished", expiresAtMs: 1_000 });
    await one.commit(writeOf({ ...connectionOf("bank"), version: 1 }, { added: [ended, attemptOf("attempt-open", "bank", { expiresAtMs: 1_000 })] }));
    await other.forget(1_001, 5_001);
    same([await one.read({ by: "id", id: "attempt-ended" }, 0), await one.data("alice", "bank", 0)], [null, null], "what was forgotten");
    same((await one.read({ by: "id", id: "attempt-open" }, 0))?.subject, "attempt-open", "what is worked on");
  },

  async "a connection is removed with everything of it, by its user only"({ one, other }) {
    await one.add(connectionOf("bank"));
    await one.commit(writeOf(connectionOf("bank"), { added: [attemptOf("attempt-1", "bank")], events: [eventOf("first", "bank", 16)] }));
    await one.remove("bob", "bank");
    same(await other.version("bank"), 1, "another user's removal");
    await one.remove("alice", "bank");
    same([await other.version("bank"), await other.read({ by: "id", id: "attempt-1" }, 0), await other.nextDueMs(0)], [null, null, null], "what is left");
    same(await other.commit(writeOf({ ...connectionOf("bank"), version: 1 })), "conflict", "a decision about it");
    same(await other.add(connectionOf("bank")), true, "adding it again");
  },
};

/** Declares the tests. `open` makes an empty database for each; the tables are made by the store itself. */
export function storeTests(test: (name: string, body: () => Promise<void>) => unknown, open: () => Awaitable<Opened>, { sharesDatabase = true }: StoreTestsOptions = {}): void {
  for (const [name, body] of Object.entries(cases)) {
    test(name, async () => {
      const { one, other, close } = await open();
      try {
        if (sharesDatabase === (one === other)) throw new Error("open: expected two instances, unless sharesDatabase is false");
        await Promise.all([one.prepare(), other.prepare()]);
        await body({ one, other });
      } finally {
        await close?.();
      }
    });
  }
}
