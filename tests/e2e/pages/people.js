// The widget for everybody: what a person who sees, hears, points or types differently meets. axe-core judges every view; the names, the focus and
// the page around are asserted by hand, because axe-core does not look there.

import { CONNECT, REQUEST, focused as innermost, frames, person, press, proved, reach, tell, turn, until } from "./lab.js";
import { SCENES, play } from "./scenes.js";

let scenes = 0;

/** Connect's answer is not waited for: what it says may be the end of its frame. */
const connectSays = (frame, message) => void tell(frame.contentWindow, 'parent.postMessage(given, "*")', message).catch(() => {});

/** A scene of the widget, with Connect's stand-in told what to say. */
async function scene(name, options = {}) {
  const { reconnect } = await import("/sdk/index.js");
  return play(name, {
    reconnect,
    // Every scene has a session of its own, for the one before may still be held.
    options: { instance: "toolbox", requestId: `${REQUEST}-${(scenes += 1)}`, ...options },
    ready: (frame) => reach(frame.contentWindow, CONNECT),
    says: connectSays,
    until,
  });
}

/** The scenes of a dialog or a container. What changes the page for good comes last. */
const names = (container) =>
  Object.keys(SCENES)
    .filter((name) => !(container && SCENES[name].isModal))
    .sort((one, other) => Boolean(SCENES[one].isForbidden) - Boolean(SCENES[other].isForbidden));

const style = (element, pseudo) => getComputedStyle(element, pseudo);
/** Where the focus is, looked at from the page. */
const focused = () => document.activeElement;
const act = document.querySelector("#act");

function adopt(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return () => (document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet));
}

// ---- assistive technology ----

async function axe() {
  if (!window.axe) {
    const script = document.createElement("script");
    script.src = "/axe.js";
    document.head.append(script);
    await until("axe-core is there", () => window.axe);
  }
  // What stands in Connect's frame is Flinks'.
  const { violations, incomplete } = await window.axe.run({ resultTypes: ["violations", "incomplete"], pingWaitTime: 50 });
  const list = (results) => results.flatMap(({ id, nodes }) => nodes.map(({ target, any, all, none }) => ({ id, target: target.flat().join(" "), why: [...any, ...all, ...none].map(({ message, relatedNodes }) => `${message} (${relatedNodes.map(({ target }) => target)})`).join("; ") })));
  return { violations: list(violations), unsure: list(incomplete).filter(({ id, target }) => !(id === "frame-tested" && /iframe/.test(target))) };
}

const told = (results) => results.map(({ id, target, why }) => `${id} at ${target}: ${why}`).join(" | ");

/** What a screen reader is told, and axe-core cannot know to be right. */
function namesOf(stage, container) {
  const frame = stage.frame;
  const claims = {
    "one region speaks": (stage.part("status").textContent === "") !== (stage.part("alert").textContent === ""),
    "a status and an alert": stage.part("status").getAttribute("role") === "status" && stage.part("alert").getAttribute("role") === "alert",
    "the frame has a name": !frame || /Flinks/.test(frame.title),
    "its language is told": /^(en|fr-CA)$/.test(stage.surface.lang),
  };
  if (container) return claims;
  const { dialog } = stage;
  const about = stage.surface.shadowRoot.getElementById(dialog.getAttribute("aria-describedby"));
  const close = stage.part("close");
  const { width, height } = close.getBoundingClientRect();
  return {
    ...claims,
    "it is modal": dialog.matches(":modal"),
    "the dialog's name is its visible title": dialog.getAttribute("aria-label") === stage.part("title").textContent && stage.part("title").textContent.length > 5,
    "its description is a visible text": about?.textContent.length > 20 && about.getBoundingClientRect().height > 10,
    "the close button has a text": /^(Close|Fermer)$/.test(close.textContent) && close.localName === "button" && close.type === "button",
    [`and ${width} × ${height} pixels`]: width >= 44 && height >= 44,
    "every button has 44 pixels": [...stage.surface.shadowRoot.querySelectorAll("button")].every((button) => button.getBoundingClientRect().height >= 44),
  };
}

