// Requests, however a server hands them over: bodies, signatures, other sites, what is refused.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import express from "express";
import fastify from "fastify";
import { memoryStore } from "flinks-reconnect-server/memory";
import { accessOf, bankOf, LOGIN, signed, start, webhook, withSandbox } from "./world.mjs";

const WEBHOOK = '{ "ResponseType" : "KYC" }';

/** Each server with the bank's handlers in it; resolves with its address and how it is closed. */
const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ base: `http://127.0.0.1:${server.address().port}`, close: () => server.close() })));

function expressWith(...parsers) {
  return (bank) => {
    const app = express();
    for (const parser of parsers) app.use(parser);
    app.post("/shop/api/connections/:id/reconnect", bank.start);
    app.post("/shop/api/reconnects", bank.deliver);
    app.post("/shop/api/flinks/webhook", bank.webhook);
    return listening(createServer(app));
  };
}

async function withFastify(bank) {
  const app = fastify();
  app.post("/shop/api/connections/:id/reconnect", bank.start);
  app.post("/shop/api/reconnects", bank.deliver);
  await app.register(async (inner) => {
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
    inner.post("/shop/api/flinks/webhook", bank.webhook);
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { base: `http://127.0.0.1:${app.server.address().port}`, close: () => app.close() };
}

function plain(bank) {
  return listening(createServer((request, response) => {
    const handler = request.url.endsWith("/reconnect") ? bank.start : request.url.endsWith("/reconnects") ? bank.deliver : bank.webhook;
    void handler(request, response);
  }));
}

/** `raw` are those whose webhook has its bytes. */
const servers = {
  "Node's own": { listen: plain, raw: true },
  "Express without a parser": { listen: expressWith(), raw: true },
  "Express with express.json()": { listen: expressWith(express.json()), raw: false },
  "Express with express.raw()": { listen: expressWith(express.raw({ type: "*/*" })), raw: true },
  "Express with express.text()": { listen: expressWith(express.text({ type: "*/*" })), raw: true },
  Fastify: { listen: withFastify, raw: true },
};

for (const [name, { listen, raw }] of Object.entries(servers)) {
  test(`${name}: bodies`, async () => {
    await withSandbox(async (sandbox) => {
      const lines = [];
      const bank = bankOf(sandbox, memoryStore(), { log: (level, message) => lines.push(message) });
      await bank.addConnection({ user: "alice", id: "bank 1", loginId: LOGIN });
      const { base, close } = await listen(bank);
      const post = (path, body, headers = {}) =>
        fetch(`${base}/shop/api${path}`, { method: "POST", headers: { "content-type": "application/json", "x-user": "alice", ...headers }, body, signal: AbortSignal.timeout(10_000) });
      try {
        const started = await post("/connections/bank%201/reconnect", "{}", { "content-type": "application/json; charset=utf-8" });
        assert.equal(started.status, 200, "an empty object, and a charset");
        assert.equal((await started.json()).status, "challenge");
        const unknown = await post("/reconnects", JSON.stringify({ attemptId: "attempt-1", mode: "refresh" }), { "idempotency-key": '"attempt-1"' });
        assert.deepEqual([unknown.status, (await unknown.json()).code, unknown.headers.get("content-type")], [404, "NO_SUCH_ATTEMPT", "application/problem+json"]);
        const told = await post("/flinks/webhook", WEBHOOK, { "flinks-authenticity-key": await signed(WEBHOOK) });
        if (raw) assert.equal(told.status, 200, "a signed webhook");
        else {
          assert.equal(told.status, 500, "its bytes are gone");
          assert.ok(lines.some((line) => line.includes("raw parser")), "the log names the cure");
        }
        const forged = await post("/flinks/webhook", WEBHOOK, { "flinks-authenticity-key": await signed(`${WEBHOOK} `) });
        assert.equal(forged.status, raw ? 401 : 500);
      } finally {
        await close();
      }
    });
  });
}

test("a stream that somebody has read is answered at once", async () => {
  await withSandbox(async (sandbox) => {
    const bank = bankOf(sandbox, memoryStore());
    const { base, close } = await listening(createServer(async (request, response) => {
      for await (const _ of request);
      await bank.start(request, response);
    }));
    const begun = performance.now();
    const answer = await fetch(`${base}/connections/x/reconnect`, { method: "POST", headers: { "content-type": "application/json", "x-user": "alice" }, body: "{}" });
    assert.deepEqual([answer.status, (await answer.json()).code], [500, "BODY_ALREADY_READ"]);
    assert.ok(performance.now() - begun < 1_000);
    await close();
  });
});

test("too long a body ends at the limit, also one that does not say how long it is", async () => {
  await withSandbox(async (sandbox) => {
    const bank = bankOf(sandbox, memoryStore());
    let pulled = 0;
    const body = new ReadableStream({ pull: (controller) => (pulled += 1) && controller.enqueue(new Uint8Array(4_096).fill(32)) });
    const request = new Request("http://bank.example/connections/x/reconnect", { method: "POST", headers: { "content-type": "application/json", "x-user": "alice" }, body, duplex: "half" });
    assert.equal((await bank.fetch(request)).status, 413);
    assert.ok(pulled < 10, `${pulled} pieces were read`);
  });
});

test("other sites, other types, nobody signed in", async () => {
  await withSandbox(async (sandbox) => {
    const bank = bankOf(sandbox, memoryStore(), { origins: ["https://app.example"] });
    await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN });
    const ask = async (headers, method = "POST", path = "/connections/bank/reconnect") =>
      (await bank.fetch(new Request(`http://bank.example${path}`, { method, headers: { "content-type": "application/json", "x-user": "alice", ...headers }, ...(method === "POST" ? { body: "{}" } : {}) }))).status;
    for (const own of [{}, { origin: "http://bank.example", "sec-fetch-site": "same-origin" }, { origin: "https://BANK.example" }, { origin: "https://app.example", "sec-fetch-site": "cross-site" }]) assert.equal(await ask(own), 200, JSON.stringify(own));
    for (const other of [
      { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: "null" }, { origin: "http://bank.example:81" }, { origin: "http://bank.example.evil.example" },
      { origin: "ftp://bank.example" }, { origin: "https://evil.example", "x-forwarded-host": "evil.example", host: "bank.example" },
    ]) assert.equal(await ask(other), 403, JSON.stringify(other));
    assert.equal(await ask({ "content-type": "text/plain" }), 415);
    assert.equal(await ask({ "x-user": "" }), 401);
    assert.equal(await ask({}, "GET"), 405);
    assert.equal(await ask({}, "POST", "/elsewhere"), 404);
    assert.equal((await start(bank, "bank", { user: "bob" })).status, 404, "another user's connection");
  });
});

test("without the secret of webhooks each is refused", async () => {
  await withSandbox(async (sandbox) => {
    const { apiUrl, connectUrl, customerId, secretKey, apiKey } = sandbox;
    const bank = bankOf(sandbox, memoryStore(), { flinks: { apiUrl, connectUrl, customerId, secretKey, apiKey } });
    assert.equal((await webhook(bank, WEBHOOK)).status, 401);
  });
});

test("an option that is undefined is as if it were not there", async () => {
  await withSandbox(async (sandbox) => {
    const undefineds = (...names) => Object.fromEntries(names.map((name) => [name, undefined]));
    const flinks = { ...accessOf(sandbox), ...undefineds("instance", "params", "webhookSecret") };
    const bank = bankOf(sandbox, memoryStore(), { flinks, pace: undefineds("bankMs", "pollMs", "signInsPerUser"), ...undefineds("onEvent", "log", "origins", "dataKeptMs", "fetch") });
    await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN, ...undefineds("language", "selectedAccounts") });
    assert.equal((await start(bank, "bank")).body.status, "challenge");
    assert.equal(await bank.data({ user: "alice", id: "bank" }), null);
  });
});
