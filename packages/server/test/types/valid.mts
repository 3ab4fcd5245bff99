// Everything here must compile: the package as its users write it, with the types of the databases and servers that they bring.

import Database from "better-sqlite3";
import fastify from "fastify";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { createReconnect, type Attempt, type Connection, type ConnectionState, type Outcome, type Reconnect, type ReconnectEvent, type Store, type Write } from "flinks-reconnect-server";
import { memoryStore } from "flinks-reconnect-server/memory";
import { postgresStore } from "flinks-reconnect-server/postgres";
import { sqliteStore } from "flinks-reconnect-server/sqlite";
import { storeTests } from "flinks-reconnect-server/store-tests";
import { test } from "node:test";

const flinks = { instance: "toolbox", customerId: "customer", secretKey: "secret", apiKey: "api" };
export const stores: Store[] = [sqliteStore(new DatabaseSync(":memory:")), sqliteStore(new Database(":memory:")), postgresStore(new pg.Pool()), memoryStore()];

interface Request_ {
  session?: { userId: string };
}

export const typed = createReconnect<Request_>({ flinks, store: memoryStore(), user: (request) => request.session?.userId });
export const web: Reconnect = createReconnect({ flinks, store: memoryStore(), user: async (request: Request) => request.headers.get("x-user") });

// What is not known yet, and what an environment may lack, are given as they are.
export const loose = createReconnect({
  flinks: { ...flinks, webhookSecret: process.env["WEBHOOK_SECRET"], params: undefined, apiUrl: undefined },
  store: memoryStore(),
  user: () => undefined,
  onEvent: undefined,
  log: undefined,
  origins: undefined,
  dataKeptMs: undefined,
  pace: { pollMs: undefined, signInsPerUser: 2 },
  fetch: undefined,
});
await loose.addConnection({ user: "alice", id: "bank", loginId: "login-0001", language: undefined, selectedAccounts: undefined });

const server = fastify();
server.post("/api/connections/:id/reconnect", web.start);
setInterval(web.tick, 5_000);

export const known: ConnectionState[] = await web.connections("alice");
export const told = (event: ReconnectEvent): string => `${event.type} ${event.data.reason ?? ""}`;
export const { nextInMs }: { nextInMs: number } = await web.tick();

/** A store of one's own: each method is synchronous or not. */
export class OwnStore implements Store {
  prepare(): void {}
  async add(connection: Connection): Promise<boolean> {
    return connection.version === 0;
  }
  remove(): void {}
  list(): Connection[] {
    return [];
  }
  ofLogins(): Connection[] {
    return [];
  }
  data(): null {
    return null;
  }
  read(): null {
    return null;
  }
  version(): null {
    return null;
  }
  commit(write: Write): Outcome {
    const states = write.put.map((attempt: Attempt) => attempt.state);
    return states.includes("failed") ? "conflict" : "done";
  }
  claimAttempts(): string[] {
    return [];
  }
  hold(): boolean {
    return false;
  }
  claimEvents() {
    return [];
  }
  settle(): void {}
  parked(): ReconnectEvent[] {
    return [];
  }
  unpark(): boolean {
    return false;
  }
  takeTurn(): boolean {
    return true;
  }
  nextDueMs(): null {
    return null;
  }
  forget(): void {}
}

storeTests(test, () => ({ one: new OwnStore(), other: new OwnStore() }), { sharesDatabase: false });
