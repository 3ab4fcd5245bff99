// What each view of the session looks like: its text, its buttons, whether it interrupts and whether there is anything of Connect to see.

import type { ViewName } from "./names.js";
import type { TextName } from "./words.js";

/** What the user can ask for. */
export interface Actions {
  closedByUser(): void;
  userStays(): void;
  retriedByUser(): void;
}

/** A button of a view. */
export interface Button {
  text: TextName;
  part: string;
  action: keyof Actions;
}

export interface View {
  text: TextName;
  /** News of progress is told politely; everything else interrupts whoever listens to the page. */
  tone: "polite" | "alerting";
  /** Connect is on its way, and there is nothing to see of it yet. */
  isWaiting?: true;
  /** Nothing goes on by itself: a container has a button that closes, too. */
  isFailure?: true;
  buttons: readonly Button[];
}

const retry: Button = { text: "retry", part: "retry", action: "retriedByUser" };
const startAgain: Button = { text: "startAgain", part: "retry", action: "retriedByUser" };
const takeOver: Button = { text: "takeOver", part: "retry", action: "retriedByUser" };
export const stay: Button = { text: "stay", part: "stay", action: "userStays" };
const leave: Button = { text: "leave", part: "leave", action: "closedByUser" };
/** In a dialog's header always; in a container after a failure. */
export const close: Button = { text: "close", part: "close", action: "closedByUser" };

const polite = (text: TextName): View => ({ text, tone: "polite", buttons: [] });
const waiting = (text: TextName): View => ({ ...polite(text), isWaiting: true });
const alerting = (text: TextName, ...buttons: Button[]): View => ({ text, tone: "alerting", buttons });
const failure = (text: TextName, ...buttons: Button[]): View => ({ ...alerting(text, ...buttons), isFailure: true });

export const VIEWS: Record<ViewName, View> = {
  loading: waiting("loading"),
  slow: waiting("slow"),
  connect: polite("connect"),
  popupBlocked: alerting("popupBlocked"),
  expiring: alerting("expiring", stay),
  replaceable: alerting("expiring", stay, startAgain),
  overdue: alerting("overdue", stay),
  overdueReplaceable: alerting("overdue", stay, startAgain),
  renewing: waiting("renewing"),
  offline: polite("offline"),
  delivering: polite("delivering"),
  retrying: polite("retrying"),
  leaving: alerting("leaving", stay, leave),
  bankSlow: waiting("bankSlow"),
  notStarted: failure("notStarted", retry),
  signedOut: failure("signedOut", retry),
  busy: failure("busy", takeOver),
  loadTimeout: failure("loadTimeout", retry),
  blocked: failure("blocked", retry),
  expired: failure("expired", startAgain),
  undelivered: failure("undelivered", retry),
  mismatch: failure("mismatch"),
  unconfirmed: failure("unconfirmed"),
  failed: failure("failed"),
};
