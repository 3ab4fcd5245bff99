// The npm entry: one function and its error. Importing it does nothing, anywhere.

import type { ReconnectEventMap, ReconnectOptions, ReconnectSession } from "./api.js";
import { EVENT_NAMES } from "./names.js";
import { Session } from "./session.js";

export type {
  Address, ConnectParams, Delivery, Labels, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession, StartReply,
} from "./api.js";
export type { ErrorCode, FlinksCode, FlinksStep, Phase } from "./names.js";
export { ReconnectError } from "./error.js";
export type { ReconnectErrorDetails } from "./error.js";

/** Every event of a session, for those who pass them on. */
export const EVENTS: readonly (keyof ReconnectEventMap)[] = EVENT_NAMES;

export const version: string = FLINKS_RECONNECT_VERSION;

/** Begins a session. Synchronous; throws a ReconnectError `INVALID_OPTIONS` or `UNSUPPORTED`. */
export function reconnect(options: ReconnectOptions): ReconnectSession {
  return new Session(options);
}
