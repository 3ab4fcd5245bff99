// The host page's policies: what the widget works under, and what it says where it cannot.

import { CONNECT, EVIL, Visit, frames, good, mounted, personInConnect, proved, reach, until } from "./lab.js";

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
      "no frame": lab.frames.length === 0 && frames().length === 0 && !document.querySelector(".flinks-reconnect"),
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

/** R31: texts of the host's with markup in them. */
export async function markup() {
  const text = '<img src="/nothing" onerror="window.hacked = true">';
  const names = ["title", "about", "close", "frame", "loading", "connect", "loadTimeout", "retry"];
  const labels = Object.fromEntries(names.map((name) => [name, `${name} ${text}`]));
  const seen = new Set();
  const images = () => {
    const trees = [document, ...[...document.querySelectorAll("*")].map(({ shadowRoot }) => shadowRoot).filter(Boolean)];
    for (const tree of trees) for (const name of names) if ((tree.textContent ?? tree.documentElement.textContent).includes(labels[name])) seen.add(name);
    return trees.flatMap((tree) => [...tree.querySelectorAll("img")]).length;
  };
  // A text may come a moment after its view.
  const shown = async (name) => {
    let count;
    await until(`${name} is shown`, () => ((count = images()), seen.has(name)));
    return count;
  };
  const visit = await mounted({ container: null, labels });
  const inSession = await shown("connect");
  await visit.delivers();
  const silent = await Visit.open({ container: null, labels, params: { theme: "silent" }, loadTimeoutMs: 1_000 });
  await shown("loading");
  await silent.ended();
  const inFailure = await shown("loadTimeout");
  silent.session.close();

  // The twin: the same text as markup.
  document.getElementById("two").innerHTML = text;
  await until("the twin's script runs", () => window.hacked);
  return [
    proved("labels with markup in them", `shown as text: ${[...seen].join(", ")}; images: ${inSession + inFailure}`, "as markup the script in it runs", {
      "no image": inSession + inFailure === 0,
      [`they are shown: ${[...seen]}`]: names.every((name) => seen.has(name) || name === "frame"),
    }),
  ];
}

/** R42: what looks like a report that Connect's frame is blocked, and is none. */
export async function otherReports() {
  const blocked = { disposition: "enforce", effectiveDirective: "frame-src", violatedDirective: "frame-src", blockedURI: CONNECT, documentURI: location.href, originalPolicy: "", statusCode: 0 };
  const reported = (probe) => until("the browser reports it", () => lab.violations.some(probe));
  const attacks = {
    "a report that a script made": () => document.dispatchEvent(new SecurityPolicyViolationEvent("securitypolicyviolation", blocked)),
    "another frame is blocked": async () => {
      const frame = document.createElement("iframe");
      frame.src = `${EVIL}/puppet`;
      document.body.append(frame);
      await reported((violation) => violation.startsWith("frame-src") && violation.includes(EVIL));
      frame.remove();
    },
    "an image of Connect's is blocked": async () => {
      const image = new Image();
      image.src = `${CONNECT}/image.png`;
      await reported((violation) => violation.startsWith("img-src") && violation.includes(CONNECT));
    },
  };
  const rows = [];
  for (const [attack, act] of Object.entries(attacks)) {
    const visit = await Visit.open({ params: { theme: "silent" } });
    await until("the frame is there", () => visit.window);
    await reach(visit.window, CONNECT);
    await act();
    const claims = { [`it still loads: ${visit.session.phase}`]: visit.session.phase === "loading" && !visit.outcome };
    await visit.says({ step: "APP_MOUNTED" });
    await until("Connect is up", () => visit.session.phase === "active");
    await visit.delivers();
    rows.push(proved(attack, "the session goes on and delivers", "a blocked frame of Connect's ends it at once, see R42", claims));
  }
  return rows;
}

/** R42: a policy that only watches. */
export async function watched() {
  const visit = await mounted();
  await until("the browser reports it", () => lab.violations.some((violation) => violation.startsWith("frame-src") && violation.includes(CONNECT)));
  await visit.delivers();
  return [proved("a policy without Connect that only reports", "the session goes on and delivers", "enforced, it ends it at once, see R42", { "it was reported": lab.violations.length > 0 })];
}

/** R42: the frame's load event proves nothing. */
export async function silent() {
  const visit = await Visit.open({ params: { theme: "silent" }, loadTimeoutMs: 1_500 });
  await until("the frame is there", () => visit.window);
  await reach(visit.window, CONNECT);
  const { error } = await visit.ended();
  visit.session.close();
  return [
    proved("a frame that has loaded and says nothing", String(error?.code), "with one word it is up, see all others", {
      "a load time-out": error?.code === "LOAD_TIMEOUT",
      "it was never active": !visit.heard.some(({ phase }) => phase === "active"),
    }),
  ];
}

/** R43: what would keep a page out of the browser's back/forward cache. */
export async function pagesEnd() {
  const atTheEnd = () => lab.listeners().filter((listener) => /^Window (unload|beforeunload)$/.test(listener));
  const visit = await mounted();
  const ours = atTheEnd();
  await visit.delivers();
  // The twin.
  const theirs = () => {};
  window.addEventListener("unload", theirs);
  const seen = atTheEnd();
  window.removeEventListener("unload", theirs);
  return [
    proved("the end of the page", `listeners: ${ours.length}`, `one of the page's own is seen: ${seen.join(", ")}`, {
      "none during a session": ours.length === 0 && window.onunload === null && window.onbeforeunload === null,
      "the twin is seen": seen.length === 1,
    }),
  ];
}
