// Pages that we did not write: what frameworks, page swaps, other people's modals and old libraries do to a page, without the libraries themselves
// (those are in tests/foreign).

import { CONNECT, GOOD_LOGIN, REQUEST, Visit, focused, frames, good, mounted, proved, reach, tell, turn, until } from "./lab.js";

const { lab } = window;
const on = (target, type, listener) => lab.original.add.call(target, type, listener);
const one = document.querySelector("#one");
const two = document.querySelector("#two");

/** The widget's own element for the dialog. */
const dialogElement = () => document.querySelector(".flinks-reconnect.modal");
/** How many locks the site's pages hold. Firefox has none for a site in another's frame. */
const heldLocks = () => navigator.locks.query().then(({ held }) => held.length, () => 0);
const listensTo = (name) => lab.listeners().includes(name);

let sessions = 0;
/** A backend whose sessions have a token each. */
function backend() {
  const calls = [];
  const requestId = `${REQUEST}-${(sessions += 1)}`;
  const start = async () => {
    calls.push(`token-number-${calls.length + 1}`);
    return { status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId, authorizeToken: calls.at(-1) };
  };
  return { start, calls, requestId };
}

const launched = (frame) => Object.fromEntries(new URL(frame.src).searchParams);

/** What the page does with a place that it no longer wants, and the element of ours that goes with it. */
const WAYS = {
  "the container is removed": ["#one", () => document.querySelector("#one").remove()],
  "its surroundings are written anew": ["#one", () => (document.querySelector("main").innerHTML = "")],
  "a morph takes the dialog's element out": [null, () => dialogElement().remove()],
  "the body is replaced, under a container": ["#one", () => document.body.replaceWith(document.createElement("body"))],
  "the body is replaced, under a dialog": [null, () => document.body.replaceWith(document.createElement("body"))],
};

/** The page takes our elements away: the session ends, and everything is given back. */
export async function taken() {
  const rows = [];
  const body = document.body;
  const markup = document.querySelector("main").innerHTML;
  for (const [what, [container, act]] of Object.entries(WAYS)) {
    const visit = await mounted({ container });
    const during = { locks: await heldLocks(), overflow: getComputedStyle(document.documentElement).overflow, listens: listensTo("Window message") };
    act();
    const { error } = await visit.ended();
    await until("its lock is free", async () => (await heldLocks()) === 0);
    const overflow = getComputedStyle(document.documentElement).overflow;
    const left = ["message", "keydown", "click"].filter((name) => listensTo(`Window ${name}`));
    if (!body.isConnected) document.body.replaceWith(body);
    document.querySelector("main").innerHTML = markup;
    const again = await mounted({ container });
    await again.delivers();
    rows.push(
      proved(what, `${error?.code}, and opened again it delivers`, `before, it had ${during.locks} locks`, {
        "it was there": during.locks === 2 && during.listens && (container || during.overflow === "hidden"),
        CLOSED: error?.code === "CLOSED",
        "the page scrolls": overflow === "visible",
        [`nothing listens: ${left}`]: left.length === 0,
        "nothing is left": frames().length === 0 && !document.querySelector(".flinks-reconnect"),
        "no error": lab.errors.length === 0,
      }),
    );
  }

  // In a listener, when the session still has something to show.
  const visit = await mounted({ container: null, deliver: "/deliver?answer=422" });
  const guarded = listensTo("Window keydown");
  on(visit.session, "phasechange", ({ detail }) => detail.phase === "failed" && dialogElement().remove());
  await visit.says(good());
  const { error } = await visit.ended();
  await until("nothing listens", () => !listensTo("Window keydown"));
  rows.push(proved("the dialog's element is taken out in a listener of the session's", `${error?.code}, and nothing is left`, "before, the dialog listened", { guarded, scrolls: getComputedStyle(document.documentElement).overflow === "visible" }));
  return rows;
}

