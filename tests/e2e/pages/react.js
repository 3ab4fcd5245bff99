// The React component and hook, in whichever React this file is bundled with (tests/react.rs): StrictMode, renders, callbacks, keys, unmounting,
// pages that a server rendered.

import { StrictMode, createElement, createRef, useEffect, useState, version } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server.browser";
import { FlinksReconnect, useReconnect } from "flinks-reconnect/react";
import { CONNECT, GOOD_LOGIN, REQUEST, frames, good, proved, reach, tell, turn, until } from "/lab/lab.js";

const { lab } = window;

const is19 = version.startsWith("19");
const frame = () => frames(document.querySelector("#one"))[0] ?? null;
const challenge = (number = 1) => ({ status: "challenge", mode: "resume", attemptId: `attempt-of-the-host-000${number}`, requestId: `${REQUEST}-${number}` });

/** Renders into #one under StrictMode; what is returned renders again, or unmounts. */
function render(node) {
  const root = createRoot(document.querySelector("#one"));
  const show = (node) => root.render(createElement(StrictMode, null, node));
  show(node);
  return { show, unmount: () => root.unmount() };
}

async function mounted() {
  await until("Connect mounts", () => frame());
  await reach(frame().contentWindow, CONNECT);
}

const delivers = () => tell(frame().contentWindow, 'parent.postMessage(given, "*")', good());

/** Effects run twice, and one session is begun. */
export async function strict() {
  let starts = 0;
  let effects = 0;
  const heard = [];
  const options = {
    instance: "toolbox",
    deliver: "/deliver",
    start: () => challenge((starts += 1)),
  };
  const Counted = () => {
    useEffect(() => void (effects += 1), []);
    return createElement(FlinksReconnect, {
      options,
      className: "bank",
      onResult: (result) => heard.push(result.status),
      onError: (error) => heard.push(error.code),
      onEvent: ({ type, detail }) => heard.push(detail.phase ?? type),
    });
  };
  const { unmount } = render(createElement(Counted));
  await mounted();
  await delivers();
  await until("the result", () => heard.includes("reconnected"));
  const box = document.querySelector("#one .bank");
  const told = heard.filter((word) => word !== "step").join();
  unmount();
  await turn();
  return [
    proved("under StrictMode", `start called ${starts} times, ${lab.frames.length} frame; heard: ${told}`, `an effect of the page's own ran ${effects} times`, {
      "effects run twice": effects === 2,
      "one token": starts === 1,
      "one frame": lab.frames.length === 1,
      "nothing of the session that was given up": told === "loading,active,delivering,done,reconnected",
      "the box is the div": box?.localName === "div",
      "no complaint": lab.errors.length === 0 && !lab.console.some((line) => /warning|error/i.test(line)),
    }),
  ];
}

/** Everything is made anew in every render, and what is called is the newest. */
export async function latest() {
  const called = [];
  const page = (number) =>
    createElement(FlinksReconnect, {
      options: {
        instance: "toolbox",
        start: () => (called.push(`start ${number}`), challenge()),
        headers: () => ({ "X-Render": String(number) }),
        deliver: async ({ loginId }) => (called.push(`deliver ${number}`), { saved: loginId }),
      },
      style: { height: `${400 + number}px` },
      onResult: ({ reply }) => called.push(`result ${number} ${reply.saved === GOOD_LOGIN}`),
      onEvent: ({ detail }) => detail.phase === "delivering" && called.push(`event ${number}`),
    });
  const { show, unmount } = render(page(1));
  await mounted();
  const before = frame();
  await tell(before.contentWindow, "window.stays = true");
  for (const number of [2, 3, 4]) {
    show(page(number));
    await until("it is rendered", () => document.querySelector("#one > div").style.height === `${400 + number}px`);
  }
  const stays = frame() === before && (await tell(frame().contentWindow, "return window.stays === true"));
  await delivers();
  await until("the result", () => called.length >= 4);
  unmount();
  return [
    proved("functions made anew in every render", called.join(", "), "start was called by the first", {
      "the frame stays": stays && lab.frames.length === 1,
      "the newest are called": called.join() === "start 1,event 4,deliver 4,result 4 true",
    }),
  ];
}

