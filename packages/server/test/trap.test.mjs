// A module that traps: one call fails, and the next one has a new instance. The trap is a true one: the test keeps what the package instantiates, and
// overwrites its memory.

import assert from "node:assert/strict";
import { test } from "node:test";

const instances = [];
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    instances.push(this);
  }
};

const { memoryStore } = await import("flinks-reconnect-server/memory");
const { access, Flinks } = await import("./flinks.mjs");
const { bankOf, start, until } = await import("./world.mjs");

/** From its next call on nothing in it is what it was. */
const corrupt = () => new Uint8Array(instances.at(-1).exports.memory.buffer).fill(0xff);

test("a trap costs one call a 500, those under way nothing, and the next one goes on", { timeout: 30_000 }, async () => {
  const flinks = new Flinks();
  const lines = [];
  const bank = bankOf(null, memoryStore(), { flinks: access, fetch: flinks.fetch, pace: { reconcileAfterMs: 1 }, log: (...line) => lines.push(line.map((word) => JSON.stringify(word)).join(" ")) });
  for (const id of ["one", "two"]) await bank.addConnection({ user: "alice", id, loginId: `login-of-${id}` });
  assert.equal((await start(bank, "one")).status, 200, "before it");
  assert.equal(instances.length, 1, "one instance serves all calls");

  flinks.held = "Authorize";
  const underWay = start(bank, "two");
  await until("it is under way", () => flinks.heldCalls > 0);
  corrupt();
  const broken = await start(bank, "one");
  assert.deepEqual([broken.status, broken.body.code], [500, "INTERNAL"]);
  assert.ok(lines.some((line) => line.includes("RulesFailed")), lines.join("\n"));
  flinks.held = null;
  assert.equal((await underWay).status, 200, "what was under way");
  assert.equal((await start(bank, "one")).body.mode, "resume", "after it");
  assert.equal(instances.length, 2, "the module was made anew, once");

  corrupt();
  const asked = flinks.asked.length;
  await bank.tick();
  assert.equal(instances.length, 3, "in a look, which never rejects");
  assert.equal(flinks.asked.length, asked + 1, "of two attempts that were due the other one was asked about");
  assert.equal((await start(bank, "two")).body.mode, "resume");
});
