// How long somebody who works on it waits: for a build, for `npm start`, and from saving a file to the page with the change in it.
//
// Files of the working tree are edited, as an editor would, and put back as they were: also when this fails or is interrupted. A change of the page or the
// façade proves that it is there by what it says in the page; a change of the core is a comment and shows in the reload alone.

import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { table } from "../../scripts/benchmarks.mjs";
import { Failure, end, root, run, start } from "../../scripts/command.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { buildServers } from "../../scripts/servers.mjs";
import { median } from "./statistics.mjs";
import { withBrowser } from "./webdriver.mjs";

const log = "target/bench/builds.log";

/** A warm `npm start` must be ready within this. */
const startBudgetSeconds = 15;

const edits = {
  "the demo (www/demo/demo.js)": { file: "www/demo/demo.js", line: (mark) => `globalThis.edited = ${mark};` },
  "the façade (www/sdk/error.ts)": { file: "www/sdk/error.ts", line: (mark) => `Object.assign(globalThis, { edited: ${mark} });` },
  "the core (crates/connect/src/lib.rs)": { file: "crates/connect/src/lib.rs", line: (mark) => `// Edited: ${mark}.` },
};

const originals = new Map();
process.on("exit", putBack);

/** Adds a line to a file of the working tree. */
function edit(file, line) {
  const path = join(root, file);
  if (!originals.has(path)) originals.set(path, readFileSync(path, "utf8"));
  writeFileSync(path, `${originals.get(path)}${line}\n`);
}

function putBack() {
  originals.forEach((text, path) => writeFileSync(path, text));
  originals.clear();
}

/** `ofCore`: also how long a change of the core takes, which is compiled twice, there and back. */
export async function measureBuilds({ rounds, ofCore }) {
  const rows = [];
  rows.push(["`npm run build`, nothing changed", seconds(median(await repeated(rounds, () => timed(build))))]);

  // Warm is the second start: what the first one builds is not in it.
  await buildServers(log);
  const { ready, reloads } = await measureStart(rounds, ofCore);
  rows.push(["`npm start`, warm, until it is ready", seconds(ready)]);
  for (const [what, times] of Object.entries(reloads)) rows.push([`${what} saved, until the page has it`, seconds(median(times))]);
  // What was edited last is built as it was.
  await build();

  const problems = ready > startBudgetSeconds ? [`a warm \`npm start\` took ${seconds(ready)}, more than ${startBudgetSeconds} s`] : [];
  return { lines: table(["", "median"], rows), problems };
}

const build = () => run("npm", ["run", "build"], { log });

async function timed(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

async function repeated(rounds, work) {
  const times = [];
  for (let round = 0; round < rounds; round++) times.push(await work());
  return times;
}

/** Seconds until `npm start` is ready, and from each kind of edit to the page that has it. */
async function measureStart(rounds, ofCore) {
  const [host, connect, api] = [await freePort(), await freePort(), await freePort()];
  const began = performance.now();
  const demo = start("node", ["scripts/start.mjs", "--host-port", `${host}`, "--connect-port", `${connect}`, "--api-port", `${api}`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    await said(demo, /^Ready: /m);
    const ready = (performance.now() - began) / 1_000;
    const reloads = await withBrowser("chromium", async (browser) => {
      await browser.goto(`http://localhost:${host}`);
      await browser.until("document");
      const reloads = {};
      for (const [what, { file, line }] of Object.entries(edits)) {
        if (file.endsWith(".rs") && !ofCore) continue;
        reloads[what] = await repeated(file.endsWith(".rs") ? Math.min(rounds, 3) : rounds, () => reloaded(browser, file, line));
        putBack();
        await settled(browser);
      }
      return reloads;
    });
    return { ready, reloads };
  } finally {
    putBack();
    const ended = once(demo, "exit");
    end(demo);
    await ended;
  }
}

let mark = 0;

/** Seconds from saving a file to the page that has the change. */
async function reloaded(browser, file, line) {
  mark += 1;
  await browser.evaluate("window.isOld = true");
  const began = performance.now();
  edit(file, line(mark));
  const isThere = file.endsWith(".rs")
    ? "return !window.isOld && document.readyState === 'complete'"
    : `return !window.isOld && window.edited === ${mark}`;
  await until(browser, isThere, `the page with the change in ${file}`);
  return (performance.now() - began) / 1_000;
}

/** Waits for the reload that follows putting a file back. */
async function settled(browser) {
  await until(browser, "return !window.edited && document.readyState === 'complete'", "the page as it was");
}

async function until(browser, script, what) {
  const deadline = performance.now() + 300_000;
  while (performance.now() < deadline) {
    // In the middle of a reload there may be no page to ask.
    if (await browser.evaluate(script).catch(() => false)) return;
    await sleep(20);
  }
  throw new Failure(`${what} did not come within five minutes; see ${log}`);
}

async function said(child, pattern) {
  let output = "";
  const ended = once(child, "exit").then(() => {
    throw new Failure(`npm start ended by itself:\n${output}`);
  });
  ended.catch(() => {});
  const found = new Promise((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (pattern.test(output)) resolve();
    });
  });
  await Promise.race([found, ended]);
}

const seconds = (value) => `${value.toFixed(1)} s`;
