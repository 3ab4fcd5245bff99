// Who posted a message: only the browser can say, and only here is it asked.
//
// Invariants: the questions have one order and end with the first no; the data is not among them, because reading it makes the browser deserialise what
// a stranger sent. A stranger's message costs the page no more than this: the module never hears of it.

export class Gate {
  #frame;
  #origin;
  /** Strangers' messages, by the question that stopped them. */
  dropped = { isTrusted: 0, source: 0, origin: 0 };

  /** For the messages of this frame while it is at this origin. */
  constructor(frame, origin) {
    this.#frame = frame;
    this.#origin = origin;
  }

  admits(event) {
    const failed = this.#failedBy(event);
    if (failed) this.dropped[failed] += 1;
    return !failed;
  }

  #failedBy(event) {
    // A script made it.
    if (!event.isTrusted) return "isTrusted";
    // A detached frame has no window and a vanished sender is null: null must never equal null.
    const { contentWindow } = this.#frame;
    if (contentWindow === null || event.source !== contentWindow) return "source";
    if (event.origin !== this.#origin) return "origin";
  }
}
