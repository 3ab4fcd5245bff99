// The demo's reload: what stands between browser and host, and what sets it off.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { serveReloading, watchSources } from "../../scripts/reload.mjs";

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

/** A host of a few answers, and the proxy in front of it. */
async function open(t) {
  const asked = [];
  const host = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    asked.push({ method: request.method, url: request.url, headers: request.headers, body });
    const isPage = request.url === "/";
    response.writeHead(request.url === "/teapot" ? 418 : 200, {
      "Content-Type": isPage ? "text/html; charset=utf-8" : "application/json",
      "Content-Security-Policy": POLICY,
      "Set-Cookie": ["one=1", "two=2"],
    });
    response.end(isPage ? "<!doctype html><html><head><title>é</title></head><body></body></html>" : '{"html":"</head>"}');
  }).listen(0, "127.0.0.1");
  await once(host, "listening");
  const proxy = await serveReloading(0, host.address().port);
  t.after(() => {
    proxy.stop();
    host.closeAllConnections();
    host.close();
  });
  return { asked, reload: proxy.reload, base: `http://localhost:${proxy.port}` };
}

test("a page gets one script more, from its own origin, and keeps its policy", async (t) => {
  const { base } = await open(t);
  const response = await fetch(`${base}/`);
  const html = await response.text();
  assert.equal(html, '<!doctype html><html><head><title>é</title><script type="module" src="/_reload.js"></script>\n</head><body></body></html>');
  assert.equal(response.headers.get("content-security-policy"), POLICY);
  assert.deepEqual(response.headers.getSetCookie(), ["one=1", "two=2"]);
  const script = await fetch(`${base}/_reload.js`);
  assert.match(script.headers.get("content-type"), /javascript/);
  assert.match(await script.text(), /new EventSource\("\/_reload"\)/);
});

test("all else passes as it is", async (t) => {
  const { base, asked } = await open(t);
  const response = await fetch(`${base}/teapot`, { method: "POST", body: "{}", headers: { "Idempotency-Key": '"k"' } });
  assert.equal(response.status, 418);
  assert.equal(await response.text(), '{"html":"</head>"}');
  const [{ method, headers, body }] = asked;
  assert.deepEqual([method, body, headers["idempotency-key"], headers.host], ["POST", "{}", '"k"', new URL(base).host]);
});

test("an open page is told to reload, and one that has gone is not", async (t) => {
  const { base, reload } = await open(t);
  const stream = await fetch(`${base}/_reload`);
  assert.match(stream.headers.get("content-type"), /^text\/event-stream/);
  const reader = stream.body.getReader();
  reload();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "data: changed\n\n");
  await reader.cancel();
  reload();
});

test("a host that is away is a plain answer", async (t) => {
  const proxy = await serveReloading(0, 1);
  t.after(proxy.stop);
  assert.equal((await fetch(`http://localhost:${proxy.port}/`)).status, 502);
});

test("a change of the page reloads, of the package builds first, and a failed build waits for the next change", async (t) => {
  const base = mkdtempSync(join(tmpdir(), "reload-"));
  for (const folder of ["www/demo", "www/sdk", "src/deep"]) mkdirSync(join(base, folder), { recursive: true });
  const events = [];
  let heard = () => {};
  const note = (event) => {
    events.push(event);
    heard();
  };
  let isBroken = false;
  const stop = watchSources(
    async () => {
      note("build");
      if (isBroken) throw new Error("does not compile");
    },
    () => note("reload"),
    base,
  );
  t.after(() => {
    stop();
    rmSync(base, { recursive: true });
  });
  const until = async (...expected) => {
    const deadline = performance.now() + 10_000;
    while (events.length < expected.length && performance.now() < deadline) {
      await Promise.race([new Promise((resolve) => (heard = resolve)), new Promise((resolve) => setTimeout(resolve, 1_000))]);
    }
    assert.deepEqual(events.splice(0), expected);
  };

  writeFileSync(join(base, "www/demo/demo.js"), "1");
  await until("reload");
  writeFileSync(join(base, "www/sdk/index.js"), "1");
  await until("build", "reload");
  isBroken = true;
  writeFileSync(join(base, "src/deep/mod.rs"), "1");
  await until("build");
  isBroken = false;
  writeFileSync(join(base, "src/deep/mod.rs"), "2");
  await until("build", "reload");
});

test("nothing of it is in the demo or in the package", () => {
  for (const folder of ["www/demo", "www/sdk", "dist"]) {
    const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.length > 2, `${folder} has nothing to look at`);
    for (const { parentPath, name } of files) assert.doesNotMatch(readFileSync(join(parentPath, name), "utf8"), /_reload|EventSource/, `${parentPath}/${name}`);
  }
});
