// The npm entry: one function and its error. Importing it does nothing, anywhere.

import { ReconnectSession } from "./session.js";

export { ReconnectError } from "./error.js";
/** Every event of a session, for those who pass them on. */
export const EVENTS = ["phasechange", "step", "flinkscode", "fullflow", "expiring", "retrying"];
export const version = FLINKS_RECONNECT_VERSION;

export function reconnect(options) {
  return new ReconnectSession(options);
}