async function views(options) {
  const rows = [];
  for (const name of names(options.container)) {
    const stage = await scene(name, options);
    const { violations, unsure } = await axe();
    rows.push(
      proved(`${options.container ? "container" : "dialog"}, ${options.language}: ${name}`, `0 violations, 0 unsure; “${stage.said}”`, "see the broken one", {
        [`violations: ${told(violations)}`]: violations.length === 0,
        [`unsure: ${told(unsure)}`]: unsure.length === 0,
        ...namesOf(stage, options.container),
      }),
    );
    stage.close();
    await until("it is gone", () => !stage.surface);
  }
  // The twin: axe-core finds what is wrong.
  const broken = document.querySelector("main").appendChild(document.createElement("button"));
  const { violations } = await axe();
  broken.remove();
  rows.push(proved("a button without a name on the same page", told(violations), "it is the twin", { "it is found": violations.some(({ id }) => id === "button-name") }));
  return rows;
}

export const dialogViews = () => views({ language: matchMedia("(prefers-color-scheme: dark)").matches ? "fr" : "en" });
export const containerViews = () => views({ container: "#one", language: "fr" });

/** One text, one announcement, in a region that stood there without it. */
export async function announced() {
  const heard = [];
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (options) {
    const shadow = attachShadow.call(this, options);
    // What assistive technology is told of: a region whose text changes while it is on the page.
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const region = target.closest?.("[role=status], [role=alert]");
        // A region that is put on the page with its text in it makes no change of its own.
        if (region?.isConnected && region.textContent) heard.push(region.textContent);
      }
    }).observe(shadow, { subtree: true, childList: true, characterData: true });
    return shadow;
  };
  const rows = [];
  // A page that shows no frames could not go on to the end.
  for (const name of names().filter((name) => !SCENES[name].isForbidden)) {
    heard.length = 0;
    const stage = await scene(name);
    await until("it is said", () => heard.at(-1) === stage.said);
    if (name === "connect") {
      // Nothing new to say: nothing is said.
      const frame = stage.frame;
      let steps = 0;
      stage.session.addEventListener("step", () => (steps += 1));
      for (let count = 0; count < 5; count += 1) connectSays(frame, { step: "COMPONENT_LOAD_MFA" });
      await until("they are heard", () => steps === 5);
    }
    const texts = [...heard];
    const twice = texts.filter((text, place) => texts.indexOf(text) !== place);
    rows.push(proved(`announced until ${name}`, texts.map((text) => `“${text}”`).join(", "), "a region that comes with its text in it is not heard", { [`none twice: ${twice}`]: twice.length === 0 }));
    stage.close();
    await until("it is gone", () => !stage.surface);
  }
  Element.prototype.attachShadow = attachShadow;

  const { reconnect } = await import("/sdk/index.js");
  const farewells = () => [...document.querySelectorAll("body > [role=status]")];
  const session = reconnect({ instance: "toolbox", requestId: `${REQUEST}-farewell` });
  await until("Connect mounts", () => session.phase === "active");
  const [region] = farewells();
  const before = region?.textContent;
  await reach(frames(document.querySelector(".flinks-reconnect.modal").shadowRoot)[0].contentWindow, CONNECT);
  connectSays(frames(document.querySelector(".flinks-reconnect.modal").shadowRoot)[0], { step: "REDIRECT", loginId: "login-of-the-user-0001" });
  await session.result;
  const said = region?.textContent;
  await until("the region is gone again", () => farewells().length === 0);
  rows.push(
    proved("announced when all is done", `“${said}”`, "the region was there, empty, from the beginning", {
      "it was empty": before === "",
      "it spoke once the dialog was gone": /connected/.test(said),
    }),
  );
  return rows;
}

// ---- focus ----

/** The focus goes in, and back to where it was. */
export async function focus() {
  const rows = [];
  for (const name of ["connect", "loadTimeout"]) {
    act.focus();
    const stage = await scene(name);
    const moved = focused() === stage.surface;
    stage.close();
    await until("it is gone", () => !stage.surface);
    rows.push(proved(`focus, ${name}`, "in, and back at the opener", "a frame put on the page takes none", { "it moved in": moved, "it came back": focused() === act }));
  }

  // A page that has moved it meanwhile keeps it.
  const stage = await scene("connect");
  const above = document.body.appendChild(document.createElement("dialog"));
  above.append(document.createElement("button"));
  above.showModal();
  const elsewhere = above.querySelector("button");
  elsewhere.focus();
  stage.close();
  await until("it is gone", () => !stage.surface);
  rows.push(proved("focus that the page has moved elsewhere", "it stays there", "else it goes back to the opener, see above", { "it stays": focused() === elsewhere }));
  above.remove();
  return rows;
}

