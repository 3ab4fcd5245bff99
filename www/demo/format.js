// Dates and money as people in Canada write them.

const LOCALES = { en: "en-CA", fr: "fr-CA" };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far the sandbox's clock, which the data's dates come from, is ahead of ours. */
let aheadMs = 0;
export const setMinutesAhead = (minutes) => void (aheadMs = minutes * MINUTE);

/** A moment with how long ago that was: `Jan 21, 2026, 3:47 p.m. (3 days ago)`. */
export function moment(rfc3339, language) {
  const at = new Date(rfc3339);
  if (Number.isNaN(at.getTime())) return rfc3339;
  const exact = new Intl.DateTimeFormat(LOCALES[language], { dateStyle: "medium", timeStyle: "short" }).format(at);
  const distance = ago(Date.now() + aheadMs - at.getTime(), language);
  return distance === null ? exact : `${exact} (${distance})`;
}

// Nothing for the future: clocks differ.
function ago(elapsedMs, language) {
  const relative = new Intl.RelativeTimeFormat(LOCALES[language], { numeric: "auto" });
  if (elapsedMs < MINUTE) return null;
  if (elapsedMs < HOUR) return relative.format(-Math.floor(elapsedMs / MINUTE), "minute");
  if (elapsedMs < DAY) return relative.format(-Math.floor(elapsedMs / HOUR), "hour");
  return relative.format(-Math.floor(elapsedMs / DAY), "day");
}

/** The day of a moment, in the reader's own time zone: `Jan 21`. */
export function dayOf(rfc3339, language) {
  const at = new Date(rfc3339);
  if (Number.isNaN(at.getTime())) return rfc3339;
  return new Intl.DateTimeFormat(LOCALES[language], { month: "short", day: "numeric" }).format(at);
}

/** A calendar day such as `2026-01-31`; it has no time zone, so none may shift it. */
export function day(text, language) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  return new Intl.DateTimeFormat(LOCALES[language], { month: "short", day: "numeric", timeZone: "UTC" }).format(at);
}

/** For the log: `15:47:03` in every language, so that entries line up. */
export const clock = (date) => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }).format(date);

/** `$1,234.50`; with `signed`, a plus as well as a minus. */
export function money(amount, currency, language, { signed = false } = {}) {
  const signDisplay = signed ? "exceptZero" : "auto";
  try {
    return new Intl.NumberFormat(LOCALES[language], { style: "currency", currency, signDisplay }).format(amount);
  } catch {
    // A currency the browser does not know is no reason to hide the amount.
    return new Intl.NumberFormat(LOCALES[language], { minimumFractionDigits: 2, signDisplay }).format(amount);
  }
}

/** Two letters for a bank: `FlinksCapital` and `Flinks Capital` are both FC. */
export function initials(bank) {
  const words = bank.match(/\p{Lu}[^\s\p{Lu}]*/gu) ?? [bank];
  return words.slice(0, 2).map((word) => word[0]).join("").toUpperCase();
}