/** A place that is back by the end of the task is no end; and a frame that has used its token does not try it again. */
export async function moved() {
  const rows = [];
  await import("/sdk/element.js");
  const places = {
    "a container": async (host) => {
      const box = one.appendChild(document.createElement("div"));
      box.id = "box";
      const visit = await mounted({ container: "#box", ...host });
      return { mover: box, session: () => visit.session, frame: () => visit.frame };
    },
    "the element": async (host) => {
      const element = document.createElement("flinks-reconnect");
      Object.assign(element, { instance: "toolbox", deliver: "/deliver", ...host });
      one.append(element);
      await until("Connect mounts", () => element.session?.phase === "active");
      return { mover: element, session: () => element.session, frame: () => frames(element.shadowRoot)[0] };
    },
  };
  const moves = {
    "by append": (mover) => two.append(mover),
    "out, and back after awaits": async (mover) => {
      mover.remove();
      for (let count = 0; count < 5; count += 1) await null;
      two.append(mover);
    },
  };
  for (const [place, open] of Object.entries(places)) {
    for (const [way, move] of Object.entries(moves)) {
      const { start, calls, requestId } = backend();
      const { mover, session, frame } = await open({ start });
      const first = session();
      const loads = lab.frames.length;
      await move(mover);
      await until("another frame is up", () => calls.length === 2 && frame() && first.phase === "active");
      await reach(frame().contentWindow, CONNECT);
      const asked = launched(frame());
      const own = session();
      const result = first.result;
      await tell(frame().contentWindow, 'parent.postMessage(given, "*")', good());
      const { loginId, requestId: delivered } = await result;
      rows.push(
        proved(`${place} moved ${way}, its token used`, `start is asked again, then ${asked.authorizeToken}`, "taken away for longer it is CLOSED, see above", {
          "the same session": own === first,
          "start first": lab.frames.length === loads + 1 && asked.authorizeToken === "token-number-2",
          "the same request": asked.requestId === requestId && delivered === requestId,
          delivered: loginId === GOOD_LOGIN,
        }),
      );
      mover.remove();
    }
  }

  const visit = await mounted();
  const loads = lab.frames.length;
  two.append(one);
  await until("it loads again", () => visit.steps.filter((step) => step === "APP_MOUNTED").length === 2);
  await reach(visit.window, CONNECT);
  const stays = lab.frames.length === loads;
  await visit.delivers();
  document.querySelector("main").append(one, two);
  rows.push(proved("a container moved, without a token", "the same frame loads again, and delivers", "with a token start is asked first, see above", { "the same frame": stays }));
  return rows;
}

/** Another document: the session begins anew there. */
export async function adopted() {
  const { FlinksReconnectElement } = await import("/sdk/element.js");
  const other = document.body.appendChild(document.createElement("iframe"));
  const element = new FlinksReconnectElement();
  const { start, calls } = backend();
  const endings = [];
  Object.assign(element, { instance: "toolbox", deliver: "/deliver", start });
  for (const name of ["reconnected", "failed"]) on(element, name, ({ detail }) => endings.push(detail.code ?? detail.status));
  one.append(element);
  await until("Connect mounts", () => element.session?.phase === "active");
  const first = element.session;
  other.contentDocument.body.append(element);
  await until("Connect mounts there", () => element.session !== first && element.session?.phase === "active");
  const [frame] = frames(element.shadowRoot);
  const isThere = frame.ownerDocument === other.contentDocument && getComputedStyle(element).display === "block";
  await until("a puppet is there", () => frame.contentWindow);
  await reach(frame.contentWindow, CONNECT);
  await tell(frame.contentWindow, 'parent.postMessage(given, "*")', good());
  await until("it is delivered", () => endings.length === 2);
  const there = document.body.appendChild(document.createElement("iframe"));
  const box = there.contentDocument.body.appendChild(there.contentDocument.createElement("div"));
  const visit = new Visit((await import("/sdk/index.js")).reconnect, { container: box, signal: new there.contentWindow.AbortController().signal });
  await until("Connect mounts in another window's container", () => visit.session.phase === "active");
  const isInBox = frames(box)[0]?.ownerDocument === there.contentDocument;
  there.remove();
  visit.session.close();
  other.remove();
  return [
    proved("the element adopted by another document", endings.join(", then "), "moved in its own it keeps its session, see above", {
      "begun anew": endings.join() === "CLOSED,reconnected" && calls.length === 2,
      "in that document": isThere,
    }),
    proved("a container and a signal of another window", "the frame stands in that document", "see above", { isInBox }),
  ];
}

