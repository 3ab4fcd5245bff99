// The host page of the attacks: runs the scenario its address names and puts the report into `<html data-report>`.
//
// A scenario is an exported function of a file beside this one; `?run=gate.synthetic` is `synthetic` of `gate.js`. It yields rows
// `{attack, outcome, twin, ok}`: what was tried, what became of it, and what shows that it would have worked without the check.
//
// Invariants: the widget is the shipped one, imported from /sdk/index.js without any switch; every wait is for a state and bounded.

const { lab } = window;
const { original } = lab;

import { frames } from "./frames.js";

export { frames };

export const CONNECT = "https://toolbox-iframe.private.fin.ag";
export const EVIL = "https://evil.test";
/** A session that no other page of this browser has: the page before may not have let go of its own yet. */
export const REQUEST = `request-of-the-host-${Math.random().toString(36).slice(2)}`;
export const GOOD_LOGIN = "login-of-the-user-0001";
export const EVIL_LOGIN = "login-of-the-attacker-0001";
export const EVENTS = ["phasechange", "step", "flinkscode", "fullflow", "expiring", "retrying", "attemptfailed"];

export const good = (more = {}) => ({ step: "REDIRECT", institution: "FlinksCapital", loginId: GOOD_LOGIN, ...more });

const PATIENCE_MS = 30_000;

/** Waits for a state, with a bound. */
export async function until(what, probe, patienceMs = PATIENCE_MS) {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => original.setTimeout(resolve, 10));
  }
}

/** Lets every task that is queued now be done. */
export const turn = () => new Promise((resolve) => original.setTimeout(resolve, 0));

/** A session on the page, and what was heard of it. */
export class Visit {
  heard = [];
  outcome = null;

  static async open(options = {}) {
    const { reconnect } = await import("/sdk/index.js");
    return new Visit(reconnect, options);
  }

  constructor(reconnect, options) {
    const begins = "start" in options ? {} : { requestId: REQUEST };
    const all = { instance: "toolbox", container: "#one", deliver: "/deliver", ...begins, ...options };
    if (all.connectUrl) delete all.instance;
    this.container = all.container ?? ".flinks-reconnect.modal";
    if (all.container === null) delete all.container;
    this.session = reconnect(all);
    this.listen();
  }

  /** Notes what the session tells, and how it ends. */
  listen() {
    for (const name of EVENTS) {
      original.add.call(this.session, name, ({ detail }) => this.heard.push({ name, ...detail }));
    }
    original.add.call(this.session, "attemptfailed", ({ detail }) => (this.outcome = detail));
    this.session.result.then(
      (result) => (this.outcome = { result }),
      (error) => (this.outcome = { error }),
    );
  }

  /** Forgets how the attempt before ended. */
  follow() {
    this.outcome = null;
  }

  get frame() {
    // A copy of the page may have an empty element of the dialog's class.
    return [...document.querySelectorAll(this.container)].flatMap((place) => frames(place.shadowRoot ?? place))[0] ?? null;
  }

  get window() {
    return this.frame?.contentWindow ?? null;
  }

  get steps() {
    return this.heard.filter(({ name }) => name === "step").map(({ step }) => step);
  }

  /** The session, once Connect has spoken and can be told what to do. */
  async mounted() {
    await until("Connect mounts", () => this.session.phase === "active" || this.outcome);
    if (this.outcome?.error) throw this.outcome.error;
    await reach(this.window, CONNECT);
    return this;
  }

  /** Connect posts to the page. */
  says(message) {
    return tell(this.window, 'parent.postMessage(given, "*")', message);
  }

  async ended() {
    return until("the session ends", () => this.outcome);
  }

  /** The positive twin of everything: the genuine frame says the same, and it is delivered. */
  async delivers() {
    await this.says(good());
    const { result, error } = await this.ended();
    if (result?.loginId !== GOOD_LOGIN) throw new Error(`the genuine REDIRECT was not delivered: ${error ?? JSON.stringify(result)}`);
  }

  async closed() {
    this.session.close();
    await this.ended();
  }
}

export const mounted = async (options) => (await Visit.open(options)).mounted();

/** The element with the focus, in shadow trees too. */
export function focused(root = document) {
  const { activeElement } = root;
  return activeElement?.shadowRoot?.activeElement ? focused(activeElement.shadowRoot) : activeElement;
}

/** Has a puppet run `code`, in which `given` is the argument. */
export function tell(target, code, given, patienceMs = PATIENCE_MS) {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    const timer = original.setTimeout(() => {
      port1.close();
      reject(new Error("the puppet does not answer"));
    }, patienceMs);
    port1.onmessage = (event) => {
      original.clearTimeout(timer);
      port1.close();
      const { answer, error } = lab.read(event);
      error === undefined ? resolve(answer) : reject(new Error(error));
    };
    target.postMessage({ puppet: code, given }, "*", [port2]);
  });
}

/** Waits until the window shows a puppet page at this address. */
export async function reach(target, address) {
  let seen;
  // A page that is not there yet loses the question, and one on a busy machine is slow to answer: each try waits longer.
  let patienceMs = 100;
  const isThere = async () => {
    patienceMs = Math.min(2 * patienceMs, 2_000);
    seen = await tell(target, "return location.href", null, patienceMs).catch(({ message }) => message);
    return seen.startsWith(address);
  };
  await until("a puppet", isThere).catch(({ message }) => {
    throw new Error(`${message} at ${address}; last: ${seen}`);
  });
  return target;
}

