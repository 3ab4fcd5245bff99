// The accounts of one connection, as the host last fetched them.

import { copyOf, part, setText } from "./dom.js";
import { day, money, moment } from "./format.js";
import { currentLanguage, texts, translate } from "./texts.js";

const MOST_TRANSACTIONS = 20;

/** Before the first refresh. */
export const NO_ACCOUNTS = Object.freeze({ asOf: null, accounts: [] });

/** Shows `accounts` in a card's section; hides it while there are none. */
export function showAccounts(section, { asOf, accounts }, bank) {
  section.hidden = accounts.length === 0;
  section.setAttribute("aria-label", texts().accounts(bank));
  setText(part(section, "as-of"), asOf === null ? "" : texts().asOf(moment(asOf, currentLanguage())));

  const list = part(section, "account-list");
  // What the reader opened stays open when newer data comes.
  const open = new Set([...list.querySelectorAll("details[open]")].map((details) => details.closest("[data-account]").dataset.account));
  list.replaceChildren(...accounts.map((account) => accountItem(account, open.has(account.id))));
}

function accountItem(account, isOpen) {
  const item = copyOf("account-template");
  translate(item);
  const language = currentLanguage();
  const isOwed = account.category === "Credits";

  item.dataset.account = account.id;
  part(item, "title").textContent = account.title;
  part(item, "number").textContent = numberText(account);
  part(item, "balance-label").textContent = isOwed ? texts().owing : texts().balance;
  const { current, available } = account.balance;
  part(item, "balance").textContent = current == null ? "–" : money(current, account.currency, language);
  const saysMore = available != null && available !== current;
  part(item, "available").textContent = saysMore ? texts().available(money(available, account.currency, language)) : "";

  const recent = account.transactions.slice(0, MOST_TRANSACTIONS);
  const details = part(item, "transactions");
  details.hidden = recent.length === 0;
  details.open = isOpen;
  part(item, "summary").textContent = texts().transactions(recent.length);
  part(item, "table").setAttribute("aria-label", texts().transactionsOf(account.title));
  part(item, "rows").append(...recent.map((transaction) => transactionRow(transaction, account.currency)));
  return item;
}

/** Type and number, as far as the bank told. */
function numberText({ type, lastFour }) {
  const name = texts().types[type] ?? type ?? texts().account;
  return lastFour == null ? name : texts().accountNumber(name, lastFour);
}

function transactionRow({ date, description, debit, credit }, currency) {
  const row = copyOf("transaction-template");
  const language = currentLanguage();
  const amount = Number(credit ?? 0) - Number(debit ?? 0);
  part(row, "date").textContent = day(date, language);
  part(row, "description").textContent = description;
  part(row, "amount").textContent = money(amount, currency, language, { signed: true });
  part(row, "amount").classList.toggle("in", amount > 0);
  return row;
}