/** A person who types in Connect has the focus in the frame. */
export async function focusInFrame() {
  const rows = [];
  const ways = {
    "closed by the page": ({ session }) => session.close(),
    "done": async (stage) => {
      connectSays(stage.frame, { step: "REDIRECT", loginId: "login-of-the-user-0001" });
      await stage.session.result;
    },
  };
  for (const [way, end] of Object.entries(ways)) {
    act.focus();
    const stage = await scene("connect");
    const frame = stage.frame;
    frame.focus();
    const wasIn = innermost() === frame;
    await end(stage);
    await until("it is gone", () => !stage.surface);
    rows.push(proved(`focus in Connect's frame, ${way}`, "back at the opener", "a frame that is removed leaves it with nobody", { "it was in the frame": wasIn, "it came back": focused() === act }));
  }

  const stage = await scene("connect");
  stage.frame.focus();
  connectSays(stage.frame, { flinksCode: "SESSION_EXPIRED" });
  await until("it is over", () => stage.surface?.dataset.view === "failed");
  rows.push(
    proved("focus in Connect's frame, which is taken away", "on the panel, with what has happened", "a frame that is removed leaves it with nobody, see below", {
      "it is in the dialog": focused() === stage.surface && stage.surface.shadowRoot.activeElement === stage.part("panel"),
    }),
  );
  stage.close();
  await until("it is gone", () => !stage.surface);

  const bare = document.body.appendChild(document.createElement("iframe"));
  bare.tabIndex = 0;
  bare.focus();
  const had = focused() === bare;
  bare.remove();
  rows.push(proved("a frame of the page's that is removed", `the focus is on ${focused().localName}`, "it is the twin", { "it had it": had, "nobody has it": focused() === document.body }));
  return rows;
}

/** Nothing behind the dialog can be reached. */
export async function inert() {
  const reachable = () => {
    act.focus();
    const { x, y, width, height } = act.getBoundingClientRect();
    return { focus: focused() === act, click: document.elementFromPoint(x + width / 2, y + height / 2) === act };
  };
  const before = reachable();
  const stage = await scene("connect");
  const during = reachable();
  // Round and round by Tab: the page's own elements never get it.
  const visited = new Set();
  for (let count = 0; count < 8; count += 1) {
    await press("Tab", () => true);
    await turn();
    visited.add(focused());
  }
  stage.close();
  await until("it is gone", () => !stage.surface);
  const after = reachable();
  return [
    proved("the page behind", "neither focus nor click reaches it", "before and after both do", {
      "before and after": before.focus && before.click && after.focus && after.click,
      "not meanwhile": !during.focus && !during.click,
      [`nor by Tab: ${[...visited].map((element) => element.localName)}`]: !visited.has(act),
    }),
  ];
}

// ---- closing ----

/** Brings a session to where an answer was submitted. */
async function submitted() {
  const stage = await scene("connect");
  const steps = [];
  stage.session.addEventListener("step", ({ detail }) => steps.push(detail.step));
  connectSays(stage.frame, { step: "SUBMIT_MFA" });
  await until("it is submitted", () => steps.includes("SUBMIT_MFA"));
  return stage;
}

async function leaving(how, close) {
  const first = await scene("connect");
  await close(first, () => !first.surface);
  const { code } = await first.session.result.catch((error) => error);

  const stage = await submitted();
  await close(stage, () => stage.surface?.dataset.view === "leaving");
  const asked = stage.said;
  const safe = stage.surface.shadowRoot.activeElement?.textContent;
  stage.part("stay").click();
  await until("they stay", () => stage.surface?.dataset.view === "connect");
  const stays = stage.session.phase === "active" && innermost() === stage.frame;
  await close(stage, () => stage.surface?.dataset.view === "leaving");
  await close(stage, () => !stage.surface);
  const error = await stage.session.result.catch((error) => error);

  const other = await submitted();
  other.session.close();
  await until("it is gone", () => !other.surface);
  const { code: byPage } = await other.session.result.catch((error) => error);
  return [
    proved(`${how} before an answer`, `${code}, without a question`, "after one it asks, see below", { cancelled: code === "CANCELLED" }),
    proved(`${how} after an answer was submitted`, `asks once, then ${error.code}`, "before one it does not ask, see above", {
      [`it asks: ${asked}`]: /Leave now/.test(asked),
      [`the safe button has the focus: ${safe}`]: safe === "Continue",
      "whoever stays is back in Connect": stays,
      cancelled: error.code === "CANCELLED",
    }),
    proved("close() by the page after an answer was submitted", byPage, "the person is asked, see above", { closed: byPage === "CLOSED" }),
  ];
}

