// The file of "Behind nginx" in docs/service.md, in Debian's nginx between Chromium, the example and the host: names, ports, and who is refused.
//
// Of the file only places are replaced: the port and the certificate, and where application and host listen. The browser believes that app.example is on
// this machine, and where a row is not about a port, that it listens on 443.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { end, run, start } from "../../scripts/command.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { sharedSecrets, withApplication, withSandbox, withService } from "../../scripts/servers.mjs";
import { nginxProgram } from "../../scripts/setup.mjs";
import { repair, signIn, untilBankIs, withPage } from "./browser.mjs";
import { blocks, chapter } from "./guide.mjs";

const log = "target/test/service.log";
const [site] = blocks(chapter("Behind nginx"), "nginx");
const webhookSecret = randomUUID();
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "flinks-nginx-"));
  const names = "subjectAltName=DNS:app.example,DNS:bank.app.example,DNS:stranger.example";
  await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=app.example", "-addext", names], { cwd: folder });
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs nginx with the file while `work(port)` goes on. */
async function withNginx(application, host, port, work) {
  let text = site;
  const places = { "listen 443 ssl": `listen 127.0.0.1:${port} ssl`, "/etc/ssl/certs/app.example.pem": "cert.pem", "/etc/ssl/private/app.example.key": "key.pem", "127.0.0.1:8000": application, "127.0.0.1:4200": host };
  for (const [shown, real] of Object.entries(places)) {
    assert.ok(text.includes(shown), `the file has ${shown}`);
    text = text.replaceAll(shown, real);
  }
  writeFileSync(join(folder, "site.conf"), text);
  const user = process.getuid() === 0 ? "user root;" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  writeFileSync(join(folder, "nginx.conf"), `${user} daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${temporary} include site.conf; }`);
  const child = start(nginxProgram(), ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], { stdio: ["ignore", "inherit", "inherit"] });
  const closed = once(child, "close");
  try {
    const limit = performance.now() + 30_000;
    while (!existsSync(join(folder, "pid")) || !(await ask(port, "app.example", "/").then(() => true, () => false))) {
      assert.ok(performance.now() < limit && child.exitCode === null, "nginx runs");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await work(port);
  } finally {
    end(child);
    await closed;
  }
}

/** One request by that name, without a browser; resolves with status, headers and JSON. */
const ask = (port, name, path, { method = "GET", headers = {}, body } = {}) => new Promise((resolve, reject) => {
  const sent = request({ host: "127.0.0.1", port, servername: name, path, method, headers: { Host: name, ...headers }, rejectUnauthorized: false }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => resolve({ status: response.statusCode, headers: response.headers, text, body: text.startsWith("{") ? JSON.parse(text) : null }));
  });
  sent.on("error", reject).end(body);
});

/** Sandbox, host, application and nginx while `work({ port, adminKey })` goes on. `page` is the host's address for pages; `settings` are the host's. */
async function withEverything({ page, settings, port }, work) {
  const secrets = sharedSecrets();
  const applicationPort = await freePort();
  const nginxPort = port ?? (await freePort());
  const service = { ...secrets, FLINKS_WEBHOOK_SECRET: webhookSecret, EVENTS_URL: `http://127.0.0.1:${applicationPort}/events`, NIGHTLY_INTERVAL_MS: "5000", POLL_INTERVAL_MS: "500", ...settings };
  await withSandbox(log, (sandbox) => withService(sandbox, service, log, async (host) => {
    const application = { ...secrets, PORT: String(applicationPort), DATABASE: join(folder, `${nginxPort}.db`), HOST_PUBLIC_URL: page };
    await withApplication(host, application, log, () => withNginx(`127.0.0.1:${applicationPort}`, new URL(host).host, nginxPort, () => work({ host, port: nginxPort, adminKey: secrets.ADMIN_KEY })));
  }));
}

/** The browser finds these names on this machine; with `usual`, their port 443 is nginx's. */
const names = (port, usual = true) => [`--host-resolver-rules=${["app.example", "*.app.example", "stranger.example"].map((name) => (usual ? `MAP ${name}:443 127.0.0.1:${port}` : `MAP ${name} 127.0.0.1`)).join(",")}`];

async function repairs(page, url) {
  await signIn(page, url);
  await untilBankIs(page, "needs attention");
  await repair(page);
  await untilBankIs(page, "connected again");
}

const row = (...cells) => console.log(`| nginx | ${cells.join(" | ")} |`);