/** A frame of the attacker's on the host's page. */
export async function intruder(address) {
  const frame = document.createElement("iframe");
  frame.src = address;
  document.body.append(frame);
  await reach(frame.contentWindow, address);
  return frame;
}

let attacks = 0;

/** A success that would bind the attacker's login, marked so that it is found again. */
export const evil = (more = {}) => ({ step: "REDIRECT", loginId: EVIL_LOGIN, institution: "Evil", attack: ++attacks, ...more });

/** Where the gate must stop this letter: the first check it fails. */
export function gate({ trusted, source, origin }, visit) {
  if (!trusted) return "isTrusted";
  if (source === null || source !== visit.window) return "source";
  if (origin !== CONNECT) return "origin";
  return "nowhere";
}

/** The careless checks found in the wild that would have taken this letter. */
function careless({ source, origin }, visit) {
  const checks = {
    "no check": true,
    "origin only": origin === CONNECT,
    "source only": source !== null && source === visit.window,
    "null === null": source === null && visit.window === null,
    "origin ends with .private.fin.ag": /\.private\.fin\.ag(:\d+)?$/.test(origin),
    "origin starts with": origin !== CONNECT && origin.startsWith(CONNECT),
    "host without scheme": origin !== CONNECT && origin.replace(/^http:/, "https:") === CONNECT,
    "null exempt": origin === "null",
  };
  return Object.keys(checks).filter((name) => checks[name]);
}

/** Attacks a session that must not care: no event, no change, and the data not even read. */
export const refused = (visit, attack, perform) => refusedAfter(visit, attack, null, perform);

/** The same for an attack that begins with something genuine: nothing may follow after that. */
export async function refusedAfter(visit, attack, genuine, perform) {
  const state = () => ({ reads: lab.dataReads, heard: visit.heard.length, phase: visit.session.phase });
  const message = evil();
  let before = state();
  const performed = perform(message);
  if (genuine) before = await genuine.then(state);
  else await performed;
  const letter = await until(`${attack}: the message arrives`, () => lab.received.find(({ data }) => data?.attack === message.attack));
  await turn();
  const place = gate(letter, visit);
  const complaints = [
    place === "nowhere" && "it is genuine",
    letter.data.loginId !== EVIL_LOGIN && "it carries no login",
    lab.dataReads !== before.reads && "its data was read",
    visit.heard.length !== before.heard && `events followed: ${JSON.stringify(visit.heard.slice(before.heard))}`,
    visit.session.phase !== before.phase && `the phase became ${visit.session.phase}`,
    visit.outcome && "the session ended",
  ].filter(Boolean);
  return row(attack, `dropped: ${place}`, `taken by: ${careless(letter, visit).join(", ")}`, complaints, letter);
}

export const row = (attack, outcome, twin, complaints = [], letter = undefined) => ({ attack, outcome, twin, complaints, letter: letter && { origin: letter.origin, hasSource: letter.source !== null } });

/** A row that is right when all of these hold. */
export const proved = (attack, outcome, twin, claims) =>
  row(attack, outcome, twin, Object.entries(claims).filter(([, holds]) => !holds).map(([claim]) => `not so: ${claim}`));

/** Has a person press a key (`Tab`, `Shift+Tab`, `Enter`, `Escape`), and waits for what it does. */
export function press(key, done) {
  const isDone = ask("key", key);
  return until(`${key} does its work: ${done}`, () => isDone() && done());
}

/** Has a person click the widget's part of that name in its dialog, and waits for what it does. */
export function personInWidget(part, done) {
  const isDone = ask("part", part);
  return until(`a click on the widget's ${part} does its work`, () => isDone() && done());
}

/** Has a person type a word in Connect's frame, where the focus is, and waits for what it does. */
export function type(word, done) {
  const isDone = ask("type", word);
  return until(`typing ${word} does its work`, () => isDone() && done());
}

export function report(value) {
  document.documentElement.setAttribute("data-report", JSON.stringify(value));
}

let clicks = 0;
/** Asks for a click or a key; what is returned tells whether that has been done. */
const ask = (where, what) => {
  const root = document.documentElement;
  const wish = `${++clicks} ${where} ${what}`;
  root.setAttribute("data-click", wish);
  return () => root.getAttribute("data-clicked") === wish;
};

/** Has a person click the page's button and does `act` in that click, which a script alone may not do. */
export function person(id, act) {
  return new Promise((resolve) => {
    original.add.call(document.getElementById(id), "click", () => resolve(act()), { once: true });
    ask("page", `#${id}`);
  });
}

/** Has a person click a button of Connect's, and waits for what it does. */
export function personInConnect(id, done) {
  ask("connect", `#${id}`);
  return until(`a click on Connect's ${id} does its work`, done);
}

// Not awaited: the scenarios import this file.
begin();

async function begin() {
  const [file, scenario] = (new URLSearchParams(location.search).get("run") ?? "").split(".");
  try {
    const scenarios = await import(`/lab/${file}.js`);
    report({ rows: await scenarios[scenario]() });
  } catch (error) {
    report({ failure: `${file}.${scenario}: ${error.message}\n${error.stack}\n${lab.errors.join("\n")}\nviolations: ${lab.violations.join("; ")}` });
  }
}
