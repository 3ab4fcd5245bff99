// One connection on the page: a view of what the host says, plus what the page is doing about it right now.

import { countNew, NO_ACCOUNTS, showAccounts, showBefore } from "./accounts.js";
import { copyOf, part, setText } from "./dom.js";
import { initials, moment } from "./format.js";
import { currentLanguage, texts, translate } from "./texts.js";

const TINTS = 4;

export class Card {
  /** @type {{id: string, institution: string, reason: string, status: string, lastRefresh: string | null}} */
  connection;
  /** What the application had before the accounts it has now. */
  #before = NO_ACCOUNTS;
  #accounts = NO_ACCOUNTS;
  #drawnAccounts = { before: null, accounts: null, language: "" };
  /** `open` (a session is with the user), `fetching` (the host gets the data) or null. */
  #activity = null;
  /** Functions, so that a change of language says the same again. */
  #news = () => "";
  #alert = () => "";

  /** @param {{onReconnect: (card: Card) => void}} actions */
  constructor(connection, position, { onReconnect }) {
    const { id } = connection;
    this.connection = connection;
    this.element = copyOf("card-template");
    this.element.dataset.testid = `connection-${id}`;
    this.#part("status").dataset.testid = `status-${id}`;
    this.#part("before").dataset.testid = `before-${id}`;
    this.#part("accounts").dataset.testid = `accounts-${id}`;
    this.#part("fresh").dataset.testid = `new-${id}`;
    this.#part("news").dataset.testid = `news-${id}`;
    this.#part("alert").dataset.testid = `alert-${id}`;
    this.#part("monogram").dataset.tint = String((position % TINTS) + 1);

    const button = this.#part("button");
    button.dataset.testid = `reconnect-${id}`;
    // "Reconnect" four times over says nothing to whoever hears the buttons only: the bank belongs to the name.
    button.id = `reconnect-${id}`;
    this.#part("bank").id = `bank-${id}`;
    button.setAttribute("aria-labelledby", `reconnect-${id} bank-${id}`);
    button.addEventListener("click", () => {
      if (this.#activity === null) onReconnect(this);
    });
    this.render();
  }

  get id() {
    return this.connection.id;
  }

  get bank() {
    return this.connection.institution;
  }

  get isBusy() {
    return this.#activity !== null;
  }

  /** What the host says now. */
  show(connection) {
    this.connection = connection;
    this.render();
  }

  /** No reconnect has brought anything yet: this is what the application had. */
  showBefore(before) {
    this.#before = before;
    this.#accounts = NO_ACCOUNTS;
    this.render();
  }

  /** What the last refresh brought; it is compared with what was shown so far. */
  showAccounts(reply) {
    if (this.#accounts.accounts.length > 0) this.#before = this.#accounts;
    this.#accounts = reply;
    this.render();
  }

  /** How many transactions the last refresh brought. */
  get newCount() {
    return countNew(this.#before, this.#accounts);
  }

  get accountCount() {
    return this.#accounts.accounts.length;
  }

  setActivity(activity) {
    this.#activity = activity;
    this.render();
  }

  /** Good news and neutral news: told when the reader is free. */
  tell(news) {
    this.#say(news, () => "");
  }

  /** Bad news: told at once. */
  warn(alert) {
    this.#say(() => "", alert);
  }

  get isWarning() {
    return this.#alert() !== "";
  }

  hush() {
    this.#say(() => "", () => "");
  }

  #say(news, alert) {
    this.#news = news;
    this.#alert = alert;
    this.render();
  }

  render() {
    const { institution, status, lastRefresh, problem } = this.connection;
    const isFetching = this.#activity === "fetching";

    translate(this.element);
    setText(this.#part("bank"), institution);
    setText(this.#part("monogram"), initials(institution));
    const badge = this.#part("status");
    badge.dataset.status = status;
    setText(badge, texts().status[status] ?? status);
    setText(this.#part("why"), this.#why());
    setText(this.#part("refreshed"), lastRefresh === null ? texts().never : moment(lastRefresh, currentLanguage()));
    const isProblem = problem != null && status === "needs-attention";
    this.#part("problem").hidden = !isProblem;
    setText(this.#part("problem-code"), isProblem ? problem.code : "");

    const button = this.#part("button");
    setText(button, isFetching ? texts().updating : this.#invitation());
    button.classList.toggle("quiet", status === "up-to-date");
    // Not `disabled`: the closing dialog gives focus back to this button, and a disabled one would drop it.
    button.setAttribute("aria-disabled", String(this.isBusy));

    this.element.classList.toggle("fetching", isFetching);
    setText(this.#part("news"), this.#news());
    setText(this.#part("alert"), this.#alert());
    this.#renderAccounts();
  }

  /** Only when something changed: whoever is reading in the list keeps their place. */
  #renderAccounts() {
    const drawn = { before: this.#before, accounts: this.#accounts, language: currentLanguage() };
    if (Object.keys(drawn).every((name) => drawn[name] === this.#drawnAccounts[name])) return;
    showBefore(this.#part("before"), this.#accounts.accounts.length === 0 ? this.#before : NO_ACCOUNTS);
    showAccounts(this.#part("accounts"), this.#accounts, this.#before, this.bank);
    this.#drawnAccounts = drawn;
  }

  #why() {
    const { reason, selectedAccounts, status } = this.connection;
    if (status === "up-to-date") return texts().whyUpToDate;
    // While the data is on its way there is nothing for the user to pick up.
    if (status === "in-progress" && this.#activity !== "fetching") return texts().whyInProgress;
    const { why } = texts();
    return (Object.hasOwn(why, reason) ? why[reason] : why.other)(selectedAccounts);
  }

  #invitation() {
    const { reason, status } = this.connection;
    if (status === "in-progress") return texts().resume;
    return status === "up-to-date" || reason === "update-requested" ? texts().update : texts().reconnect;
  }

  #part(name) {
    return part(this.element, name);
  }
}