/** Whatever keeps the page's markup keeps nothing of ours. */
export async function copied() {
  const rows = [];
  for (const container of ["#one", null]) {
    const { start, requestId } = backend();
    const visit = await mounted({ container, start });
    const all = { outerHTML: document.documentElement.outerHTML, "a clone": new XMLSerializer().serializeToString(document.documentElement.cloneNode(true)), getHTML: document.documentElement.getHTML?.() ?? "" };
    const found = Object.entries(all).filter(([, text]) => text.includes(requestId) || text.includes("token-number"));
    const clone = document.body.cloneNode(true);
    await visit.closed();
    document.body.replaceWith(clone);
    const dead = clone.querySelectorAll("dialog, iframe").length;
    const hit = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    const covers = Boolean(hit?.closest(".flinks-reconnect"));
    clone.replaceWith(document.createElement("body"));
    document.body.innerHTML = clone.innerHTML;
    rows.push(
      proved(`copies of the page under ${container ? "a container" : "a dialog"}`, `${Object.keys(all).join(", ")}: no id, no token, nothing dead`, "a frame of the page's own is in them, see R41", {
        [`found in ${found.map(([name]) => name)}`]: found.length === 0,
        "no dialog and no frame": dead === 0,
        "nothing covers the page": !covers,
        "nothing is wider or higher for it": document.documentElement.scrollWidth <= innerWidth,
      }),
    );
    document.querySelectorAll(".flinks-reconnect, body > [role=status]").forEach((element) => element.remove());
  }
  return rows;
}

/** Locks that overlap, in every order; ours, a second copy's, and one of the page's that writes back what it saw. */
export async function scrollLocks() {
  const root = document.documentElement;
  const isLocked = () => getComputedStyle(root).overflow === "hidden";
  const careless = () => {
    const saved = root.style.overflow;
    root.style.overflow = "hidden";
    return () => (root.style.overflow = saved);
  };
  const ours = async (path) => {
    const { reconnect } = await import(path);
    const visit = new Visit(reconnect, { container: null, requestId: `${REQUEST}-${(sessions += 1)}` });
    await until("it is open", () => visit.session.phase === "active");
    return () => visit.closed();
  };
  const locks = { page: async () => careless(), first: () => ours("/sdk/index.js"), second: () => ours("/sdk/index.js?another-copy") };
  const orders = (names) => (names.length < 2 ? [names] : names.flatMap((name) => orders(names.filter((other) => other !== name)).map((rest) => [name, ...rest])));
  const wrong = [];
  let count = 0;
  for (const opened of [["page", "first", "second"], ["first", "page", "second"]]) {
    for (const closed of orders(["page", "first", "second"])) {
      const unlock = {};
      for (const name of opened) unlock[name] = await locks[name]();
      const open = new Set(opened);
      for (const name of closed) {
        await unlock[name]();
        open.delete(name);
        count += 1;
        // What a careless lock writes back is its own affair: ours must neither undo it nor be undone by it.
        if ((open.has("first") || open.has("second")) && !isLocked()) wrong.push(`${opened} / ${closed}: not locked after ${name}`);
      }
      if (isLocked()) wrong.push(`${opened} / ${closed}: locked for ever`);
      if (document.adoptedStyleSheets.length) wrong.push(`${opened} / ${closed}: a sheet is left`);
      root.removeAttribute("style");
    }
  }
  const open = careless();
  const twin = isLocked();
  open();
  return [proved("three scroll locks that overlap", `${count} closings, locked while a dialog is open, free afterwards`, "the page's own lock locks", { [wrong.join("; ")]: wrong.length === 0, "the twin": twin })];
}

/** Libraries for modals make everything else inert, or hide it, also what comes later. */
export async function hidden() {
  const hide = new MutationObserver(() => {
    for (const child of document.body.children) {
      if (child === document.querySelector("main")) continue;
      child.inert = true;
      child.setAttribute("aria-hidden", "true");
    }
  });
  hide.observe(document.body, { childList: true });
  const bystander = document.body.appendChild(document.createElement("button"));
  await until("the page's own is hidden", () => bystander.inert);
  const visit = await mounted({ container: null });
  const close = dialogElement().shadowRoot.querySelector("[part=close]");
  const usable = () => !document.querySelector(".flinks-reconnect[inert], .flinks-reconnect[aria-hidden], [role=status][inert], [role=status][aria-hidden]");
  await until("ours is not", usable);
  close.focus();
  const takesFocus = focused() === close;
  dialogElement().setAttribute("aria-hidden", "true");
  await until("nor later", usable);
  hide.disconnect();
  bystander.remove();
  await visit.closed();
  return [proved("a page that makes everything else inert", "the dialog and its announcer stay usable", "a button of the page's own is inert", { takesFocus })];
}

