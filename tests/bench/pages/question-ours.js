// flinks-reconnect, which asks the backend by itself.
import { reconnect } from "flinks-reconnect";
import { CONNECT, asks } from "../begin.js";

asks(() => reconnect({ connectUrl: CONNECT, start: "/start", container: "#place" }));
