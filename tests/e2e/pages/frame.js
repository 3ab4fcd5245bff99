// The frame and its address: what it may do, what it is given, and where ids come from.

import { CONNECT, GOOD_LOGIN, REQUEST, Visit, mounted, personInConnect, proved, turn, until } from "./lab.js";

const { lab } = window;

/** R29: this page's address offers a session of the attacker's. The widget must not even look. */
export async function address() {
  const offered = new URLSearchParams(location.search).get("requestId");
  const { reconnect } = await import("/sdk/index.js");
  await import("/sdk/element.js");
  const refusal = (options) => {
    try {
      reconnect(options).close();
      return "none";
    } catch (error) {
      return error.code;
    }
  };
  const without = refusal({ instance: "toolbox", deliver: "/deliver" });

  const element = document.createElement("flinks-reconnect");
  element.setAttribute("instance", "toolbox");
  const failed = new Promise((resolve) => lab.original.add.call(element, "failed", ({ detail }) => resolve(detail.code), { once: true }));
  document.body.append(element);
  const byElement = await failed;
  element.remove();

  const visit = await mounted();
  const addresses = lab.frames.map(({ src }) => src);
  await visit.delivers();
  const { requestId, loginId } = visit.outcome.result;
  return [
    proved("a requestId, token and login in the page's address", `without options: ${without}, the element: ${byElement}, else the page's own`, `the address offers ${offered}`, {
      "the address offers it": offered === "request-of-the-attacker",
      "nothing begins by it": without === "INVALID_OPTIONS" && byElement === "INVALID_OPTIONS",
      "only the host's own session is opened": addresses.length === 1 && addresses[0].includes(REQUEST) && !/attacker/.test(addresses[0]),
      "only the host's own is delivered": requestId === REQUEST && loginId === GOOD_LOGIN,
    }),
  ];
}

const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

/** Whether a page that frames this one could lead this window elsewhere, as `frames[i]`. */
const isAmongFrames = (target) => Array.from({ length: window.length }, (_, at) => window[at]).includes(target);

/** R41: attributes before the address, and no trace in the history. */
export async function attributes() {
  const rows = [];
  for (const [where, container] of [["in a container", "#one"], ["in a dialog", null]]) {
    lab.frames.length = 0;
    const before = history.length;
    const visit = await mounted({ container });
    const [{ attributes, src }] = lab.frames;
    const opened = history.length;
    rows.push(
      proved(`the frame ${where} when its address is set`, Object.keys(attributes).sort().join(", "), "a frame whose address is set first has none of them", {
        title: Boolean(attributes.title),
        allow: attributes.allow === "",
        referrerpolicy: attributes.referrerpolicy === "strict-origin",
        [`sandbox: ${attributes.sandbox}`]: attributes.sandbox === SANDBOX,
        "one frame": lab.frames.length === 1 && src.startsWith(`${CONNECT}/v2/?`),
      }),
      proved(`the frame ${where}, for whoever frames the page`, "in no frames[i], its address in no markup", "a frame of the page's own is in both, see below", {
        "not among window.frames": !isAmongFrames(visit.window),
        "its address is not in the markup": !document.documentElement.outerHTML.includes(REQUEST),
      }),
      proved(`history.length after opening ${where}`, `${opened} as before`, "see below", { [`${before}, then ${opened}`]: opened === before }),
    );
    await visit.closed();
  }

  // The twin: a frame of the page's own, as hand-written pages have it.
  const own = document.createElement("iframe");
  own.src = `/puppet?requestId=${REQUEST}`;
  document.body.append(own);
  rows.push(
    proved("a frame of the page's own", "in frames[i], its address in the markup", "it is the twin", {
      "among window.frames": isAmongFrames(own.contentWindow),
      "its address is in the markup": document.documentElement.outerHTML.includes(REQUEST),
    }),
  );
  own.remove();

  lab.frames.length = 0;
  const before = history.length;
  const silent = await Visit.open({ params: { theme: "silent" }, loadTimeoutMs: 500 });
  for (let retry = 0; retry < 3; retry++) {
    await silent.ended();
    silent.session.retry();
    silent.follow();
    await until("a new frame", () => lab.frames.length === retry + 2 && silent.frame);
  }
  await silent.ended();
  silent.session.close();
  rows.push(proved("history.length after three retries", `${history.length} as before`, "see below", { [`${before}, then ${history.length}`]: history.length === before, "four frames": lab.frames.length === 4 }));

  // The twin: an address set anew on a frame that is on the page.
  const frame = document.createElement("iframe");
  const loaded = () => new Promise((resolve) => (frame.onload = resolve));
  frame.src = "/puppet?first";
  document.body.append(frame);
  await loaded();
  // While its load event is on, a new address replaces the old one.
  await turn();
  frame.src = "/puppet?second";
  await loaded();
  // The browser may count late, so this also shows that nothing of the widget's was still to come.
  await until("the history grows", () => history.length > before);
  rows.push(proved("the same with the address set anew", `${history.length}: one more`, "it is the twin", { [`${before}, then ${history.length}`]: history.length === before + 1 }));
  return rows;
}

/** R40: a click in the frame cannot lead the page away. */
export async function top() {
  const visit = await mounted();
  await personInConnect("lead", () => visit.steps.includes("LEAD_CLICKED"));
  const here = location.href;
  await visit.delivers();
  return [proved("a clicked top navigation by the frame", "blocked, the session goes on", "without sandbox it leads the page away", { "the page is here": here.includes("run=frame.top") })];
}

/** Its twin: the same click with the sandbox taken off. The test looks where the page went. */
export async function topWithoutSandbox() {
  const visit = await mounted({ sandbox: null });
  await personInConnect("lead", () => visit.steps.includes("never"));
  return [];
}

/** R40: a bank's pop-up opens, is itself, and its answer comes through Connect. */
export async function popup() {
  const visit = await mounted();
  await visit.says({ step: "POPUP_BLOCKED" });
  await until("POPUP_BLOCKED is told", () => visit.steps.includes("POPUP_BLOCKED"));
  await personInConnect("bank", () => visit.steps.some((step) => step.startsWith("BANK_")));
  const { steps } = visit;
  await visit.delivers();
  return [
    proved("a bank's pop-up out of the frame", steps.slice(-2).join(", "), "with COOP same-origin it is POPUP_BLOCKED, see R39", {
      "it opens": steps.includes("POPUP_OPENED"),
      "it is no longer in the sandbox": steps.includes("BANK_ANSWERED"),
    }),
    proved("POPUP_BLOCKED", "a step event of the host's", "it is the event itself", { told: visit.steps.includes("POPUP_BLOCKED"), "and no end": Boolean(visit.outcome.result) }),
  ];
}
