// What the user sees: the dialog or the page's container, the status line, the buttons, and the place for Connect's frame.
//
// Invariants: everything stands in a shadow tree, so that nothing leaks in from the page's styles or out to them, and nobody finds the frame among
// the page's own. Styling goes through the style object model only, which a strict Content-Security-Policy allows, and nothing is ever parsed as
// HTML. What to show is decided in Rust.

import type { Ui } from "flinks-reconnect:glue";
import style from "./ui.css";
import { lockScrolling } from "./scrolling.js";
import { type Actions, type Button, VIEWS, type View, stay } from "./views.js";
import { type Language, type TextName, text } from "./words.js";
import type { ViewName } from "./names.js";

/** What can be styled from outside. In a container that is in a shadow tree itself, as the element's is, the page reaches these through its host. */
export const PARTS = ["panel", "header", "title", "close", "about", "status", "alert", "buttons", "retry", "stay", "leave", "body", "skeleton", "frame"];

/** How long texts wait until screen readers have noticed that there is a place for them, in milliseconds. */
const ANNOUNCE_DELAY_MS = 50;

/** How long the last text stays for screen readers, in milliseconds. */
const SUCCESS_MS = 1_000;

/** The dialog is in reach of the page's styles; these go on it as `!important`, and what they do not say is the browser's default. Of spacing they say nothing. */
const DIALOG_STYLE = {
  all: "initial", position: "fixed", inset: "0", width: "100%", height: "100%", overflow: "hidden", display: "block", "letter-spacing": "", "word-spacing": "",
};

/** For assistive technology only. */
const UNSEEN_STYLE = { ...DIALOG_STYLE, width: "1px", height: "1px", "clip-path": "inset(50%)" };

let count = 0;

export class WidgetUi implements Ui {
  readonly #settings: Settings;
  /** On the page, from the first view until it is hidden. */
  #surface: Surface | undefined;

  constructor(container: Element | undefined, language: Language, labels: Partial<Record<TextName, string>> | undefined, actions: Actions) {
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
  actions: Actions;
}

/** Everything of ours on the page. */
class Surface {
  /** The live region that outlasts the rest. */
  readonly announcer: HTMLElement;
  /** Where the frame goes. */
  readonly body: HTMLElement;
  readonly #settings: Settings;
  readonly #element = document.createElement("div");
  readonly #shadow: ShadowRoot;
  readonly #panel: HTMLElement;
  readonly #status: HTMLElement;
  readonly #alert: HTMLElement;
  readonly #buttons: HTMLElement;
  /** Aborted when it leaves the page. Not with an error: its stack would hold the session, past the module's memory, for ever. */
  readonly #left = new AbortController();
  #dialog: HTMLDialogElement | undefined;
  #frame: HTMLIFrameElement | undefined;
  #view: View | undefined;
  /** The timer until the first text. */
  #announceTimer: ReturnType<typeof setTimeout> | undefined;
  #unlockScrolling: (() => void) | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    const { container, lang, say, actions } = settings;
    const element = this.#element;
    element.className = "flinks-reconnect";
    element.setAttribute("exportparts", PARTS.join());
    element.lang = lang;
    this.#shadow = element.attachShadow({ mode: "open" });
    // A constructed style sheet passes a strict Content-Security-Policy.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    this.#shadow.adoptedStyleSheets = [sheet];
    this.#panel = part(this.#shadow, "div", "panel", { tabindex: "-1" });
    if (!container) {
      // No <header>, which would be another banner of the page's.
      const header = part(this.#panel, "div", "header");
      part(header, "h2", "title").textContent = say("title");
      this.#button(header, "close", "close", () => actions.closedByUser());
      part(this.#panel, "slot", "about", { name: "about" });
    }
    this.#status = part(this.#panel, "p", "status", { role: "status" });
    this.#alert = part(this.#panel, "p", "alert", { role: "alert" });
    this.#buttons = part(this.#panel, "div", "buttons");
    this.body = part(this.#panel, "div", "body");
    part(this.body, "div", "skeleton", { "aria-hidden": "true" });
    this.announcer = document.createElement("div");
    this.announcer.setAttribute("role", "status");
    this.announcer.lang = lang;
    setStyle(this.announcer, UNSEEN_STYLE);
    try {
      document.body.append(this.announcer);
      if (container) container.append(element);
      else this.#raiseDialog();
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
    if (this.#announceTimer === undefined) this.#announce();
    this.#element.dataset["view"] = view.text;
    this.#element.classList.toggle("waiting", view.isWaiting === true);
    this.#offer(view.buttons);
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
    this.#unlockScrolling?.();
    const dialog = this.#dialog;
    this.#left.abort(null);
    // Closing gives the focus back to the opener; but if the page has moved it elsewhere since, it stays there.
    if (dialog?.contains(document.activeElement)) dialog.close();
    (dialog ?? this.#element).remove();
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
    const [first] = buttons.map((button) =>
      this.#button(this.#buttons, button.part, button.text, () => {
        this.#settings.actions[button.action]();
        // They go on in Connect.
        if (button === stay) this.#frame?.focus();
      }),
    );
    // The safe button first where something must be chosen; the panel if the focus would be lost.
    if (buttons.some(({ part }) => part === "leave")) first?.focus();
    else if (hadFocus) this.#panel.focus();
  }

  #raiseDialog(): void {
    const { lang, say } = this.#settings;
    const dialog = document.createElement("dialog");
    this.#dialog = dialog;
    setStyle(dialog, DIALOG_STYLE);
    this.#element.classList.add("modal");
    // The page sees the dialog from outside the shadow tree, so its description stands there too.
    const about = document.createElement("p");
    about.slot = "about";
    about.id = `flinks-reconnect-about-${(count += 1)}`;
    about.textContent = say("about");
    this.#element.append(about);
    dialog.lang = lang;
    dialog.setAttribute("aria-label", say("title"));
    dialog.setAttribute("aria-describedby", about.id);
    dialog.append(this.#element);
    document.body.append(dialog);
    dialog.showModal();
    this.#unlockScrolling = lockScrolling();
    const { signal } = this.#left;
    // Esc asks to close; the session decides. A browser that will not be prevented closes anyway, which is the same wish and must count once.
    const close = () => this.#settings.actions.closedByUser();
    dialog.addEventListener("cancel", (event) => event.cancelable && (event.preventDefault(), close()), { signal });
    dialog.addEventListener("close", () => (dialog.isConnected && dialog.showModal(), close()), { signal });
  }

  #button(parent: Element, name: string, label: TextName, action: () => void): HTMLElement {
    const button = part(parent, "button", name, { type: "button" });
    button.textContent = this.#settings.say(label);
    button.addEventListener("click", action, { signal: this.#left.signal });
    return button;
  }
}

function part(parent: ParentNode & Node, tag: string, name: string, attributes: Record<string, string> = {}): HTMLElement {
  const element = document.createElement(tag);
  for (const [attribute, value] of Object.entries({ part: name, ...attributes })) element.setAttribute(attribute, value);
  parent.append(element);
  return element;
}

function setStyle(element: HTMLElement, rules: Record<string, string>): void {
  for (const [name, value] of Object.entries(rules)) element.style.setProperty(name, value, "important");
}
