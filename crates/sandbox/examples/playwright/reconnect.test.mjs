// A host page with Connect in its frame, driven by Playwright over a running flinks-sandbox.
//
//   cargo run -p flinks-sandbox
//   cd crates/sandbox/examples/playwright && npm ci
//   CHROMIUM=/usr/bin/chromium npm test          (without CHROMIUM: Playwright's own, if it is installed)
//
// SANDBOX is where the control interface is, by default http://127.0.0.1:4202.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";

const sandbox = process.env.SANDBOX ?? "http://127.0.0.1:4202";

async function control(name, body) {
  const response = await fetch(`${sandbox}/_sandbox/${name}`, body && { method: "POST", body: JSON.stringify(body) });
  assert.equal(response.status, 200, `${name}: ${await response.clone().text()}`);
  return response.json();
}

let server;
let browser;
let page;

// The smallest host page there is: a frame, and a list of what it posted. Yours goes here.
const hostPage = `<!doctype html><title>Host</title><iframe title="Connect" height="760" width="480"></iframe><script>
  window.heard = [];
  addEventListener("message", ({ data }) => heard.push(typeof data === "string" ? JSON.parse(data) : data));
</script>`;

before(async () => {
  server = createServer((request, response) => response.setHeader("content-type", "text/html").end(hostPage));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  await page?.context().close();
  page = await (await browser.newContext()).newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
});

/** Sets a scenario up and loads its page in the frame. */
async function start(name) {
  const scenario = await control("scenario", { name });
  await page.evaluate((url) => (document.querySelector("iframe").src = url), scenario.connectUrl);
  return { ...scenario, connect: page.frameLocator("iframe") };
}

const heard = () => page.evaluate(() => window.heard.map(({ step, flinksCode }) => step ?? flinksCode));

async function untilHeard(name) {
  await page.waitForFunction((wanted) => window.heard.some(({ step, flinksCode }) => (step ?? flinksCode) === wanted), name);
}

async function answer(connect, text) {
  await connect.locator('input[name="answer"]').fill(text);
  await connect.locator('button[type="submit"]').click();
}

test("a reconnect from the first question to REDIRECT", async () => {
  const { connect, loginId, requestId } = await start("reconnect");
  for (const [number, text] of ["Montreal", "Canada", "Triangle"].entries()) {
    await connect.getByText(`Question ${number + 1} of 3`).waitFor();
    await answer(connect, text);
  }
  await connect.locator('main[data-screen="success"]').waitFor();
  await untilHeard("REDIRECT");
  const redirect = await page.evaluate(() => window.heard.at(-1));
  assert.equal(redirect.loginId, loginId);
  assert.equal(redirect.requestId, requestId);
});

test("a wrong answer can be put right", async () => {
  const { connect } = await start("reconnect-wrong-answer");
  await answer(connect, "Toronto");
  await connect.locator('main[data-code="INVALID_SECURITY_RESPONSE"]').waitFor();
  await connect.getByTestId("try-again").click();
  await connect.locator('main[data-screen="mfa"]').waitFor();
  await untilHeard("COMPONENT_LOAD_MFA_RETRY");
  assert.deepEqual(await heard(), [
    "APP_MOUNTED",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "INVALID_SECURITY_RESPONSE",
    "COMPONENT_LOAD_MFA_RETRY",
  ]);
});

test("eight minutes pass without waiting for them", async () => {
  const { connect } = await start("reconnect");
  await connect.locator('main[data-screen="mfa"]').waitFor();
  await control("clock", { advanceMs: 8 * 60_000 });
  await answer(connect, "Montreal");
  await connect.locator('main[data-code="SESSION_EXPIRED"]').waitFor();
  await untilHeard("SESSION_EXPIRED");
});

test("the page tells when the network goes and comes, and when the frame gets another size", async () => {
  const { connect } = await start("reconnect-offline");
  await connect.locator('main[data-screen="mfa"]').waitFor();
  await page.context().setOffline(true);
  await untilHeard("APP_OFFLINE");
  await page.context().setOffline(false);
  await untilHeard("APP_ONLINE");
  await page.evaluate(() => (document.querySelector("iframe").width = 320));
  await untilHeard("APP_RESIZE");
  const resize = await page.evaluate(() => window.heard.at(-1));
  assert.deepEqual(resize, { step: "APP_RESIZE", width: 320, height: 760 });
  assert.deepEqual(await heard(), ["APP_MOUNTED", "COMPONENT_LOAD_MFA", "APP_OFFLINE", "APP_ONLINE", "APP_RESIZE"]);
  const posted = (await control("log")).entries.filter(({ kind }) => kind === "eventPosted").map(({ event }) => event.step);
  assert.deepEqual(posted, await heard(), "the log says the same");
});

test("an OAuth bank asks in a window of its own", async () => {
  const { connect } = await start("oauth-blocked");
  const popup = page.waitForEvent("popup");
  await connect.getByTestId("oauth-open").click();
  await (await popup).getByTestId("approve").click();
  await connect.locator('main[data-screen="success"]').waitFor();
  await untilHeard("REDIRECT");
  assert.deepEqual(await heard(), ["APP_MOUNTED", "POPUP_OPENED", "COMPONENT_ACCEPT_PROVIDER_CONSENT", "REDIRECT"]);
});

test("terms are ticked, and the page helps with questions", async () => {
  const { connect } = await start("full-flow-terms");
  await connect.locator('input[name="username"]').fill("Greatday");
  await connect.locator('input[name="password"]').fill("Everyday");
  await connect.locator('button[type="submit"]').click();
  await connect.locator('main[data-screen="credentials"]').waitFor();
  await connect.locator('input[name="terms"]').check();
  await untilHeard("COMPONENT_ACCEPT_TERMS");
  assert.equal(await connect.locator('input[name="username"]').inputValue(), "Greatday", "what was typed stays");
  await connect.locator('button[type="submit"]').click();
  await connect.getByTestId("help").locator("summary").click();
  await untilHeard("COMPONENT_HELP2FA_INFO");
});

test("the whole window goes to redirectUrl, unless it is told to stay inside", async () => {
  const { connect } = await start("ends-inside");
  await connect.locator('input[name="username"]').fill("greatday_nomfa");
  await connect.locator('input[name="password"]').fill("Everyday");
  await connect.locator('button[type="submit"]').click();
  await page.waitForFunction(() => window.frames.length === 1 && window.heard.some(({ step }) => step === "REDIRECT"));
  const frame = page.frames()[1];
  await frame.waitForURL(/\/v2\/Result\/Prairie%20Lantern%20Credit%20Union\?thank-you=true/);

  await page.route("https://host.example/**", (route) => route.fulfill({ body: "done", contentType: "text/html" }));
  const leaving = await start("ends-at-redirect-url");
  await leaving.connect.locator('input[name="username"]').fill("greatday_nomfa");
  await leaving.connect.locator('input[name="password"]').fill("Everyday");
  await leaving.connect.locator('button[type="submit"]').click();
  await page.waitForURL(/^https:\/\/host\.example\/done\?state=a&loginId=/);
});

test("a page that may not be framed never posts", async () => {
  await start("page-frame-denied");
  // Chromium shows its own error page in the frame.
  await page.waitForFunction(() => document.querySelector("iframe").contentDocument === null);
  assert.deepEqual(await heard(), []);
});
