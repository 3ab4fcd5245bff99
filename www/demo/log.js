// The event log: what the widget tells the page around it.
//
// A log is read over shoulders and pasted into tickets, so what may be shown in full is listed, and everything else is masked.

import { byId, copyOf, part, setText } from "./dom.js";
import { clock } from "./format.js";
import { eventText } from "./texts.js";

const SHOWN_IN_FULL = new Set([
  "attempt", "code", "delayMs", "flinksCode", "httpStatus", "institution", "mode", "phase", "previous", "remainingMs", "retryable",
  "status", "step",
]);
const SESSION_EVENTS = ["phasechange", "step", "flinkscode", "fullflow", "expiring", "retrying"];
const MOST_ENTRIES = 300;

const frame = byId("log-frame");
const list = byId("log");
/** What each entry is about, so that it can be told again in another language. */
const events = new WeakMap();

/** Logs every event of a session. */
export function logSession(session, bank) {
  for (const type of SESSION_EVENTS) {
    session.addEventListener(type, (event) => log(type, event.detail, bank));
  }
}

/** Adds one entry. */
export function log(event, detail, bank) {
  const entry = copyOf("log-template");
  const now = new Date();
  const time = part(entry, "time");
  time.dateTime = now.toISOString();
  time.textContent = clock(now);
  events.set(entry, { event, detail });
  setText(part(entry, "sentence"), eventText(event, detail));
  part(entry, "event").textContent = event;
  part(entry, "bank").textContent = bank;
  part(entry, "detail").textContent = describe(detail);

  // The newest on top: in view without scrolling, and whoever has scrolled keeps their place.
  if (list.childElementCount >= MOST_ENTRIES) list.lastElementChild.remove();
  list.prepend(entry);
  showWhetherEmpty();
}

/** Tells every entry in the current language. */
export function renderLog() {
  for (const entry of list.children) {
    const { event, detail } = events.get(entry);
    setText(part(entry, "sentence"), eventText(event, detail));
  }
}

/** Makes the log's button work. */
export function startLog() {
  byId("clear-log").addEventListener("click", () => {
    list.replaceChildren();
    showWhetherEmpty();
    // The button is gone; its panel's heading is where the reader was.
    byId("log-heading").focus();
  });
}

function showWhetherEmpty() {
  const isEmpty = list.childElementCount === 0;
  frame.hidden = isEmpty;
  byId("clear-log").hidden = isEmpty;
  byId("log-empty").hidden = !isEmpty;
}

/** `phase: active, previous: loading`. */
function describe(detail) {
  return Object.entries(detail ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}: ${masked(key, value)}`)
    .join(", ");
}

function masked(key, value) {
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[${value.map((item) => masked(key, item)).join(", ")}]`;
  if (typeof value === "object" && value !== null) return `{ ${describe(value)} }`;
  if (SHOWN_IN_FULL.has(key) || typeof value === "boolean") return String(value);
  const text = String(value);
  // The last four of eight say little; the last four of five would say nearly all.
  return text.length < 8 ? "••••" : `••••${text.slice(-4)}`;
}
