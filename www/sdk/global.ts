// The script tag: one global and the element.

import { ReconnectError, reconnect, version } from "./index.js";
import "./element.js";

declare global {
  interface Window {
    /** Set by the script tag `flinks-reconnect.global.js`. */
    FlinksReconnect: { reconnect: typeof reconnect; ReconnectError: typeof ReconnectError; version: typeof version };
  }
}

// Of two copies on a page the first stays, like its element. (In Node, where a server may import anything, there is no window.)
if (typeof window !== "undefined" && !Object.hasOwn(window, "FlinksReconnect")) window.FlinksReconnect = { reconnect, ReconnectError, version };
