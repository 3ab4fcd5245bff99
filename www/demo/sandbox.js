// The panel that drives the sandbox: what goes differently next time, time travel, and back to the beginning.
//
// The panel remembers nothing either: what is switched on and how late it is, it asks the sandbox, so a reload and a second tab show the truth.

import { byId, copyOf, part, setText } from "./dom.js";
import { moment, setMinutesAhead } from "./format.js";
import {
  advanceSandboxClock, loadNetwork, loadSandboxClock, loadSandboxFaults, resetSandbox, setNetwork, setSandboxFaults,
} from "./host.js";
import { currentLanguage, texts } from "./texts.js";

const MINUTE_MS = 60_000;
const SESSION_MINUTES = 8;
const WEEK_MINUTES = 7 * 24 * 60;
/** Enough to be seen: the pauses between the tries double from half a second. */
const LOST_DELIVERIES = 4;

/** What can go differently, in the panel's order: the faults of the sandbox, or of the network, that bring it about. */
const TWISTS = {
  network: { network: { lostDeliveries: LOST_DELIVERIES } },
  token: { faults: { expiredPageTokens: 1 } },
  login: { faults: { redirectFault: "wrong-login" } },
  questions: { faults: { bankQuestions: "skipped" } },
  bank: { faults: { bankCode: "RETRY_LATER" } },
};
const isOn = {
  network: ({ network }) => network.lostDeliveries > 0,
  token: ({ faults }) => faults.expiredPageTokens > 0,
  login: ({ faults }) => faults.redirectFault === "wrong-login",
  questions: ({ faults }) => faults.bankQuestions === "skipped",
  bank: ({ faults }) => faults.bankCode !== null,
};

/** The list items of the twists, by name. */
const items = new Map();
/** The twists that are switched on. */
let chosen = new Set();
let clock = null;
let news = () => "";

/** @param {{afterClock: () => Promise<void>, afterReset: () => Promise<void>}} actions */
export function startSandboxPanel({ afterClock, afterReset }) {
  for (const name of Object.keys(TWISTS)) addTwist(name);
  const skip = (minutes, told) => async () => {
    await advanceSandboxClock(minutes * MINUTE_MS);
    await readSandbox();
    await afterClock();
    return told;
  };
  onPress(byId("advance"), skip(SESSION_MINUTES, () => texts().advanced));
  onPress(byId("advance-week"), skip(WEEK_MINUTES, () => texts().advancedWeek));
  onPress(byId("reset"), async () => {
    await resetSandbox();
    await readSandbox();
    await afterReset();
    return () => texts().resetDone;
  });
  readSandbox().catch(showFailure).finally(renderSandboxPanel);
}

/** A reconnect has ended: what was chosen for it was for it alone. */
export async function endTwists() {
  if (chosen.size === 0) return;
  try {
    await choose(new Set());
    news = () => texts().asUsual;
  } catch (error) {
    showFailure(error);
  }
  renderSandboxPanel();
}

export function renderSandboxPanel() {
  for (const [name, item] of items) {
    const { title, effect } = texts().twists[name];
    setText(part(item, "name"), title);
    setText(part(item, "effect"), effect);
    part(item, "button").setAttribute("aria-pressed", String(chosen.has(name)));
  }
  byId("clock").hidden = clock === null;
  if (clock !== null) setText(byId("clock"), texts().clock(moment(new Date(clock.nowMs).toISOString(), currentLanguage())));
  setText(byId("sandbox-status"), news());
}

function addTwist(name) {
  const item = copyOf("twist-template");
  const button = part(item, "button");
  button.dataset.testid = `twist-${name}`;
  part(item, "effect").id = `twist-${name}-effect`;
  button.setAttribute("aria-describedby", `twist-${name}-effect`);
  items.set(name, item);
  byId("twists").append(item);
  onPress(button, async () => {
    const isOnNow = !chosen.has(name);
    const others = [...chosen].filter((other) => other !== name);
    await choose(new Set(isOnNow ? [...others, name] : others));
    return () => (isOnNow ? texts().twistOn : texts().twistOff);
  });
}

async function choose(names) {
  const wanted = [...names].map((name) => TWISTS[name]);
  await setSandboxFaults(Object.assign({}, ...wanted.map(({ faults }) => faults)));
  await setNetwork({ lostDeliveries: 0, ...Object.assign({}, ...wanted.map(({ network }) => network)) });
  await readSandbox();
}

async function readSandbox() {
  const [time, faults, network] = await Promise.all([loadSandboxClock(), loadSandboxFaults(), loadNetwork()]);
  clock = time;
  setMinutesAhead(Math.round(time.advancedMs / MINUTE_MS));
  chosen = new Set(Object.keys(TWISTS).filter((name) => isOn[name]({ faults, network })));
}

function showFailure({ status }) {
  // 502: the demo's host runs, but whatever it talks to is no sandbox.
  const isNoSandbox = status === 404 || status === 502;
  news = () => (isNoSandbox ? texts().noSandbox : texts().sandboxFailed);
}

function onPress(button, action) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      news = await action();
    } catch (error) {
      showFailure(error);
    } finally {
      button.setAttribute("aria-disabled", "false");
      renderSandboxPanel();
    }
  });
}
