// What goes on without a request: asking about open attempts, fetching data, asking whom Nightly Refresh passes over, telling events.
//
// Invariants: what is to be done is in the store, so any process carries on where another one died, at any time and at once with others; a
// look is bounded, and remembers nothing.

import { type Driver, randomId, within } from "./driver.js";
import { kindOf, type Log } from "./log.js";
import type { ReconnectEvent } from "./records.js";
import { nightlyTasks, workTask } from "./rules.js";
import type { DueEvent, Told } from "./store.js";

/** How long a claim lasts without being renewed. */
const LEASE_MS = 60_000;
/** The most attempts at a time. */
const MOST_ATTEMPTS = 8;
/** Until Flinks is asked again for the list of Nightly Refresh when it gave none. */
const NIGHTLY_RETRY_MS = 10 * 60_000;
/** How many logins are looked up at once. */
const LOGINS_AT_ONCE = 50;
/** The most events of one look. */
const MOST_EVENTS = 32;
/** How long the application may take for an event. */
const TELLING_MS = 30_000;
/** The longest until the next look. */
const LONGEST_WAIT_MS = 60_000;
/** How long an attempt is remembered after its time is over: much longer than any browser repeats a delivery. */
const MEMORY_MS = 7 * 24 * 3_600_000;
/** How often, on average, a look also forgets. */
const FORGETTING = 1 / 200;

const FIRST_PAUSES_MS = [1_000, 5_000, 30_000];
const LONGEST_PAUSE_MS = 3_600_000;
const PARKED_AFTER_MS = 24 * 3_600_000;

export type Tell = (event: ReconnectEvent) => unknown;

/** One look at all that is due. Never rejects. */
export async function look(driver: Driver, tell: Tell | undefined, dataKeptMs: number, log: Log): Promise<{ nextInMs: number }> {
  try {
    const [limitedMs] = await Promise.all([attempts(driver, log), nightly(driver)]);
    if (tell) await events(driver, tell, log);
    if (Math.random() < FORGETTING) await forget(driver, dataKeptMs);
    const nowMs = await driver.nowMs();
    const nextMs = await driver.ask((store) => store.nextDueMs(nowMs));
    const waitMs = nextMs === null ? LONGEST_WAIT_MS : nextMs - nowMs;
    return { nextInMs: Math.round(Math.min(Math.max(waitMs, limitedMs, 0), LONGEST_WAIT_MS)) };
  } catch {
    // It has been logged; the store may be back later.
    return { nextInMs: 5_000 };
  }
}

async function forget(driver: Driver, dataKeptMs: number): Promise<void> {
  const nowMs = await driver.nowMs();
  await driver.ask((store) => store.forget(nowMs - MEMORY_MS, nowMs - dataKeptMs));
}

async function attempts(driver: Driver, log: Log): Promise<number> {
  const holder = randomId();
  const nowMs = await driver.nowMs();
  const claimed = await driver.ask((store) => store.claimAttempts({ nowMs, untilMs: nowMs + LEASE_MS, holder, most: MOST_ATTEMPTS }));
  const limits = await Promise.all(claimed.map((attempt) => work(driver, attempt, holder, log)));
  return Math.max(0, ...limits);
}

/** Asks Flinks which logins Nightly Refresh passes over: one process, so often. Where it dies in the middle, another one asks after a lease. */
async function nightly(driver: Driver): Promise<void> {
  const asked = await driver.now();
  const leaseMs = asked.nowMs + LEASE_MS;
  if (!(await driver.ask((store) => store.takeTurn("nightly", asked.nowMs, leaseMs)))) return;
  const { nightlyMs } = driver.settings;
  const askAgainIn = (ms: number) => driver.ask((store) => store.takeTurn("nightly", leaseMs, asked.nowMs + ms));
  const answer = await driver.call({ call: "nightly" });
  if (answer.answer !== "nightly") return void (await askAgainIn(Math.min(nightlyMs, NIGHTLY_RETRY_MS)));
  for (let at = 0; at < answer.listed.length; at += LOGINS_AT_ONCE) {
    const some = answer.listed.slice(at, at + LOGINS_AT_ONCE);
    const connections = await driver.ask((store) => store.ofLogins(some.map(({ loginId }) => loginId)));
    for (const task of nightlyTasks(some, connections, asked)) await driver.run(task);
  }
  await askAgainIn(nightlyMs);
}

/** One step about one attempt; how long Flinks wants no more requests. */
async function work(driver: Driver, attempt: string, holder: string, log: Log): Promise<number> {
  const hold = async (forMs: number): Promise<void> => {
    try {
      const nowMs = forMs === 0 ? 0 : await driver.nowMs();
      await driver.ask((store) => store.hold(attempt, holder, nowMs + forMs));
    } catch {
      // It has been logged; the claim runs out.
    }
  };
  const renewal = setInterval(() => void hold(LEASE_MS), LEASE_MS / 3);
  // By itself it keeps no process from ending: the step's own call does.
  (renewal as unknown as { unref?(): unknown }).unref?.();
  try {
    const { limitedMs } = await driver.run(workTask(attempt), holder);
    await hold(0);
    return limitedMs;
  } catch (error) {
    log("error", "a step about an attempt failed; it is repeated", kindOf(error));
    await hold(LEASE_MS / 2);
    return 0;
  } finally {
    clearInterval(renewal);
  }
}

async function events(driver: Driver, tell: Tell, log: Log): Promise<void> {
  // A connection's next event comes when the one before it is settled.
  for (let told = 0; told < MOST_EVENTS; ) {
    const holder = randomId();
    const nowMs = await driver.nowMs();
    const due = await driver.ask((store) => store.claimEvents({ nowMs, untilMs: nowMs + 2 * TELLING_MS, holder, most: MOST_EVENTS - told }));
    if (due.length === 0) return;
    told += due.length;
    await Promise.all(
      due.map(async (one) => {
        const settled = await telling(driver, one, tell, log);
        await driver.ask((store) => store.settle(one.event.id, holder, settled));
      }),
    );
  }
}

async function telling(driver: Driver, { event, tries, sinceMs }: DueEvent, tell: Tell, log: Log): Promise<Told> {
  try {
    const late = Symbol("late");
    if ((await within(TELLING_MS, tell(event), late)) !== late) return { is: "heard" };
    log("warn", "onEvent did not return in time; the event is told again", { type: event.type, tries });
  } catch (error) {
    log("warn", "onEvent refused an event; it is told again", { type: event.type, tries, ...kindOf(error) });
  }
  const nowMs = await driver.nowMs();
  if (nowMs - sinceMs < PARKED_AFTER_MS) return { is: "refused", dueAtMs: nowMs + pauseAfter(tries) };
  log("error", "onEvent has refused an event for a day; it is parked", { type: event.type });
  return { is: "parked" };
}

/** How long until an event is told again that was refused `tries` times before. */
export function pauseAfter(tries: number): number {
  return FIRST_PAUSES_MS[tries] ?? Math.min(60_000 * 2 ** (tries - FIRST_PAUSES_MS.length), LONGEST_PAUSE_MS);
}