export const leavingByButton = () => leaving("the close button", async (stage, done) => (stage.part("close").click(), until("it closes or asks", done)));
export const leavingByEscape = () =>
  leaving("Esc", async (stage, done) => {
    // In Connect's frame the key is Connect's.
    if (focused() !== stage.surface || innermost() === stage.frame) stage.part("close").focus();
    await press("Escape", done);
  });

// ---- the host's own dialogs ----

function hostDialog() {
  const dialog = document.querySelector("main").appendChild(document.createElement("dialog"));
  const button = dialog.appendChild(document.createElement("button"));
  button.textContent = "Host's own";
  button.id = "own";
  dialog.setAttribute("aria-label", "Host's own");
  dialog.showModal();
  button.focus();
  return { dialog, button };
}

/** Ours over one of the host's. */
export async function aboveAnother() {
  const { dialog, button } = hostDialog();
  const stage = await scene("connect");
  const isOurs = focused() === stage.surface;
  stage.close();
  await until("it is gone", () => !stage.surface);
  const isBack = focused() === button && dialog.open;
  let clicks = 0;
  await person("own", () => (clicks += 1));
  dialog.close();
  dialog.remove();
  return [proved("ours above a dialog of the host's", "ours has the focus, then the host's has it back, open as before", "clicked afterwards, its button works", { "ours has it": isOurs, "the host's has it back": isBack, "and works": clicks === 1 })];
}

/** One of the host's over ours: "your session at this site ends soon", say. */
export async function belowAnother() {
  const stage = await scene("connect");
  const { dialog, button } = hostDialog();
  const isTheirs = focused() === button;
  let clicks = 0;
  await person("own", () => (clicks += 1));
  const staysThere = focused() === button || dialog.contains(focused());
  dialog.close();
  await turn();
  const isOurs = stage.dialog.open && stage.session.phase === "active" && focused() === stage.surface;
  dialog.remove();
  stage.close();
  await until("it is gone", () => !stage.surface);
  return [proved("a dialog of the host's above ours", "it has the focus and works, then ours has it back", "ours alone lets nobody else have it, see the page behind", { "theirs has it": isTheirs && staysThere, "its button works": clicks === 1, "ours has it back": isOurs })];
}

/** Libraries for dialogs pull the focus back whenever it leaves theirs. */
export async function focusTrap() {
  const theirs = document.querySelector("main").appendChild(document.createElement("div"));
  const field = theirs.appendChild(document.createElement("input"));
  let pulls = 0;
  const pull = (event) => {
    if (theirs.contains(event.target)) return;
    pulls += 1;
    field.focus();
  };
  document.addEventListener("focusin", pull);
  field.focus();
  act.focus();
  const works = focused() === field && pulls === 1;
  const stage = await scene("connect");
  stage.part("close").focus();
  await turn();
  const isOurs = focused() === stage.surface;
  const during = pulls - 1;
  stage.close();
  await until("it is gone", () => !stage.surface);
  const isTheirs = focused() === field;
  document.removeEventListener("focusin", pull);
  theirs.remove();
  return [proved("a trap of the host's that pulls the focus back", `${during} pulls in vain, then the host's has it back`, "before, it pulls the focus off the page's button", { "it works before": works, "ours keeps it": isOurs, [`no fight: ${during}`]: during <= 3, "the host's has it back": isTheirs })];
}

// ---- the page behind ----

/** What an element's own style says, in any order: a strict policy lets nobody write the attribute back as it was spelled. */
const declarations = ({ style }) => [...style].map((name) => `${name}: ${style.getPropertyValue(name)} ${style.getPropertyPriority(name)}`).sort().join("; ");

