// The Connect page. It shows the screen it is told to, reports what the user did, and posts the events it is handed, in their
// order. It decides nothing and composes no event: the sandbox does, so that its log says exactly what was posted.

import { wordsIn } from "./words.js";

const main = document.getElementById("main");
const closeButton = document.getElementById("close");

let words = wordsIn(new URLSearchParams(location.search).get("language"));
let visit = null;
let audience = "nobody";
let isBusy = false;
let replacesForOauth = false;
let offlineEvent = null;

// Elements. Text is only ever set as text.

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const heading = (text) => element("h1", { tabIndex: -1 }, text);
const paragraph = (text, className = "") => element("p", { className }, text);
const button = (text, onclick, properties = {}) => element("button", { type: "button", onclick, ...properties }, text);
const badge = (name) => element("div", { className: "badge", "aria-hidden": "true" }, name.slice(0, 1));

function field(label, properties) {
  const input = element("input", { required: true, spellcheck: false, autocapitalize: "none", ...properties });
  return element("label", { className: "field" }, element("span", {}, label), input);
}

function form(submit, report, ...children) {
  const onsubmit = (event) => {
    event.preventDefault();
    report(new FormData(event.currentTarget));
  };
  return element("form", { onsubmit }, ...children, element("button", { type: "submit" }, submit));
}

