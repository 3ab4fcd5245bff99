// The claim on a session among the tabs of this site, by the browser's Web Locks.
//
// Invariant: a claim lasts until it is released, and ends with the tab. A browser without locks (or a page that may not use them) holds
// everything: a second tab is then told by Flinks, not by us. That another tab has it is only ever the browser's word: one that is slow to answer
// has not said so, and one that takes a claim away (WebKit does from a page in its back-forward cache) is asked who has it now.

import { HELD } from "./inputs.js";

// Where a claim stands; `driver.rs` has the same numbers.
const OURS = 0;
const BUSY = 1;

/** How long a claim waits for one that is being let go, in milliseconds: closing and opening again at once is no conflict. */
const PATIENCE_MS = 1_000;

const IF_FREE = { ifAvailable: true };

export class Hold {
  #hear;
  #letGo = () => {};

  constructor({ hear }) {
    this.#hear = hear;
  }

  /** Claims a session, if need be from who has it. Where the claim stands is told, now and when it changes, until it is released. */
  claim(session, steal) {
    const hear = this.#hear;
    let isWanted = true;
    let free;
    this.release();
    this.#letGo = () => {
      isWanted = false;
      free?.();
    };
    const ask = async (options) => {
      let isHeld = false;
      let signal;
      // The lock lasts until the promise settles that this returns.
      const request = (options) =>
        navigator.locks.request(`flinks-reconnect:${session}`, options, (lock) => {
          // Another tab has it, so from now on it is waited for.
          if (!lock) return request({ signal: (signal = AbortSignal.timeout(PATIENCE_MS)) });
          isHeld = true;
          if (isWanted) hear(HELD, OURS);
          return isWanted && new Promise((resolve) => (free = resolve));
        });
      try {
        await request(options);
      } catch {
        if (isWanted) isHeld ? ask(IF_FREE) : hear(HELD, signal?.aborted ? BUSY : OURS);
      }
    };
    ask(steal ? { steal } : IF_FREE);
  }

  release() {
    this.#letGo();
  }
}