export async function scrolling() {
  const tall = document.querySelector("main").appendChild(document.createElement("div"));
  tall.style.height = "4000px";
  const root = document.documentElement;
  const rows = [];
  for (const [attribute, what] of [
    [null, "without styles of its own"],
    ["", "with an empty style attribute"],
    ["overflow: scroll; --own: 1", "with overflow: scroll"],
    ["scrollbar-gutter: stable; color: rgb(1, 2, 3)", "with scrollbar-gutter: stable"],
  ]) {
    if (attribute === null) root.removeAttribute("style");
    else root.setAttribute("style", attribute);
    const own = declarations(root);
    act.focus({ preventScroll: true });
    scrollTo(0, 700);
    await until("it has scrolled", () => scrollY === 700);
    const place = () => JSON.stringify([scrollX, scrollY, act.getBoundingClientRect().x, act.getBoundingClientRect().y, tall.getBoundingClientRect().width]);
    const before = place();
    const stage = await scene("connect");
    const other = await scene("connect");
    const during = place();
    const isLocked = style(root).overflow === "hidden";
    stage.close();
    await until("one is gone", () => document.querySelectorAll(".flinks-reconnect").length === 1);
    const isStillLocked = style(root).overflow === "hidden";
    other.close();
    await until("both are gone", () => !document.querySelector(".flinks-reconnect"));
    const after = place();
    const left = declarations(root);
    scrollTo(0, 800);
    const scrolls = scrollY === 800;
    scrollTo(0, 0);
    rows.push(
      proved(`a page ${what}, scrolled to 700, two dialogs`, "stands still, then as it was", "before and after it scrolls", {
        [`no jump: ${before}, ${during}`]: before === during,
        [`nor afterwards: ${after}`]: before === after,
        "it does not scroll until the last is closed": isLocked && isStillLocked,
        [`its styles are as they were: ${left}`]: left === own && root.hasAttribute("style") === (attribute !== null),
        "then it scrolls": scrolls,
      }),
    );
  }
  root.removeAttribute("style");
  tall.remove();
  return rows;
}

/** The page in a frame of 320 × 256 pixels: a small phone, and what 1280 × 1024 is at 400 %. */
export async function narrow() {
  const rows = [];
  for (const language of ["en", "fr"]) {
    for (const container of ["", "#one"]) {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.style.cssText = "position: fixed; inset: 0 auto auto 0; width: 320px; height: 256px; border: 0";
      frame.src = `/lab?${new URLSearchParams({ run: "people.narrowInside", language, container })}`;
      // A page's worth of scenes.
      const report = await until("the small page has reported", () => frame.contentDocument?.documentElement?.getAttribute("data-report"), 60_000);
      frame.remove();
      const { rows: more, failure } = JSON.parse(report);
      if (failure) throw new Error(failure);
      rows.push(...more);
    }
  }
  return rows;
}

export async function narrowInside() {
  const asked = new URLSearchParams(location.search);
  const [language, container] = [asked.get("language"), asked.get("container") || undefined];
  const sideways = () => document.documentElement.scrollWidth - innerWidth;
  const wrong = [];
  const all = names(container);
  for (const name of all) {
    const stage = await scene(name, { language, container });
    const panel = stage.part("panel");
    const frame = stage.frame;
    const seen = [...stage.surface.shadowRoot.querySelectorAll("p, h2, button"), ...stage.surface.children].filter((element) => element.getClientRects().length);
    const outside = seen.filter((element) => element.getBoundingClientRect().left < 0 || element.getBoundingClientRect().right > innerWidth + 0.5);
    // A text that its own box cuts off.
    const cut = seen.filter((element) => element !== frame && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1);
    if (sideways() > 0 || panel.scrollWidth > panel.clientWidth) wrong.push(`${name} scrolls sideways`);
    if (outside.length) wrong.push(`${name}: outside: ${outside.map(({ localName }) => localName)}`);
    if (cut.length) wrong.push(`${name}: cut off: ${cut.map(({ textContent }) => textContent)}`);
    if (!container) {
      const { width, height } = panel.getBoundingClientRect();
      if (width !== innerWidth || height !== innerHeight) wrong.push(`${name}: not full-bleed`);
      panel.scrollTo(0, panel.scrollHeight);
      const last = frame ?? stage.part("buttons");
      if (last.getBoundingClientRect().bottom > innerHeight + 1) wrong.push(`${name}: its end cannot be reached`);
    }
    stage.close();
    await until("it is gone", () => !stage.surface);
  }
  const wide = document.body.appendChild(document.createElement("div"));
  wide.style.cssText = "width: 321px; height: 1px";
  const twin = sideways();
  wide.remove();
  return [
    proved(`${innerWidth} × ${innerHeight} pixels, ${container ? "container" : "dialog"}, ${language}`, `${all.length} views, nothing sideways or cut off`, `a block of 321 pixels: ${twin} pixels sideways`, {
      [wrong.join("; ")]: wrong.length === 0,
      "the twin is found": twin > 0,
    }),
  ];
}

