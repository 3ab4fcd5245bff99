// What the user sees: the dialog or the page's container, the status line, the buttons, and the place for Connect's frame.
//
// Invariants: everything stands in a shadow tree, the dialog too, so that nothing leaks in from the page's styles or out to them, nobody finds the
// frame among the page's own, and a copy of the page's markup has an empty element in their place. Styling goes through constructed style sheets,
// which a strict Content-Security-Policy allows, and nothing is ever parsed as HTML. What to show is decided in Rust.

import type { Ui } from "flinks-reconnect:glue";
import style from "./ui.css";
import { guardModal } from "./modal-guard.js";
import { type Happenings, Presence } from "./presence.js";
import { lockScrolling } from "./scrolling.js";
import { styleSheet } from "./style-sheet.js";
import { type Actions, type Button, VIEWS, type View, close, stay } from "./views.js";
import { type Language, type TextName, text } from "./words.js";
import type { ViewName } from "./names.js";

/** What can be styled from outside. In a container that is in a shadow tree itself, as the element's is, the page reaches these through its host. */
export const PARTS = ["panel", "header", "title", "close", "about", "status", "alert", "buttons", "retry", "stay", "leave", "body", "skeleton", "frame"];

/** How long texts wait until screen readers have noticed that there is a place for them, in milliseconds. */
const ANNOUNCE_DELAY_MS = 50;

/** How long the last text stays for screen readers, in milliseconds. */
const SUCCESS_MS = 1_000;

/** For assistive technology only. */
const UNSEEN_STYLE = { all: "initial", position: "fixed", width: "1px", height: "1px", overflow: "hidden", "clip-path": "inset(50%)" };

export class WidgetUi implements Ui {
  readonly #settings: Settings;
  /** On the page, from the first view until it is hidden. */
  #surface: Surface | undefined;

  constructor(container: Element | undefined, language: Language, labels: Partial<Record<TextName, string | undefined>> | undefined, actions: Actions & Happenings) {
    this.#settings = { container, lang: language === "fr" ? "fr-CA" : "en", say: (name) => text(name, language, labels), actions };
  }

  get #onPage(): Surface {
    return (this.#surface ??= new Surface(this.#settings));
  }

  show(name: ViewName): void {
    this.#onPage.show(VIEWS[name]);
  }

  frameTitle(): string {
    return this.#settings.say("frame");
  }

  framePlace(): Element {
    return this.#onPage.body;
  }

  frameOpened(frame: HTMLIFrameElement): void {
    this.#surface?.frameOpened(frame);
  }

  frameCloses(): void {
    this.#surface?.frameCloses();
  }

  resize(heightPx: number): void {
    this.#surface?.resize(heightPx);
  }

  hide(): void {
    this.#leave()?.remove();
  }

  hideAndAnnounceSuccess(): void {
    const announcer = this.#leave();
    if (!announcer) return;
    announcer.textContent = this.#settings.say("sent");
    setTimeout(() => announcer.remove(), SUCCESS_MS);
  }

  /** Takes all but the announcer off the page. */
  #leave(): HTMLElement | undefined {
    const surface = this.#surface;
    this.#surface = undefined;
    surface?.leave();
    return surface?.announcer;
  }
}

interface Settings {
  container: Element | undefined;
  lang: string;
  say: (name: TextName) => string;
  actions: Actions & Happenings;
}