/** A function that the latest render no longer has ends in its default; one in whose place there is an address now is the one of the mounting. */
export async function forgotten() {
  const replies = [];
  const page = (more) =>
    createElement(FlinksReconnect, {
      options: { instance: "toolbox", start: () => challenge(), deliverTimeoutMs: 2_000, ...more },
      style: { height: `${400 + Object.keys(more).length}px` },
      onResult: ({ reply }) => replies.push(reply),
      onError: ({ code }) => replies.push(code),
    });
  for (const later of [{}, { deliver: "/elsewhere" }]) {
    const { show, unmount } = render(page({ deliver: async () => "the first", headers: () => ({}) }));
    await mounted();
    const { height } = document.querySelector("#one > div").style;
    show(page(later));
    await until("it is rendered", () => document.querySelector("#one > div").style.height !== height);
    const before = replies.length;
    await delivers();
    await until("it ends", () => replies.length > before);
    unmount();
    await turn();
  }
  return [
    proved("a deliver function that a later render lacks", `the replies: ${JSON.stringify(replies)}`, "with an address in its place, the function of the mounting delivers", {
      "nothing to call: nothing to answer": replies[0] === null,
      "an address is for the next mounting": replies[1] === "the first" && replies.length === 2,
      [`no error: ${lab.errors}`]: lab.errors.length === 0,
    }),
  ];
}

/** The component's handle, and `container`, which is not the page's to give. */
export async function handled() {
  const heard = [];
  const handle = createRef();
  const failing = { instance: "toolbox", start: () => challenge(), params: { theme: "silent" }, loadTimeoutMs: 60 };
  const page = (key, options) =>
    createElement(FlinksReconnect, {
      key,
      ref: handle,
      options,
      onEvent: ({ type, detail }) => type === "attemptfailed" && heard.push(`failed ${detail.error.code}`),
      onError: ({ code, message }) => heard.push(code === "INVALID_OPTIONS" ? message : code),
    });
  const { show, unmount } = render(page("one", failing));
  const failures = (count) => until(`${count} failures`, () => heard.length === count);
  await failures(1);
  const isOffered = handle.current.retry();
  await failures(2);
  const opened = lab.frames.length;
  handle.current.close();
  await failures(3);
  const after = handle.current.retry();
  const isEmpty = document.querySelector("#one > div").childNodes.length === 0;
  show(page("two", { ...failing, container: "#two" }));
  await failures(4);
  await turn();
  const isRefused = lab.frames.length === opened && !document.querySelector("#two").firstChild;
  unmount();
  await until("the handle is taken back", () => handle.current === null);
  return [
    proved("the component's handle", heard.join(", "), "its retry opened a second frame", {
      "a retry was offered, and opened a frame": isOffered && opened === 2,
      "closed, it ends with that failure": heard.slice(0, 3).join() === "failed LOAD_TIMEOUT,failed LOAD_TIMEOUT,LOAD_TIMEOUT" && isEmpty,
      "after the end there is none": after === false,
    }),
    proved("container in a component's options", heard[3], "without it it opens, see above", { "refused by its name": /^Option `container`/.test(heard[3]) && isRefused && heard.length === 4 }),
  ];
}

/** `options` are read on mounting; another key is another session. Wrong ones are an `onError`. */
export async function keyed() {
  let starts = 0;
  const heard = [];
  const start = () => challenge((starts += 1));
  const page = (key, options) =>
    createElement(FlinksReconnect, { key, options: { instance: "toolbox", deliver: "/deliver", start, ...options }, onError: ({ code }) => heard.push(code) });
  const { show, unmount } = render(page("one"));
  await mounted();
  show(page("one", { language: "fr", params: { theme: "light" } }));
  await turn();
  const isSame = lab.frames.length === 1 && !frame().src.includes("theme");
  show(page("two", { params: { theme: "light" } }));
  await until("another frame", () => lab.frames.length === 2);
  await mounted();
  const { src } = frame();
  show(page("three", { nonsense: true }));
  await until("the wrong options are told", () => heard.length > 0);
  await turn();
  const isEmpty = frame() === null;
  unmount();
  return [
    proved("options changed, then the key", `start called ${starts} times, ${lab.frames.length} frames, then ${heard}`, "with the same key nothing happens", {
      "options alone change nothing": isSame,
      "a key does": src.includes("theme=light") && src.includes(challenge(2).requestId) && starts === 2,
      "wrong options are told, once": heard.join() === "INVALID_OPTIONS" && isEmpty,
      "nothing is thrown at the page": lab.errors.length === 0,
    }),
  ];
}

