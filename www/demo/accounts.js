// The accounts of one connection: as the application had them, as the host last fetched them, and what is new between the two.

import { copyOf, part, setText } from "./dom.js";
import { day, dayOf, money, moment } from "./format.js";
import { currentLanguage, texts, translate } from "./texts.js";

const MOST_TRANSACTIONS = 20;
/** More would push the accounts out of sight; the rest is marked in their own lists. */
const MOST_NEW = 5;

/** Before the first refresh. */
export const NO_ACCOUNTS = Object.freeze({ asOf: null, accounts: [] });

/** Shows what the application had, in short; hides it while there is none. */
export function showBefore(section, { asOf, accounts }) {
  section.hidden = accounts.length === 0;
  if (section.hidden) return;
  setText(part(section, "before-heading"), texts().before(dayOf(asOf, currentLanguage())));
  part(section, "before-list").replaceChildren(...accounts.map((account) => {
    const pair = copyOf("before-template");
    part(pair, "title").textContent = account.title;
    part(pair, "balance").textContent = balanceText(account);
    return pair;
  }));
}

/** Shows `accounts` in a card's section, with what is new since `before`; hides it while there are none. */
export function showAccounts(section, { asOf, accounts }, before, bank) {
  section.hidden = accounts.length === 0;
  section.setAttribute("aria-label", texts().accounts(bank));
  setText(part(section, "as-of"), asOf === null ? "" : texts().asOf(moment(asOf, currentLanguage())));

  const compared = compare(before, accounts);
  showNew(section, compared, before);
  const list = part(section, "account-list");
  // What the reader opened stays open when newer data comes.
  const open = new Set([...list.querySelectorAll("details[open]")].map((details) => details.closest("[data-account]").dataset.account));
  list.replaceChildren(...compared.map((one) => accountItem(one, open.has(one.account.id))));
}

/** How many transactions came since `before`. */
export const countNew = (before, { accounts }) => compare(before, accounts).reduce((sum, { fresh }) => sum + fresh.size, 0);

/** Each account with the one it was, and with those of its transactions that were not there; none while nothing is known of before. */
function compare(before, accounts) {
  return accounts.map((account) => {
    const earlier = before.accounts.find(({ id }) => id === account.id) ?? null;
    return { account, earlier, fresh: earlier === null ? new Set() : transactionsSince(earlier, account) };
  });
}

/** Two equal coffees on one day are two transactions: each one that was there before accounts for one of now. */
function transactionsSince(earlier, account) {
  const keyOf = ({ date, description, debit, credit }) => JSON.stringify([date, description, debit, credit]);
  const known = new Map();
  for (const transaction of earlier.transactions) known.set(keyOf(transaction), (known.get(keyOf(transaction)) ?? 0) + 1);
  // Lists end somewhere: what is older than the newest one of then was there, too.
  const newest = earlier.transactions[0]?.date ?? "";
  const fresh = account.transactions.filter((transaction) => {
    const left = known.get(keyOf(transaction)) ?? 0;
    known.set(keyOf(transaction), left - 1);
    return left <= 0 && transaction.date >= newest;
  });
  return new Set(fresh);
}

function showNew(section, compared, before) {
  const all = compared.flatMap(({ account, fresh }) => [...fresh].map((transaction) => ({ account, transaction })));
  // Texts of ISO dates sort as dates do.
  all.sort((one, other) => (one.transaction.date < other.transaction.date ? 1 : -1));
  const fresh = part(section, "fresh");
  fresh.hidden = before.accounts.length === 0;
  if (fresh.hidden) return;
  fresh.classList.toggle("none", all.length === 0);
  const since = dayOf(before.asOf, currentLanguage());
  setText(part(fresh, "fresh-heading"), all.length === 0 ? texts().nothingNew(since) : texts().newSince(all.length, since));
  part(fresh, "fresh-list").replaceChildren(...all.slice(0, MOST_NEW).map(newItem));
  const more = all.length - MOST_NEW;
  setText(part(fresh, "fresh-more"), more > 0 ? texts().newMore(more) : "");
}

function newItem({ account, transaction }) {
  const item = copyOf("fresh-template");
  part(item, "date").textContent = day(transaction.date, currentLanguage());
  part(item, "description").textContent = transaction.description;
  part(item, "account").textContent = account.title;
  showAmount(part(item, "amount"), transaction, account.currency);
  return item;
}

function accountItem({ account, earlier, fresh }, isOpen) {
  const item = copyOf("account-template");
  translate(item);
  item.dataset.account = account.id;
  part(item, "title").textContent = account.title;
  part(item, "number").textContent = numberText(account);
  part(item, "balance-label").textContent = account.category === "Credits" ? texts().owing : texts().balance;
  part(item, "balance").textContent = balanceText(account);
  part(item, "aside").textContent = asideText(account, earlier);

  const recent = account.transactions.slice(0, MOST_TRANSACTIONS);
  const details = part(item, "transactions");
  details.hidden = recent.length === 0;
  details.open = isOpen;
  part(item, "summary").textContent = texts().transactions(recent.length);
  const count = part(item, "new-count");
  count.hidden = fresh.size === 0;
  count.textContent = texts().newCount(fresh.size);
  part(item, "table").setAttribute("aria-label", texts().transactionsOf(account.title));
  part(item, "rows").append(...recent.map((transaction) => transactionRow(transaction, account.currency, fresh.has(transaction))));
  return item;
}

function balanceText({ balance, currency }) {
  return balance.current == null ? "–" : money(balance.current, currency, currentLanguage());
}

/** What it was, when it has changed; otherwise what else can be spent. */
function asideText(account, earlier) {
  const { current, available } = account.balance;
  const hasChanged = earlier !== null && earlier.balance.current != null && earlier.balance.current !== current;
  if (hasChanged) return texts().was(balanceText(earlier));
  const saysMore = available != null && available !== current;
  return saysMore ? texts().available(money(available, account.currency, currentLanguage())) : "";
}

/** Type and number, as far as the bank told. */
function numberText({ type, lastFour }) {
  const name = texts().types[type] ?? type ?? texts().account;
  return lastFour == null ? name : texts().accountNumber(name, lastFour);
}

function transactionRow(transaction, currency, isNew) {
  const row = copyOf("transaction-template");
  translate(row);
  part(row, "date").textContent = day(transaction.date, currentLanguage());
  part(row, "description").textContent = transaction.description;
  part(row, "new").hidden = !isNew;
  row.classList.toggle("is-new", isNew);
  showAmount(part(row, "amount"), transaction, currency);
  return row;
}

function showAmount(element, { debit, credit }, currency) {
  const amount = Number(credit ?? 0) - Number(debit ?? 0);
  element.textContent = money(amount, currency, currentLanguage(), { signed: true });
  element.classList.toggle("in", amount > 0);
}
