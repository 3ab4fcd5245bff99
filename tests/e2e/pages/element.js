// <flinks-reconnect> as pages and frameworks use it: attributes, properties, upgrade, moves, removal, several at once, shadow trees.

import { CONNECT, EVENTS, GOOD_LOGIN, REQUEST, frames, good, proved, reach, tell, turn, until } from "./lab.js";

const { lab } = window;
const on = (target, type, listener) => lab.original.add.call(target, type, listener);

/** Defined on first use: one scenario sets properties before that. */
const define = () => import("/sdk/element.js");

/** An element, what it told, and how its attempts ended. */
class Placed {
  heard = [];
  endings = [];

  /** `given` are attributes by their name in markup, and properties where the name begins with a dot. */
  constructor(given = {}, element = document.createElement("flinks-reconnect")) {
    this.element = element;
    for (const name of EVENTS) on(element, name, ({ detail }) => this.heard.push({ name, ...detail }));
    on(element, "reconnected", ({ detail }) => this.endings.push(detail));
    on(element, "failed", ({ detail }) => this.endings.push(detail));
    this.set({ instance: "toolbox", "request-id": REQUEST, deliver: "/deliver", ...given });
  }

  static async on(parent, given) {
    await define();
    const placed = new Placed(given);
    parent.append(placed.element);
    return placed;
  }

  set(given) {
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined) continue;
      if (name.startsWith(".")) this.element[name.slice(1)] = value;
      else this.element.setAttribute(name, value);
    }
  }

  get frame() {
    return frames(this.element.shadowRoot)[0] ?? null;
  }

  get codes() {
    return this.endings.map(({ status, code }) => status ?? code);
  }

  async mounted() {
    await until("Connect mounts", () => this.element.session?.phase === "active");
    await reach(this.frame.contentWindow, CONNECT);
    return this;
  }

  async ended(count = 1) {
    await until(`${count} endings`, () => this.endings.length >= count);
    await turn();
    return this.endings[count - 1];
  }

  async delivers(more) {
    const before = this.endings.length;
    await tell(this.frame.contentWindow, 'parent.postMessage(given, "*")', good(more));
    const ending = await this.ended(before + 1);
    return ending.status === "reconnected" && ending.loginId === GOOD_LOGIN;
  }

  get surface() {
    return this.element.shadowRoot.querySelector("div > div");
  }

  part(name) {
    return this.surface.shadowRoot.querySelector(`[part=${name}]`);
  }

  get button() {
    return this.part("retry");
  }
}

const mounted = async (given, parent = document.body) => (await Placed.on(parent, given)).mounted();
const query = (frame) => Object.fromEntries(new URL(frame.src).searchParams);

