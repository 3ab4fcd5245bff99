// Many widgets on a page, and a widget opened and closed many times: what it costs, and what is left of it.

import { grouped, table } from "../../scripts/benchmarks.mjs";
import { median, shuffled } from "./statistics.mjs";
import { withBrowser } from "./webdriver.mjs";

/** The module's linear memory with a session open. */
const memoryBudget = 256 * 1024;

const titles = { handwritten: "hand-written frame and listener", ours: "flinks-reconnect" };

/** 1, 10 and 100 side by side. */
export async function measureMany(sites, { rounds }) {
  const rows = [];
  const problems = [];
  const browserName = await withBrowser("chromium", async (browser) => {
    for (const count of [1, 10, 100]) {
      const found = { handwritten: [], ours: [] };
      for (let round = 0; round < rounds; round++) {
        for (const kind of shuffled(Object.keys(found))) {
          // A page of its own for each, so that nobody pays for the one before.
          await browser.goto(sites.page("widgets"));
          await browser.until("isReady");
          const before = await inventory(browser);
          const times = await browser.call("openMany", { kind, count });
          const after = await inventory(browser);
          await browser.call("closeAll");
          found[kind].push({ ...times, heap: after.heap - before.heap, nodes: after.nodes - before.nodes, listeners: after.listeners - before.listeners, wasm: after.wasmBytes });
        }
      }
      for (const [kind, samples] of Object.entries(found)) {
        const middle = (name) => median(samples.map((sample) => sample[name]));
        rows.push([count, titles[kind], ms(middle("called")), ms(middle("active")), kib(middle("heap")), kib(middle("wasm")), grouped(middle("nodes")), grouped(middle("listeners"))]);
        if (kind === "ours" && count === 1 && middle("wasm") > memoryBudget) {
          problems.push(`the module has ${kib(middle("wasm"))} of memory with one session open, more than ${kib(memoryBudget)}`);
        }
      }
    }
    return browser.name;
  });
  const head = ["widgets", "", "calls return", "all active", "JavaScript heap", "wasm memory", "DOM nodes", "listeners"];
  return { lines: [`In ${browserName}, the median of ${rounds}.`, "", ...table(head, rows.map((row) => row.map(String)))], problems };
}

/** Opened and closed again and again: everything must be as before. */
export async function measureCycles(sites, { cycles }) {
  const { before, after, seconds, browserName } = await withBrowser("chromium", async (browser) => {
    await browser.goto(sites.page("widgets"));
    await browser.until("isReady");
    // What the first ones leave behind, the compiled module and the engine's caches, they leave once.
    await browser.call("cycle", { count: 20 });
    const before = await inventory(browser);
    const began = performance.now();
    for (let done = 0; done < cycles; done += 250) await browser.call("cycle", { count: Math.min(250, cycles - done) });
    const seconds = (performance.now() - began) / 1_000;
    return { before, after: await inventory(browser), seconds, browserName: browser.name };
  });
  const kept = { documents: "documents", frames: "frames", nodes: "DOM nodes", elements: "elements on the page", listeners: "listeners", timers: "timers", wasmBytes: "wasm memory, bytes" };
  const rows = Object.entries(kept).map(([name, title]) => [title, grouped(before[name]), grouped(after[name])]);
  rows.push(["JavaScript heap, bytes", grouped(before.heap), grouped(after.heap)]);
  const problems = Object.entries(kept)
    .filter(([name]) => after[name] > before[name])
    .map(([name, title]) => `after ${grouped(cycles)} cycles there are more ${title}: ${grouped(after[name])} instead of ${grouped(before[name])}`);
  const head = [`${grouped(cycles)} cycles (${((seconds * 1_000) / cycles).toFixed(1)} ms each)`, "before", "after"];
  return { lines: [`In ${browserName}.`, "", ...table(head, rows)], problems };
}

/** What there is, once the garbage is gone: the browser may need several goes at it, for frames go in stages. */
async function inventory(browser) {
  let found;
  for (let go = 0; go < 10; go++) {
    await browser.cdp("HeapProfiler.collectGarbage");
    const { documents, nodes, jsEventListeners: listeners } = await browser.cdp("Memory.getDOMCounters");
    const { usedSize: heap } = await browser.cdp("Runtime.getHeapUsage");
    const next = { documents, nodes, listeners, heap, ...(await browser.call("state")) };
    const isSettled = found && ["documents", "nodes", "listeners"].every((name) => next[name] === found[name]) && go >= 3;
    found = next;
    if (isSettled) break;
  }
  return found;
}

const ms = (value) => `${value.toFixed(1)} ms`;
const kib = (count) => `${grouped(Math.round(count / 1024))} KiB`;
