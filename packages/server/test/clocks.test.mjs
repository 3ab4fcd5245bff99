// Several machines on one Postgres, one of whose clocks is wrong: what is claimed is compared by the database's clock.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { postgresDatabase } from "./databases.mjs";
import { launch, relay } from "./processes.mjs";
import { accessOf, answerAll, bankOf, deliver, LOGIN, resultOf, start, until, withSandbox } from "./world.mjs";

const HOUR_MS = 3_600_000;
const pace = { reconcileAfterMs: 60_000, pollMs: 20 };

/** A hold on calls for data: `calls` counts them all. */
function holding() {
  const hold = { isOn: false, isHolding: false, calls: 0, release() {} };
  hold.pass = async (isData, send) => {
    hold.calls += 1;
    if (hold.isOn && isData) {
      hold.isHolding = true;
      await new Promise((resolve) => (hold.release = resolve));
    }
    return send();
  };
  return hold;
}

for (const machineMs of [HOUR_MS, -HOUR_MS]) {
  const how = machineMs > 0 ? "fast" : "slow";
  test(`a machine whose clock is an hour ${how} takes nobody's claim, and nobody takes its own`, { skip: !process.env.POSTGRES && "POSTGRES is not set", timeout: 60_000 }, async () => {
    await withSandbox(async (sandbox) => {
      const { one, close, address } = await postgresDatabase();
      const folder = mkdtempSync(join(tmpdir(), "flinks-clock-"));
      const events = join(folder, "events");
      writeFileSync(events, "");
      const told = () => readFileSync(events, "utf8").split("\n").filter(Boolean).length;
      const [own, theirs] = [holding(), holding()];
      const gate = await relay(sandbox.apiUrl, (path, forward) => theirs.pass(path.includes("GetAccountsDetail"), forward));
      const other = await launch({ ...address, flinks: { ...accessOf(sandbox), apiUrl: gate.url }, pace, events, machineMs });
      const bank = bankOf(sandbox, one, {
        pace,
        onEvent: () => writeFileSync(events, "heard\n", { flag: "a" }),
        fetch: (url, init) => own.pass(String(url).includes("GetAccountsDetail"), () => fetch(url, init)),
      });
      try {
        await one.prepare();
        // Nightly Refresh is asked about at any time.
        await one.takeTurn("nightly", 0, Number.MAX_SAFE_INTEGER);
        await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN });
        for (const [holder, hold, looking, idle] of [[bank, own, other, theirs], [other, theirs, bank, own]]) {
          const before = told();
          const { body } = await start(bank, "bank");
          await answerAll(sandbox, body);
          assert.equal((await deliver(bank, resultOf(body))).status, 200);
          hold.isOn = true;
          const step = holder.tick();
          await until("a step is under way", () => hold.isHolding);
          const calls = idle.calls;
          const { nextInMs } = await looking.tick();
          assert.equal(idle.calls, calls, "the step is under way elsewhere");
          assert.ok(nextInMs > 50_000 && nextInMs <= 60_000, `${nextInMs} ms: when its claim runs out`);
          hold.isOn = false;
          hold.release();
          await step;
          await until("the event is told", async () => (await holder.tick(), told() > before));
          await sandbox.advance(60_000);
        }
        assert.equal(told(), 2);
      } finally {
        gate.close();
        await other.end();
        await close();
        rmSync(folder, { recursive: true });
      }
    });
  });
}
