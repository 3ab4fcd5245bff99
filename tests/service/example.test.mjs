// examples/service, as its README says: one command, and a person in a browser. And what its server does with events that are not the host's, or come twice.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { sharedSecrets, withApplication } from "../../scripts/servers.mjs";
import { repair, signIn, untilBankIs, withPage } from "./browser.mjs";

const log = "target/test/service.log";

test("one command starts it, and a person repairs the connection", { timeout: 300_000 }, async () => {
  const child = spawn(process.execPath, ["examples/service/start.mjs"], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  try {
    const url = await new Promise((resolve, reject) => {
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text) => {
        const ready = /^Ready: (\S+)/m.exec((said += text));
        if (ready) resolve(ready[1]);
      });
      closed.then(() => reject(new Error(`it ended by itself: ${said}`)));
    });
    await withPage(async (page) => {
      await signIn(page, url);
      await untilBankIs(page, "needs attention"); // Nightly Refresh failed: an event said so.
      await repair(page);
      await untilBankIs(page, "connected again"); // So did another.
    });
  } finally {
    child.kill("SIGTERM");
    const [status] = await closed;
    assert.equal(status, 143, "it ended because it was told to");
  }
});

/** The application alone, beside a host that only notes what it is told. */
async function withApplicationAlone(work) {
  const told = [];
  const host = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    told.push({ method: request.method, url: request.url, key: request.headers.authorization, body: JSON.parse(body) });
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(host, "listening");
  const folder = mkdtempSync(join(tmpdir(), "flinks-application-"));
  const secrets = sharedSecrets();
  const settings = { ...secrets, PORT: "0", DATABASE: join(folder, "application.db") };
  try {
    await withApplication(`http://127.0.0.1:${host.address().port}`, settings, log, (base) => work({ base, told, secrets }));
  } finally {
    host.close();
    rmSync(folder, { recursive: true });
  }
}

/** Signs as the host does, and posts. */
async function post(base, secret, type, { id = randomUUID(), sentAt = Math.floor(Date.now() / 1_000), before = "" } = {}) {
  const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data: { user: "anna", connection: "bank-of-anna" } });
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${sentAt}.${body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": String(sentAt), "webhook-signature": `${before}v1,${signature}` };
  return (await fetch(`${base}/events`, { method: "POST", headers, body })).status;
}

/** What its page would show to anna. */
async function signedIn(base) {
  const answer = await fetch(`${base}/sign-in`, { method: "POST", body: JSON.stringify({ name: "anna", password: "anna's" }) });
  assert.equal(answer.status, 204);
  const headers = { Cookie: answer.headers.get("set-cookie").split(";")[0] };
  return { status: async () => (await (await fetch(`${base}/bank`, { headers })).json()).status, token: async () => (await fetch(`${base}/token`, { headers })).text() };
}

test("it takes what the host signed, once, and nothing else", async () => {
  await withApplicationAlone(async ({ base, secrets: { EVENTS_SECRET: secret } }) => {
    const { status } = await signedIn(base);
    assert.equal(await status(), "connected");
    assert.equal(await post(base, sharedSecrets().EVENTS_SECRET, "connection.needs_attention"), 401, "another secret");
    assert.equal(await post(base, secret, "connection.needs_attention", { sentAt: Math.floor(Date.now() / 1_000) - 400 }), 401, "long ago");
    assert.equal((await fetch(`${base}/events`, { method: "POST", body: "{}" })).status, 401, "no signature");
    assert.equal(await status(), "connected");

    const id = randomUUID();
    assert.equal(await post(base, secret, "connection.needs_attention", { id }), 204);
    assert.equal(await status(), "needs attention");
    assert.equal(await post(base, secret, "connection.refreshed", { before: "v1,b2xk " }), 204, "two signatures while the secret is being changed");
    assert.equal(await status(), "connected again");
    assert.equal(await post(base, secret, "connection.needs_attention", { id }), 204, "the first again");
    assert.equal(await status(), "connected again");
    assert.equal(await post(base, secret, "attempt.failed"), 204);
    assert.equal(await status(), "connected again");
  });
});

test("it tells the host whose connections there are, and gives tokens to signed-in users only", async () => {
  await withApplicationAlone(async ({ base, told, secrets }) => {
    assert.deepEqual(told.map(({ method, url, key, body }) => [method, url, key, body]), [
      ["PUT", "/admin/users/anna/connections/bank-of-anna", `Bearer ${secrets.ADMIN_KEY}`, { loginId: "0d5a3c10-0001-4000-8000-000000000001" }],
      ["PUT", "/admin/users/berta/connections/bank-of-berta", `Bearer ${secrets.ADMIN_KEY}`, { loginId: "0d5a3c10-0001-4000-8000-000000000002" }],
    ]);
    for (const path of ["/token", "/bank"]) assert.equal((await fetch(base + path)).status, 401, path);
    for (const [name, password] of [["anna", "berta's"], ["nobody", ""], ["nobody", null], ["anna", ""]]) {
      const answer = await fetch(`${base}/sign-in`, { method: "POST", body: JSON.stringify({ name, password }) });
      assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [401, null], `${name} ${password}`);
    }
    const [head, claims, signature] = (await (await signedIn(base)).token()).split(".");
    assert.equal(signature, createHmac("sha256", secrets.AUTH_JWT_SECRET).update(`${head}.${claims}`).digest("base64url"));
    const { sub, aud, exp } = JSON.parse(Buffer.from(claims, "base64url"));
    assert.deepEqual([sub, aud], ["anna", "flinks-host"]);
    assert.ok(exp > Date.now() / 1_000 && exp < Date.now() / 1_000 + 700);
  });
});
