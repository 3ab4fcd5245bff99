// How soon Connect is asked for, as the server sees it: from the page's own request, when the page opens Connect as soon as it can; and from the call,
// when somebody clicks on a page that is there. The call's time travels in the frame's address, on the clock that page and server share.
//
// Every page is one HTML file and one script with all it needs; nothing is cached. The kinds take turns in one browser, in an order drawn anew each
// time.

import { table } from "../../scripts/benchmarks.mjs";
import { estimate, median, p95, shuffled } from "./statistics.mjs";
import { withBrowser } from "./webdriver.mjs";

const kinds = {
  "start-handwritten": "hand-written, the frame alone",
  "start-ours": "flinks-reconnect",
  "start-connect-web-sdk": "connect-web-sdk",
  "start-flinks-react": "@rizwannur/flinks/react and React",
};

/** Milliseconds by which our frame may be asked for later than a hand-written one. */
const budget = 15;

/** As browsers' developer tools mean it. */
const slow4G = { latencyMs: 150, kilobitsPerSecond: 1_600 };

export async function measureStart(sites, { rounds, slowRounds }) {
  const { near, called, slow, browserName } = await withBrowser("chromium", async (browser) => {
    const near = await eachInTurn(rounds, (kind, run) => visit(browser, sites, kind, run));
    const called = await eachInTurn(rounds, (kind, run) => calls(browser, sites, kind, run));
    sites.network = slow4G;
    const slow = await eachInTurn(slowRounds, (kind, run) => visit(browser, sites, kind, run));
    sites.network = null;
    return { near, called, slow, browserName: browser.name };
  });

  const of = (samples, name) => samples.map((sample) => sample[name]);
  const rows = Object.entries(kinds).map(([kind, title]) => [
    title, ...both(of(called[kind], "first")), ...both(of(called[kind], "second")), ...both(of(near[kind], "page")), ...both(of(slow[kind], "page")),
  ]);
  const head = ["", "first call → frame", "p95", "second call → frame", "p95", "page → frame", "p95", "page → frame on slow 4G", "p95"];
  const first = (kind) => of(called[kind], "first");
  const later = estimate([first("start-ours"), first("start-handwritten")], (one, other) => median(one) - median(other));
  const sentence = `After the first \`reconnect()\` on a page the frame is asked for ${ms(later.value)} later than by a hand-written page (95 % interval ` +
    `${later.low.toFixed(1)} – ${later.high.toFixed(1)}); the budget is ${budget} ms.`;
  const problems = later.value > budget ? [`the frame is asked for ${ms(later.value)} later than by a hand-written page, more than ${budget} ms`] : [];
  return { lines: [`In ${browserName}, ${rounds} runs of each.`, "", ...table(head, rows), "", sentence], problems };
}

/** Samples by kind. */
async function eachInTurn(rounds, sample) {
  const samples = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  // The first visits find a cold browser.
  const discarded = 2;
  for (let round = 0; round < discarded + rounds; round++) {
    for (const kind of shuffled(Object.keys(kinds))) {
      const found = await sample(kind, `${kind} ${round}`);
      if (round >= discarded) samples[kind].push(found);
    }
  }
  return samples;
}

/** A page that opens Connect by itself: milliseconds from the page's request to the frame's. */
async function visit(browser, sites, kind, run) {
  await browser.goto(sites.page(kind, { run }));
  const page = await sites.arrival("the page", ({ path, query }) => path === `/${kind}.html` && query.get("run") === run);
  const frame = await framed(sites, run);
  return { page: frame.at - page.at };
}

/** A page on which Connect is called for: milliseconds from the first call to the frame's request, and from a second. */
async function calls(browser, sites, kind, run) {
  await browser.goto(sites.page(kind, { run, waits: "" }));
  await browser.until("again");
  const sinceCall = async () => {
    await browser.call("again");
    const frame = await framed(sites, run);
    return frame.at - Number(frame.query.get("called"));
  };
  return { first: await sinceCall(), second: await sinceCall() };
}

const framed = (sites, run) => sites.arrival("the frame", ({ path, query }) => path === "/v2/" && query.get("run") === run);

const ms = (value) => `${value.toFixed(1)} ms`;
const both = (times) => [ms(median(times)), ms(p95(times))];