/** What was put on built-in prototypes speaks for nobody. */
export async function poisoned() {
  const rows = [];
  await import("/sdk/element.js");
  const evil = "https://evil.test/taken";
  const names = [
    ...["deliver", "start", "connectUrl", "headers", "authorizeToken", "resumeSelectedAccounts", "params", "sandbox", "credentials", "container", "modal"],
    ...["mode", "integrity", "window", "referrer", "duplex", "priority", "once", "passive", "cancelable", "ifAvailable", "steal"],
    ...["title", "close", "connect", "frame", "loading", "retry", "cause", "flinksCode", "httpStatus", "retryable", "phase", "isWaiting"],
    ...["value", "get", "set", "writable"],
  ];
  const element = document.createElement("flinks-reconnect");
  const endings = [];
  for (const [name, value] of Object.entries({ instance: "toolbox", "request-id": REQUEST, deliver: "/deliver", labels: null })) value && element.setAttribute(name, value);
  element.labels = {};
  for (const name of ["reconnected", "failed"]) on(element, name, ({ detail }) => endings.push(detail));
  const poison = (value) => {
    for (const name of names) Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, writable: true, value });
    // Whoever gives a listener an object of options would not be heard.
    Object.defineProperty(Object.prototype, "signal", { __proto__: null, configurable: true, writable: true, value: AbortSignal.abort() });
  };
  const cure = () => [...names, "signal"].forEach((name) => delete Object.prototype[name]);
  const posts = [];
  const { fetch } = window;
  window.fetch = (address, init) => (posts.push([String(address), init?.body, String(init?.mode)]), fetch(address, init));
  poison(evil);
  const twin = {}.deliver;
  try {
    one.append(element);
    await until("Connect mounts", () => element.session?.phase === "active");
  } finally {
    cure();
  }
  const [frame] = frames(element.shadowRoot);
  const asked = launched(frame);
  const texts = [frame.title, ...[...element.shadowRoot.querySelectorAll("div")].map(({ shadowRoot }) => shadowRoot?.textContent)].join();
  await reach(frame.contentWindow, CONNECT);
  poison(evil);
  try {
    frame.contentWindow.postMessage({ __proto__: null, puppet: 'parent.postMessage(given, "*")', given: good() }, "*", [new MessageChannel().port2]);
    await until("it ends", () => endings.length);
  } finally {
    cure();
    window.fetch = fetch;
  }
  element.remove();
  rows.push(
    proved(`Object.prototype with ${names.length} names of options and members`, `${endings[0].status}, delivered to ${posts.map(([address]) => address)}`, `an empty object has deliver: ${twin}`, {
      "the twin": twin === evil,
      "one delivery, to the attribute's address": posts.length === 1 && posts[0][0] === "/deliver" && posts[0][2] === "undefined",
      "no text that nobody set": texts.includes("bank") && !texts.includes(evil),
      [`no parameter that nobody set: ${Object.keys(asked)}`]: Object.keys(asked).sort().join() === "language,requestId",
    }),
  );

  // Old libraries give arrays and objects a `toJSON` that makes text of them.
  const bodies = [];
  window.fetch = (address, init) => (bodies.push(init.body), fetch(address, init));
  const { stringify } = JSON;
  for (const prototype of [null, Array.prototype, Object.prototype, String.prototype]) {
    if (prototype) prototype.toJSON = () => "spoiled";
    try {
      const visit = await mounted({ requestId: `${REQUEST}-json`, resumeSelectedAccounts: ["account-one-0001"], deliver: "/deliver" });
      visit.frame.contentWindow.postMessage({ puppet: 'parent.postMessage(given, "*")', given: good({ institution: 'A "Bank"\n' }) }, "*", [new MessageChannel().port2]);
      await visit.ended();
      await until("its lock is free", async () => (await heldLocks()) === 0);
    } finally {
      if (prototype) delete prototype.toJSON;
    }
  }
  Array.prototype.toJSON = () => "spoiled";
  const spoiled = stringify({ accountIds: ["account-one-0001"] });
  delete Array.prototype.toJSON;
  window.fetch = fetch;
  const read = bodies.map((body) => JSON.parse(body));
  rows.push(
    proved("toJSON on the prototypes of arrays, objects and strings", "the same body each time, but for its attempt", `JSON.stringify says ${spoiled}`, {
      "the twin": spoiled.includes("spoiled"),
      "four deliveries": read.length === 4,
      "as without": read.every((body) => stringify({ ...body, attemptId: "" }) === stringify({ ...read[0], attemptId: "" })) && read[0].accountIds[0] === "account-one-0001" && read[0].institution === 'A "Bank"\n',
    }),
  );
  return rows;
}

