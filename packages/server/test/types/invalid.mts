// Each line after a "@ts-expect-error" must be refused.

import { createReconnect, type ReconnectEvent, type Store } from "flinks-reconnect-server";
import { memoryStore } from "flinks-reconnect-server/memory";
import { postgresStore } from "flinks-reconnect-server/postgres";
import { sqliteStore } from "flinks-reconnect-server/sqlite";

const flinks = { instance: "toolbox", customerId: "customer", secretKey: "secret", apiKey: "api" };
const store = memoryStore();
const user = () => "alice";
const bank = createReconnect({ flinks, store, user });

// @ts-expect-error there is no store
createReconnect({ flinks, user });
// @ts-expect-error nobody says who is signed in
createReconnect({ flinks, store });
// @ts-expect-error a user is named by a text
createReconnect({ flinks, store, user: () => 42 });
// @ts-expect-error the keys of Flinks are missing
createReconnect({ flinks: { instance: "toolbox" }, store, user });
// @ts-expect-error an environment may lack a key
createReconnect({ flinks: { ...flinks, secretKey: process.env["SECRET_KEY"] }, store, user });
// @ts-expect-error an unknown option
createReconnect({ flinks, store, user, retries: 3 });
// @ts-expect-error an unknown pace
createReconnect({ flinks, store, user, pace: { everyMs: 3 } });
// @ts-expect-error a file is opened by the application
sqliteStore("bank.db");
// @ts-expect-error a pool, not an address
postgresStore("postgres://localhost/bank");
// @ts-expect-error a login belongs to a connection
await bank.addConnection({ user: "alice", id: "bank" });
// @ts-expect-error Flinks speaks English and French
await bank.addConnection({ user: "alice", id: "bank", loginId: "login-0001", language: "de" });
// @ts-expect-error a web-standard request
await bank.fetch("/api/reconnects");
// @ts-expect-error there is no such event
export const isOld = (event: ReconnectEvent): boolean => event.type === "connection.deleted";
// @ts-expect-error a store has more to do
export const half: Store = { prepare() {} };
