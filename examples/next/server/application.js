// The server half of a bank's application: who its users are, who is signed in, and the reconnect.

import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { createReconnect } from "flinks-reconnect-server";
import { sqliteStore } from "flinks-reconnect-server/sqlite";

const users = {
  alice: { password: "alice's", made: { loginId: "0d5a3c10-0001-4000-8000-000000000004", selectedAccounts: ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"] } },
  bob: { password: "bob's", made: { loginId: "0d5a3c10-0001-4000-8000-000000000002" } },
};

let application;

/** Made when it is first needed: `next build` loads this file, too, and has neither a database nor keys. */
export const theApplication = () => (application ??= createApplication(process.env));

function createApplication(env) {
  const db = new DatabaseSync(env.DATABASE ?? "bank.db");
  db.exec("PRAGMA busy_timeout = 5000; CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, user TEXT NOT NULL)");
  /** Whose session it is, by the request's cookies as Next reads them. */
  const userOf = (cookies) => db.prepare("SELECT user FROM sessions WHERE id = ?").get(cookies.get("session")?.value ?? "")?.user;

  const bank = createReconnect({
    flinks: {
      apiUrl: env.FLINKS_API_URL,
      connectUrl: env.FLINKS_CONNECT_URL,
      customerId: env.FLINKS_CUSTOMER_ID,
      secretKey: env.FLINKS_SECRET_KEY,
      apiKey: env.FLINKS_API_KEY,
      webhookSecret: env.FLINKS_WEBHOOK_SECRET,
    },
    store: sqliteStore(db),
    user: (request) => userOf(request.cookies),
    onEvent: (event) => console.log(event.type, event.data.connection, event.data.reason ?? ""),
    log: (level, message, more) => console.error(level, message, more ?? ""),
  });

  /** A new session's id, or `null`. */
  async function signIn(name, password) {
    if (!Object.hasOwn(users, name) || users[name].password !== password) return null;
    // The application does this when a user connects a bank for the first time; here, when a user first signs in.
    const known = await bank.connections(name);
    if (known.length === 0) await bank.addConnection({ user: name, id: `bank-of-${name}`, ...users[name].made });
    const id = randomUUID();
    db.prepare("INSERT INTO sessions VALUES (?, ?)").run(id, name);
    return id;
  }

  return { bank, userOf, signIn };
}
