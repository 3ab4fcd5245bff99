// How soon the host has a result: from Connect posting REDIRECT to the request's arrival. Connect writes the time into the message, where a bank's name
// would stand, and it comes back in the delivery's body.

import { table } from "../../scripts/benchmarks.mjs";
import { estimate, median, p95, shuffled } from "./statistics.mjs";
import { withBrowser } from "./webdriver.mjs";

const kinds = { "deliver-handwritten": "hand-written listener and fetch", "deliver-ours": "flinks-reconnect" };

export async function measureDelivery(sites, { rounds }) {
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  const browserName = await withBrowser("chromium", async (browser) => {
    const discarded = 2;
    for (let round = 0; round < discarded + rounds; round++) {
      for (const kind of shuffled(Object.keys(kinds))) {
        await browser.goto(sites.page(kind));
        await browser.until("succeed");
        await browser.call("succeed");
        const { at, body } = await sites.arrival("the delivery", ({ path }) => path === "/deliver");
        if (round >= discarded) times[kind].push(at - Number(JSON.parse(body).institution));
      }
    }
    return browser.name;
  });
  const rows = Object.entries(kinds).map(([kind, title]) => [title, ms(median(times[kind])), ms(p95(times[kind]))]);
  const later = estimate([times["deliver-ours"], times["deliver-handwritten"]], (one, other) => median(one) - median(other));
  const sentence = `The difference is ${ms(later.value)} (95 % interval ${later.low.toFixed(1)} – ${later.high.toFixed(1)}).`;
  return { lines: [`In ${browserName}, ${rounds} runs of each.`, "", ...table(["REDIRECT → the host has it", "median", "p95"], rows), "", sentence], problems: [] };
}

const ms = (value) => `${value.toFixed(1)} ms`;
