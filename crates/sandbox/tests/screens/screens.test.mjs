// Every screen of the Connect page, in both languages: axe-core has nothing to say about it, and it never scrolls sideways.
//
// SANDBOX is a running sandbox's API address; CHROMIUM the browser. SHOTS names a folder for a picture of each screen, if wanted.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { SANDBOX: sandbox, CHROMIUM: executablePath, SHOTS: shots } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** 320 pixels are what WCAG wants a page to fit into. Each look of the page is seen in one of its two colour schemes. */
const looks = [
  { name: "desktop", size: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "phone", size: { width: 320, height: 640 }, colorScheme: "dark" },
];
const answers = ["Montreal", "Canada", "Triangle"];

let browser;

before(async () => {
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(() => browser?.close());

async function scenario(name) {
  const response = await fetch(`${sandbox}/_sandbox/scenario`, { method: "POST", body: JSON.stringify({ name }) });
  assert.equal(response.status, 200, await response.clone().text());
  return new URL((await response.json()).connectUrl);
}

for (const language of ["en", "fr"]) {
  test(`every screen, ${language}`, { timeout: 120_000 }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const wrong = [];
    const seen = [];

    /** Looks at a page as it is, and notes what is wrong with it. */
    async function look(name, at = page) {
      seen.push(name);
      await at.evaluate(axe);
      for (const { name: look, size, colorScheme } of looks) {
        await at.setViewportSize(size);
        await at.emulateMedia({ colorScheme });
        const { violations } = await at.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
        wrong.push(...violations.map(({ id, nodes }) => `${name}, ${look}: ${id} at ${nodes.map(({ target }) => target).join("; ")}`));
        const sideways = await at.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (sideways > 0) wrong.push(`${name}, ${look}: scrolls sideways by ${sideways} pixels`);
        assert.equal(await at.evaluate(() => document.documentElement.lang), language);
        if (shots) await at.screenshot({ path: `${shots}/${name}-${language}-${look}.png` });
      }
    }

    const screen = (name, at = page) => at.locator(`main[data-screen="${name}"]`).waitFor();
    async function open(name, parameters = {}) {
      const url = await scenario(name);
      for (const [parameter, value] of Object.entries({ language, ...parameters })) url.searchParams.set(parameter, value);
      await page.goto(url.href);
    }
    async function signIn(username, password) {
      await page.fill('input[name="username"]', username);
      await page.fill('input[name="password"]', password);
      await page.click('button[type="submit"]');
    }
    async function answer(text) {
      await page.fill('input[name="answer"]', text);
      await page.click('button[type="submit"]');
    }

    await open("full-flow-consent");
    await screen("consent");
    await look("consent");
    await page.getByTestId("deny-consent").click();
    await screen("error");
    await look("consent-denied");

    await open("full-flow", { institutionFilterEnable: "true", closeEnable: "true" });
    await screen("banks");
    await look("banks");
    await page.fill('input[name="search"]', "no such bank");
    await look("banks-none");

    await open("full-flow-terms");
    await screen("credentials");
    await look("credentials-terms");
    await open("full-flow-wrong-password");
    await screen("credentials");
    await look("credentials");
    await signIn("Greatday", "wrong");
    await screen("error");
    await look("credentials-failed");
    await open("full-flow-disabled-login");
    await signIn("test_disabled_account", "any");
    await screen("error");
    await look("login-disabled");

    await open("reconnect", { closeEnable: "true" });
    await screen("mfa");
    await look("mfa");
    await page.locator('[data-testid="help"] summary').click();
    await page.locator('[data-testid="troubleshoot"] summary').click();
    await look("mfa-helped");
    await answer("Toronto");
    await screen("error");
    await look("mfa-failed");

    for (const name of ["challenges-together", "challenges-choices", "challenges-image", "challenges-text-or-call", "challenges-push"]) {
      await open(name);
      await screen("mfa");
      await look(name);
    }

    await open("reconnect-selector");
    for (const [index, text] of answers.entries()) {
      await page.getByText(`Question ${index + 1} `).waitFor();
      await answer(text);
    }
    await screen("accounts");
    await look("accounts-one");
    await open("full-flow-several-accounts");
    await page.locator('[data-institution="FlinksCapital"]').click();
    await signIn("greatday_nomfa", "Everyday");
    await screen("accounts");
    await look("accounts-several");
    await page.click('button[type="submit"]');
    await page.getByRole("alert").waitFor();
    await look("accounts-none-picked");
    await page.locator('input[name="account"]').first().check();
    await page.click('button[type="submit"]');
    await screen("success");
    await look("success");

    await open("ends-inside");
    await signIn("greatday_nomfa", "Everyday");
    await page.waitForURL("**/v2/Result/**");
    await screen("success");
    await look("result");

    await open("reconnect-expired");
    await screen("expired");
    await look("expired");
    await open("reconnect-spent-token");
    await screen("mfa");
    await page.reload();
    await screen("error");
    await look("token-invalid");

    await open("oauth-declined");
    await screen("oauth");
    await look("oauth");
    const opened = page.waitForEvent("popup");
    await page.getByTestId("oauth-open").click();
    const bank = await opened;
    await page.getByRole("status").waitFor();
    await look("oauth-waiting");
    await screen("bank", bank);
    await look("bank", bank);
    // Else it would close at once.
    await bank.evaluate(() => (window.close = () => {}));
    await bank.getByTestId("decline").click();
    await screen("done", bank);
    await look("bank-declined", bank);
    await bank.close();
    await screen("error");
    await look("oauth-declined");
    await open("oauth-blocked");
    await screen("oauth");
    await page.evaluate(() => (window.open = () => null));
    await page.getByTestId("oauth-open").click();
    await page.getByRole("alert").waitFor();
    await look("oauth-blocked");

    await open("reconnect");
    await screen("mfa");
    await context.setOffline(true);
    await answer("Montreal");
    await page.getByRole("alert").waitFor();
    await look("offline");
    await context.close();

    console.log(`| screens, ${language} | ${seen.length} | each at 1280 and at 320 pixels, light and dark | ${wrong.length} violations of axe-core's rules |`);
    assert.deepEqual(wrong, []);
  });
}