/** Every option, said in markup. */
export async function attributes() {
  const placed = await mounted({
    instance: undefined,
    "connect-url": `${CONNECT}/v2/`,
    "authorize-token": "token-of-the-host-0001",
    "resume-selected-accounts": "account-one-0001, account-two-0002",
    credentials: "omit",
    language: "fr",
    params: "theme=light&tag=a%20mark",
    "full-flow": "stop",
    "load-timeout-ms": "9000",
    "deliver-timeout-ms": "9000",
    "on-failure": "end",
    sandbox: "allow-scripts allow-same-origin",
  });
  const { frame } = placed;
  const asked = query(frame);
  const style = getComputedStyle(placed.element);
  await tell(frame.contentWindow, 'parent.postMessage(given, "*")', { step: "COMPONENT_LOAD_INSTITUTION_SELECTOR" });
  const ending = await placed.ended();
  const rows = [
    proved("every option as an attribute", `the frame asks with ${Object.keys(asked).length} parameters`, `full-flow="stop" ends it: ${ending.code}`, {
      "requestId, token and accounts": asked.requestId === REQUEST && asked.authorizeToken === "token-of-the-host-0001" && asked.resumeSelectedAccounts === "account-one-0001,account-two-0002",
      "language and params": asked.language === "fr" && asked.theme === "light" && asked.tag === "a mark",
      sandbox: frame.getAttribute("sandbox") === "allow-scripts allow-same-origin",
      "full-flow": ending.code === "FULL_FLOW",
      "a block that nobody had to style": style.display === "block",
      "no child of the page's": placed.element.childNodes.length === 0,
    }),
  ];
  placed.element.remove();

  const wrong = {
    instance: ["Tool box", "instance"],
    "connect-url": ["ftp://host.test/", "connectUrl"],
    "request-id": ["short", "requestId"],
    start: ["/start", "requestId"],
    "authorize-token": ["a b", "authorizeToken"],
    "resume-selected-accounts": ["a,b", "resumeSelectedAccounts"],
    deliver: ["", "deliver"],
    headers: ["X-Token: 1", "headers"],
    credentials: ["always", "credentials"],
    language: ["de", "language"],
    params: ["requestId=another-request", "params"],
    "full-flow": ["ask", "fullFlow"],
    labels: ["Close", "labels"],
    "load-timeout-ms": ["soon", "loadTimeoutMs"],
    "deliver-timeout-ms": ["", "deliverTimeoutMs"],
  };
  const begun = lab.frames.length;
  const complaints = [];
  const all = [...Object.entries(wrong), ["params", ["tag=one&tag=two", "params"]], ["load-timeout-ms", ["-1", "loadTimeoutMs"]]];
  for (const [name, [value, option]] of all) {
    const refused = await Placed.on(document.body, { [name]: value, ...(name === "connect-url" && { instance: undefined }) });
    const { code, message, phase } = await refused.ended();
    const claims = {
      INVALID_OPTIONS: code === "INVALID_OPTIONS" && phase === "starting",
      "names the option": message.startsWith(`Option \`${option}\``),
      "nothing on the page": refused.frame === null && refused.element.session === null && lab.frames.length === begun,
      "told once": refused.endings.length === 1,
      "open() says so again": refused.element.open() === null && refused.endings.length === 2,
    };
    for (const [claim, holds] of Object.entries(claims)) if (!holds) complaints.push(`${name}="${value}": ${claim} (${code}: ${message})`);
    refused.element.remove();
  }
  rows.push(
    proved(`${all.length} attributes with wrong values`, "INVALID_OPTIONS with the option's name, each", "good ones open, see above", {
      [complaints.join("; ")]: complaints.length === 0,
    }),
  );
  return rows;
}