function termsOf({ url, checkbox, accepted }) {
  const onclick = () => act({ name: "read-terms" });
  const link = element("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick, "data-testid": "terms-link" }, words.termsRead);
  if (!checkbox) return element("p", {}, link);
  const onchange = (event) => act({ name: "terms", accepted: event.target.checked });
  const box = element("input", { type: "checkbox", name: "terms", required: true, checked: accepted, onchange });
  return element("p", { className: "terms" }, element("label", {}, box, element("span", {}, words.terms)), link);
}

/** One challenge of the bank's: a text, a choice, or a tap in the bank's app, which nothing is typed for. */
function challengeOf({ type, prompt, choices }, language) {
  const question = element("span", { lang: language }, prompt);
  if (type === "TrustedDevice") {
    return element("p", {}, question, element("input", { type: "hidden", name: "answer", value: "confirmed" }));
  }
  if (choices.length === 0) return field(question, { name: "answer", autocomplete: "off" });
  const isSeveral = type === "MultipleChoiceMultipleAnswers";
  const options = choices.map((choice, index) =>
    element(
      "label",
      { className: "account" },
      element("input", { type: isSeveral ? "checkbox" : "radio", name: "answer", value: choice, required: !isSeveral }),
      type === "ImageSelection" ? element("img", { src: choice, alt: words.image(index + 1), width: 48, height: 48 }) : element("span", {}, choice),
    ),
  );
  return element("fieldset", {}, element("legend", {}, question), ...options);
}

function help(summary, text, name) {
  const ontoggle = (event) => event.target.open && act({ name });
  return element("details", { ontoggle, "data-testid": name }, element("summary", {}, summary), paragraph(text, "quiet"));
}

const oauthAddress = () => `/_page/oauth#${visit}/${document.documentElement.lang}`;

// Screens, by the name the sandbox gives them.

const screens = {
  consent: ({ customer }) => [
    heading(words.consentTitle),
    paragraph(words.consent(customer ?? words.someone)),
    element(
      "div",
      { className: "stack" },
      button(words.accept, () => act({ name: "accept-consent" }), { "data-testid": "accept-consent" }),
      button(words.deny, () => act({ name: "deny-consent" }), { className: "plain", "data-testid": "deny-consent" }),
    ),
  ],

  banks: ({ banks, search }) => {
    const items = banks.map((bank) => {
      const pick = () => act({ name: "pick-institution", id: bank.id });
      return element("li", {}, button(bank.name, pick, { "data-institution": bank.name, "data-institution-id": String(bank.id) }));
    });
    const none = paragraph(words.noBank, "quiet");
    none.hidden = true;
    const oninput = (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(wanted);
      none.hidden = items.some((item) => !item.hidden);
    };
    const filter = field(words.search, { type: "search", name: "search", required: false, oninput });
    const list = element("ul", { className: "banks" }, ...items);
    return [heading(words.banksTitle), element("div", { className: "stack" }, ...(search ? [filter] : []), list, none)];
  },

  credentials: ({ institution, terms }) => [
    badge(institution),
    heading(words.credentialsTitle(institution)),
    paragraph(words.credentialsHint, "quiet"),
    form(
      words.signIn,
      (data) => act({ name: "submit-credentials", username: data.get("username"), password: data.get("password") }),
      field(words.username, { name: "username", autocomplete: "off" }),
      field(words.password, { name: "password", type: "password", autocomplete: "off" }),
      ...(terms ? [termsOf(terms)] : []),
    ),
    button(words.resetPassword, () => act({ name: "reset-password" }), { className: "plain below", "data-testid": "reset-password" }),
    button(words.back, () => act({ name: "back" }), { className: "plain below", "data-testid": "back" }),
  ],

  oauth: ({ institution, window: state }) => {
    const open = () => {
      // In the click itself: browsers open no window later.
      const popup = window.open(oauthAddress(), "flinks-oauth", "popup,width=420,height=640");
      act({ name: popup ? "popup-opened" : "popup-blocked" });
    };
    const leave = async () => {
      await act({ name: "leave-for-bank" });
      location.assign(oauthAddress());
    };
    const children = [badge(institution), heading(words.oauthTitle(institution)), paragraph(words.oauthHint(institution))];
    const waiting = element("p", { role: "status" }, words.oauthWaiting);
    if (state === "replacing") return [...children, waiting];
    const blocked = element("p", { className: "alarm", role: "alert" }, words.oauthBlocked);
    return [
      ...children,
      ...(state === "open" ? [waiting] : []),
      ...(state === "blocked" ? [blocked] : []),
      button(words.oauthOpen, replacesForOauth ? leave : open, { "data-testid": "oauth-open" }),
      button(words.back, () => act({ name: "back" }), { className: "plain below", "data-testid": "back" }),
    ];
  },

  mfa: ({ institution, challenges, language, number, total }) => [
    badge(institution),
    heading(words.mfaTitle(institution)),
    paragraph(words.mfaStep(number, total), "quiet"),
    form(
      words.submit,
      (data) => {
        const texts = data.getAll("answer");
        // Several challenges have one text each; a single one has all there are.
        act({ name: "submit-answers", answers: challenges.length > 1 ? texts.map((text) => [text]) : [texts] });
      },
      ...challenges.map((challenge) => challengeOf(challenge, language)),
    ),
    paragraph(words.mfaHint, "quiet below"),
    help(words.mfaHelp, words.mfaHelpText, "help"),
    help(words.mfaTrouble, words.mfaTroubleText, "troubleshoot"),
  ],

  accounts: ({ choice, accounts }) => {
    const missing = element("p", { className: "alarm", role: "alert", hidden: true }, words.accountsMissing);
    const type = choice === "several" ? "checkbox" : "radio";
    const options = accounts.map((account) =>
      element(
        "label",
        { className: "account" },
        element("input", { type, name: "account", value: account.id }),
        element("span", {}, account.title),
        element("small", { className: "quiet" }, words.ending(account.lastFour)),
      ),
    );
    const report = (data) => {
      const ids = data.getAll("account");
      missing.hidden = ids.length > 0;
      if (ids.length > 0) act({ name: "pick-accounts", ids });
    };
    const legend = element("legend", {}, choice === "several" ? words.accountsSeveral : words.accountsOne);
    const onchange = () => (missing.hidden = true);
    const choices = element("fieldset", { onchange }, legend, ...options);
    return [heading(words.accountsTitle), form(words.submit, report, choices, missing)];
  },

  success: ({ institution }) => [badge("✓"), heading(words.successTitle), paragraph(words.success(institution))],

  expired: ({ code }) => [
    heading(words.expiredTitle),
    element("p", { className: "alarm", role: "alert" }, words.expired),
    paragraph(code, "code"),
  ],

  error: ({ code, remedy }) => [
    heading(words.errorTitle),
    element("p", { className: "alarm", role: "alert" }, words.error[code] ?? words.otherError),
    paragraph(code, "code"),
    ...(remedy === "retry" ? [button(words.retry, () => act({ name: "retry" }), { className: "try-again", "data-testid": "try-again" })] : []),
  ],

  silent: () => [],
};

let shown = "";

function show(screen) {
  // An action that changed nothing must not wipe what the user is typing.
  // The box of the terms is the page's own to tick: only the sandbox has to hear of it.
  const { terms, ...rest } = screen;
  const asText = JSON.stringify({ ...rest, terms: terms?.url });
  if (asText === shown) return;
  shown = asText;
  main.replaceChildren(...screens[screen.name](screen));
  main.dataset.screen = screen.name;
  if (screen.number) main.dataset.round = screen.number;
  else delete main.dataset.round;
  if (screen.code) main.dataset.code = screen.code;
  else delete main.dataset.code;
  (main.querySelector("input:not([type=radio]):not([type=checkbox])") ?? main.querySelector("h1"))?.focus();
}

// Talking to the sandbox, and to the page around.

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
  return response.json();
}

