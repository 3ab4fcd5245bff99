import type { Fixtures, PlaywrightTestArgs, PlaywrightTestOptions, PlaywrightWorkerArgs, PlaywrightWorkerOptions, TestType } from "@playwright/test";
import type { Sandbox, SandboxOptions } from "./index.js";

export interface SandboxFixtures {
  /** How the sandbox is set up: `test.use({ sandboxOptions: { … } })`. */
  sandboxOptions: SandboxOptions;
  /** A sandbox of this test's own. Its log is attached to the report when the test fails. */
  sandbox: Sandbox;
}

/** For an own `test.extend(sandboxFixtures)`. */
export const sandboxFixtures: Fixtures<SandboxFixtures>;
export const test: TestType<PlaywrightTestArgs & PlaywrightTestOptions & SandboxFixtures, PlaywrightWorkerArgs & PlaywrightWorkerOptions>;
export { expect } from "@playwright/test";