/** What a property is to its attribute. */
export async function properties() {
  await define();
  const element = document.createElement("flinks-reconnect");
  const reflected = {
    instance: ["instance", "toolbox", "toolbox"],
    connectUrl: ["connect-url", "https://host.test/", "https://host.test/"],
    credentials: ["credentials", "omit", "omit"],
    language: ["language", "fr", "fr"],
    fullFlow: ["full-flow", "stop", "stop"],
    loadTimeoutMs: ["load-timeout-ms", 5000, "5000"],
    deliverTimeoutMs: ["deliver-timeout-ms", 5000, "5000"],
  };
  const wrong = [];
  const check = (claim, holds) => holds || wrong.push(claim);
  for (const [property, [attribute, value, text]] of Object.entries(reflected)) {
    check(`${property} is null at first`, element[property] === null);
    element[property] = value;
    check(`${property} shows`, element.getAttribute(attribute) === text && element[property] === value);
    element.removeAttribute(attribute);
    check(`${property} follows`, element[property] === null);
    element.setAttribute(attribute, text);
    check(`${property} is read`, element[property] === value);
    element[property] = null;
    check(`${property} goes with null`, !element.hasAttribute(attribute));
  }
  for (const flag of ["modal", "manual"]) {
    check(`${flag} is false at first`, element[flag] === false);
    element[flag] = true;
    check(`${flag} shows`, element.getAttribute(flag) === "");
    element[flag] = false;
    check(`${flag} goes`, !element.hasAttribute(flag));
  }
  const held = {
    requestId: REQUEST,
    authorizeToken: "token-of-the-host-0001",
    resumeSelectedAccounts: ["account-one-0001"],
    start: () => {},
    deliver: () => {},
    headers: () => ({}),
    labels: { title: "Hello" },
    params: { theme: "light" },
    sandbox: null,
  };
  for (const [property, value] of Object.entries(held)) {
    check(`${property} is null at first`, element[property] === null);
    element[property] = value;
    check(`${property} is kept as it is`, element[property] === value);
  }
  check(`the markup tells nothing: ${element.outerHTML}`, element.attributes.length === 0);
  for (const property of Object.keys(held)) {
    element[property] = undefined;
    check(`${property} goes with undefined`, element[property] === null);
  }
  element.setAttribute("start", "/attribute");
  check("start as an attribute", element.start === "/attribute");
  element.start = "/property";
  check("the property wins", element.start === "/property" && element.getAttribute("start") === "/attribute");
  element.start = null;
  check("the attribute is back", element.start === "/attribute");
  element.setAttribute("resume-selected-accounts", "account-one-0001,account-two-0002");
  check("a list is read", element.resumeSelectedAccounts.length === 2);
  element.params = "theme=light";
  check("text is read as an attribute's", element.params.theme === "light");

  const bare = await mounted({ instance: undefined, "request-id": undefined, deliver: undefined, ".instance": "toolbox", ".requestId": REQUEST, ".sandbox": null, ".params": { theme: "light" }, ".deliver": async () => ({ saved: true }) });
  const sandbox = bare.frame.hasAttribute("sandbox");
  const markup = bare.element.outerHTML;
  const delivered = await bare.delivers();
  return [
    proved("properties and their attributes", `complaints: ${wrong.length}`, `the markup of a session by properties: ${markup}`, {
      [wrong.join("; ")]: wrong.length === 0,
      "ids stay out of the markup": !markup.includes(REQUEST),
      "sandbox: null is said": !sandbox,
      "a deliver function takes it": delivered && bare.endings[0].reply.saved === true,
    }),
  ];
}

/** A page that runs before the package: what it set must not be lost, and `start` must not be called before it is complete. */
export async function upgrade() {
  const calls = [];
  const element = document.createElement("flinks-reconnect");
  element.instance = "toolbox";
  element.start = () => {
    calls.push("start");
    return { status: "challenge", mode: "resume", attemptId: "attempt-of-the-host-0001", requestId: REQUEST };
  };
  element.deliver = (delivery) => calls.push(`deliver ${delivery.attemptId}`);
  element.params = { theme: "light" };
  document.body.append(element);
  const wasUnknown = !customElements.get("flinks-reconnect") && Object.hasOwn(element, "start");
  const { FlinksReconnectElement } = await define();
  const placed = new Placed({ instance: undefined, "request-id": undefined, deliver: undefined }, element);
  await placed.mounted();
  const shadowed = ["instance", "start", "deliver", "params"].filter((name) => Object.hasOwn(element, name));
  const asked = query(placed.frame);
  const delivered = await placed.delivers();
  return [
    proved("properties set before the element was defined", calls.join(", "), "before, they were the page's own properties", {
      "they were": wasUnknown,
      [`accessors are free: ${shadowed}`]: shadowed.length === 0,
      "they count": asked.theme === "light" && calls[0] === "start" && calls[1] === "deliver attempt-of-the-host-0001" && calls.length === 2,
      "it is the exported class": element instanceof FlinksReconnectElement,
      "and the instance shows": element.getAttribute("instance") === "toolbox",
      delivered,
    }),
  ];
}