// ---- styles ----

/** Whether a person could use what is there: it is seen, where it should be, and takes clicks. */
function usable(stage) {
  const wrong = [];
  const { dialog } = stage;
  for (let element = dialog ?? stage.surface; element && element !== document.body; element = element.parentElement) {
    const { display, visibility, opacity, filter, transform, clipPath } = style(element);
    if (display === "none" || visibility !== "visible" || opacity !== "1" || filter !== "none" || transform !== "none" || clipPath !== "none") wrong.push(`${element.localName} is not seen`);
  }
  const frame = stage.frame;
  for (const [name, element] of Object.entries({ close: stage.part("close"), status: stage.part("status"), title: stage.part("title"), about: stage.part("about"), frame })) {
    if (!element) continue;
    const { width, height, x, y } = element.getBoundingClientRect();
    if (width < 20 || height < 10 || style(element).visibility !== "visible") wrong.push(`${name} has ${width} × ${height} pixels`);
    if (/rgb\(255, 0, 0\)/.test(style(element).color)) wrong.push(`${name} is red`);
    const hit = document.elementFromPoint(x + width / 2, y + height / 2);
    if (dialog && hit !== stage.surface) wrong.push(`${name} takes no clicks`);
  }
  if (dialog && (dialog.clientWidth !== innerWidth || dialog.clientHeight !== innerHeight)) wrong.push(`the dialog has ${dialog.clientWidth} × ${dialog.clientHeight} pixels`);
  if (frame.getBoundingClientRect().height < 200) wrong.push("the frame is low");
  return wrong;
}

const HOSTILE = `{
  all: unset !important; display: none !important; color: red !important; visibility: hidden !important; opacity: 0 !important;
  position: static !important; inset: 9999px !important; width: 1px !important; height: 1px !important; max-width: 1px !important; max-height: 1px !important;
  font-size: 1px !important; letter-spacing: 99px !important; text-indent: -9999px !important; transform: scale(0) !important; filter: blur(9px) !important;
  clip-path: inset(50%) !important; pointer-events: none !important; margin: 999px !important; padding: 999px !important; overflow: visible !important;
  background: red !important; border: 9px solid red !important; cursor: none !important; user-select: none !important; zoom: 5 !important; content-visibility: hidden !important;
}`;

/** A page's styles at their worst. */
export async function hostile() {
  const rows = [];
  for (const [where, selector, container] of [
    ["dialog", "body *, body *::backdrop", undefined],
    ["container", "#one, #one *", "#one"],
  ]) {
    const kind = container ? "#one *, .flinks-reconnect, iframe, p" : selector;
    const bystander = document.querySelector("main").appendChild(document.createElement("p"));
    bystander.textContent = "Bystander";
    const drop = adopt(`${kind} ${HOSTILE}`);
    const stage = await scene("connect", container ? { container } : {});
    const wrong = usable(stage);
    const twin = style(bystander).display;
    const letters = style(stage.part("status")).letterSpacing;
    stage.close();
    await until("it is gone", () => !stage.surface);
    drop();
    bystander.remove();
    rows.push(proved(`a hostile style sheet, ${where}`, "usable as ever", "the page's own paragraph has display: none", { [wrong.join("; ")]: wrong.length === 0, [`the letters stand close: ${letters}`]: letters === "normal", "the sheet works": twin === "none" }));
  }
  return rows;
}