/** A page is no receipt, whatever its status. */
export async function pages() {
  const rows = [];
  for (const [what, text, receipt] of [["a sign-in page", " <!doctype html><title>Sign in</title>", false], ["text of type text/html", "received", true]]) {
    const visit = await mounted({ deliver: `/deliver?page=${encodeURIComponent(text)}`, deliverTimeoutMs: 1_000 });
    await visit.says(good());
    const { result, error } = await visit.ended();
    visit.session.close();
    await until("its lock is free", async () => (await heldLocks()) === 0);
    rows.push(proved(`${what}, answered 200`, error?.code ?? result.status, "the other one is judged otherwise", { "as it should be": receipt ? result?.status === "reconnected" : error?.code === "UNDELIVERED" && visit.heard.some(({ name }) => name === "retrying") }));
  }
  return rows;
}

/** Objects without a prototype, and of another window. */
export async function others() {
  const other = document.body.appendChild(document.createElement("iframe")).contentWindow;
  const plain = Object.assign(Object.create(null), { theme: "dark" });
  const foreign = other.eval('({ theme: "dark" })');
  const rows = [];
  for (const [what, options] of Object.entries({
    "params without prototype": { params: plain },
    "params and labels of another window": { params: foreign, labels: other.eval('({ title: "Hello" })') },
    "a start reply of another window": { requestId: undefined, start: async () => other.eval(`({ status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId: "${REQUEST}-other", params: { theme: "dark" } })`) },
  })) {
    const given = { ...options };
    if ("requestId" in given) delete given.requestId;
    const visit = await mounted(given);
    const { theme } = launched(visit.frame);
    await visit.delivers();
    await until("its lock is free", async () => (await heldLocks()) === 0);
    rows.push(proved(what, `theme=${theme}`, "what is no object is INVALID_OPTIONS, see the element's attributes", { "it is read": theme === "dark" }));
  }
  return rows;
}

/** A page that is only prerendered begins nothing. The browser's word for it is played: what it says, and then that it is shown. */
export async function prerendered() {
  await import("/sdk/element.js");
  let prerendering = true;
  Object.defineProperty(document, "prerendering", { configurable: true, get: () => prerendering });
  const { start, calls } = backend();
  const visit = await Visit.open({ start, container: null });
  const closed = await Visit.open({ start, container: null });
  const element = Object.assign(document.createElement("flinks-reconnect"), { instance: "toolbox", start: backend().start, deliver: "/deliver" });
  one.append(element);
  for (let count = 0; count < 5; count += 1) await turn();
  await closed.closed();
  const before = { calls: calls.length, frames: frames().length, phase: visit.session.phase, elements: document.querySelectorAll(".flinks-reconnect").length };
  prerendering = false;
  document.dispatchEvent(new Event("prerenderingchange"));
  await until("Connect mounts", () => visit.session.phase === "active" && element.session.phase === "active");
  element.remove();
  await reach(visit.window, CONNECT);
  await visit.delivers();
  delete document.prerendering;
  return [
    proved("a page that is prerendered, and then shown", `before: ${before.calls} calls, ${before.frames} frames; then it delivers`, "shown, it begins at once, see all others", {
      "nothing before": before.calls === 0 && before.frames === 0 && before.elements === 0 && before.phase === "starting",
      "closed meanwhile, it begins nothing": closed.outcome.error?.code === "CLOSED" && calls.length === 1,
      "no listener is left": !listensTo("HTMLDocument prerenderingchange"),
    }),
  ];
}

