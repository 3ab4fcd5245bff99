// Libraries that swap or morph pages under an open session, keep copies of them, record them, or patch the browser.

import morphdom from "morphdom";
import { CONNECT, GOOD_LOGIN, REQUEST, Visit, frames, good, mounted, proved, reach, tell, turn, until } from "/lab/lab.js";
import { dependencies } from "./package.json";

const { lab } = window;

const load = (path) =>
  new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: path, onload: resolve, onerror: reject });
    document.head.append(script);
  });

const TOKEN = "token-of-the-host-0001";
let sessions = 0;
const start = async () => ({ status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId: `${REQUEST}-${(sessions += 1)}`, authorizeToken: TOKEN });
const title = (text) => until(`the page is ${text}`, () => document.querySelector("h1")?.textContent === text);
const scrolls = () => getComputedStyle(document.documentElement).overflow === "visible";
const isCovered = () => Boolean(document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest(".flinks-reconnect"));
const isLeft = () => [...document.querySelectorAll("*")].some((element) => /^(dialog|iframe)$/.test(element.localName));

/** Back under an open dialog, and forward again. */
async function backAndForward(library, go) {
  await go("/lib/two");
  await title("Two");
  const visit = await mounted({ container: null, start });
  history.back();
  await title("Lab");
  const { error } = await visit.ended();
  const isFree = await until("its lock is free", async () => (await navigator.locks.query()).held.length === 0);
  const scrolled = scrolls();
  const loads = lab.frames.length;
  history.forward();
  await title("Two");
  await turn();
  const stored = [localStorage, sessionStorage].map((storage) => JSON.stringify({ ...storage })).join();
  const row = proved(`${library}: Back under an open dialog, and Forward`, `${error?.code}, the page scrolls, nothing dead comes back`, "the same page opens it again and delivers", {
    CLOSED: error?.code === "CLOSED" && isFree,
    scrolled,
    "nothing covers the page": !isCovered() && !isLeft(),
    "the spent token is not loaded again": lab.frames.length === loads,
    "no token in storage": !stored.includes(TOKEN) && !stored.includes(REQUEST),
    "no error": lab.errors.length === 0,
  });
  const again = await mounted({ container: null, start });
  await again.delivers();
  return row;
}

export async function turbo() {
  await load("/lib/turbo.js");
  const library = `@hotwired/turbo ${dependencies["@hotwired/turbo"]}`;
  const rows = [await backAndForward(library, (address) => Turbo.visit(address))];

  // A permanent element: taken out, and put into the page that comes.
  await import("/sdk/element.js");
  Turbo.visit("/lib/permanent-1");
  await title("Permanent 1");
  const element = document.querySelector("#bank");
  let calls = 0;
  element.start = (...given) => ((calls += 1), given, { status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId: `${REQUEST}-permanent`, authorizeToken: `token-number-${calls}` });
  const session = element.open();
  await until("Connect mounts", () => session.phase === "active");
  Turbo.visit("/lib/permanent-2");
  await title("Permanent 2");
  await until("it is up again", () => calls === 2 && session.phase === "active");
  const [frame] = frames(element.shadowRoot);
  await reach(frame.contentWindow, CONNECT);
  const { result } = session;
  await tell(frame.contentWindow, 'parent.postMessage(given, "*")', good());
  const { loginId } = await result;
  rows.push(
    proved(`${library}: a permanent element over a visit`, "the same session, start asked again for its token, delivered", "a dialog is CLOSED, see above", {
      "the same element and session": document.querySelector("#bank") === element && element.session === session,
      delivered: loginId === GOOD_LOGIN && new URL(frame.src).searchParams.get("authorizeToken") === "token-number-2",
    }),
  );
  return rows;
}

async function boosted(name) {
  await load(`/lib/${name}.js`);
  document.body.setAttribute("hx-boost", "true");
  const link = document.querySelector("main").appendChild(document.createElement("a"));
  htmx.process(document.body);
  return [
    await backAndForward(`htmx.org ${dependencies[name].replace(/^npm:htmx.org@/, "")}`, (address) => {
      link.href = address;
      htmx.process(document.body);
      link.click();
    }),
  ];
}
export const htmx2 = () => boosted("htmx.org");
export const htmx1 = () => boosted("htmx.org-1");