/** What the page had before, it has meanwhile. */
export async function noLeak() {
  const own = document.querySelector("#two");
  own.append(...["button", "p", "h2", "header", "div"].map((tag) => Object.assign(document.createElement(tag), { textContent: tag })));
  for (const [index, part] of ["panel", "status", "close", "title", "body"].entries()) own.children[index].setAttribute("part", part);
  const elements = [document.body, act, own, ...own.children];
  const looks = () => elements.map((element) => [...style(element)].map((name) => `${name}: ${style(element).getPropertyValue(name)}`));
  const before = looks();
  const compare = () => looks().flatMap((look, index) => look.filter((line, place) => line !== before[index][place]).map((line) => `${elements[index].localName} ${line}`));
  const rows = [];
  for (const container of [undefined, "#one"]) {
    const stage = await scene("connect", container ? { container } : {});
    // A container grows by what stands in it, and so does the page.
    const changed = compare().filter((line) => !(container && /(height|width|size|origin|perspective)/.test(line)) && !/ (interactivity|caret-animation)/.test(line));
    rows.push(proved(`the page's own styles beside ${container ? "a container" : "the dialog"}`, `${before.flat().length} computed values as before`, "see below", { [changed.slice(0, 9).join("; ")]: changed.length === 0, "its sheet is in the shadow tree; the page has one about scrolling, under a dialog": [...document.adoptedStyleSheets].map(({ cssRules }) => [...cssRules].map(({ selectorText }) => selectorText).join()).join() === (container ? "" : ":root:root") && document.querySelectorAll("style").length === 0 }));
    stage.close();
    await until("it is gone", () => !stage.surface);
  }
  const drop = adopt("[part=panel] { color: rgb(9, 9, 9) }");
  rows.push(proved("the same with a rule of the page's", compare().join("; "), "it is the twin", { "it is found": compare().length > 0 }));
  drop();
  own.replaceChildren();
  return rows;
}

/** What is offered to the page's styles. */
export async function styled() {
  const plain = await scene("connect");
  const look = (stage) => ({
    color: style(stage.part("panel")).color,
    background: style(stage.part("panel")).backgroundColor,
    accent: style(stage.part("close")).color,
    font: style(stage.part("status")).fontFamily,
    about: style(stage.part("about")).fontFamily,
    radius: style(stage.part("panel")).borderTopLeftRadius,
    width: stage.part("panel").getBoundingClientRect().width,
    backdrop: style(stage.dialog).backgroundColor,
    outline: style(stage.part("close")).textTransform,
  });
  const before = look(plain);
  plain.close();
  await until("it is gone", () => !plain.surface);
  const drop = adopt(`
    :root {
      --flinks-reconnect-color: rgb(1, 2, 3); --flinks-reconnect-background: rgb(250, 251, 252); --flinks-reconnect-accent: rgb(90, 0, 90); --flinks-reconnect-alert: rgb(200, 255, 200);
      --flinks-reconnect-font: 18px/1.5 monospace; --flinks-reconnect-radius: 3px; --flinks-reconnect-width: 400px; --flinks-reconnect-backdrop: rgb(0, 0, 99);
    }
    .flinks-reconnect::part(close) { text-transform: uppercase; }
  `);
  const stage = await scene("leaving");
  const after = look(stage);
  const alert = style(stage.part("alert")).backgroundColor;
  stage.close();
  await until("it is gone", () => !stage.surface);
  drop();
  const expected = { color: "rgb(1, 2, 3)", background: "rgb(250, 251, 252)", accent: "rgb(90, 0, 90)", font: "monospace", about: "monospace", radius: "3px", width: 400, backdrop: "rgb(0, 0, 99)", outline: "uppercase" };
  const claims = Object.fromEntries(Object.entries(expected).map(([name, value]) => [`${name}: ${before[name]}, then ${after[name]}`, after[name] === value && before[name] !== value]));
  return [proved("custom properties and ::part", Object.values(after).join(", "), "without them it is otherwise", { ...claims, alert: alert === "rgb(200, 255, 200)" })];
}

// ---- wishes ----

const light = { color: "rgb(27, 31, 36)", background: "rgb(255, 255, 255)" };

/** Under a browser that is told so. */
export async function darkAndStill() {
  const stage = await scene("loading");
  const { color, backgroundColor: background } = style(stage.part("panel"));
  const still = style(stage.part("skeleton")).animationName;
  // The twin: the same rule, with the wish taken out of it.
  const [sheet] = stage.surface.shadowRoot.adoptedStyleSheets;
  const rule = [...sheet.cssRules].find(({ media }) => /prefers-reduced-motion/.test(media?.mediaText));
  rule.media.mediaText = "all";
  const moving = style(stage.part("skeleton")).animationName;
  const others = [...stage.surface.shadowRoot.querySelectorAll("*")].filter((element) => element !== stage.part("skeleton") && (style(element).animationName !== "none" || !/^0s(, 0s)*$/.test(style(element).transitionDuration)));
  stage.close();
  return [
    proved("prefers-color-scheme: dark", `${color} on ${background}`, "else it is dark on white", { "the browser wants it": matchMedia("(prefers-color-scheme: dark)").matches, "it is dark": color !== light.color && background !== light.background }),
    proved("prefers-reduced-motion: reduce", `animation: ${still}`, `without the wish: ${moving}`, { "the browser wants it": matchMedia("(prefers-reduced-motion: reduce)").matches, still: still === "none", "else it moves": moving !== "none", "nothing else moves": others.length === 0 }),
  ];
}

