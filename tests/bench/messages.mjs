// The cost of a message that is not the widget's, and of one that is: see pages/messages.js for how, and why so.

import { table } from "../../scripts/benchmarks.mjs";
import { estimate, median, p95, quartile, shuffled } from "./statistics.mjs";
import { withBrowser } from "./webdriver.mjs";

/** A stranger's message as a page may get it: a success that is not ours, with a little more in it. */
const strangers = { step: "REDIRECT", loginId: "login-of-somebody-0001", more: [1, 2, 3] };
const connects = { step: "COMPONENT_LOAD_MFA", institution: "FlinksCapital" };

/** Microseconds that a stranger's message may take, by the median; the aim is to take no more than so many times what a hand-written check takes. */
const budget = 10;
const aim = 3;

/** The first rounds are the engine's, which compiles what it sees often. */
const discarded = 3;

export async function measureMessages(sites, { rounds, engines }) {
  const lines = [];
  const problems = [];
  const rows = [];
  for (const engine of engines) {
    await withBrowser(engine, async (browser) => {
      await browser.goto(sites.page("messages"));
      await browser.until("isReady");
      // As many as its clock needs, 0.1 ms fine in Chromium and 1 ms in the others, and no more: a short round is less likely to be disturbed.
      const count = engine === "chromium" ? 5_000 : 20_000;
      const names = ["nobody", "handwritten", "ours", "penpal"];
      const { wall, cpu } = await measure(browser, { names, call: "reject", count, message: strangers, rounds, hasCpu: engine === "chromium" });
      for (const [clock, times] of [["wall clock", wall], ["thread's CPU time", cpu]]) {
        if (times) rows.push(...rejected(browser.name, clock, times, count, problems));
      }
    });
  }
  lines.push(`A message of a stranger's, one listener's share, ${rounds} rounds of each; the budget is a median of ${budget} µs, the aim ${aim} ×:`, "", ...table(["browser", "measured by", "listener", "lower quartile", "median", "p95", "times the hand-written", "95 % interval"], rows));

  const accepted = await withBrowser("chromium", async (browser) => {
    await browser.goto(sites.page("messages"));
    await browser.until("isReady");
    const count = 1_000;
    const { wall } = await measure(browser, { names: ["handwritten", "ours", "penpal"], call: "accept", count, message: connects, rounds });
    const perMessage = (name) => wall[name].map((time) => (time * 1_000) / count);
    return Object.keys(wall).map((name) => {
      const { value, low, high } = estimate([perMessage(name), perMessage("handwritten")], (one, other) => median(one) / median(other));
      return [titles[name], microseconds(median(perMessage(name))), microseconds(p95(perMessage(name))), ratio(value), interval(name, low, high)];
    });
  });
  lines.push("", "A message of Connect's until the page's own code has it, the browser's share included (Chromium):", "");
  lines.push(...table(["listener", "median", "p95", "times the hand-written", "95 % interval"], accepted));
  return { lines, problems };
}

const titles = { handwritten: "hand-written, three lines", ours: "flinks-reconnect", penpal: "penpal" };

function rejected(browser, clock, times, count, problems) {
  const alone = quartile(times.nobody);
  const share = (name) => times[name].map((time) => ((time - alone) * 1_000) / count);
  return ["handwritten", "ours", "penpal"].map((name) => {
    // Whatever disturbs a round makes it longer, so the lower quarter tells most about the listener.
    const { value, low, high } = estimate(
      [times[name], times.handwritten, times.nobody],
      (one, other, nobody) => (quartile(one) - quartile(nobody)) / (quartile(other) - quartile(nobody)),
    );
    const typical = median(share(name));
    if (name === "ours" && typical > budget) problems.push(`${browser}: rejecting a message takes ${microseconds(typical)} of ${budget} µs`);
    return [browser, clock, titles[name], microseconds(quartile(share(name))), microseconds(typical), microseconds(p95(share(name))), ratio(value), interval(name, low, high)];
  });
}

/** Rounds of all listeners in turn, in an order drawn anew each time; milliseconds a round, by listener. */
async function measure(browser, { names, call, count, message, rounds, hasCpu = false }) {
  const wall = Object.fromEntries(names.map((name) => [name, []]));
  const cpu = hasCpu ? Object.fromEntries(names.map((name) => [name, []])) : undefined;
  if (hasCpu) await browser.cdp("Performance.enable", { timeDomain: "threadTicks" });
  for (let round = 0; round < discarded + rounds; round++) {
    for (const name of shuffled(names)) {
      await browser.call("listen", name);
      const before = hasCpu && (await taskMs(browser));
      const took = await browser.call(call, { count, message });
      const after = hasCpu && (await taskMs(browser));
      await browser.call("deafen");
      if (round < discarded) continue;
      wall[name].push(took);
      // With all else that a round is, posting and collecting garbage too; it is the same for all and goes with `nobody`.
      if (hasCpu) cpu[name].push(after - before);
    }
  }
  return { wall, cpu };
}

/** How long the page's main thread has worked, as the browser keeps account. */
async function taskMs(browser) {
  const { metrics } = await browser.cdp("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value * 1_000;
}

const microseconds = (value) => `${value.toFixed(2)} µs`;
const ratio = (value) => `${value.toFixed(2)} ×`;
/** The measure itself is 1 by definition; an interval that holds nonsense says that the machine was too busy, or the clock too coarse. */
function interval(name, low, high) {
  if (name === "handwritten") return "–";
  return low > 0 ? `${low.toFixed(2)} – ${high.toFixed(2)}` : "too noisy to tell";
}
