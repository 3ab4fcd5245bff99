// The gate: made by the browser, from our frame's window, from our frame's origin; then, and only then, the data is read.

import { CONNECT, EVIL, GOOD_LOGIN, REQUEST, Visit, evil, frames, gate, good, intruder, mounted, person, personInConnect, proved, reach, refused, refusedAfter, tell, turn, until } from "./lab.js";

const { lab } = window;
const { original } = lab;

/** R01, R07: a script of the page writes an event with the right origin and the right source. */
export async function synthetic() {
  const visit = await mounted();
  const forge = (data, source) => window.dispatchEvent(new MessageEvent("message", { origin: CONNECT, source, data }));
  const rows = [
    await refused(visit, "a synthetic MessageEvent with the exact origin and source", (message) => forge(message, visit.window)),
    await refused(visit, "a synthetic MessageEvent without a source", (message) => forge(message, null)),
  ];
  await visit.delivers();
  return rows;
}

/** R02: a frame inside Connect, of Connect's own origin, talks past it to the page. */
export async function nested() {
  const visit = await mounted();
  const nest = "const inner = document.createElement('iframe'); inner.src = '/puppet'; document.body.append(inner); await new Promise((r) => inner.onload = r);";
  const rows = [
    await refused(visit, "a nested frame of Connect's origin posts to the top", (message) =>
      tell(visit.window, `${nest} inner.contentWindow.eval("(message) => top.postMessage(message, '*')")(given)`, message),
    ),
    await refused(visit, "a second frame of Connect's origin on the host's page", async (message) => {
      const frame = await intruder(`${CONNECT}/puppet`);
      await tell(frame.contentWindow, "top.postMessage(given, '*')", message);
    }),
    await refused(visit, "a frame of the attacker's on the host's page", async (message) => {
      const frame = await intruder(`${EVIL}/puppet`);
      await tell(frame.contentWindow, "top.postMessage(given, '*')", message);
    }),
    await refused(visit, "the host's page posts to itself", (message) => window.postMessage(message, "*")),
  ];
  await visit.delivers();
  return rows;
}

/** Our frame goes elsewhere, speaks with our window's identity, comes back, and only then is heard. */
async function navigated(attack, address, arrives = address) {
  const visit = await mounted();
  const refusal = await refused(visit, attack, async (message) => {
    await tell(visit.window, "setTimeout(() => location.href = given)", address);
    await reach(visit.window, arrives);
    await visit.says(message);
  });
  await tell(visit.window, "setTimeout(() => location.href = given)", `${CONNECT}/v2/?back`);
  await reach(visit.window, `${CONNECT}/v2/?back`);
  await visit.delivers();
  return refusal;
}

/** R03, R05: origins that are nearly right. */
export async function elsewhere() {
  const rows = [];
  for (const [attack, origin] of [
    ["another site", EVIL],
    ["another tenant of private.fin.ag", "https://other-iframe.private.fin.ag"],
    ["the right name with a dot behind", "https://toolbox-iframe.private.fin.ag."],
    ["the right name at another port", "https://toolbox-iframe.private.fin.ag:8443"],
    ["the right name as a prefix", "https://toolbox-iframe.private.fin.ag.evil.test"],
    ["the right name as a suffix", "https://eviltoolbox-iframe.private.fin.ag"],
    ["a sub-domain of the right name", "https://x.toolbox-iframe.private.fin.ag"],
    ["a punycode look-alike", "https://xn--toolboxiframe-hm6g.private.fin.ag"],
    ["the host's own origin", window.origin],
  ]) {
    rows.push(await navigated(`our frame, gone to ${attack}`, `${origin}/puppet`));
  }
  return rows;
}

/** R06: the page changes its mind about the frame; the widget does not. */
export async function moved() {
  const options = { instance: "toolbox" };
  const visit = await mounted(options);
  options.instance = "other";
  const rows = [
    await refused(visit, "the frame's src is set to another site by a script of the page", async (message) => {
      visit.frame.src = `${EVIL}/puppet`;
      await reach(visit.window, `${EVIL}/puppet`);
      await visit.says(message);
    }),
  ];
  visit.frame.src = `${CONNECT}/v2/?back`;
  await reach(visit.window, `${CONNECT}/v2/?back`);
  await visit.delivers();
  return rows;
}

/** The right name over http; a page on https could not even show it. */
export async function plain() {
  return [await navigated("our frame, gone to the right name over http", "http://toolbox-iframe.private.fin.ag/puppet")];
}

/** R05: origins that say nothing. */
export async function opaque() {
  const rows = [await navigated("our frame, gone to a sandboxed page (origin null)", `${CONNECT}/puppet?sandboxed`)];
  const written = await mounted();
  rows.push(
    await refused(written, "our frame, gone to a data: page (origin null)", (message) => {
      const page = `<script>parent.postMessage(${JSON.stringify(message)}, "*")</script>`;
      return tell(written.window, "setTimeout(() => location.href = given)", `data:text/html,${encodeURIComponent(page)}`);
    }),
  );
  await written.closed();
  const visit = await mounted();
  rows.push(
    await refused(visit, "a sandboxed srcdoc frame on the host's page (origin null)", (message) => {
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts";
      frame.srcdoc = `<script>parent.postMessage(${JSON.stringify(message)}, "*")</script>`;
      document.body.append(frame);
    }),
  );
  await visit.delivers();
  return rows;
}

