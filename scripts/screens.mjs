// `npm run screens`: a picture of everything the widget shows, to be looked at.
//
//   npm run screens                      every view × English, French × light, dark × phone, desktop, into target/screens
//   npm run screens -- connect leaving   these views only
//   npm run screens -- --pictures        only those of the README, into docs/pictures
//
// The package as built, on the demo's page with a sandbox and a host of their own, in Chromium. tests/e2e/pages/scenes.js says how each view
// comes about.

import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { grouped } from "./benchmarks.mjs";
import { build } from "./build.mjs";
import { Failure, find, main, root } from "./command.mjs";
import { buildServers, withHost, withSandbox } from "./servers.mjs";
import { setUp } from "./setup.mjs";
import { SCENES } from "../tests/e2e/pages/scenes.js";

const log = "target/screens/servers.log";
const scenes = readFileSync(join(root, "tests/e2e/pages/scenes.js"));

const sizes = {
  // As a phone has them: sharp pixels, and a finger.
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 800 } },
};
/** For a column of text. */
const small = { viewport: { width: 840, height: 780 } };
const themes = ["light", "dark"];

/** What the README shows: few, small, and each for a reason. */
const pictures = [
  { file: "light", view: "connect", language: "en", theme: "light", size: "small" },
  { file: "dark", view: "expiring", language: "en", theme: "dark", size: "small" },
  { file: "phone", view: "leaving", language: "en", theme: "light", size: "phone" },
  { file: "french", view: "connect", language: "fr", theme: "light", size: "phone" },
];

/** The demo's page in a browser of this size, for as long as `work(page)` goes on. */
async function withPage({ browser, host, sandbox }, { language, theme = "light", size }, work) {
  const context = await browser.newContext({ ...(sizes[size] ?? small), locale: `${language}-CA`, colorScheme: theme, reducedMotion: "reduce" });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.route("**/screens/scenes.js", (route) => route.fulfill({ contentType: "text/javascript", body: scenes }));
    // Connect says what it is told to, once it has asked.
    await page.exposeFunction("connectAsks", () => page.frameLocator("dialog iframe").locator('input[name="answer"]').waitFor());
    await page.exposeFunction("connectSays", async (message) => {
      const frame = page.frames().find((frame) => frame.url().startsWith(sandbox.connect));
      await frame.evaluate((message) => parent.postMessage(message, "*"), message);
    });
    await page.goto(`${host.base}/?lang=${language}`);
    await page.getByTestId("connection-selected").waitFor();
    await work(page);
  } finally {
    await context.close();
  }
}

/** Brings the widget on this page to that view. */
async function show(page, sandbox, view, language) {
  const response = await fetch(`${sandbox.api}/_sandbox/scenario`, { method: "POST", body: JSON.stringify({ name: "reconnect" }) });
  if (!response.ok) throw new Failure(`the sandbox sets no scenario up: ${await response.text()}`);
  const { requestId } = await response.json();
  await page.evaluate(
    async ({ view, options }) => {
      const [{ play }, { reconnect }] = await Promise.all([import("/screens/scenes.js"), import("/dist/index.js")]);
      const until = async (what, probe) => {
        for (const end = performance.now() + 20_000; performance.now() < end; ) {
          if (await probe()) return;
          await new Promise(requestAnimationFrame);
        }
        throw new Error(`waited in vain: ${what}`);
      };
      await play(view, { reconnect, options, until, ready: () => window.connectAsks(), says: (_, message) => window.connectSays(message) });
    },
    { view, options: { connectUrl: sandbox.connect, requestId, language } },
  );
}

/** Every named view in every look; resolves with how many pictures there are. */
async function takeAll(place, views) {
  const folder = join(root, "target/screens");
  let count = 0;
  for (const view of views) {
    for (const language of ["en", "fr"]) {
      for (const size of Object.keys(sizes)) {
        await withPage(place, { language, size }, async (page) => {
          await show(page, place.sandbox, view, language);
          for (const theme of themes) {
            await page.emulateMedia({ colorScheme: theme });
            await page.screenshot({ path: join(folder, `${view}-${language}-${theme}-${size}.png`) });
            count += 1;
          }
        });
      }
    }
    console.log(`${view.padEnd(14)}target/screens/${view}-{en,fr}-{light,dark}-{phone,desktop}.png`);
  }
  return count;
}

async function takePictures(place) {
  for (const { file, view, language, theme, size } of pictures) {
    const path = `docs/pictures/${file}.png`;
    await withPage(place, { language, theme, size }, async (page) => {
      await show(page, place.sandbox, view, language);
      await page.screenshot({ path: join(root, path), scale: "css" });
    });
    console.log(`${path.padEnd(26)}${view}, ${language}, ${theme}, ${size}: ${grouped(statSync(join(root, path)).size)} B`);
  }
}

await main(async () => {
  const { values, positionals } = parseArgs({ options: { pictures: { type: "boolean" } }, allowPositionals: true });
  const unknown = positionals.find((name) => !Object.hasOwn(SCENES, name));
  if (unknown) throw new Failure(`there is no view "${unknown}"; the views are ${Object.keys(SCENES).join(", ")}`);
  const views = positionals.length ? positionals : Object.keys(SCENES);

  await setUp("build", "chromium");
  rmSync(join(root, log), { force: true });
  for (const folder of ["target/screens", "docs/pictures"]) mkdirSync(join(root, folder), { recursive: true });
  await Promise.all([build(), buildServers(log)]);

  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: find("chromium", "chromium-browser", "google-chrome"), args: ["--no-sandbox"] });
  try {
    await withSandbox(log, (sandbox) =>
      withHost(sandbox, log, async (host) => {
        const place = { browser, host, sandbox };
        if (!values.pictures) console.log(`${await takeAll(place, views)} pictures in target/screens`);
        if (values.pictures || positionals.length === 0) await takePictures(place);
      }),
    );
  } finally {
    await browser.close();
  }
});
