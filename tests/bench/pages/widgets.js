// Many sessions, at once or one after the other, and what is left of them.

import { reconnect } from "flinks-reconnect";
import { frames } from "../../e2e/pages/frames.js";
import { memoryBytes } from "../../e2e/pages/memory.js";
import { CONNECT } from "../begin.js";

// ---- what there is, counted where the browser offers no count of its own: before anything of the widget runs ----

const timers = new Set();
const { setTimeout: set, clearTimeout: clear } = window;
window.setTimeout = (callback, ...rest) => {
  const timer = set(() => (timers.delete(timer), callback()), ...rest);
  timers.add(timer);
  return timer;
};
window.clearTimeout = (timer) => {
  timers.delete(timer);
  clear(timer);
};

window.state = () => ({ timers: timers.size, frames: frames().length, elements: document.querySelectorAll("*").length, wasmBytes: memoryBytes() });

// ---- sessions ----

const place = document.querySelector("#place");
let opened = [];

const ours = (number, container) => {
  const session = reconnect({ connectUrl: CONNECT, requestId: `request-of-the-bench-${number}`, container });
  return {
    active: new Promise((resolve) => session.addEventListener("phasechange", ({ detail }) => detail.phase === "active" && resolve())),
    closed: session.result.catch(() => {}),
    close: () => session.close(),
  };
};

const handwritten = (number, container) => {
  const frame = document.createElement("iframe");
  frame.src = `${CONNECT}?requestId=request-of-the-bench-${number}`;
  let listener;
  const active = new Promise((resolve) => {
    listener = (event) => {
      if (event.origin !== new URL(CONNECT).origin || event.source !== frame.contentWindow) return;
      if (event.data.step === "APP_MOUNTED") resolve();
    };
    addEventListener("message", listener);
  });
  container.append(frame);
  return {
    active,
    closed: Promise.resolve(),
    close() {
      removeEventListener("message", listener);
      frame.remove();
    },
  };
};

const kinds = { ours, handwritten };

/** Opens so many side by side: milliseconds until the calls have returned, and until all of Connect has spoken. */
window.openMany = async ({ kind, count }) => {
  const containers = Array.from({ length: count }, () => place.appendChild(document.createElement("div")));
  const began = performance.now();
  opened = containers.map((container, number) => kinds[kind](1_000 + number, container));
  const called = performance.now() - began;
  await Promise.all(opened.map(({ active }) => active));
  return { called, active: performance.now() - began };
};

window.closeAll = async () => {
  for (const { close } of opened) close();
  await Promise.all(opened.map(({ closed }) => closed));
  opened = [];
  place.replaceChildren();
};

/** Opens and closes, in a dialog and in a container by turns, each from Connect's first word to the end. */
window.cycle = async ({ count }) => {
  for (let number = 0; number < count; number++) {
    const session = ours(5_000, number % 2 ? place : undefined);
    await session.active;
    session.close();
    await session.closed;
  }
};

window.isReady = true;
