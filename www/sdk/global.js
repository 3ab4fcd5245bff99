// The script tag: one global and the element.

import { ReconnectError, reconnect, version } from "./index.js";
import "./element.js";

// Of two copies on a page the first stays, like its element. (In Node, where a server may import anything, there is no window.)
if (globalThis.window && !Object.hasOwn(window, "FlinksReconnect")) window.FlinksReconnect = { reconnect, ReconnectError, version };
