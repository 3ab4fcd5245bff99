// Playwright's `test` with a sandbox of its own for each test.

import { expect, test as base } from "@playwright/test";
import { Sandbox } from "./index.js";

/** For an own `test.extend(sandboxFixtures)`. */
export const sandboxFixtures = {
  sandboxOptions: [{}, { option: true }],
  sandbox: async ({ sandboxOptions }, use, testInfo) => {
    const sandbox = await Sandbox.start(sandboxOptions);
    try {
      await use(sandbox);
      if (testInfo.status !== testInfo.expectedStatus) {
        const body = JSON.stringify(await sandbox.log(), null, 2);
        await testInfo.attach("sandbox-log.json", { body, contentType: "application/json" });
      }
    } finally {
      await sandbox.stop();
    }
  },
};

export const test = base.extend(sandboxFixtures);
export { expect };