/** Lists are sorted, dialogs re-parented: the session must not be lost, and not be begun twice. */
export async function moved() {
  const rows = [];
  const [one, two] = [document.querySelector("#one"), document.querySelector("#two")];

  const placed = await mounted({}, one);
  const { session } = placed.element;
  const { frame } = placed;
  two.append(placed.element);
  await turn();
  const isKept = placed.element.session === session && session.phase === "active" && placed.frame === frame;
  // A frame that leaves its place loads anew; Connect then comes back to the same question.
  await reach(placed.frame.contentWindow, CONNECT);
  const asked = query(placed.frame).requestId;
  const delivered = await placed.delivers();
  one.append(placed.element);
  await turn();
  rows.push(
    proved("moved by append", "the same session, its frame loads again", "removed for longer than that it is CLOSED, see below", {
      "the session is kept": isKept && asked === REQUEST,
      delivered,
      "moved when it is over, it begins nothing": placed.element.session === session && session.phase === "done" && lab.frames.length === 1,
      [`one ending: ${placed.codes}`]: placed.codes.join() === "reconnected",
    }),
  );
  placed.element.remove();

  const other = await mounted({}, one);
  await tell(other.frame.contentWindow, "window.stays = true");
  if (one.moveBefore) {
    two.moveBefore(other.element, null);
    await turn();
    // Firefox keeps the page of a frame that moves so, but not of one in the shadow tree of what moves.
    const isKept = !/Firefox/.test(navigator.userAgent);
    await reach(other.frame.contentWindow, CONNECT);
    const stays = await tell(other.frame.contentWindow, "return window.stays === true");
    rows.push(
      proved("moved by moveBefore", `the same session, ${stays ? "the same page in its frame" : "its frame loads again"}`, "by append it loads again, see above", {
        "the page stays, where the browser can": stays === isKept,
        "the session is kept": other.element.session?.phase === "active",
        delivered: await other.delivers(),
      }),
    );
  } else {
    rows.push(proved("moved by moveBefore", "this browser has no moveBefore", "by append it loads again, see above", { known: true }));
  }
  other.element.remove();
  return rows;
}

/** Off the page means over; back on it means anew. */
export async function removed() {
  const placed = await mounted();
  const { session } = placed.element;
  placed.element.remove();
  const closed = await placed.ended();
  const isGone = placed.frame === null && placed.element.session === null && session.phase === "closed";
  const listeners = lab.listeners().filter((name) => name === "Window message").length;
  document.body.append(placed.element);
  await placed.mounted();
  const isAnother = placed.element.session !== session && lab.frames.length === 2;
  const delivered = await placed.delivers();

  const during = await mounted({ "request-id": undefined, ".requestId": "request-of-another-0001", deliver: undefined, ".deliver": async () => (await until("it is off the page", () => !during.element.isConnected), turn()) });
  await tell(during.frame.contentWindow, 'parent.postMessage(given, "*")', good());
  await until("it is being delivered", () => during.element.session.phase === "delivering");
  during.element.remove();
  const result = await during.ended();

  // Put back before that delivery is done.
  let answer;
  let tries = 0;
  const back = await mounted({ "request-id": undefined, ".requestId": "request-of-a-third-0001", deliver: undefined, ".deliver": () => ((tries += 1), new Promise((...settle) => (answer = settle))) });
  const begin = async () => {
    await tell(back.frame.contentWindow, 'parent.postMessage(given, "*")', good());
    await until("it is being delivered", () => back.element.session.phase === "delivering");
    const { session } = back.element;
    const opened = lab.frames.length;
    back.element.remove();
    await until("it is taken away", () => back.element.session === null);
    document.body.append(back.element);
    await until("it is back", () => back.element.session !== null);
    await turn();
    return { opened, isSame: back.element.session === session && back.element.open() === session && lab.frames.length === opened };
  };
  const failing = await begin();
  answer[1]({ status: 422 });
  const { code } = await back.ended();
  await back.mounted();
  const isAnew = lab.frames.length === failing.opened + 1;
  const winning = await begin();
  answer[0]({ saved: true });
  const { status } = await back.ended(2);
  await turn();
  const isEnough = lab.frames.length === winning.opened && tries === 2;
  back.element.remove();
  return [
    proved("put back while it still delivers", `${code}, then ${status}`, "put back after that, another session begins, see below", {
      "that delivery is gone on with": failing.isSame && winning.isSame,
      "after a failure another session begins": code === "REJECTED" && isAnew,
      "after a success none does": status === "reconnected" && isEnough,
    }),
    proved("removed and put back", `${closed.code}, then ${placed.codes.at(-1)}`, "moved within one task it is kept, see above", {
      closed: closed.code === "CLOSED" && isGone,
      "nothing listens": listeners === 0,
      "another session": isAnother,
      delivered,
    }),
    proved("removed while the result is on its way", `${result.status}`, "before REDIRECT it is CLOSED, see above", {
      "it is delivered": result.status === "reconnected" && during.frame === null,
    }),
  ];
}