/** R04: messages whose sender is gone, and a session whose frame is gone. */
export async function vanished() {
  // A frame that posts and is taken away in the same breath has no window any more when its message arrives.
  const post = `
    const inner = document.createElement('iframe');
    inner.src = '/puppet';
    document.body.append(inner);
    await new Promise((r) => inner.onload = r);
    const say = inner.contentWindow.eval("(message) => top.postMessage(message, '*')");
    say(given);
    inner.remove();`;
  const rows = [];
  const visit = await mounted();
  rows.push(await refused(visit, "a frame inside Connect that is removed as it posts", (message) => tell(visit.window, post, message)));
  await visit.delivers();

  const bereft = await mounted();
  const other = await intruder(`${CONNECT}/puppet`);
  bereft.frame.remove();
  rows.push(await refused(bereft, "the same while our own frame is detached: null is not null", (message) => tell(other.contentWindow, post, message)));
  await bereft.closed();

  // Our own frame, genuine in all but that it is gone when its second message arrives: lost, and never mistaken.
  const gone = await mounted();
  const { frame } = gone;
  await gone.says({ step: "APP_RESIZE" });
  await until("a genuine step arrives", () => gone.steps.includes("APP_RESIZE"));
  const fall = new Promise((resolve) =>
    original.add.call(gone.session, "step", () => {
      frame.remove();
      // From here on nothing may follow.
      resolve();
    }),
  );
  rows.push(
    await refusedAfter(gone, "our own frame is detached after it posted", fall, (message) =>
      // It cannot answer any more.
      tell(gone.window, "parent.postMessage({ step: 'APP_RESIZE' }, '*'); parent.postMessage(given, '*')", message).catch(() => {}),
    ),
  );
  await gone.closed();
  return rows;
}

/** R08: windows that we opened, or that Connect opened. */
export async function popups() {
  const visit = await mounted();
  const rows = [];
  const windows = [];
  for (const [attack, address] of [
    ["a pop-up of the page, at Connect's origin", `${CONNECT}/puppet`],
    ["a pop-up of the page, at the attacker's", `${EVIL}/puppet`],
  ]) {
    const popup = await person("act", () => window.open(address));
    windows.push(await reach(popup, address));
    rows.push(await refused(visit, attack, (message) => tell(popup, "opener.postMessage(given, '*')", message)));
  }
  await personInConnect("open", () => tell(visit.window, "return Boolean(window.opened?.eval)"));
  rows.push(
    await refused(visit, "a pop-up of Connect's, at Connect's origin", (message) =>
      tell(visit.window, `opened.eval("(message) => opener.parent.postMessage(message, '*')")(given)`, message),
    ),
  );
  await tell(visit.window, "opened.close()");
  for (const popup of windows) popup.close();
  await visit.delivers();
  return rows;
}

/** R08: the page itself was opened by an attacker, who talks to it all the time. */
export async function opened() {
  const visit = await mounted();
  const letter = await until("the opener is heard", () => lab.received.find(({ data }) => data?.opener));
  await turn();
  const place = gate(letter, visit);
  const rows = [
    proved("the window that opened the page, at Connect's origin", `dropped: ${place}`, "taken by: no check, origin only", {
      "it came from the opener's origin": letter.origin === CONNECT && letter.data.loginId !== undefined,
      "the source stops it": place === "source",
      "the data is not read": lab.dataReads === readsOf(visit),
      "nothing happened": visit.session.phase === "active" && !visit.outcome,
    }),
  ];
  await visit.delivers();
  return rows;
}

/** The reads that the session's own messages cost. */
const readsOf = (visit) => visit.steps.length;

/** R07: what is refused is not read; what is accepted is read once. */
export async function unread() {
  const visit = await mounted();
  const before = lab.dataReads;
  await visit.says({ step: "APP_RESIZE" });
  await until("a genuine step arrives", () => visit.steps.includes("APP_RESIZE"));
  const ofGenuine = lab.dataReads - before;
  const frame = await intruder(`${EVIL}/puppet`);
  const count = lab.received.length;
  await tell(frame.contentWindow, "for (let i = 0; i < 1000; i++) top.postMessage(given, '*')", evil());
  await until("a thousand arrive", () => lab.received.length >= count + 1000);
  await turn();
  const ofForeign = lab.dataReads - before - ofGenuine;
  await visit.delivers();
  return [
    proved("the data of 1,000 foreign messages", `reads of event.data: ${ofForeign}`, `reads for one genuine message: ${ofGenuine}`, {
      "a genuine message is read": ofGenuine >= 1,
      "a foreign one is not": ofForeign === 0,
    }),
  ];
}

