// The claim on a session among the tabs of this site, by the browser's Web Locks.
//
// Invariant: a claim lasts until it is released, and ends with the tab. A browser without locks (or a page that may not use them) holds
// everything: a second tab is then told by Flinks, not by us. That another tab has it is only ever the browser's word: a browser that is slow
// to answer has not said so.

import { HELD } from "./inputs.js";

// Where a claim stands; `driver.rs` has the same numbers.
const OURS = 0;
const BUSY = 1;
const LOST = 2;

/** How long a claim waits for one that is being let go, in milliseconds: closing and opening again at once is no conflict. */
const PATIENCE_MS = 1_000;

export class Hold {
  #hear;
  #letGo = () => {};

  constructor({ hear }) {
    this.#hear = hear;
  }

  /** Claims a session, if need be from who has it. Where the claim stands is told now and when it is lost, until it is released. */
  claim(session, steal) {
    const hear = this.#hear;
    let isWanted = true;
    let isHeld = false;
    let signal;
    let free;
    this.release();
    this.#letGo = () => {
      isWanted = false;
      free?.();
    };
    // The lock lasts until the promise settles that this returns.
    const request = (options) =>
      navigator.locks.request(`flinks-reconnect:${session}`, options, (lock) => {
        // Another tab has it, so from now on it is waited for.
        if (!lock) return request({ signal: (signal = AbortSignal.timeout(PATIENCE_MS)) });
        isHeld = true;
        if (isWanted) hear(HELD, OURS);
        return isWanted && new Promise((resolve) => (free = resolve));
      });
    Promise.resolve(steal ? { steal } : { ifAvailable: true })
      .then(request)
      .catch(() => {
        if (isWanted) hear(HELD, isHeld ? LOST : signal?.aborted ? BUSY : OURS);
      });
  }

  release() {
    this.#letGo();
  }
}
