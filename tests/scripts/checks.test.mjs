// What `npm test` promises about its own checks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checks, sets, sideBySide } from "../../scripts/checks.mjs";

const allowance = JSON.parse(readFileSync(new URL("../allowance.json", import.meta.url), "utf8"));

test("every check has an allowance, and no other has one", () => {
  assert.deepEqual(Object.keys(allowance.checks), Object.keys(checks));
  for (const [name, seconds] of Object.entries(allowance.checks)) assert.ok(Number.isInteger(seconds) && seconds > 0, name);
});

test("the everyday allowances fit into the one for all", () => {
  const seconds = (names) => names.filter((name) => sets.everyday.includes(name)).reduce((sum, name) => sum + allowance.checks[name], 0);
  const inLanes = sideBySide.flat(2);
  const longestLanes = sideBySide.map((lanes) => Math.max(...lanes.map(seconds)));
  const together = longestLanes.reduce((sum, most) => sum + most, seconds(sets.everyday.filter((name) => !inLanes.includes(name))));
  assert.ok(together <= allowance.everyday, `${together} s`);
});

test("what goes on side by side is a check each, and stands once", () => {
  const inLanes = sideBySide.flat(2);
  assert.deepEqual(inLanes.filter((name) => !Object.hasOwn(checks, name)), []);
  assert.equal(new Set(inLanes).size, inLanes.length);
});

test("every check is in one set", () => {
  assert.deepEqual([...sets.everyday, ...sets.slow], Object.keys(checks));
  assert.equal(new Set(Object.keys(checks)).size, sets.everyday.length + sets.slow.length);
});
