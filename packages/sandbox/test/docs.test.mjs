// The packed tarball in an empty folder, with no cargo on PATH: it installs without scripts, serves, and the snippets of docs/testing.md run as they stand.
//
// CHROMIUM is the browser's program.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = ["@playwright/test@1.65.1", "vitest@4"];
/** Node, npm and what the system has; Rust is elsewhere. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
let folder;

before(() => {
  assert.equal(spawnSync("cargo", ["--version"], { env }).error?.code, "ENOENT", "no cargo on this PATH");
  folder = mkdtempSync(join(tmpdir(), "flinks-sandbox-docs-"));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: join(root, "packages/sandbox"), encoding: "utf8", env }));
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", `./${filename}`, ...packages], { cwd: folder, env });
  const snippets = [...readFileSync(join(root, "docs/testing.md"), "utf8").matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code);
  writeFileSync(join(folder, "sandbox.test.js"), snippets.find((code) => code.includes('from "vitest"')));
  writeFileSync(join(folder, "sandbox.spec.mjs"), snippets.find((code) => code.includes("flinks-sandbox/playwright")));
  const launchOptions = { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] };
  writeFileSync(join(folder, "playwright.config.mjs"), `export default ${JSON.stringify({ testMatch: "sandbox.spec.mjs", use: { launchOptions } })};`);
});

after(() => rmSync(folder, { recursive: true, force: true }));

function runs(...args) {
  const { status, stdout, stderr } = spawnSync("npx", ["--no", "--", ...args], { cwd: folder, env, encoding: "utf8", timeout: 120_000 });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

test("the command line works", () => {
  assert.match(runs("flinks-sandbox", "--help"), /--public-connect-url/);
  assert.match(runs("flinks-sandbox", "scenarios"), /reconnect-wrong-answer/);
  assert.match(runs("flinks-sandbox", "check", "--help"), /deliver\.login-mismatch/);
});

test("the Vitest snippet passes", () => {
  assert.match(runs("vitest", "run", "sandbox.test.js"), /1 passed/);
});

test("the Playwright snippet passes", { skip: !process.env.CHROMIUM && "CHROMIUM is not set" }, () => {
  assert.match(runs("playwright", "test"), /1 passed/);
});
