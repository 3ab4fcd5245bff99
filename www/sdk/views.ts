// What each view of the session looks like: its text, its buttons, whether it interrupts and whether there is anything of Connect to see.

import type { ViewName } from "./names.js";
import type { TextName } from "./words.js";

/** What the user can ask for. */
export interface Actions {
  closedByUser(): void;
  userStays(): void;
  retriedByUser(): void;
}

/** A button beside the one that closes. */
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
  buttons: readonly Button[];
}

const retry: Button = { text: "retry", part: "retry", action: "retriedByUser" };
const startAgain: Button = { text: "startAgain", part: "retry", action: "retriedByUser" };
const takeOver: Button = { text: "takeOver", part: "retry", action: "retriedByUser" };
export const stay: Button = { text: "stay", part: "stay", action: "userStays" };
const leave: Button = { text: "leave", part: "leave", action: "closedByUser" };

const polite = (text: TextName): View => ({ text, tone: "polite", buttons: [] });
const waiting = (text: TextName): View => ({ ...polite(text), isWaiting: true });
const alerting = (text: TextName, ...buttons: Button[]): View => ({ text, tone: "alerting", buttons });

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
  notStarted: alerting("notStarted", retry),
  signedOut: alerting("signedOut", retry),
  busy: alerting("busy", takeOver),
  loadTimeout: alerting("loadTimeout", retry),
  blocked: alerting("blocked", retry),
  expired: alerting("expired", startAgain),
  undelivered: alerting("undelivered", retry),
  mismatch: alerting("mismatch"),
  unconfirmed: alerting("unconfirmed"),
  failed: alerting("failed"),
};
