// What flinks-reconnect-server costs a Node application: bytes, the start of a process, the time of a start and a deliver, memory.
//
// Flinks is a function here that answers at once, so what is measured is ours alone: handler, driver, rules in WebAssembly, store.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { grouped, table } from "../../scripts/benchmarks.mjs";
import { root, run } from "../../scripts/command.mjs";
import { folder, nodeWithSqlite } from "../../scripts/server-package.mjs";
import { median, p95 } from "./statistics.mjs";

const dist = join(folder, "dist");
const entry = (name) => JSON.stringify(new URL(`../../packages/server/dist/${name}.js`, import.meta.url).href);
const storeOf = {
  memory: `(await import(${entry("memory")})).memoryStore()`,
  SQLite: `(await import(${entry("sqlite")})).sqliteStore(new (await import("node:sqlite")).DatabaseSync("bank.db"))`,
};

/**
 * A bank whose Flinks answers at once; each user has one connection. `reconnect(n)` is one user's start and deliver, each by the clock (`took`) and by the processor (`work`), in milliseconds;
 * `alive()` is the memory in use, and that of the module, in MiB.
 */
const application = (store) => `
  const work = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1_000; };
  const memories = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(...given) {
      super(...given);
      memories.push(this.exports.memory);
    }
  };
  const alive = async () => {
    // What the first finds dead is cleaned up by tasks, and is gone with the second.
    for (const _ of [1, 2]) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { heapUsed, external } = process.memoryUsage();
    return { heap: (heapUsed + external) / 2 ** 20, module: memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) / 2 ** 20 };
  };
  const LOGIN = "0d5a3c10-0001-4000-8000-000000000002";
  let sessions = 0;
  const flinks = async (url, { body }) => {
    const asked = body ? JSON.parse(body) : {};
    const login = (LastRefresh) => ({ Login: { Id: LOGIN, LastRefresh } });
    if (url.endsWith("/GenerateAuthorizeToken")) return Response.json({ Token: "token-number-" + (sessions += 1) });
    if (asked.RequestId) return Response.json({ RequestId: asked.RequestId, ...login("2026-02-01T00:00:00Z") });
    if (asked.MostRecentCached) return Response.json({ RequestId: "cached-0001", ...login("2026-01-01T00:00:00Z") });
    return Response.json({ RequestId: "session-number-" + (sessions += 1), SecurityChallenges: [] }, { status: 203 });
  };
  const { createReconnect } = await import(${entry("index")});
  const bank = createReconnect({
    flinks: { apiUrl: "http://127.0.0.1:4202", connectUrl: "http://127.0.0.1:4201/v2/", customerId: "customer", secretKey: "secret", apiKey: "api" },
    store: ${storeOf[store]},
    user: (request) => request.headers.get("x-user"),
    fetch: flinks,
  });
  const post = async (path, user, body, key) => {
    const headers = { "content-type": "application/json", "x-user": user, ...(key && { "idempotency-key": JSON.stringify(key) }) };
    const [begun, before] = [performance.now(), work()];
    const answer = await bank.fetch(new Request("http://bank.example/api/" + path, { method: "POST", headers, body: JSON.stringify(body) }));
    const time = { took: performance.now() - begun, work: work() - before };
    const told = await answer.json();
    if (answer.status !== 200) throw new Error(path + " was answered " + answer.status + " " + told.code);
    return { time, told };
  };
  async function reconnect(n) {
    const user = "user-" + n;
    await bank.addConnection({ user, id: "bank-" + n, loginId: LOGIN });
    const started = await post("connections/bank-" + n + "/reconnect", user, {});
    const { attemptId, mode, requestId, tag } = started.told;
    const delivered = await post("reconnects", user, { attemptId, mode, loginId: LOGIN, requestId, institution: null, accountIds: [], tag }, attemptId);
    return { start: started.time, deliver: delivered.time };
  }
`;