/** R09: two sessions on one page, at the same Connect. */
export async function neighbours() {
  const count = 1000;
  const one = await mounted({ container: "#one" });
  const two = await mounted({ container: "#two", requestId: "request-of-the-neighbour" });
  // In small portions, so that both talk at the same time.
  const chatter = `
    for (let i = 0; i < ${count}; i++) {
      parent.postMessage({ step: given + i }, '*');
      if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve));
    }`;
  await Promise.all([tell(one.window, chatter, "ONE_"), tell(two.window, chatter, "TWO_")]);
  const heard = (visit, prefix) => visit.steps.filter((step) => step.startsWith(prefix));
  await until("all are heard", () => heard(one, "ONE_").length >= count && heard(two, "TWO_").length >= count);
  const order = lab.received.map(({ data }) => data?.step?.slice(0, 4)).filter((prefix) => prefix === "ONE_" || prefix === "TWO_");
  const turns = order.filter((prefix, at) => prefix !== order[at - 1]).length;
  const inOrder = (visit, prefix) => heard(visit, prefix).every((step, at) => step === prefix + at);
  const claims = {
    "each hears its own": heard(one, "ONE_").length === count && heard(two, "TWO_").length === count,
    "in their order": inOrder(one, "ONE_") && inOrder(two, "TWO_"),
    "neither hears the other": heard(one, "TWO_").length + heard(two, "ONE_").length === 0,
    "they spoke at the same time": turns > 10,
  };
  await one.says(good());
  await one.ended();
  claims["the success of one is not the other's"] = two.session.phase === "active" && one.outcome.result?.loginId === GOOD_LOGIN;
  await two.says(good({ loginId: "login-of-the-neighbour" }));
  await two.ended();
  claims["nor the other way round"] = two.outcome.result?.loginId === "login-of-the-neighbour";
  return [proved(`two widgets, ${count} messages each`, "0 crossed, 0 lost", `the page heard both in ${turns} turns`, claims)];
}

/** R10: nothing of ours is left. */
export async function traces() {
  await import("/sdk/index.js");
  const state = () => JSON.stringify({ listeners: lab.listeners(), timers: lab.timers.size, frames: frames().length, elements: document.querySelectorAll("body *").length });
  const clean = state();
  const rows = [];
  const leaves = async (attack, play) => {
    const during = await play();
    // A word of farewell stays a second for who listens to the page.
    await until("nothing is left", () => state() === clean).catch(() => {
      throw new Error(`${attack}: left is ${state()} instead of ${clean}`);
    });
    rows.push(proved(attack, "listeners, timers, frames, elements as before", "during the session they are more", { "the session was there": during !== clean }));
  };
  for (const [where, container] of [["in a container", "#one"], ["in a dialog", null]]) {
    await leaves(`closed ${where}`, async () => {
      const visit = await mounted({ container });
      const during = state();
      await visit.closed();
      return during;
    });
    await leaves(`delivered ${where}`, async () => {
      const visit = await mounted({ container });
      const during = state();
      await visit.delivers();
      return during;
    });
    await leaves(`failed and closed ${where}`, async () => {
      const visit = await mounted({ container });
      const during = state();
      await visit.says(good({ url: "https://host.test/?loginId=another-login-0001" }));
      await visit.ended();
      visit.session.close();
      return during;
    });
    await leaves(`timed out and closed ${where}`, async () => {
      const visit = await Visit.open({ container, params: { theme: "silent" }, loadTimeoutMs: 50 });
      const during = state();
      await visit.ended();
      visit.session.close();
      return during;
    });
  }
  await leaves("closed before it began", async () => {
    const visit = await Visit.open();
    visit.session.close();
    await visit.ended();
    return "never";
  });
  return rows;
}

/** R10: a session that is over gives its memory back at once, not when the browser collects its garbage. */
export async function memory() {
  const { memoryBytes } = await import("./memory.js");
  const { reconnect } = await import("/sdk/index.js");
  const open = () => reconnect({ instance: "toolbox", requestId: REQUEST });
  open().close();
  const first = memoryBytes();
  for (let number = 0; number < 2_000; number++) open().close();
  const later = memoryBytes();
  const sessions = Array.from({ length: 2_000 }, open);
  const during = memoryBytes();
  for (const session of sessions) session.close();
  return [
    proved("2,000 sessions one after the other", `the module's memory: ${later} bytes, as before`, `all at once: ${during} bytes`, {
      "it has not grown": later === first && first > 0,
      "they need some": during > first,
    }),
  ];
}

/** R10: what is over is forgotten. `window.sessions` has the sessions, weakly; the twin is held on purpose, and the test looks after the garbage is gone. */
export async function forgettable() {
  const { reconnect } = await import("/sdk/index.js");
  window.sessions = [];
  const play = async (container) => {
    const session = reconnect({ instance: "toolbox", requestId: REQUEST, deliver: "/deliver", container });
    window.sessions.push(new WeakRef(session));
    await until("Connect mounts", () => session.phase === "active");
    session.close();
    await session.result.catch(() => {});
    return session;
  };
  window.kept = await play("#one");
  for (const container of ["#one", undefined, "#one", undefined]) await play(container);
  const count = window.sessions.length;
  return [proved(`${count} sessions opened and closed`, "over", "see below", { "all were there": count === 5 })];
}
