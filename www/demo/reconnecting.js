// How a page uses the widget. This is the file to copy from.

import { reconnect, ReconnectError } from "/dist/index.js";

import { deliverPath, startPath } from "./host.js";
import { log, logSession } from "./log.js";
import { currentLanguage, errorText, texts } from "./texts.js";

const POLL_EVERY_MS = 400;
const POLL_FOR_MS = 60_000;

/**
 * Brings the user back into the bank, and sees to it that the card tells the truth afterwards.
 *
 * `page.reload` asks the host for all connections and shows them (true when that worked): how a connection is doing, only the host knows.
 * `page.onEnd` hears that the reconnect is over; one that the user left can still be resumed.
 */
export function startReconnect(card, page) {
  card.hush();
  log("reconnect()", {}, card.bank);
  let session;
  try {
    session = reconnect({ start: startPath(card.id), deliver: deliverPath, language: currentLanguage() });
  } catch (error) {
    showError(card, error);
    return;
  }
  logSession(session, card.bank);
  follow(card, session, page);
}

/** The result each card waits for: only the newest one may speak. */
const awaited = new WeakMap();

async function follow(card, session, page) {
  const promise = session.result;
  awaited.set(card, promise);
  const isCurrent = () => awaited.get(card) === promise;

  card.hush();
  card.setActivity("open");
  try {
    const result = await promise;
    if (!isCurrent()) return;
    log("result", result, card.bank);
    page.onEnd();
    await waitForData(card, result, page.reload);
  } catch (error) {
    if (!isCurrent()) return;
    card.setActivity(null);
    // An interrupted session can be resumed, but only the host knows.
    await page.reload();
    if (isCurrent()) showError(card, error);
    const isLeft = error.code === "CANCELLED" || error.code === "CLOSED";
    if (!isLeft || card.connection.status !== "in-progress") page.onEnd();
  } finally {
    if (isCurrent()) card.setActivity(null);
  }
}

/** The result is delivered; now the host fetches the data, which takes Flinks a moment. */
async function waitForData(card, result, reload) {
  card.setActivity("fetching");
  card.tell(() => texts().fetching);

  const deadline = Date.now() + POLL_FOR_MS;
  let wasInProgress = false;
  while (Date.now() < deadline) {
    const isFresh = await reload();
    const status = isFresh ? card.connection.status : null;
    if (status === "up-to-date") {
      // Unless the accounts could not be loaded, which the card says by itself.
      if (!card.isWarning) card.tell(() => (result.status === "upToDate" ? texts().alreadyFresh : texts().refreshed(card.accountCount, card.newCount)));
      return;
    }
    if (status === "needs-attention" && wasInProgress) {
      card.warn(() => texts().refreshFailed);
      return;
    }
    wasInProgress ||= status === "in-progress";
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
  card.tell(() => texts().slow);
}

function showError(card, error) {
  if (!(error instanceof ReconnectError)) {
    // Our own bug, not the widget's: let the console have it, but leave nobody without a word.
    console.error(error);
    card.warn(() => texts().errors.INTERNAL);
    return;
  }
  const { code, flinksCode, httpStatus, phase, retryable } = error;
  log("ReconnectError", { code, flinksCode, httpStatus, retryable, phase }, card.bank);
  if (code === "CLOSED") return;
  if (code === "CANCELLED") {
    const canResume = card.connection.status === "in-progress";
    card.tell(() => (canResume ? texts().cancelledResumable : texts().cancelled));
    return;
  }
  // What a retry could cure, the widget's own window has offered; from here on the card's button starts anew.
  card.warn(() => errorText(error));
}