function publish({ data, delayMs }) {
  const send = () => {
    if (audience === "parent") window.parent.postMessage(data, "*");
    if (audience === "native") window.ReactNativeWebView?.postMessage(typeof data === "string" ? data : JSON.stringify(data));
  };
  if (delayMs > 0) setTimeout(send, delayMs);
  else send();
}

// What the user sees comes first: whoever hears an event may look at the page.
function take({ screen, events, navigation, offline }) {
  show(screen);
  events.forEach(publish);
  offlineEvent = offline;
  if (navigation) leaveFor(navigation, Math.max(0, ...events.map(({ delayMs }) => delayMs)));
}

// After the last event has been heard, and the success screen been seen.
function leaveFor({ url, window: whose }, delayMs) {
  setTimeout(() => {
    try {
      // The one thing a frame may do to a page of another origin.
      (whose === "top" ? window.top : window).location.href = url;
    } catch {
      // The page around does not let us (`sandbox`): the event has told it all there is to know.
    }
  }, delayMs + 500);
}

// The bank's window talks to the sandbox only, so that it works in browsers that cut it off from its opener.
async function watchWindow() {
  while (visit !== null) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (main.dataset.screen === "oauth" && shown.includes('"window":"open"')) await act({ name: "check-popup" });
  }
}

function setBusy(busy) {
  isBusy = busy;
  for (const one of main.querySelectorAll("button")) one.setAttribute("aria-disabled", String(busy));
}

async function act(action) {
  if (isBusy || visit === null) return;
  setBusy(true);
  try {
    take(await post("/_page/act", { visit, action }));
  } catch {
    report(words.offline);
  } finally {
    setBusy(false);
  }
}

// What the page notices by itself. The screen stays as it is: an answer to the user may be under way.
async function notice(action) {
  if (visit === null) return;
  const { events, offline } = await post("/_page/act", { visit, action });
  events.forEach(publish);
  offlineEvent = offline;
}

function watchNetwork() {
  // The sandbox cannot be asked now, so it has handed out beforehand what to post; it hears of it when the network is back.
  addEventListener("offline", () => offlineEvent && publish(offlineEvent));
  addEventListener("online", () => notice({ name: "online" }).catch(() => report(words.offline)));
}

function watchSize() {
  const current = () => ({ width: innerWidth, height: innerHeight });
  let told = current();
  let settling;
  const tell = () => {
    const size = current();
    if (size.width === told.width && size.height === told.height) return;
    told = size;
    notice({ name: "resize", ...size }).catch(() => report(words.offline));
  };
  // Once it has stopped moving.
  addEventListener("resize", () => {
    clearTimeout(settling);
    settling = setTimeout(tell, 100);
  });
}

function report(text) {
  main.querySelector("[data-offline]")?.remove();
  main.append(element("p", { className: "alarm", role: "alert", "data-offline": "" }, text));
}

function dress() {
  document.documentElement.lang = words === wordsIn("fr") ? "fr" : "en";
  document.title = words.title;
  document.getElementById("banner").textContent = words.banner;
  closeButton.setAttribute("aria-label", words.close);
}

async function load() {
  dress();
  main.replaceChildren(paragraph(words.loading, "quiet"));
  closeButton.onclick = () => act({ name: "close" });
  try {
    const isFramed = window.parent !== window;
    const opened = await post("/_page/open", {
      path: location.pathname,
      query: location.search,
      audience: isFramed ? "parent" : "nobody",
      origin: location.origin,
    });
    visit = opened.visit;
    audience = opened.frame.audience;
    words = wordsIn(opened.frame.language);
    closeButton.hidden = !opened.frame.closable;
    replacesForOauth = opened.frame.replacesForOauth;
    dress();
    take(opened);
    watchWindow();
    watchNetwork();
    watchSize();
  } catch {
    report(words.offline);
  }
}

load();
