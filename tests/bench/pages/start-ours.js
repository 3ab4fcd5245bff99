// flinks-reconnect with the session's id at hand.
import { reconnect } from "flinks-reconnect";
import { CONNECT, begins, parameters, requestId } from "../begin.js";

begins(() => {
  const session = reconnect({ connectUrl: CONNECT, requestId, container: "#place", params: parameters() });
  return () => session.close();
});