/** Everything of ours on the page. */
class Surface {
  /** The live region that outlasts the rest. */
  readonly announcer: HTMLElement;
  /** Where the frame goes. */
  readonly body: HTMLElement;
  /** What stands in the page, around everything but the announcer. */
  readonly #element: HTMLElement;
  readonly #settings: Settings;
  readonly #shadow: ShadowRoot;
  readonly #panel: HTMLElement;
  readonly #status: HTMLElement;
  readonly #alert: HTMLElement;
  readonly #buttons: HTMLElement;
  #dialog: HTMLDialogElement | undefined;
  #frame: HTMLIFrameElement | undefined;
  #view: View | undefined;
  /** The timer until the first text. */
  #announceTimer: ReturnType<typeof setTimeout> | undefined;
  /** What gives back what was taken: listeners, the page's scrolling. */
  readonly #release: (() => void)[] = [];
  #presence: Presence | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    const { container, lang, say, actions } = settings;
    // The container may be in a document that is not this script's.
    const page = container?.ownerDocument ?? document;
    const element = (this.#element = page.createElement("div"));
    element.className = "flinks-reconnect";
    element.setAttribute("exportparts", PARTS.join());
    element.lang = lang;
    this.#shadow = element.attachShadow({ mode: "open" });
    this.#shadow.adoptedStyleSheets = [styleSheet(page, style)];
    if (!container) this.#dialog = this.#modal();
    // Its direction is the title's. The other texts, which the page may have replaced too, have each their own.
    this.#panel = part(this.#dialog ?? this.#shadow, "div", "panel", { tabindex: "-1", dir: "auto" });
    if (!container) {
      // No <header>, which would be another banner of the page's.
      const header = part(this.#panel, "div", "header");
      part(header, "h2", "title").textContent = say("title");
      this.#button(header, close);
      part(this.#panel, "p", "about", { id: "about", dir: "auto" }).textContent = say("about");
    }
    this.#status = part(this.#panel, "p", "status", { role: "status", dir: "auto" });
    this.#alert = part(this.#panel, "p", "alert", { role: "alert", dir: "auto" });
    this.#buttons = part(this.#panel, "div", "buttons");
    this.body = part(this.#panel, "div", "body");
    part(this.body, "div", "skeleton", { "aria-hidden": "true" });
    this.announcer = page.createElement("div");
    this.announcer.setAttribute("role", "status");
    this.announcer.lang = lang;
    // Turbo leaves such elements out of the copies that it keeps of pages.
    for (const ours of [element, this.announcer]) ours.dataset["turboTemporary"] = "";
    for (const [name, value] of Object.entries(UNSEEN_STYLE)) this.announcer.style.setProperty(name, value, "important");
    try {
      page.body.append(this.announcer);
      (container ?? page.body).append(element);
      if (this.#dialog) {
        this.#dialog.showModal();
        this.#release.push(lockScrolling(), guardModal(element));
      }
      this.#presence = new Presence([element, this.announcer], actions);
    } catch (error) {
      this.leave();
      this.announcer.remove();
      throw error;
    }
    // Live regions are announced only when they exist before their text does.
    this.#announceTimer = setTimeout(() => {
      this.#announceTimer = undefined;
      this.#announce();
    }, ANNOUNCE_DELAY_MS);
  }

  show(view: View): void {
    this.#view = view;
    this.#presence?.observe();
    if (this.#announceTimer === undefined) this.#announce();
    this.#element.dataset["view"] = view.text;
    this.#element.classList.toggle("waiting", view.isWaiting === true);
    this.#offer(view.isFailure && !this.#dialog ? [...view.buttons, close] : view.buttons);
  }

  frameOpened(frame: HTMLIFrameElement): void {
    this.#frame = frame;
    this.#element.classList.add("framed");
  }

  frameCloses(): void {
    const hadFocus = this.#shadow.activeElement === this.#frame;
    this.#frame = undefined;
    this.#element.classList.remove("framed");
    // Else the focus would be nowhere, and could not be given back.
    if (hadFocus) this.#panel.focus({ preventScroll: true });
  }

  resize(heightPx: number): void {
    this.#element.style.setProperty("--_height", `${heightPx}px`);
  }

  leave(): void {
    clearTimeout(this.#announceTimer);
    this.#presence?.stop();
    // Closing gives the focus back to the opener; but if the page has moved it elsewhere since, it stays there.
    if (this.#shadow.activeElement) this.#dialog?.close();
    this.#element.remove();
    for (const release of this.#release) release();
  }

  #announce(): void {
    if (!this.#view) return;
    const said = this.#settings.say(this.#view.text);
    const isPolite = this.#view.tone === "polite";
    this.#status.textContent = isPolite ? said : "";
    this.#alert.textContent = isPolite ? "" : said;
  }

  #offer(buttons: readonly Button[]): void {
    const hadFocus = this.#buttons.contains(this.#shadow.activeElement);
    this.#buttons.replaceChildren();
    const [first] = buttons.map((button) => this.#button(this.#buttons, button));
    // The safe button first where something must be chosen; the panel if the focus would be lost.
    if (buttons.some(({ part }) => part === "leave")) first?.focus();
    else if (hadFocus) this.#panel.focus();
  }

  #modal(): HTMLDialogElement {
    this.#element.classList.add("modal");
    const dialog = this.#shadow.appendChild(document.createElement("dialog"));
    dialog.setAttribute("aria-label", this.#settings.say("title"));
    dialog.setAttribute("aria-describedby", "about");
    // Esc asks to close; the session decides. A browser that will not be prevented closes anyway, which is the same wish and must count once.
    const close = () => this.#settings.actions.closedByUser();
    this.#listen(dialog, "cancel", (event) => event.cancelable && (event.preventDefault(), close()));
    this.#listen(dialog, "close", () => dialog.isConnected && (dialog.showModal(), close()));
    return dialog;
  }

  #button(parent: Element, button: Button): HTMLElement {
    const element = part(parent, "button", button.part, { type: "button", dir: "auto" });
    element.textContent = this.#settings.say(button.text);
    this.#listen(element, "click", () => {
      this.#settings.actions[button.action]();
      // They go on in Connect.
      if (button === stay) this.#frame?.focus();
    });
    return element;
  }

  #listen(target: EventTarget, type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener);
    this.#release.push(() => target.removeEventListener(type, listener));
  }
}

function part(parent: ParentNode & Node, tag: string, name: string, attributes: Record<string, string> = {}): HTMLElement {
  const element = parent.ownerDocument!.createElement(tag);
  for (const [attribute, value] of Object.entries({ part: name, ...attributes })) element.setAttribute(attribute, value);
  parent.append(element);
  return element;
}
