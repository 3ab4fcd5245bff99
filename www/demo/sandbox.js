// The panel that drives the sandbox: time travel, and back to the beginning.

import { byId, setText } from "./dom.js";
import { advanceSandboxClock, resetSandbox } from "./host.js";
import { texts } from "./texts.js";

const IDLE_LIMIT_MINUTES = 8;

let minutesAhead = 0;
let news = () => "";

/** @param {{afterClock: () => Promise<void>, afterReset: () => Promise<void>}} actions */
export function startSandboxPanel({ afterClock, afterReset }) {
  onPress("advance", async () => {
    await advanceSandboxClock(IDLE_LIMIT_MINUTES * 60_000);
    minutesAhead += IDLE_LIMIT_MINUTES;
    await afterClock();
    return () => texts().advanced(minutesAhead);
  });
  onPress("reset", async () => {
    await resetSandbox();
    minutesAhead = 0;
    await afterReset();
    return () => texts().resetDone;
  });
}

export function renderSandboxPanel() {
  setText(byId("sandbox-status"), news());
}

function onPress(id, action) {
  const button = byId(id);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      news = await action();
    } catch (error) {
      news = () => (error.status === 404 ? texts().noSandbox : texts().sandboxFailed);
    } finally {
      button.setAttribute("aria-disabled", "false");
      renderSandboxPanel();
    }
  });
}
