// The host's page of the fault table. What to do comes as JSON in the fragment; what happened goes into <html data-report>.

import { reconnect } from "/dist/index.js";

const { options = {}, page = {} } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const heard = [];
const report = (outcome) => {
  document.documentElement.dataset.report = JSON.stringify({ outcome, heard, ms: Math.round(performance.now() - begun) });
};

if (page.fetchThrows) {
  const real = window.fetch;
  let left = page.fetchThrows;
  window.fetch = (...request) => {
    if (left-- > 0) throw new Error("patched by somebody else");
    return real(...request);
  };
}
if (page.quota) {
  // Everything on a page shares 64 KiB of keepalive bodies; this request is never answered.
  fetch("/hang", { method: "POST", keepalive: true, body: "x".repeat(65_000) }).catch(() => {});
}
let tries = 0;
if (page.headers) options.headers = async () => ({ "X-Try": String(++tries) });

const begun = performance.now();
const session = reconnect({ requestId: "request-0001", deliver: "/deliver", ...options });
for (const name of ["phasechange", "step", "flinkscode", "fullflow", "retrying"]) {
  session.addEventListener(name, ({ detail }) => {
    heard.push([name, detail]);
    if (name === "retrying" && page.online === detail.attempt) {
      heard.push(["online", performance.now()]);
      dispatchEvent(new Event("online"));
    }
    if (detail.step === "REDIRECT") {
      if ("leaveAfter" in page) setTimeout(() => location.assign("/away"), page.leaveAfter);
      if ("vanishAfter" in page) setTimeout(() => parent.document.querySelector("iframe").remove(), page.vanishAfter);
      if (page.blockFor) for (const until = performance.now() + page.blockFor; performance.now() < until; );
      if (page.closeSession) session.close();
    }
  });
}
session.result.then(
  (result) => report({ result }),
  ({ code, message, httpStatus, retryable }) => report({ code, message, httpStatus, retryable }),
);
