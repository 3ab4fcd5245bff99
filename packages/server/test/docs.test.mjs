// What the package's README shows, run as it stands against a sandbox. Its server, and the stores, are run elsewhere: newcomer.test.mjs, stores.test.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import express from "express";
import { createReconnect } from "flinks-reconnect-server";
import { memoryStore } from "flinks-reconnect-server/memory";
import { accessOf, answerAll, bankOf, deliver, LOGIN, resultOf, start, tickUntil, until, withSandbox } from "./world.mjs";

const SELECTED = "0d5a3c10-0001-4000-8000-000000000004";
const ACCOUNTS = ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"];
const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const AsyncFunction = (async () => {}).constructor;

/** Runs the block that contains `part` with these names, and gives what it declares as `gives`. */
function runs(part, names, gives = "undefined") {
  const block = [...page.matchAll(/^```(?:js|ts)\n([^]*?)^```$/gm)].map(([, code]) => code).find((code) => code.includes(part));
  assert.ok(block, `README.md shows ${part}`);
  const script = block.replace(/^import .*$/gm, "").replace(/^export /gm, "").replaceAll("(request: Request)", "(request)");
  return new AsyncFunction(...Object.keys(names), `${script}\nreturn ${gives};`)(...Object.values(names));
}

const json = (user, more) => ({ "content-type": "application/json", "x-user": user, ...more });

test("a route of a web-standard server", async () => {
  await withSandbox(async (sandbox) => {
    const bank = bankOf(sandbox, memoryStore());
    await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN });
    const POST = await runs("export const POST", { bank }, "POST");
    const answer = await POST(new Request("http://bank.example/api/connections/bank/reconnect", { method: "POST", headers: json("alice"), body: "{}" }));
    assert.equal((await answer.json()).status, "challenge");
  });
});

test("Node's own server", async () => {
  await withSandbox(async (sandbox) => {
    const bank = bankOf(sandbox, memoryStore());
    await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN });
    let server;
    const onAnyPort = (handler) => ((server = createServer(handler)), { listen: () => server.listen(0, "127.0.0.1") });
    await runs("createServer(", { bank, createServer: onAnyPort });
    await until("it listens", () => server.listening);
    try {
      const post = async (path) => (await fetch(`http://127.0.0.1:${server.address().port}/api/${path}`, { method: "POST", headers: json("alice", { "idempotency-key": '"attempt-1"' }), body: '{"attemptId":"attempt-1","mode":"refresh"}' })).status;
      assert.deepEqual([await post("connections/bank/reconnect"), await post("reconnects"), await post("flinks/webhook")], [200, 404, 401]);
    } finally {
      server.close();
    }
  });
});

test("events, and the data with them", async () => {
  await withSandbox(async (sandbox) => {
    const saved = [];
    const names = {
      createReconnect: (options) => createReconnect({ ...options, user: () => "alice", pace: { pollMs: 50 }, log: () => {} }),
      flinks: accessOf(sandbox), store: memoryStore(),
      saveAccounts: async (connection, answer) => saved.push([connection, answer.Login.Id, answer.Accounts.length]), askToReconnect: () => assert.fail("nobody has to reconnect"),
    };
    const bank = await runs("onEvent: async", names, "bank");
    await bank.addConnection({ user: "alice", id: "bank", loginId: SELECTED, selectedAccounts: ACCOUNTS });
    const { body: reply } = await start(bank, "bank");
    await answerAll(sandbox, reply);
    assert.equal((await deliver(bank, resultOf(reply, { loginId: SELECTED, accountIds: ACCOUNTS }))).status, 200);
    await tickUntil(bank, "the event is told", () => saved.length > 0);
    assert.deepEqual(saved, [["bank", SELECTED, 2]]);
  });
});

test("a cron job's route", async () => {
  await withSandbox(async (sandbox) => {
    const GET = await runs("CRON_SECRET", { bank: bankOf(sandbox, memoryStore()), process: { env: { CRON_SECRET: "cron" } } }, "GET");
    const ask = (headers) => GET(new Request("http://bank.example/api/cron", { headers }));
    assert.equal((await ask({})).status, 401);
    const answer = await ask({ authorization: "Bearer cron" });
    assert.deepEqual([answer.status, Object.keys(await answer.json())], [200, ["nextInMs"]]);
  });
});

test("coming from a backend of one's own: connections are added once, and an attempt goes to whom it belongs", async () => {
  await withSandbox(async (sandbox) => {
    const bank = bankOf(sandbox, memoryStore());
    const yourConnections = async () => [
      { user: "alice", id: "picked", loginId: SELECTED, language: "en", selectedAccounts: ACCOUNTS },
      { user: "alice", id: "all", loginId: LOGIN, language: undefined, selectedAccounts: undefined },
      { user: "bob", id: "bob's", loginId: LOGIN, language: undefined, selectedAccounts: undefined },
    ];
    for (const _ of ["the first time", "again"]) await runs("yourConnections()", { bank, yourConnections });
    assert.deepEqual([await bank.connections("alice"), await bank.connections("bob")].map((all) => all.map(({ id }) => id)), [["all", "picked"], ["bob's"]]);

    const app = express();
    const oldDeliver = (request, response) => response.json({ by: "the old backend", attempt: request.body.attemptId });
    await runs("isOldAttempt", { app, bank, express, oldDeliver, isOldAttempt: async (id) => id === "old-attempt" });
    const server = app.listen(0, "127.0.0.1");
    await until("it listens", () => server.listening);
    try {
      const post = async (body) => {
        const answer = await fetch(`http://127.0.0.1:${server.address().port}/api/reconnects`, { method: "POST", headers: json("alice", { "idempotency-key": `"${body.attemptId}"` }), body: JSON.stringify(body) });
        return [answer.status, await answer.json()];
      };
      assert.deepEqual(await post({ attemptId: "old-attempt" }), [200, { by: "the old backend", attempt: "old-attempt" }]);
      const { body: reply } = await start(bank, "picked");
      assert.deepEqual([reply.language, reply.resumeSelectedAccounts], ["en", ACCOUNTS]);
      await answerAll(sandbox, reply);
      assert.equal((await post(resultOf(reply, { loginId: SELECTED, accountIds: ACCOUNTS })))[0], 200);
      // What the page of a user would be told where nobody looks into the old table.
      assert.deepEqual((await post({ ...resultOf(reply), attemptId: "attempt-1" }))[0], 404);
    } finally {
      server.close();
    }
  });
});
