// `npx flinks-sandbox check`: it fails a careless backend in exactly the rows that it should, and says so when it cannot run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../../../scripts/ports.mjs";
import { rows } from "../check/rows.js";
import { startNaive } from "./backends/naive.mjs";

const cli = new URL("../cli.js", import.meta.url).pathname;
const keys = { customerId: "customer", secretKey: "secret", apiKey: "api" };
const sandboxFlags = ({ connect, api }) => ["--connect", connect, "--api", api, "--customer-id", keys.customerId, "--secret-key", keys.secretKey, "--api-key", keys.apiKey];

/** What the careless backend gets wrong. */
const BROKEN = [
  "start.resumes", "start.five-at-once", "start.slow-bank", "start.in-time", "start.refused-key", "start.form",
  "deliver.asks-flinks", "deliver.other-body", "deliver.unfinished", "deliver.invented-request-id", "deliver.login-mismatch", "deliver.unknown-attempt",
  "deliver.flinks-down", "deliver.invented-accounts", "deliver.form", "deliver.not-json", "deliver.oversized",
  "webhook.unsigned", "lost.webhook", "lost.asking",
];
/** What nobody can try on it. */
const UNTRIED = ["start.tag", "start.origin", "start.signed-out", "deliver.other-user", "deliver.picked-accounts"];

/** Two free ports: the backend has to know them before the check begins. */
async function freeAddresses() {
  return { connect: `127.0.0.1:${await freePort()}`, api: `127.0.0.1:${await freePort()}` };
}

function check(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, "check", ...args]);
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

test("a careless backend fails exactly the rows that it breaks", { timeout: 600_000 }, async () => {
  const places = await freeAddresses();
  const naive = await startNaive({ apiUrl: `http://${places.api}`, ...keys });
  const folder = mkdtempSync(join(tmpdir(), "flinks-check-"));
  const junit = join(folder, "check.xml");
  try {
    const { status, stdout, stderr } = await check([
      "--start", `${naive.base}/start`, "--deliver", `${naive.base}/deliver`, "--webhook", `${naive.base}/webhook`, "--webhook-secret", "s",
      "--json", "--junit", junit, ...sandboxFlags(places),
    ]);
    assert.equal(stderr, "");
    const { summary, rows: told, schemaVersion } = JSON.parse(stdout);
    const of = (state) => told.filter((row) => row.state === state).map(({ id }) => id);
    assert.deepEqual(of("FAIL"), BROKEN);
    assert.deepEqual(of("not tried"), UNTRIED);
    assert.deepEqual([status, schemaVersion, summary.planned, summary.planned], [1, 1, rows.length, summary.ok + summary.failed + summary.notTried]);
    for (const row of told) {
      if (row.state === "FAIL") assert.ok(row.expected && row.got && row.change && row.see.includes("docs/backend.md#"), row.id);
      if (row.state === "not tried") assert.ok(row.reason, row.id);
    }
    const xml = readFileSync(junit, "utf8");
    assert.equal(xml.match(/<testcase /g).length, rows.length);
    assert.equal(xml.match(/<failure /g).length, BROKEN.length);
    console.log(`| check against a careless backend | ${summary.planned} rows | ${summary.ok} ok, ${summary.failed} failed as expected, ${summary.notTried} not tried |`);
  } finally {
    rmSync(folder, { recursive: true });
    await naive.stop();
  }
});

test("a backend that ends a kept connection just as the next request comes loses no row by it", async () => {
  const places = await freeAddresses();
  const naive = await startNaive({ apiUrl: `http://${places.api}`, ...keys });
  const served = new WeakSet();
  naive.server.prependListener("request", ({ socket }) => (served.has(socket) ? socket.destroy() : served.add(socket)));
  try {
    const { status, stdout, stderr } = await check(["--start", `${naive.base}/start`, "--deliver", `${naive.base}/deliver`, "--only", "start.begins,start.attempt-id,deliver.accepts", ...sandboxFlags(places)]);
    assert.deepEqual([stderr, status], ["", 0], stdout);
  } finally {
    await naive.stop();
  }
});

test("what cannot run ends with 2, and nothing is green", async () => {
  const places = await freeAddresses();
  const flags = sandboxFlags(places);
  const answering = async ([status, body]) => {
    const server = createServer((request, response) => response.writeHead(status, { "content-type": "application/json" }).end(body));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
  };
  const servers = await Promise.all([[401, "{}"], [404, "{}"], [200, "{}"], [200, '{"status":"upToDate"}']].map(answering));
  const naive = await startNaive({ apiUrl: `http://${places.api}`, ...keys, secretKey: "another" });
  const at = (server) => `http://127.0.0.1:${server.address().port}/`;
  const cases = [
    [["--start", "http://127.0.0.1:1/", "--deliver", "http://127.0.0.1:1/"], /start: /],
    [["--start", at(servers[0]), "--deliver", at(servers[0])], /--header/],
    [["--start", at(servers[1]), "--deliver", at(servers[1])], /404/],
    [["--start", at(servers[2]), "--deliver", at(servers[2])], /no call reached this sandbox/],
    [["--start", at(servers[3]), "--deliver", at(servers[3])], /upToDate.*empty database/],
    [["--start", `${naive.base}/start`, "--deliver", `${naive.base}/deliver`], /keys/],
    [["--start", `${naive.base}/start`, "--deliver", `${naive.base}/deliver`, "--only", "deliver.nothing"], /no row/],
    [["--start", "here", "--deliver", "there"], /--start/],
    [["--deliver", "http://127.0.0.1:1/"], /--start/],
    [["--start", "http://127.0.0.1:1/", "--deliver", "http://127.0.0.1:1/", "--unknown"], /--unknown/],
  ];
  try {
    for (const [args, reason] of cases) {
      const { status, stdout, stderr } = await check([...args, ...flags]);
      assert.equal(status, 2, `${args}: ${stdout}${stderr}`);
      assert.match(stderr, reason);
      assert.equal(stdout, "");
      const json = await check([...args, "--json", ...flags]);
      assert.deepEqual([json.status, JSON.parse(json.stdout).couldRun, JSON.parse(json.stdout).summary.ok], [2, false, 0]);
    }
  } finally {
    await naive.stop();
    for (const server of servers) server.close();
  }
});

test("rows have ids that are words, and say what they are", () => {
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
  const page = readFileSync(new URL("../../../docs/backend.md", import.meta.url), "utf8");
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text]) => text.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-"));
  for (const { id, says, see } of rows) {
    assert.ok(/^[a-z]+\.[a-z-]+$/.test(id) && says, id);
    assert.ok(headings.includes(see), `${id}: docs/backend.md has no paragraph #${see}`);
  }
});
