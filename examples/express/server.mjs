// A bank's application in Express, with a sign-in of its own: the three routes of a reconnect, and what they know about its users.

import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import express from "express";
import { createReconnect } from "flinks-reconnect-server";
import { sqliteStore } from "flinks-reconnect-server/sqlite";

const { env } = process;
const users = {
  alice: { password: "alice's", bank: { loginId: "0d5a3c10-0001-4000-8000-000000000004", selectedAccounts: ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"] } },
  bob: { password: "bob's", bank: { loginId: "0d5a3c10-0001-4000-8000-000000000002" } },
};
const sessions = new Map();
const userOf = (request) => sessions.get(/(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1]);

const bank = createReconnect({
  flinks: {
    apiUrl: env.FLINKS_API_URL,
    connectUrl: env.FLINKS_CONNECT_URL,
    customerId: env.FLINKS_CUSTOMER_ID,
    secretKey: env.FLINKS_SECRET_KEY,
    apiKey: env.FLINKS_API_KEY,
    webhookSecret: env.FLINKS_WEBHOOK_SECRET,
  },
  store: sqliteStore(new DatabaseSync(env.DATABASE ?? "bank.db")),
  user: userOf,
  onEvent: (event) => console.log(event.type, event.data.connection, event.data.reason ?? ""),
  log: (level, message, more) => console.error(level, message, more ?? ""),
});

const app = express();
app.post("/api/flinks/webhook", bank.webhook); // before express.json(): its signature is about the bytes
app.use(express.json());
app.post("/sign-in", (request, response) => {
  const { name, password } = request.body ?? {};
  if (!Object.hasOwn(users, name) || users[name].password !== password) return response.sendStatus(401);
  const session = randomUUID();
  sessions.set(session, name);
  response.cookie("session", session, { httpOnly: true, sameSite: "strict" }).sendStatus(204);
});
app.get("/api/connections", async (request, response) => {
  const user = userOf(request);
  if (user) response.json(await bank.connections(user));
  else response.sendStatus(401);
});
app.post("/api/connections/:id/reconnect", bank.start);
app.post("/api/reconnects", bank.deliver);

for (const [user, { bank: made }] of Object.entries(users)) {
  // The application does this when a user connects a bank for the first time. The second time the server runs, it is there already.
  await bank.addConnection({ user, id: `bank-of-${user}`, ...made }).catch(() => {});
}
setInterval(bank.tick, Number(env.TICK_MS ?? 5_000));
const server = app.listen(Number(env.PORT ?? 3000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
