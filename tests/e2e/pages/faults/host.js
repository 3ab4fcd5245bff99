// The host's page of the fault table. What to do comes as JSON in the fragment; what happened goes into <html data-report>, for the latest attempt.
//
// A test goes on with `page` below: the session, Connect's next word, and the wall clock, which a page can set for itself where nobody can make the
// browser's machine sleep.

import { reconnect } from "/dist/index.js";

const { options = {}, page = {} } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const root = document.documentElement;
const heard = [];

if (page.fetchThrows) {
  const real = window.fetch;
  let left = page.fetchThrows;
  window.fetch = (...request) => {
    if (left-- > 0) throw new Error("patched by somebody else");
    return real(...request);
  };
}
if (page.storageThrows) {
  const refuse = () => {
    throw new DOMException("storage is refused", "SecurityError");
  };
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) Object.defineProperty(window, name, { get: refuse });
  Object.defineProperty(document, "cookie", { get: refuse, set: refuse });
}
if (page.quota) {
  // Everything on a page shares 64 KiB of keepalive bodies; this request is never answered.
  fetch("/hang", { method: "POST", keepalive: true, body: "x".repeat(65_000) }).catch(() => {});
}
let tries = 0;
if (page.headers) options.headers = async () => ({ "X-Try": String(++tries) });

const wall = Date.now;
let stepped = 0;
Date.now = () => wall() + stepped;

// What the clock shows when the page comes back as it was left: before the widget hears of it.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  stepped += page.awayFor ?? 0;
  root.setAttribute("data-back", "from the cache");
});

let begun = performance.now();
/** How late a timer of the page's own is that is set with the widget's: what of a delay is the machine's. */
let lateness = 0;
const session = reconnect({ ...(options.start ? {} : { requestId: "request-0001" }), deliver: "/deliver", ...options });

window.page = {
  session,
  heard,
  says: (step) => document.querySelector(".flinks-reconnect").shadowRoot.querySelector("iframe").contentWindow.postMessage({ says: step }, "*"),
  /** Sets the wall clock; the browser then looks at the clocks as it does when a page is shown again. */
  step(ms) {
    stepped += ms;
    dispatchEvent(new Event("pageshow"));
  },
};
if (page.stepWhenHidden) {
  document.addEventListener("visibilitychange", () => document.hidden && window.page.step(page.stepWhenHidden), { once: true });
  // A hidden tab can tell the server only how it went.
  session.addEventListener("attemptfailed", ({ detail: { error: { code } } }) => fetch("/deliver", { method: "POST", body: JSON.stringify({ code, isHidden: document.hidden }) }));
}
if (page.redirectWhenHidden) document.addEventListener("visibilitychange", () => document.hidden && window.page.says("REDIRECT"), { once: true });

for (const name of ["phasechange", "step", "flinkscode", "fullflow", "expiring", "retrying", "attemptfailed"]) {
  session.addEventListener(name, ({ detail }) => {
    if (name === "attemptfailed") return reportError(detail.error);
    heard.push([name, detail]);
    if (name === "phasechange") {
      root.setAttribute("data-phase", detail.phase);
      if (detail.previous === "failed") root.removeAttribute("data-report");
      if (detail.phase === "loading") {
        begun = performance.now();
        const due = begun + (options.loadTimeoutMs ?? 0);
        setTimeout(() => (lateness = performance.now() - due), due - begun);
      }
    }
    if (name === "retrying" && page.online === detail.attempt) dispatchEvent(new Event("online"));
    if (name === "retrying" && page.leaveWhenRetrying) location.assign("/away");
    if (detail.step === "REDIRECT") {
      if ("leaveAfter" in page) setTimeout(() => location.assign("/away"), page.leaveAfter);
      if ("closeAfter" in page) setTimeout(() => window.close(), page.closeAfter);
      if (page.blockFor) for (const until = performance.now() + page.blockFor; performance.now() < until; );
      if (page.closeSession) session.close();
    }
  });
}

/** Reports how the session ends, or the present attempt of it. */
function report(outcome) {
  root.setAttribute("data-report", JSON.stringify({ outcome, heard, ms: Math.round(performance.now() - begun - lateness) }));
}

function reportError({ code, message, httpStatus, retryable }) {
  report({ code, message, httpStatus, retryable });
}

session.result.then((result) => report({ result }), reportError);