/** Runs a script in a process of its own, in an empty folder; what it says at the end. */
async function inProcess(script) {
  const cwd = mkdtempSync(join(root, "target/bench/server-"));
  try {
    const flags = ["--no-warnings", "--expose-gc", "--input-type=module", "--eval", script];
    const { stdout, stderr, status } = spawnSync(await nodeWithSqlite(), flags, { cwd, encoding: "utf8" });
    if (status !== 0) throw new Error(`the server package failed: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** From nothing to the first reconnect: in milliseconds, and what of the process' memory (MiB) came with it. */
const startOne = () => inProcess(`
  const rss = process.memoryUsage().rss;
  const [begun, { user, system }] = [performance.now(), process.cpuUsage()];
  ${application("memory")}
  const before = (user + system) / 1_000;
  const [imported, importing] = [performance.now() - begun, work() - before];
  await reconnect(0);
  console.log(JSON.stringify({ imported, importing, ready: performance.now() - begun, readying: work() - before, mebibytes: (process.memoryUsage().rss - rss) / 2 ** 20 }));`);

/** So many reconnects one after the other, after a few to warm up. */
const reconnects = (store, count) => inProcess(`
  ${application(store)}
  const warm = 100;
  for (let n = 0; n < warm; n += 1) await reconnect(n);
  const before = await alive();
  const all = [];
  for (let n = warm; n < warm + ${count}; n += 1) all.push(await reconnect(n));
  console.log(JSON.stringify({ version: process.versions.node, all, before, after: await alive() }));`);

export async function measurePackage({ starts, count }) {
  const [{ size, unpackedSize }] = JSON.parse(await run("npm", ["pack", "--json", "--dry-run"], { cwd: folder, log: "target/bench/server-package.log" }));
  const module = readFileSync(join(root, "target/wasm/server-module/flinks_server_module_bg.wasm"));
  const zipped = (bytes) => grouped(gzipSync(bytes, { level: 9 }).length);
  const index = readFileSync(join(dist, "index.js"));
  const bytes = table(["", "raw", "gzip -9"], [
    ["the tarball, all entries, types and licences", grouped(unpackedSize), grouped(size)],
    ["`flinks-reconnect-server`, the module inside", grouped(index.length), zipped(index)],
    ["the module alone", grouped(module.length), zipped(module)],
  ]);

  const fresh = [];
  while (fresh.length < starts) fresh.push(await startOne());
  const of = (runs, name) => runs.map((run) => run[name]);
  const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  const row = (name, wall, work) => [name, ms(median(of(fresh, wall))), ms(p95(of(fresh, wall))), ms(median(of(fresh, work)))];
  const process = table(["a process of its own", "median", "p95", "processor's time"], [
    row("imported, and a bank made", "imported", "importing"),
    row("that, and the first reconnect", "ready", "readying"),
  ]);
  const memory = `The first reconnect of a process brings ${median(of(fresh, "mebibytes")).toFixed(1)} MiB with it, all of Node's own for it included.`;

  const rows = [];
  let version;
  for (const store of Object.keys(storeOf)) {
    const { all, before, after, ...ran } = await reconnects(store, count);
    version = ran.version;
    const cells = ["start", "deliver"].flatMap((name) => {
      const times = of(all, name);
      return [ms(median(of(times, "took"))), ms(p95(of(times, "took"))), ms(median(of(times, "work")))];
    });
    rows.push([store, ...cells, `${before.heap.toFixed(1)} → ${after.heap.toFixed(1)} MiB`, `${before.module.toFixed(1)} → ${after.module.toFixed(1)} MiB`]);
  }
  const head = ["store", "start, median", "p95", "processor's time", "deliver, median", "p95", "processor's time", `in use, after ${grouped(count)} more`, "the module's memory"];
  return { lines: [`In Node ${version}.`, "", ...bytes, "", ...process, "", memory, "", ...table(head, rows)], problems: [] };
}
