// How soon the bank's question is there after a click, when the backend is asked first: on a phone's processor and a far network, beside a page by hand
// that does the same steps one after the other.
//
// The page is there already, with its script; the connection to its own backend is open, and the one to Connect is not. Pages take turns in one
// browser, in an order drawn anew each time.

import { table } from "../../scripts/benchmarks.mjs";
import { Failure } from "../../scripts/command.mjs";
import { estimate, median, p95, shuffled } from "./statistics.mjs";
import { withBrowser } from "./webdriver.mjs";

const kinds = { "question-handwritten": "hand-written: asks the backend, then inserts the frame", "question-ours": "flinks-reconnect with `start`" };

/** How much longer than by hand it may take. */
const budget = 1.05;

/** Round trips as to another continent; the little that is sent takes no time. */
const far = { latencyMs: 150, kilobitsPerSecond: 100_000 };

/** A phone's processor, as browsers' developer tools mean it. */
const slowdown = 4;

export async function measureQuestion(sites, { rounds }) {
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  const browserName = await withBrowser("chromium", async (browser) => {
    const discarded = 2;
    for (let round = 0; round < discarded + rounds; round++) {
      for (const kind of shuffled(Object.keys(kinds))) {
        const time = await ask(browser, sites, kind);
        if (round >= discarded) times[kind].push(time);
      }
    }
    return browser.name;
  });
  const rows = Object.entries(kinds).map(([kind, title]) => [title, ms(median(times[kind])), ms(p95(times[kind]))]);
  const ratio = estimate([times["question-ours"], times["question-handwritten"]], (ours, byHand) => median(ours) / median(byHand));
  const sentence = `That is ${ratio.value.toFixed(2)} × (95 % interval ${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}); the budget is ${budget} ×.`;
  const problems = ratio.value > budget ? [`the question is there after ${ratio.value.toFixed(2)} × the time of a page by hand, more than ${budget} ×`] : [];
  const setting = `In ${browserName}, ${rounds} runs of each, ${far.latencyMs} ms for each round trip, the processor ${slowdown} × slower.`;
  return { lines: [setting, "", ...table(["click → the bank's question", "median", "p95"], rows), "", sentence], problems };
}

/** Milliseconds from the click to the question, on a page that is there. */
async function ask(browser, sites, kind) {
  await browser.goto(sites.page(kind));
  await browser.until("ask");
  const { connectionsToConnect } = sites;
  connectionsToConnect.close();
  const before = connectionsToConnect.count;
  await browser.cdp("Emulation.setCPUThrottlingRate", { rate: slowdown });
  sites.network = far;
  try {
    const time = await browser.call("ask");
    // Else nobody would have waited for one, and what `preconnect` is worth would not be seen.
    if (connectionsToConnect.count === before) throw new Failure("Connect was asked over a connection that was there before the click");
    return time;
  } finally {
    sites.network = null;
    await browser.cdp("Emulation.setCPUThrottlingRate", { rate: 1 });
  }
}

const ms = (value) => `${value.toFixed(0)} ms`;
