// What `npm test` promises about its own checks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checks, sets } from "../../scripts/checks.mjs";

const allowance = JSON.parse(readFileSync(new URL("../allowance.json", import.meta.url), "utf8"));

test("every check has an allowance, and no other has one", () => {
  assert.deepEqual(Object.keys(allowance.checks), Object.keys(checks));
  for (const [name, seconds] of Object.entries(allowance.checks)) assert.ok(Number.isInteger(seconds) && seconds > 0, name);
});

test("the everyday allowances fit into the one for all", () => {
  const seconds = (...names) => names.reduce((sum, name) => sum + allowance.checks[name], 0);
  const sideBySide = Math.max(seconds("e2e-chromium"), seconds("e2e-webkit"));
  const inTurn = sets.everyday.filter((name) => !["e2e-chromium", "e2e-webkit"].includes(name));
  assert.ok(seconds(...inTurn) + sideBySide <= allowance.everyday, `${seconds(...inTurn) + sideBySide} s`);
});

test("every check is in one set", () => {
  assert.deepEqual([...sets.everyday, ...sets.slow], Object.keys(checks));
  assert.equal(new Set(Object.keys(checks)).size, sets.everyday.length + sets.slow.length);
});
