// Notices what the page does to the widget's elements.
//
// - It takes them away: a morph, a page that a router swaps, a re-render that empties the container. What is not back by the end of the task is
//   gone, and the session with it.
// - It moves them, which makes the browser load Connect's frame again.
// - Its libraries for modals make everything else inert or hide it from assistive technology, also what comes later. Ours must stay usable.
//
// Only the children of the elements' ancestors are observed, not the whole document: whatever else the page changes costs it nothing.

/** The attributes that make an element unusable. */
const HIDING = ["inert", "aria-hidden"];

/** What the page did. */
export interface Happenings {
  /** The first element is gone for good. */
  elementsTaken(): void;
  /** Something changed around it, and it is in its place or another. */
  elementsStay(): void;
}

/** Watches elements, of which the first has everything in its shadow tree, until it is stopped. */
export class Presence {
  readonly #elements: readonly Element[];
  readonly #page: Document;
  readonly #happenings: Happenings;
  readonly #observer = new MutationObserver(() => this.#look());
  /** A container need not be on the page yet. */
  #wasOnPage = false;
  /** The end of the task in which the elements were taken away. */
  #taskEnd: ReturnType<typeof setTimeout> | undefined;

  constructor(elements: readonly [Element, ...Element[]], happenings: Happenings) {
    this.#elements = elements;
    this.#page = elements[0].ownerDocument;
    this.#happenings = happenings;
    this.observe();
  }

  stop(): void {
    this.#observer.disconnect();
    clearTimeout(this.#taskEnd);
  }

  get #isOnPage(): boolean {
    const element = this.#elements[0]!;
    return element.isConnected && element.ownerDocument === this.#page;
  }

  #look(): void {
    this.observe();
    if (this.#isOnPage) this.#happenings.elementsStay();
  }

  /** Observes the ancestors that the elements have now, or waits for the end of the task where they have been taken away. */
  observe(): void {
    if (!this.#isOnPage) {
      if (this.#wasOnPage) {
        this.#taskEnd ??= setTimeout(() => {
          this.#taskEnd = undefined;
          if (this.#isOnPage) this.#look();
          else this.#happenings.elementsTaken();
        });
      }
      return;
    }
    this.#wasOnPage = true;
    this.#observer.disconnect();
    for (const element of this.#elements) {
      for (const name of HIDING) element.removeAttribute(name);
      this.#observer.observe(element, { attributeFilter: HIDING });
    }
    let node: Node | null = this.#elements[0]!;
    // The parent in the page as it is composed: a shadow root's is its host.
    while ((node = node.parentNode ?? (node as Partial<ShadowRoot>).host ?? null)) this.#observer.observe(node, { childList: true });
  }
}