test("under a path of the application, by another Host", { timeout: 240_000 }, async () => {
  await withEverything({ page: "/bank", settings: { PUBLIC_ORIGIN: "https://app.example" } }, async ({ host, port, adminKey }) => {
    await withPage((page) => repairs(page, "https://app.example/"), names(port));
    row("a path of the application", "PUBLIC_ORIGIN", "repaired");

    const start = { method: "POST", headers: { Origin: "https://stranger.example", "Content-Type": "application/json" }, body: "{}" };
    const refused = await ask(port, "app.example", "/bank/api/connections/bank-of-anna/reconnect", start);
    assert.deepEqual([refused.status, refused.body.code], [403, "CROSS_ORIGIN"]);
    const own = await ask(port, "app.example", "/bank/api/connections/bank-of-anna/reconnect", { ...start, headers: { ...start.headers, Origin: "https://app.example" } });
    assert.deepEqual([own.status, own.body.code], [401, "UNAUTHENTICATED"], "the own page only lacks its token");
    row("a stranger's page", "403", refused.body.code);

    const headers = { Authorization: `Bearer ${adminKey}` };
    assert.equal((await fetch(`${host}/admin/users/anna/attempts`, { headers })).status, 200);
    for (const path of ["/bank/admin/users/anna/attempts", "/admin/users/anna/attempts", "/bank/api/../admin/users/anna/attempts"]) {
      // The application has no such page.
      const { status, text } = await ask(port, "app.example", path, { headers });
      assert.deepEqual([status, text], [401, ""], path);
    }
    assert.equal((await ask(port, "bank.app.example", "/admin/users/anna/attempts", { headers })).status, 404);
    row("/admin with its key, from outside", "401, 404", "the host is not asked");

    const body = JSON.stringify({ ResponseType: "GetAccountsDetail", Tag: "nobody's", Padding: "x".repeat(2 * 1024 * 1024) });
    const signature = createHmac("sha256", webhookSecret).update(body).digest("base64");
    const webhook = await ask(port, "app.example", "/bank/api/flinks/webhook", { method: "POST", headers: { "flinks-authenticity-key": signature, "Content-Type": "application/json" }, body });
    assert.equal(webhook.status, 200);
    row("a webhook of 2 MiB", "200", "passed on as it was signed");
  });
});

test("on a subdomain, by CORS", { timeout: 240_000 }, async () => {
  await withEverything({ page: "https://bank.app.example", settings: { ALLOWED_ORIGINS: "https://app.example" } }, async ({ port }) => {
    await withPage(async (page) => {
      await repairs(page, "https://app.example/");
      row("a subdomain", "ALLOWED_ORIGINS", "repaired");

      // nginx has this page by any name.
      await page.goto("https://stranger.example/");
      assert.equal(await page.evaluate(() => origin), "https://stranger.example");
      const outcome = await page.evaluate(startFrom);
      assert.equal(outcome, "TypeError", "a stranger's page reads nothing");
      row("a stranger's page", "the browser", "read no answer");
    }, names(port));
    const preflight = { method: "OPTIONS", headers: { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type" } };
    const path = "/api/connections/bank-of-anna/reconnect";
    const allowed = await ask(port, "bank.app.example", path, { ...preflight, headers: { ...preflight.headers, Origin: "https://app.example" } });
    assert.equal(allowed.headers["access-control-allow-origin"], "https://app.example");
    const stranger = await ask(port, "bank.app.example", path, { ...preflight, headers: { ...preflight.headers, Origin: "https://stranger.example" } });
    assert.equal(stranger.headers["access-control-allow-origin"], undefined);
  });
});

/** What a page gets that starts: status and `Retry-After`, or the name of the error. */
const startFrom = async () => {
  try {
    const token = await (await fetch("/token")).text();
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
    const answer = await fetch("https://bank.app.example/api/connections/bank-of-anna/reconnect", { method: "POST", headers, body: "{}" });
    return { status: answer.status, retryAfter: answer.headers.get("retry-after"), type: answer.headers.get("content-type"), server: answer.headers.get("server") };
  } catch (error) {
    return error.name;
  }
};

test("Retry-After comes through to a page of another origin", { timeout: 120_000 }, async () => {
  // Nobody listens there.
  const settings = { ALLOWED_ORIGINS: "https://app.example", FLINKS_API_URL: `http://127.0.0.1:${await freePort()}` };
  await withEverything({ page: "https://bank.app.example", settings }, async ({ port }) => {
    await withPage(async (page) => {
      await signIn(page, "https://app.example/");
      await untilBankIs(page, "connected");
      const { status, retryAfter, server } = await page.evaluate(startFrom);
      assert.equal(status, 503);
      assert.match(retryAfter ?? "none", /^[1-9]\d*$/);
      assert.equal(server, null, "nginx sends it, and it is not exposed");
      row("Retry-After of a 503", "a subdomain", `the page reads ${retryAfter}`);
    }, names(port));
  });
});

test("on another port", { timeout: 240_000 }, async () => {
  const port = await freePort();
  await withEverything({ page: "/bank", port, settings: { PUBLIC_ORIGIN: `https://app.example:${port}` } }, async () => {
    await withPage((page) => repairs(page, `https://app.example:${port}/`), names(port, false));
    row("another port", "PUBLIC_ORIGIN with it", "repaired");
  });
});

test("without PUBLIC_ORIGIN the page is refused, and the guide says what to set", { timeout: 120_000 }, async () => {
  await withEverything({ page: "/bank", settings: {} }, async ({ port }) => {
    await withPage(async (page) => {
      await signIn(page, "https://app.example/");
      const answer = page.waitForResponse((response) => response.url().endsWith("/reconnect"));
      await page.getByRole("button", { name: "Reconnect" }).click();
      const refused = await answer;
      const { code, detail } = await refused.json();
      assert.deepEqual([refused.status(), code], [403, "CROSS_ORIGIN"]);
      assert.match(detail, /PUBLIC_ORIGIN/);
      assert.match(chapter("When it does not work"), /^\| 403 `CROSS_ORIGIN` \| .*`PUBLIC_ORIGIN`/m);
      row("PUBLIC_ORIGIN is not set", "403", code);
    }, names(port));
  });
});
