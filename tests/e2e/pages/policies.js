// The host page's policies: what the widget works under, and what it says where it cannot.

import { Visit, good, mounted, personInConnect, proved, until } from "./lab.js";

const { lab } = window;

/** R33, R34: both strict policies at once, from opening to delivery, with every text and button in between. */
export async function strict() {
  for (const container of ["#one", null]) {
    const visit = await mounted({ container });
    await visit.delivers();
    const silent = await Visit.open({ container, params: { theme: "silent" }, loadTimeoutMs: 50 });
    await silent.ended();
    silent.session.retry();
    silent.follow();
    await silent.ended();
    silent.session.close();
    const torn = await mounted({ container, deliver: "/deliver?answer=422" });
    await torn.says(good());
    await torn.ended();
    torn.session.close();
  }
  const ours = lab.violations.length;

  // The twins: what the policies forbid is forbidden here.
  const twins = [];
  document.body.setAttribute("style", "color: red");
  try {
    document.body.insertAdjacentHTML("beforeend", "<p>");
    twins.push("insertAdjacentHTML passed");
  } catch {
    twins.push("insertAdjacentHTML throws");
  }
  try {
    new Function("");
    twins.push("new Function passed");
  } catch {
    twins.push("new Function throws");
  }
  await until("the browser reports the twins' violations", () => lab.violations.length > ours);
  return [
    proved("a whole session under both strict policies", `violations: ${ours}`, `${twins.join(", ")}, an inline style is reported`, {
      [`none: ${lab.violations.slice(0, ours)}`]: ours === 0,
      "the policies are on": !twins.some((twin) => twin.endsWith("passed")),
    }),
  ];
}

/** Without 'wasm-unsafe-eval'. */
export async function noWasm() {
  let refusal;
  try {
    await mounted();
  } catch (error) {
    refusal = error;
  }
  return [
    proved("script-src without 'wasm-unsafe-eval'", String(refusal?.code), "with it a session delivers, see above", {
      unsupported: refusal?.code === "UNSUPPORTED",
      "the directive is named": refusal?.message.includes("wasm-unsafe-eval"),
      "no frame": lab.frames.length === 0 && !document.querySelector("iframe, dialog"),
    }),
  ];
}

/** A page that cannot show the frame: the right error, soon, and never "loaded". */
async function unshown(policy, { loadTimeoutMs, within, words }) {
  const started = performance.now();
  const visit = await Visit.open({ loadTimeoutMs });
  const { error } = await visit.ended();
  const took = performance.now() - started;
  visit.session.close();
  return [
    proved(policy, `${error?.code} after ${(took / 1000).toFixed(1)} s`, "without the policy it mounts, see all others", {
      "a load time-out": error?.code === "LOAD_TIMEOUT" && error.retryable,
      "it was never active": !visit.heard.some(({ phase }) => phase === "active"),
      [`in time: ${took} ms`]: took < within,
      [`the cause is named: ${error?.message}`]: words.every((word) => word.test(error?.message)),
    }),
  ];
}

/** Where the page can know the cause, nobody waits for the time-out; where it cannot, the usual ones are named. */
export const coep = () =>
  unshown(
    `a page with ${new URLSearchParams(location.search).get("coep")}${crossOriginIsolated ? ", isolated" : ""}`,
    crossOriginIsolated
      ? // Firefox and WebKit do not even say that something was loaded, so there it takes five seconds.
        { loadTimeoutMs: 20_000, within: 10_000, words: [/isolated/] }
      : { loadTimeoutMs: 1_000, within: 3_000, words: [/COEP/, /frame-src/, /offline/] },
  );
export const noFrame = () => unshown("a page whose frame-src forbids Connect", { loadTimeoutMs: 20_000, within: 3_000, words: [/frame-src/] });

/** R39: what Cross-Origin-Opener-Policy does to a bank's pop-up. */
export async function coop() {
  const policy = new URLSearchParams(location.search).get("coop");
  const isKept = policy !== "same-origin";
  const visit = await mounted();
  await personInConnect("bank", () => visit.steps.some((step) => step === "POPUP_BLOCKED" || step.startsWith("BANK_")));
  const { steps } = visit;
  await visit.delivers();
  return [
    proved(`a bank's pop-up on a page with COOP ${policy}`, steps.slice(1).join(", "), isKept ? "with same-origin it is POPUP_BLOCKED" : "with same-origin-allow-popups it answers", {
      [`as documented: ${steps}`]: isKept ? steps.includes("BANK_ANSWERED") : steps.includes("POPUP_BLOCKED"),
    }),
  ];
}