export async function ownColours() {
  if (!matchMedia("(forced-colors: active)").matches) {
    const hasNone = !matchMedia("(forced-colors: none)").matches || /AppleWebKit/.test(navigator.userAgent);
    return [proved("forced colours", "this browser has no such setting", "see the other engines", { known: hasNone && !/Chrome|Firefox/.test(navigator.userAgent) })];
  }
  const stage = await scene("leaving");
  const canvas = style(document.body.appendChild(Object.assign(document.createElement("p"), { style: "background: Canvas; forced-color-adjust: none" }))).backgroundColor;
  const edge = (name) => {
    const { outlineWidth, outlineStyle, outlineColor, borderTopWidth, borderTopStyle, borderTopColor } = style(stage.part(name));
    return name === "panel" ? [outlineWidth, outlineStyle, outlineColor] : [borderTopWidth, borderTopStyle, borderTopColor];
  };
  const edges = Object.fromEntries(["panel", "alert", "close", "stay", "leave"].map((name) => [name, edge(name)]));
  const faint = Object.entries(edges).filter(([, [width, line, color]]) => line !== "solid" || parseFloat(width) < 1 || color === canvas || /^rgba\(.*, 0\)$/.test(color));
  stage.part("leave").focus();
  await press("Tab", () => true);
  await until("a button has the focus by keyboard", () => stage.surface.shadowRoot.activeElement?.matches("button:focus-visible") || innermost().localName === "iframe");
  stage.part("stay").focus();
  const ring = style(stage.part("stay"));
  const rows = [
    proved("forced colours", `borders of ${Object.keys(edges).join(", ")}, a ring of ${ring.outlineWidth}`, "the same borders are transparent else", {
      [`every edge is seen: ${faint.map(([name, edge]) => `${name} ${edge.join(" ")}`).join(", ")}`]: faint.length === 0,
      "and the focus": ring.outlineStyle === "solid" && parseFloat(ring.outlineWidth) >= 2 && ring.outlineColor !== canvas,
    }),
  ];
  stage.close();
  return rows;
}

// ---- Connect's height ----

export async function resized() {
  const stage = await scene("connect", { container: "#one" });
  const frame = stage.frame;
  const height = () => Math.round(frame.getBoundingClientRect().height);
  const before = height();
  const claims = {};
  const ask = async (asked, given) => {
    let heard = 0;
    stage.session.addEventListener("step", () => (heard += 1), { once: true });
    connectSays(frame, { step: "APP_RESIZE", height: asked });
    await until("APP_RESIZE is heard", () => heard === 1);
    await turn();
    claims[`${asked} gives ${given}, not ${height()}`] = height() === given;
  };
  for (const [asked, given] of [[700, 700], [10, 240], [-5, 240], [1e9, 1600], [500, 500], ["900", 500], [null, 500], [NaN, 500]]) await ask(asked, given);
  stage.close();
  await until("it is gone", () => !stage.surface);

  const dialog = await scene("connect");
  const inDialog = dialog.frame;
  connectSays(inDialog, { step: "APP_RESIZE", height: 300 });
  await until("the dialog's frame has 300 pixels", () => Math.round(inDialog.getBoundingClientRect().height) === 300);
  connectSays(inDialog, { step: "APP_RESIZE", height: 1600 });
  const fits = await until("the dialog is as tall as the window, but for its margins", () => Math.round(dialog.part("panel").getBoundingClientRect().height) === innerHeight - 32);
  dialog.close();
  return [proved("APP_RESIZE", "240 to 1600 pixels in a container, the window's height at most in a dialog", `without it ${before} pixels`, { ...claims, "it was otherwise": before !== 700, fits })];
}