/** After unmounting nothing is left, and only a result that was on its way is heard. */
export async function unmounted() {
  const heard = [];
  const props = (more) => ({
    options: { instance: "toolbox", deliver: "/deliver", start: () => challenge(), ...more },
    onResult: ({ status }) => heard.push(status),
    onError: ({ code }) => heard.push(code),
  });
  const first = render(createElement(FlinksReconnect, props()));
  await mounted();
  first.unmount();
  await turn();
  const isClean = frames().length === 0 && !lab.listeners().includes("Window message") && lab.timers.size === 0;
  const early = heard.join();

  let release;
  const second = render(createElement(FlinksReconnect, props({ start: () => challenge(2), deliver: () => new Promise((resolve) => (release = resolve)) })));
  await mounted();
  await delivers();
  await until("it is being delivered", () => release);
  second.unmount();
  await turn();
  release({ saved: true });
  await until("the result", () => heard.length > 0);
  return [
    proved("unmounted before and during delivery", `heard: ${early || "nothing"}, then ${heard}`, "the second had a result on its way", {
      "nothing is left": isClean,
      "nothing is heard": early === "",
      "the result is": heard.join() === "reconnected",
    }),
  ];
}

/** The hook: a dialog, its phase, one session at a time, closed with its component. */
export async function hooked() {
  const phases = [];
  let hook;
  let effects = 0;
  let starts = 0;
  const options = () => ({ instance: "toolbox", deliver: "/deliver", start: () => challenge((starts += 1)) });
  function Opener() {
    hook = useReconnect();
    phases.at(-1) === hook.phase || phases.push(hook.phase);
    useEffect(() => void (effects += 1), []);
    return createElement("output", null, String(hook.phase));
  }
  const { show, unmount } = render(createElement(Opener));
  // StrictMode takes a component away and back when it is new; a person cannot click before that.
  await until("its effects have run", () => effects === 2);
  const { open, close } = hook;
  const first = open(options());
  await until("Connect mounts", () => hook.phase === "active");
  const isDialog = frames(document.querySelector(".flinks-reconnect.modal").shadowRoot).length === 1;
  const isStable = hook.open === open && hook.close === close;
  const second = open(options());
  const closed = await first.result.catch(({ code }) => code);
  await until("the second mounts", () => starts === 2 && second.phase === "active");
  const dialogs = document.querySelectorAll(".flinks-reconnect.modal").length;
  hook.close();
  await until("the phase is told", () => hook.phase === "closed");
  let thrown;
  try {
    open({});
  } catch (error) {
    thrown = error.code;
  }
  const third = open(options());
  await until("the third mounts", () => third.phase === "active");
  show(null);
  await until("it is closed with its component", () => third.phase === "closed");
  const before = { frames: lab.frames.length, starts };
  const late = open(options());
  let lateEnd;
  late.result.catch(({ code }) => (lateEnd = code));
  await until("what is opened too late is closed", () => lateEnd);
  await late.dismissed;
  await turn();
  const opensNothing = lateEnd === "CLOSED" && starts === before.starts && lab.frames.length === before.frames;
  // A child's effects run before its parent's: what it opens stays open, also when StrictMode runs them twice.
  let child;
  const Child = ({ open }) => (useEffect(() => void (child = open(options())), []), null);
  const Parent = () => createElement(Child, { open: useReconnect().open });
  show(createElement(Parent));
  await until("what a child's effect opened mounts", () => child?.phase === "active");
  unmount();
  await until("it is closed with its parent", () => child.phase === "closed");
  await turn();
  return [
    proved("useReconnect()", `phases: ${phases.map(String).join(", ")}`, "each session had its own dialog", {
      "before the first it is null": phases[0] === null,
      "a dialog": isDialog && dialogs === 1,
      "functions stay the same": isStable,
      "the one before is closed": closed === "CLOSED",
      "wrong options are thrown": thrown === "INVALID_OPTIONS",
      "after unmounting nothing is opened": opensNothing,
      "nothing is left": !document.querySelector(".flinks-reconnect") && frames().length === 0,
      [`no error: ${lab.errors}`]: lab.errors.length === 0,
    }),
  ];
}