/** One to add, one to repair; and inside other components. */
export async function several() {
  const places = [document.querySelector("#one"), document.querySelector("#two")];
  for (const mode of ["open", "closed"]) {
    const outer = document.createElement("section");
    document.body.append(outer);
    const inner = document.createElement("div");
    outer.attachShadow({ mode }).append(inner);
    places.push(inner);
  }
  const all = [];
  for (const [index, place] of places.entries()) {
    all.push(await mounted({ "request-id": `request-of-place-000${index}`, params: `tag=place-${index}` }, place));
  }
  const isLive = all.every(({ element }) => element.session.phase === "active");
  for (const [index, placed] of all.entries()) await placed.delivers({ tag: `place-${index}` });
  await turn();
  return [
    proved("four at once, two of them in other shadow trees", all.map(({ codes }) => codes).join(", "), "each tells its own tag and no other", {
      "together": isLive,
      "each once": all.every(({ codes }) => codes.join() === "reconnected"),
      "its own": all.every(({ endings: [{ tag, requestId }] }, index) => tag === `place-${index}` && requestId === `request-of-place-000${index}`),
      "nothing is left": all.every(({ frame }) => frame === null),
    }),
  ];
}

/** `modal`, `manual`, `open()` twice, and `open()` after a failure. */
export async function opened() {
  const modal = await Placed.on(document.body, { modal: "", manual: "" });
  await turn();
  const waited = lab.frames.length === 0 && modal.element.session === null && modal.heard.length === 0;
  const first = modal.element.open();
  const second = modal.element.open();
  await until("Connect mounts", () => first.phase === "active");
  const third = modal.element.open();
  const dialog = document.querySelector(".flinks-reconnect.modal")?.shadowRoot.querySelector("dialog[open]");
  const inDialog = dialog && frames(dialog).length === 1 && modal.frame === null;
  modal.element.close();
  const { code } = await modal.ended();
  await turn();
  const isGone = !document.querySelector(".flinks-reconnect");

  const silent = await Placed.on(document.body, { params: "theme=silent", "load-timeout-ms": "60" });
  await until("it fails", () => silent.element.session?.phase === "failed");
  const said = silent.element.shadowRoot.querySelectorAll("div > div").length;
  silent.set({ params: "theme=light", "load-timeout-ms": "9000" });
  silent.element.open();
  await silent.mounted();
  const stages = silent.element.shadowRoot.querySelectorAll("div > div").length;
  const delivered = await silent.delivers();
  return [
    proved("manual and modal, opened three times", `one dialog, one frame, ${code}`, "without manual it begins by itself, see all others", {
      "it waits": waited,
      "one session": first === second && second === third,
      "in a dialog": Boolean(inDialog),
      "closed once": modal.codes.join() === "CLOSED" && isGone,
    }),
    proved("opened again after LOAD_TIMEOUT, with other attributes", silent.codes.join(", "), "what the first said stood there until then", {
      "it had said so": said === 1,
      "one stage": stages === 1,
      delivered,
    }),
  ];
}

