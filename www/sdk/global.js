// The script tag: one global and the element.

import { ReconnectError, reconnect, version } from "./index.js";
import "./element.js";

window.FlinksReconnect = { reconnect, ReconnectError, version };
