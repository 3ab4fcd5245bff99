// Every ending of a session: where the widget itself offers "try again", one session has several.

import type { ReconnectResult, ReconnectSession } from "./api.js";
import type { ReconnectError } from "./error.js";

/** Calls `onResult` or `onError` each time an attempt of the session ends. */
export function follow(session: ReconnectSession, onResult: (result: ReconnectResult) => void, onError: (error: ReconnectError) => void): void {
  let awaited: Promise<ReconnectResult> | undefined;
  const wait = () => {
    // Another try has a promise of its own, from the moment it leaves the final phase.
    if (session.result === awaited) return;
    awaited = session.result;
    awaited.then(onResult, onError);
  };
  session.addEventListener("phasechange", wait);
  wait();
}
