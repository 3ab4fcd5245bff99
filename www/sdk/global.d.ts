import type { ReconnectError, reconnect, version } from "./index.js";
import "./element.js";

declare global {
  interface Window {
    /** Set by the script tag `flinks-reconnect.global.js`. */
    FlinksReconnect: { reconnect: typeof reconnect; ReconnectError: typeof ReconnectError; version: typeof version };
  }
}
