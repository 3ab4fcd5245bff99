// How soon a sandbox is ready and what a hundred of them weigh: from npm, where they share a process, and as the binary, where each is one.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { grouped, table } from "../../scripts/benchmarks.mjs";
import { end, root, run, start } from "../../scripts/command.mjs";
import { folder } from "../../scripts/sandbox.mjs";
import { built } from "../../scripts/servers.mjs";

const worldsAtOnce = 100;

/** The budgets: design §9. */
export const budgets = { tarballBytes: 600_000, readyMs: 100, mebibytes: 64 };

/** Starts one sandbox from npm in a fresh process, and a hundred more: times in ms, memory in MiB. `work` is the processor's time, on all threads. */
export function startFromNpm() {
  const script = `
    const [begun, usage] = [performance.now(), process.cpuUsage()];
    const { Sandbox } = await import(${JSON.stringify(new URL("../../packages/sandbox/index.js", import.meta.url).href)});
    const worlds = [await Sandbox.start()];
    const ready = performance.now() - begun;
    const { user, system } = process.cpuUsage(usage);
    const before = process.memoryUsage().rss;
    const all = performance.now();
    while (worlds.length <= ${worldsAtOnce}) worlds.push(await Sandbox.start());
    const took = performance.now() - all;
    const mebibytes = (process.memoryUsage().rss - before) / 2 ** 20;
    await Promise.all(worlds.map((world) => world.stop()));
    console.log(JSON.stringify({ ready, work: (user + system) / 1_000, took, mebibytes }));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the sandbox did not start: ${stderr}`);
  return JSON.parse(stdout);
}

/** Starts the binary: how long until it says where it listens, and what it weighs then. */
async function startBinary() {
  const begun = performance.now();
  const child = start(built("flinks-sandbox", "server"), ["--connect", "127.0.0.1:0", "--api", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const ready = performance.now() - begun;
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]);
  end(child);
  await once(child, "close");
  return { ready, mebibytes: kilobytes / 1024 };
}

/** Both faces, as medians of so many starts. */
export async function measureFaces({ starts }) {
  const [{ size }] = JSON.parse(await run("npm", ["pack", "--json", "--dry-run"], { cwd: folder, log: "target/bench/sandbox.log" }));
  const npm = Array.from({ length: starts }, startFromNpm);
  const binary = [];
  while (binary.length < starts) binary.push(await startBinary());
  const ready = median(npm, "ready");
  const mebibytes = median(npm, "mebibytes");
  const problems = [
    size > budgets.tarballBytes && `the tarball of flinks-sandbox has ${size} bytes of ${budgets.tarballBytes}`,
    ready > budgets.readyMs && `the sandbox from npm is ready after ${ready.toFixed(0)} ms of ${budgets.readyMs}`,
    mebibytes > budgets.mebibytes && `${worldsAtOnce} sandboxes from npm take ${mebibytes.toFixed(0)} MiB of ${budgets.mebibytes}`,
  ].filter(Boolean);
  const head = ["", "tarball", "ready, median", `${worldsAtOnce} at once`];
  return {
    lines: table(head, [
      ["from npm, in one process", `${grouped(size)} B`, `${ready.toFixed(0)} ms`, `${mebibytes.toFixed(1)} MiB`],
      ["the binary, a process each", "–", `${median(binary, "ready").toFixed(0)} ms`, `${(median(binary, "mebibytes") * worldsAtOnce).toFixed(1)} MiB`],
    ]),
    problems,
  };
}

function median(runs, name) {
  const sorted = runs.map((run) => run[name]).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}
