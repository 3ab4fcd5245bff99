// What one more message costs the page that hears it. The listener's own share of the main thread is what counts: users feel a page's messages as
// time in which it does not answer them.
//
// That share is more than the listener's lines. The browser enters JavaScript for it, makes the objects it asks for, cleans up behind it. A loop
// around the lines alone would leave all this out, and let the engine optimise most of the rest away. So real messages are dispatched, thousands in a
// row:
//
// - Rejected ones come from a frame of another origin on the same thread, which posts all of a round in one go. The page hears the first only when the
//   last is queued, and from then on does nothing but dispatch: no part of a round is waiting.
// - A rejected message's time runs from the round's first to its last, by the counting listener below, which hears every message before the measured
//   listener does. Rounds in which it is alone say what messages cost by themselves; that is subtracted. What is left is one listener.
// - An accepted message's time runs from the first to the last that the page's own code hears, and nothing is subtracted: penpal moves its messages to a
//   channel of their own.
//
// Every round proves what it measured: all was posted before the first was heard; a rejected message reaches nobody, an accepted one reaches the page's
// code once.

import { reconnect } from "flinks-reconnect";
import { WindowMessenger, connect } from "penpal";

const query = new URLSearchParams(location.search);
const CONNECT = query.get("connect");
const STRANGER = query.get("stranger");

/** Hears so many and says how long it was from the first to the last. */
class Count {
  #left;
  #first;
  #total;
  #done;
  /** Milliseconds from the first to the last, once that has come. */
  took = new Promise((resolve) => (this.#done = resolve));
  /** When the first came, and the last itself. */
  beganAt;
  last;

  constructor(total) {
    this.#total = this.#left = total;
  }

  one(event) {
    if (this.#left === this.#total) this.#first = performance.now();
    this.#left -= 1;
    if (this.#left > 0) return;
    this.last = event;
    this.beganAt = performance.timeOrigin + this.#first;
    this.#done(performance.now() - this.#first);
  }
}

let arrived = new Count(0);
let heard = 0;
let accepted = new Count(0);

addEventListener("message", (event) => arrived.one(event));

/** The page's own code, which hears what was accepted. */
function hear() {
  heard += 1;
  accepted.one();
}

/** Lets every task that is queued now be done. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A frame at this address, once it is loaded. */
async function frameAt(address) {
  const frame = document.createElement("iframe");
  frame.src = address;
  document.body.append(frame);
  await new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  return frame;
}

const frame = await frameAt(`${CONNECT}/connect.html`);
const stranger = await frameAt(`${STRANGER}/connect.html`);

/** Each begins to listen to a frame of Connect's; it yields that frame's window and how to stop. */
const listeners = {
  nobody: () => ({ window: frame.contentWindow, stop() {} }),

  handwritten() {
    const listener = (event) => {
      if (event.origin !== CONNECT) return;
      if (event.source !== frame.contentWindow) return;
      hear(event.data);
    };
    addEventListener("message", listener);
    return { window: frame.contentWindow, stop: () => removeEventListener("message", listener) };
  },

  async ours() {
    const session = reconnect({ connectUrl: `${CONNECT}/v2/`, requestId: "request-of-the-bench-0001", container: "#place" });
    await new Promise((resolve) => session.addEventListener("phasechange", ({ detail }) => detail.phase === "active" && resolve()));
    session.addEventListener("step", ({ detail }) => hear(detail));
    return { window: document.querySelector("#place > div").shadowRoot.querySelector("iframe").contentWindow, stop: () => session.close() };
  },

  async penpal() {
    const child = await frameAt(`${CONNECT}/penpal-child.html`);
    const messenger = new WindowMessenger({ remoteWindow: child.contentWindow, allowedOrigins: [CONNECT] });
    const connection = connect({ messenger, methods: { hear } });
    await connection.promise;
    return {
      window: child.contentWindow,
      stop() {
        connection.destroy();
        child.remove();
      },
    };
  },
};

let listening;

/** Begins to listen. */
window.listen = async (name) => {
  listening = { name, ...(await listeners[name]()) };
  await turn();
};

/** So many messages that the listener rejects: what they took in milliseconds. */
window.reject = async ({ count, message }) => {
  heard = 0;
  arrived = new Count(count);
  stranger.contentWindow.postMessage({ count, message }, "*");
  const took = await arrived.took;
  await turn();
  // Clocks are rounded, in some browsers to a millisecond; were the frame on another thread, it would be many.
  const waited = arrived.last.data.postedAt - arrived.beganAt;
  if (waited > 2) throw new Error(`the first message was heard ${waited.toFixed(1)} ms before the last was posted`);
  if (heard !== 0) throw new Error(`${listening.name} heard ${heard} messages of a stranger's`);
  return took;
};

/** So many messages that the listener accepts: what they took in milliseconds. */
window.accept = async ({ count, message }) => {
  heard = 0;
  accepted = new Count(count);
  listening.window.postMessage({ count, message }, "*");
  const took = await accepted.took;
  await turn();
  if (heard !== count) throw new Error(`${listening.name} heard ${heard} of ${count} messages`);
  return took;
};

/** Stops to listen. */
window.deafen = async () => {
  listening.stop();
  await turn();
};

window.isReady = true;