export async function morph() {
  const rows = [];
  const markup = document.body.cloneNode(true);
  for (const container of ["#one", null]) {
    const visit = await mounted({ container, start });
    morphdom(document.body, markup.cloneNode(true));
    const { error } = await visit.ended();
    rows.push(proved(`morphdom ${dependencies.morphdom}: a morph under ${container ? "a container" : "a dialog"}`, `${error?.code}, the page scrolls`, "see the swaps", { CLOSED: error?.code === "CLOSED", scrolls: scrolls(), "nothing is left": !isLeft() }));
    const again = await mounted({ container, start });
    await again.delivers();
  }
  return rows;
}

/** A recorder that reads shadow trees too. */
export async function recorded() {
  await load("/lib/rrweb.js");
  const rows = [];
  for (const container of ["#one", null]) {
    const events = [];
    const stop = rrweb.record({ emit: (event) => events.push(event) });
    const visit = await mounted({ container, start });
    rrweb.record.takeFullSnapshot(true);
    const { requestId } = Object.fromEntries(new URL(visit.frame.src).searchParams);
    const text = JSON.stringify(events);
    const own = document.querySelector("#two").appendChild(document.createElement("iframe"));
    own.src = `/puppet?authorizeToken=${TOKEN}-own`;
    await until("the page's own frame is recorded", () => (rrweb.record.takeFullSnapshot(true), JSON.stringify(events).includes("iframe")));
    stop();
    own.remove();
    await visit.closed();
    rows.push(
      proved(`rrweb ${dependencies.rrweb}: recorded from before, and a full snapshot, ${container ? "container" : "dialog"}`, `${events.length} events, no token and no id`, "our texts are recorded", {
        "it records": events.length > 2 && text.includes("flinks-reconnect"),
        "no token": !text.includes(TOKEN),
        "no id": !text.includes(requestId),
      }),
    );
  }
  return rows;
}

/** zone.js patches EventTarget and timers. */
async function zone(name) {
  await load(`/lib/${name}.js`);
  const heard = { message: 0, online: 0, click: 0, keydown: 0 };
  for (const type of Object.keys(heard)) window.addEventListener(type, () => (heard[type] += 1), true);
  const told = () => {
    const before = { ...heard };
    dispatchEvent(new MessageEvent("message"));
    dispatchEvent(new Event("online"));
    document.querySelector("#act").click();
    document.querySelector("#act").dispatchEvent(new KeyboardEvent("keydown", { bubbles: true }));
    return Object.keys(heard).every((type) => heard[type] === before[type] + 1);
  };
  const claims = { "the page hears before": told() };
  for (const container of ["#one", null]) {
    const first = await mounted({ container, start });
    await first.delivers();
    const second = await mounted({ container, start });
    await second.says({ step: "TOKEN_INVALID" });
    await until("another frame is up", () => second.heard.filter(({ phase }) => phase === "active").length === 2);
    await reach(second.window, CONNECT);
    await second.delivers();
    claims[`the page hears after two sessions, ${container}`] = told();
  }
  const isPatched = Boolean(window.Zone) && /Zone|zone/.test(String(EventTarget.prototype.addEventListener) + Object.keys(window).filter((key) => key.startsWith("__zone")).join());
  return [proved(`zone.js ${dependencies[name].replace(/^npm:zone.js@/, "")}: two sessions, one with a renewed frame`, "both deliver, and the page's own listeners survive", "its listeners were called before", { ...claims, "it has patched": isPatched })];
}
export const zone11 = () => zone("zone.js-0.11");
export const zone12 = () => zone("zone.js-0.12");
export const zone13 = () => zone("zone.js-0.13");
export const zone14 = () => zone("zone.js-0.14");
export const zone15 = () => zone("zone.js-0.15");
export const zone16 = () => zone("zone.js-0.16");