/** The widget's own button begins another attempt: the page must hear of its ending as well. */
export async function retried() {
  const placed = await Placed.on(document.body, { params: "theme=silent", "load-timeout-ms": "60" });
  const failures = [];
  placed.element.addEventListener("attemptfailed", ({ detail: { error } }) => failures.push(error.code));
  const failed = (count) => until(`${count} failures`, () => failures.length === count);
  await failed(1);
  placed.button.click();
  await failed(2);
  const isOffered = placed.element.retry();
  await until("a third frame", () => lab.frames.length === 3);
  await failed(3);
  const { session } = placed.element;
  let isDismissed = false;
  session.dismissed.then(() => (isDismissed = true));
  await turn();
  const isThere = !isDismissed;
  placed.part("close").click();
  const { code, retryable } = await placed.ended();
  await session.dismissed;
  const isGone = !placed.surface;

  // A failure that no retry cures can be closed, too.
  const final = await mounted({ "full-flow": "stop", "request-id": "request-of-another-0001" });
  await tell(final.frame.contentWindow, 'parent.postMessage(given, "*")', { step: "COMPONENT_LOAD_INSTITUTION_SELECTOR" });
  const ending = await final.ended();
  const buttons = [...final.surface.shadowRoot.querySelectorAll("button")].map((button) => button.part.value).join();
  final.part("close").click();
  await final.element.session.dismissed;
  return [
    proved("closed in its place", `${code}, and ${ending.code} with the buttons: ${buttons}`, "in a dialog the button is always there", {
      "the page is as before": isThere && isGone && !final.surface,
      "nothing to try, something to close": ending.code === "FULL_FLOW" && buttons === "close",
    }),
    proved("tried again by the widget's button, then by retry()", failures.join(", "), "three frames were opened", {
      retryable: code === "LOAD_TIMEOUT" && retryable && isOffered,
      "each failure is told, and the end once": failures.join() === "LOAD_TIMEOUT,LOAD_TIMEOUT,LOAD_TIMEOUT" && placed.codes.join() === "LOAD_TIMEOUT",
    }),
  ];
}

/** The page's own styles reach what the widget exposes, and nothing else. */
export async function styled() {
  const placed = await mounted();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("flinks-reconnect::part(panel) { outline: 3px solid red } flinks-reconnect { height: 321px } iframe { display: none !important }");
  document.adoptedStyleSheets = [sheet];
  const panel = placed.element.shadowRoot.querySelector("div > div").shadowRoot.querySelector("[part=panel]");
  return [
    proved("styled by ::part and by height", `${getComputedStyle(panel).outlineStyle}, ${panel.clientHeight} px`, "a rule for every iframe of the page does not reach the frame", {
      "a part": getComputedStyle(panel).outlineStyle === "solid",
      height: panel.clientHeight === 321,
      "the frame is nobody's": getComputedStyle(placed.frame).display === "block",
    }),
  ];
}

/** What a framework does to an element's children is nothing to the session. */
export async function children() {
  const placed = await mounted();
  const { session } = placed.element;
  const copy = placed.element.cloneNode(true);
  // Not by replaceChildren(): WebKit then drops the frames of the shadow tree as well.
  placed.element.append("Loading…", document.createElement("p"));
  while (placed.element.firstChild) placed.element.firstChild.remove();
  await turn();
  return [
    proved("cloned, filled and emptied", "the session goes on, the clone is empty", "in the light tree, emptying would take the frame", {
      "the clone has no frame": copy.childNodes.length === 0 && frames(copy.shadowRoot).length === 0,
      "it goes on": placed.element.session === session && session.phase === "active",
      delivered: await placed.delivers(),
    }),
  ];
}
