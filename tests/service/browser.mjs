// What a person does in the example's page, in Chromium.

import { chromium } from "playwright-core";
import { find } from "../../scripts/command.mjs";

/** Runs a browser with these further switches while `work(page)` goes on. */
export async function withPage(work, args = []) {
  const browser = await chromium.launch({ executablePath: find("chromium", "chromium-browser", "google-chrome"), args: ["--no-sandbox", ...args] });
  try {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    page.setDefaultTimeout(60_000);
    return await work(page);
  } finally {
    await browser.close();
  }
}

/** Signs anna in at the application, whose address this is. */
export async function signIn(page, url) {
  await page.goto(url);
  await page.getByLabel("Password").fill("anna's");
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Waits until the page says this of her bank. */
export const untilBankIs = (page, status) => page.getByRole("status").getByText(status, { exact: true }).waitFor();

/** Presses the button, and answers the bank's questions in Connect. */
export async function repair(page) {
  await page.getByRole("button", { name: "Reconnect" }).click();
  const connect = page.frameLocator("iframe");
  for (const [number, answer] of ["Montreal", "Canada", "Triangle"].entries()) {
    await connect.getByText(`Question ${number + 1} of 3`).waitFor();
    await connect.locator('input[name="answer"]').fill(answer);
    await connect.locator('button[type="submit"]').click();
  }
}