/** Rendered by a server, taken over by the browser: the component, and the element with its session already begun. */
export async function hydrated() {
  const mismatches = [];
  const place = document.querySelector("#one");
  const take = (node) => {
    const markup = renderToString(node);
    place.innerHTML = markup;
    return { markup, root: () => hydrateRoot(place, node, { onRecoverableError: (error) => mismatches.push(error.message) }) };
  };
  let starts = 0;
  const results = [];
  const options = { instance: "toolbox", deliver: "/deliver", start: () => challenge((starts += 1)) };
  const component = take(createElement(FlinksReconnect, { options, className: "bank", onResult: ({ status }) => results.push(status) }));
  const root = component.root();
  await mounted();
  await delivers();
  await until("the result", () => results.length > 0);
  root.unmount();

  // The element's script may run before React takes over.
  await import("flinks-reconnect/element");
  const Page = () => {
    const [outcome, setOutcome] = useState("");
    // React 18 knows no listeners of elements.
    useEffect(() => {
      const element = document.querySelector("flinks-reconnect");
      const listen = ({ detail }) => setOutcome(detail.status);
      element.addEventListener("reconnected", listen);
      return () => element.removeEventListener("reconnected", listen);
    }, []);
    return createElement("section", null, createElement("flinks-reconnect", { instance: "toolbox", start: "/start", deliver: "/deliver" }), createElement("output", null, outcome));
  };
  const element = take(createElement(Page));
  const found = document.querySelector("flinks-reconnect");
  await until("the element's frame is there before React", () => frames(found.shadowRoot)[0]);
  const { session } = found;
  const second = element.root();
  await reach(frames(found.shadowRoot)[0].contentWindow, CONNECT);
  await tell(frames(found.shadowRoot)[0].contentWindow, 'parent.postMessage(given, "*")', good());
  await until("the page tells the outcome", () => document.querySelector("output").textContent === "reconnected");
  const isKept = document.querySelector("flinks-reconnect") === found && found.session === session;
  second.unmount();
  return [
    proved("a server's page taken over", `${component.markup}; mismatches: ${mismatches.length}`, "the element's session was begun before React was there", {
      [mismatches.join("; ")]: mismatches.length === 0,
      "one session": starts === 1 && results.join() === "reconnected",
      "the element is kept": isKept,
    }),
    ...(is19 ? [await properties()] : []),
  ];
}

/** React 19 sets properties and listens to what the element tells. */
async function properties() {
  const heard = [];
  const { unmount } = render(
    createElement("flinks-reconnect", {
      instance: "toolbox",
      requestId: REQUEST,
      deliver: async () => ({ saved: true }),
      params: { theme: "light" },
      onreconnected: ({ detail }) => heard.push(detail.reply.saved),
      onfailed: ({ detail }) => heard.push(detail.code),
    }),
  );
  const find = () => frames(document)[0];
  await until("Connect mounts", find);
  await reach(find().contentWindow, CONNECT);
  const { src } = find();
  const markup = document.querySelector("flinks-reconnect").outerHTML;
  await tell(find().contentWindow, 'parent.postMessage(given, "*")', good());
  await until("the result", () => heard.length > 0);
  unmount();
  return proved("<flinks-reconnect> with functions, objects and listeners", `heard: ${heard}; in the markup: ${markup}`, "the frame has the object's parameter", {
    delivered: heard[0] === true,
    "as properties": src.includes("theme=light") && !markup.includes(REQUEST),
  });
}
