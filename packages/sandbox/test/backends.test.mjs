// The check against backends that keep the rules: the reference host, with its demo and as a service, and the examples in Express, in Next and in Python. Each
// must pass every row that can be tried on it.
//
// HOST is the host's program, NODE a Node with SQLite, NEXT the folder of the built example in Next, PYTHON an interpreter with Flask. The Express example runs
// on the packages of packages/server/test.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { conforms, flinks, freePorts, withFolder, withServer } from "./backends/conforms.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs the host's program while `work(base)` goes on. */
const withHost = (args, env, work) => withServer(process.env.HOST, args, { cwd: root, env, where: /^flinks-host: (http:\/\/\S+)/m }, work);

test("the reference host", { timeout: 600_000, skip: !process.env.HOST && "HOST is not set" }, async () => {
  const [connect, api] = await freePorts(2);
  const env = { ...process.env, ...flinks(connect, api), HOST_ADDR: "127.0.0.1:0", RUST_LOG: "error" };
  await withHost(["--demo"], env, async (base) => {
    const headers = `Cookie: ${(await fetch(base)).headers.get("set-cookie").split(";")[0]}`;
    // Whoever opens the demo is the same user.
    await conforms("the reference host", { connect, api, base, headers, path: "selected", untried: ["deliver.other-user"] });
  });
});

test("the host as a service", { timeout: 600_000, skip: !process.env.HOST && "HOST is not set" }, async () => {
  const [connect, api] = await freePorts(2);
  const [secret, adminKey] = ["the-secret-of-application-and-host", "the-key-of-the-application-itself"];
  const own = { AUTH_JWT_SECRET: secret, ADMIN_KEY: adminKey, DATABASE_URL: "sqlite::memory:" };
  const env = { ...process.env, ...flinks(connect, api), ...own, POLL_INTERVAL_MS: "500", HOST_ADDR: "127.0.0.1:0", RUST_LOG: "error" };
  await withHost([], env, async (base) => {
    const added = await fetch(`${base}/admin/users/anna/connections/selected`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${adminKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        loginId: "0d5a3c10-0001-4000-8000-000000000004",
        selectedAccounts: ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"],
      }),
    });
    assert.equal(added.status, 201);
    const [headers, others] = ["anna", "berta"].map((user) => `Authorization: Bearer ${token(user, secret)}`);
    // It knows nobody by a cookie.
    await conforms("the host as a service", { connect, api, base, headers, others, path: "selected", untried: ["start.origin"] });
  });
});

/** A token as an application mints it. */
function token(user, secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, aud: "flinks-host", exp: Math.floor(Date.now() / 1_000) + 3_000 })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

test("the example in Express", { timeout: 600_000, skip: !process.env.NODE && "NODE is not set" }, async () => {
  const [connect, api] = await freePorts(2);
  await withFolder(async (cwd) => {
    copyFileSync(join(root, "examples/express/server.mjs"), join(cwd, "server.mjs"));
    symlinkSync(join(root, "packages/server/test/node_modules"), join(cwd, "node_modules"));
    const env = { ...process.env, ...flinks(connect, api), PORT: "0", TICK_MS: "100" };
    await withServer(process.env.NODE, ["server.mjs"], { cwd, env, stdio: ["ignore", "pipe", "ignore"], where: /^(http:\/\/\S+)/m }, async (base) => {
      const signIn = async (name) => {
        const body = JSON.stringify({ name, password: `${name}'s` });
        const answer = await fetch(`${base}/sign-in`, { method: "POST", headers: { "content-type": "application/json" }, body });
        return `Cookie: ${answer.headers.get("set-cookie").split(";")[0]}`;
      };
      const [headers, others] = [await signIn("alice"), await signIn("bob")];
      await conforms("the example in Express", { connect, api, base, headers, others, path: "bank-of-alice", untried: [] });
    });
  });
});

test("the example in Next", { timeout: 600_000, skip: !process.env.NEXT && "NEXT is not set" }, async () => {
  const [connect, api, port] = await freePorts(3);
  await withFolder(async (folder) => {
    const env = { ...process.env, ...flinks(connect, api), DATABASE: join(folder, "bank.db"), TICK_MS: "100", NEXT_TELEMETRY_DISABLED: "1" };
    const args = ["node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1", "--port", String(port)];
    await withServer(process.env.NODE, args, { cwd: process.env.NEXT, env, stdio: ["ignore", "pipe", "ignore"], where: /Local: +(http:\/\/\S+)[^]*Ready in/ }, async (base) => {
      // The form as a browser without scripts sends it.
      const signIn = async (name) => {
        const action = /name="(\$ACTION_ID_\w+)"/.exec(await (await fetch(base)).text())[1];
        const body = new FormData();
        for (const [field, value] of [[action, ""], ["name", name], ["password", `${name}'s`]]) body.set(field, value);
        const answer = await fetch(base, { method: "POST", body, redirect: "manual" });
        return `Cookie: ${answer.headers.get("set-cookie").split(";")[0]}`;
      };
      const [headers, others] = [await signIn("alice"), await signIn("bob")];
      await conforms("the example in Next", { connect, api, base, headers, others, path: "bank-of-alice", untried: [] });
    });
  });
});

test("the example in Python", { timeout: 600_000, skip: !process.env.PYTHON && "PYTHON is not set" }, async () => {
  const [connect, api, port] = await freePorts(3);
  await withFolder(async (folder) => {
    const env = { ...process.env, ...flinks(connect, api), PORT: String(port), DATABASE: join(folder, "backend.db") };
    const backend = spawn(process.env.PYTHON, [join(root, "examples/python/backend.py")], { env, stdio: "ignore" });
    try {
      const base = `http://127.0.0.1:${port}`;
      const end = Date.now() + 30_000;
      while (!(await fetch(base).then(() => true, () => false))) {
        assert.ok(Date.now() < end, "the backend answers");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const [headers, others] = ["alice", "bob"].map((name) => `Authorization: Bearer ${name}-token`);
      // It knows nobody by a cookie, and its connection was made without the account selector.
      await conforms("the example in Python", { connect, api, base, headers, others, path: "ondemand", untried: ["start.origin", "deliver.picked-accounts"] });
    } finally {
      backend.kill();
      await once(backend, "close");
    }
  });
});