/** Sizes follow the user's font size, texts their own language. */
export async function looks() {
  const rows = [];
  const root = document.documentElement;
  const look = async (options) => {
    const visit = await Visit.open({ container: null, start: () => new Promise(() => {}), ...options });
    const part = (name) => dialogElement().shadowRoot.querySelector(`[part=${name}]`);
    await until("it says something", () => dialogElement() && part("status").textContent);
    const status = part("status");
    const at = (place) => {
      const range = document.createRange();
      range.setStart(status.firstChild, place);
      range.setEnd(status.firstChild, place + 1);
      return range.getBoundingClientRect().left;
    };
    const seen = { size: getComputedStyle(status).fontSize, width: part("panel").getBoundingClientRect().width, last: at(status.textContent.length - 1) - at(0), close: part("close").getBoundingClientRect().left - part("title").getBoundingClientRect().left, text: status.textContent };
    await visit.closed();
    return seen;
  };
  const plain = await look({ language: "en" });
  for (const size of ["62.5%", "40px"]) {
    root.style.fontSize = size;
    const seen = await look({ language: "en" });
    rows.push(proved(`html { font-size: ${size} }`, `texts of ${seen.size}, ${seen.width} pixels wide, as ever`, "the page's own rem is another", { "as ever": seen.size === plain.size && seen.width === plain.width, "the twin": getComputedStyle(root).fontSize !== "16px" }));
  }
  root.removeAttribute("style");
  const hebrew = { title: "חיבור לבנק", loading: "פונים לבנק שלך…" };
  for (const [dir, language, labels, sign] of [["rtl", "en", undefined, 1], ["rtl", "fr", undefined, 1], ["ltr", "en", hebrew, -1], ["rtl", "en", hebrew, -1], ["ltr", "fr", undefined, 1]]) {
    root.dir = dir;
    const seen = await look({ language, ...(labels && { labels }) });
    rows.push(proved(`${labels ? "Hebrew labels" : language} in a page with dir="${dir}"`, `“${seen.text}” ends ${sign > 0 ? "right" : "left"} of its beginning`, "the other way round elsewhere", { "its last mark": Math.sign(seen.last) === sign, "the close button is at the title's end": Math.sign(seen.close) === sign }));
  }
  root.removeAttribute("dir");
  return rows;
}

/** R41: the page that frames this one leads every window that it can reach to a session of its own. */
export async function framed() {
  // The test looks at the page around.
  const report = (value) => parent.postMessage({ report: JSON.stringify(value) }, "*");
  try {
    const rows = await leadingAway();
    report({ rows });
    return rows;
  } catch (error) {
    report({ failure: error.message });
    throw error;
  }
}

async function leadingAway() {
  const told = (what) =>
    new Promise((resolve) => {
      on(window, "message", ({ data, source }) => source === parent && data?.led !== undefined && resolve(data.led));
      parent.postMessage(what, "*");
    });
  const stolen = "request-of-the-attacker-0001";
  // To a page of another process Firefox tells the frames in shadow trees, too.
  const tells = /Firefox/.test(navigator.userAgent);
  const own = two.appendChild(document.createElement("iframe"));
  own.src = "/puppet";
  const rows = [];
  for (const container of ["#one", null]) {
    const visit = await mounted({ container });
    const led = await told({ lead: `${CONNECT}/v2/?requestId=${stolen}` });
    await reach(own.contentWindow, `${CONNECT}/v2/?requestId=${stolen}`);
    const place = container ? "container" : "dialog";
    if (tells) {
      await reach(visit.window, `${CONNECT}/v2/?requestId=${stolen}`);
      rows.push(proved(`a page that frames ours leads frames[i] to its own session, ${place}`, "in this browser it reaches Connect's frame, too: only frame-ancestors keeps it out, see below", "a frame of the page's own is led away", { [`${led} windows`]: led === 2 }));
      await visit.closed();
    } else {
      const where = await tell(visit.window, "return location.href");
      await visit.delivers();
      rows.push(
        proved(`a page that frames ours leads frames[i] to its own session, ${place}`, "Connect's frame stays where it was, and delivers", `${led} window led away: a frame of the page's own`, {
          "the twin is led away": led === 1,
          "Connect's is not": visit.outcome.result.requestId === REQUEST && where.includes(REQUEST) && !where.includes(stolen),
        }),
      );
    }
    await until("its lock is free", async () => (await heldLocks()) === 0);
  }
  return rows;
}
