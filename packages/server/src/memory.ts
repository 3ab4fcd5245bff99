// A store in this process' memory, FOR TESTS ONLY: it forgets everything when the process ends, and no other process sees it.

import type { Attempt, Connection, ReconnectEvent } from "./records.js";
import type { Store } from "./store.js";

interface Kept<T> {
  value: T;
  claimedBy: string | null;
  claimedUntilMs: number;
}

interface KeptEvent extends Kept<ReconnectEvent> {
  tries: number;
  sinceMs: number;
  dueAtMs: number;
  isParked: boolean;
}

/** For tests only: what it holds is gone with the process. */
export function memoryStore(): Store {
  const connections = new Map<string, Connection>();
  const data = new Map<string, { json: string; atMs: number }>();
  const attempts = new Map<string, Kept<Attempt>>();
  const events = new Map<string, KeptEvent>();
  const turns = new Map<string, number>();

  const isWorkedOn = ({ state }: Attempt) => state === "open" || state === "accepted";
  const newestFirst = (one: Attempt, other: Attempt) => other.createdAtMs - one.createdAtMs || (one.id < other.id ? -1 : 1);
  const all = () => [...attempts.values()].map(({ value }) => value).sort(newestFirst);
  const own = (user: string, id: string) => (connections.get(id)?.user === user ? connections.get(id) : undefined);
  const heads = () => {
    const first = new Map<string, KeptEvent>();
    for (const event of events.values()) {
      const { connection } = event.value.data;
      if (!event.isParked && event.value.number < (first.get(connection)?.value.number ?? Infinity)) first.set(connection, event);
    }
    return [...first.values()];
  };

  return {
    prepare() {},
    add(connection) {
      if (connections.has(connection.id)) return false;
      connections.set(connection.id, structuredClone(connection));
      return true;
    },
    remove(user, id) {
      if (!own(user, id)) return;
      connections.delete(id);
      data.delete(id);
      for (const [key, { value }] of attempts) if (value.connection === id) attempts.delete(key);
      for (const [key, { value }] of events) if (value.data.connection === id) events.delete(key);
    },
    list: (user) => structuredClone([...connections.values()].filter((one) => one.user === user).sort((one, other) => (one.id < other.id ? -1 : 1))),
    ofLogins: (logins) => structuredClone([...connections.values()].filter(({ loginId }) => logins.includes(loginId)).sort((one, other) => (one.id < other.id ? -1 : 1))),
    data(user, id, sinceMs) {
      const kept = own(user, id) && data.get(id);
      return kept && kept.atMs >= sinceMs ? kept.json : null;
    },
    read(query, nowMs) {
      const named = ((): Attempt | undefined => {
        switch (query.by) {
          case "connection":
            return undefined;
          case "attempt":
            return all().find(({ id, user }) => id === query.id && user === query.user);
          case "id":
            return attempts.get(query.id)?.value;
          case "tag":
            return all().find(({ tag }) => tag === query.tag);
          case "session":
            return all().find(({ result }) => result === query.requestId) ?? all().find(({ requestId }) => requestId === query.requestId);
        }
      })();
      const connection = query.by === "connection" ? own(query.user, query.id) : named && connections.get(named.connection);
      if (!connection) return null;
      const isRead = (one: Attempt) => isWorkedOn(one) || (one.state === "superseded" && one.expiresAtMs > nowMs) || one.id === named?.id;
      return structuredClone({ connection, attempts: all().filter((one) => one.connection === connection.id && isRead(one)), subject: named?.id ?? null });
    },
    version: (connection) => connections.get(connection)?.version ?? null,
    commit({ connection, expectedVersion, added, put, data: came, events: told, limit, holder, nowMs }) {
      if (limit) {
        const underWay = [...connections.values()].filter(({ id, user, signIn }) => user === limit.user && id !== connection.id && (signIn?.untilMs ?? 0) > limit.nowMs);
        if (underWay.length >= limit.most) return "over-limit";
      }
      if (connections.get(connection.id)?.version !== expectedVersion) return "conflict";
      const changed = [...added, ...put];
      const isTaken = ({ id, result }: Attempt) => result !== null && all().some((other) => other.id !== id && other.result === result);
      if (changed.some(isTaken)) return "result-taken";
      connections.set(connection.id, structuredClone(connection));
      if (came) data.set(connection.id, came);
      for (const value of changed) {
        const before = attempts.get(value.id);
        const isKept = before && before.value.state === value.state && before.claimedBy !== holder;
        attempts.set(value.id, { value: structuredClone(value), claimedBy: isKept ? before.claimedBy : null, claimedUntilMs: isKept ? before.claimedUntilMs : 0 });
      }
      for (const value of told) {
        events.set(value.id, { value: structuredClone(value), tries: 0, sinceMs: nowMs, dueAtMs: nowMs, isParked: false, claimedBy: null, claimedUntilMs: 0 });
      }
      return "done";
    },
    claimAttempts({ nowMs, untilMs, holder, most }) {
      const due = [...attempts.values()].filter(({ value, claimedUntilMs }) => isWorkedOn(value) && value.dueAtMs <= nowMs && claimedUntilMs <= nowMs);
      due.sort((one, other) => one.value.dueAtMs - other.value.dueAtMs);
      return due.slice(0, most).map((one) => {
        Object.assign(one, { claimedBy: holder, claimedUntilMs: untilMs });
        return one.value.id;
      });
    },
    hold(attempt, holder, untilMs) {
      const kept = attempts.get(attempt);
      if (kept?.claimedBy !== holder) return false;
      kept.claimedUntilMs = untilMs;
      return true;
    },
    claimEvents({ nowMs, untilMs, holder, most }) {
      const due = heads().filter(({ dueAtMs, claimedUntilMs }) => dueAtMs <= nowMs && claimedUntilMs <= nowMs);
      return due.slice(0, most).map((one) => {
        Object.assign(one, { claimedBy: holder, claimedUntilMs: untilMs });
        return { event: structuredClone(one.value), tries: one.tries, sinceMs: one.sinceMs };
      });
    },
    settle(event, holder, told) {
      const kept = events.get(event);
      if (kept?.claimedBy !== holder) return;
      if (told.is === "heard") events.delete(event);
      else Object.assign(kept, { claimedBy: null, claimedUntilMs: 0 }, told.is === "parked" ? { isParked: true } : { tries: kept.tries + 1, dueAtMs: told.dueAtMs });
    },
    parked: () => structuredClone([...events.values()].filter(({ isParked }) => isParked).map(({ value }) => value)),
    unpark(event, nowMs) {
      const kept = events.get(event);
      if (!kept?.isParked) return false;
      Object.assign(kept, { isParked: false, tries: 0, sinceMs: nowMs, dueAtMs: nowMs });
      return true;
    },
    takeTurn(name, nowMs, untilMs) {
      if ((turns.get(name) ?? nowMs) > nowMs) return false;
      turns.set(name, untilMs);
      return true;
    },
    nextDueMs() {
      const due = [...[...attempts.values()].filter(({ value }) => isWorkedOn(value)).map((one) => Math.max(one.value.dueAtMs, one.claimedUntilMs)), ...heads().map((one) => Math.max(one.dueAtMs, one.claimedUntilMs))];
      return due.length === 0 ? null : Math.min(...due);
    },
    forget(attemptsMs, dataMs) {
      for (const [id, { value }] of attempts) if (!isWorkedOn(value) && value.expiresAtMs < attemptsMs) attempts.delete(id);
      for (const [id, { atMs }] of data) if (atMs < dataMs) data.delete(id);
    },
  };
}
