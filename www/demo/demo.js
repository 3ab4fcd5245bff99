// The demo page: a fintech's list of bank connections, and the widget at work on it.
//
// The page remembers nothing. What is connected, and how far a reconnect got, it asks the host; so a reload in the middle of the
// bank's questions, a second tab or a lost result all end in the same, true picture.

import { NO_ACCOUNTS } from "./accounts.js";
import { Card } from "./card.js";
import { byId, setText } from "./dom.js";
import { loadAccounts, loadAccountsBefore, loadConnections } from "./host.js";
import { renderLog, startLog } from "./log.js";
import { startReconnect } from "./reconnecting.js";
import { endTwists, renderSandboxPanel, startSandboxPanel } from "./sandbox.js";
import { followLanguage, texts } from "./texts.js";

const WATCH_EVERY_MS = 5_000;

/** By connection id. Cards are made once and updated in place: focus, open details and live regions survive every reload. */
const cards = new Map();
/** Which state of a connection the shown accounts belong to. */
const accountsOf = new WeakMap();
let hasLoaded = false;
let trouble = null;

/** What a reconnect needs of the page around it. */
const page = { reload, onEnd: endTwists };

let loads = 0;
let newestLoad = Promise.resolve(false);

/** Asks the host and shows what it says; whoever awaits it sees the newest answer, and is told whether there was one. */
function reload() {
  newestLoad = load(++loads);
  return newestLoad;
}

async function load(number) {
  let connections = null;
  let error = null;
  try {
    connections = await loadConnections();
  } catch (reason) {
    error = reason;
  }
  // A slow answer must not overwrite a newer one.
  if (number !== loads) return newestLoad;
  showTrouble(error);
  if (error !== null) return false;
  hasLoaded = true;
  const fresh = showConnections(connections);
  await Promise.all([...cards.values()].map(refreshAccounts));
  // Whole: a card that grows later pushes the buttons below it away from whoever is about to press one.
  byId("cards").append(...fresh.filter((card) => cards.has(card.connection.id)).map(({ element }) => element));
  return true;
}

/** Updates the cards; gives the new ones, which are not on the page yet. */
function showConnections(connections) {
  const known = new Set(connections.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (!known.has(id)) {
      card.element.remove();
      cards.delete(id);
    }
  }
  const fresh = [];
  connections.forEach((connection, position) => {
    const card = cards.get(connection.id);
    if (card !== undefined) {
      card.show(connection);
      return;
    }
    const made = new Card(connection, position, {
      onReconnect: (it) => startReconnect(it, page),
    });
    cards.set(connection.id, made);
    fresh.push(made);
  });
  renderSummary();
  return fresh;
}

/** Accounts change when a refresh was stored, and only then. */
async function refreshAccounts(card) {
  const { id, lastRefresh, status } = card.connection;
  const state = `${status === "up-to-date"} ${lastRefresh}`;
  if (accountsOf.get(card) === state) return;
  try {
    const reply = await loadAccounts(id);
    if (reply.accounts.length > 0) card.showAccounts(reply);
    // Without a sandbox nobody knows what was before.
    else card.showBefore(await loadAccountsBefore(id).catch(() => NO_ACCOUNTS));
    accountsOf.set(card, state);
  } catch {
    card.warn(() => texts().accountsFailed);
  }
}

function renderSummary() {
  if (!hasLoaded) return;
  const waiting = [...cards.values()].filter((card) => card.connection.status !== "up-to-date").length;
  setText(byId("summary"), texts().summary(waiting, cards.size));
}

function showTrouble(error) {
  trouble = error;
  renderTrouble();
}

function renderTrouble() {
  const text = trouble === null ? "" : trouble.status === 401 ? texts().signedOut : texts().unreachable;
  setText(byId("trouble"), text);
  byId("trouble-again").hidden = trouble === null;
  byId("summary").hidden = trouble !== null && !hasLoaded;
}

/** The host may find by itself what a browser lost; while something is in progress, it is worth another look. */
function watch() {
  const all = [...cards.values()];
  const isWorthIt = all.some((card) => card.connection.status === "in-progress") && !all.some((card) => card.isBusy);
  if (isWorthIt && !document.hidden) reload();
}

startLog();
startSandboxPanel({
  afterClock: reload,
  afterReset: async () => {
    for (const card of cards.values()) {
      card.hush();
      accountsOf.delete(card);
    }
    await reload();
  },
});
followLanguage(() => {
  for (const card of cards.values()) card.render();
  renderSummary();
  renderTrouble();
  renderSandboxPanel();
  renderLog();
});
byId("reload").addEventListener("click", reload);
setInterval(watch, WATCH_EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) reload();
});
// From the back/forward cache the page comes back as it was left; the host has moved on.
addEventListener("pageshow", (event) => {
  if (event.persisted) reload();
});
reload();
