// The sandbox in a Node program: `Sandbox.start()`.

import { SandboxError } from "./error.js";
import { listen } from "./listener.js";
import { fillIn, readState, World } from "./world.js";

export { SandboxError };

/** A local Flinks that is running: its Connect page and its API, on two ports. */
export class Sandbox {
  #world;
  #listeners;
  #options;

  constructor(world, listeners, options) {
    this.#world = world;
    this.#listeners = listeners;
    this.#options = options;
    this.connectUrl = `http://${reachable(options.connect)}/v2/`;
    this.apiUrl = `http://${reachable(options.api)}`;
    this.customerId = options.customerId;
    this.secretKey = options.secretKey;
    this.apiKey = options.apiKey;
  }

  /** Starts a sandbox: on two free loopback ports and with random keys, unless the options say otherwise. */
  static async start(options = {}) {
    const filled = fillIn(options);
    const state = readState(filled);
    // Whoever calls before the world is there waits for it.
    let ready;
    const world = new Promise((resolve) => (ready = resolve));
    const listeners = [];
    const close = () => Promise.all(listeners.map((listener) => listener.close()));
    try {
      for (const face of ["connect", "api"]) {
        const answer = async (request) => (await world).answer(face, request);
        const listener = await listen(`--${face}`, filled[face], answer);
        listeners.push(listener);
        filled[face] = listener.address;
      }
      const started = new World(filled, state);
      ready(started);
      return new Sandbox(started, listeners, filled);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** How it was set up, everything included: the keys, the ports that were free. */
  get options() {
    return { ...this.#options };
  }

  /** Sets up a named scenario, after a reset. Resolves with the page to load, the session that is open, and what happens then. */
  async scenario(name) {
    return this.#world.control("POST", "/_sandbox/scenario", { name });
  }

  /** The named scenarios there are. */
  async scenarios() {
    return this.#world.control("GET", "/_sandbox/scenarios").scenarios;
  }

  /** Replaces all faults; `{}` means that everything works. */
  async faults(faults) {
    return this.#world.control("POST", "/_sandbox/faults", faults);
  }

  /** Sends webhooks there from now on; null stops them. */
  async webhook(target) {
    return this.#world.control("POST", "/_sandbox/webhook", target ?? { url: null });
  }

  /** Pushes the clock. Resolves when everything that is due then has happened, webhooks included. */
  async advance(ms) {
    const time = this.#world.control("POST", "/_sandbox/clock", { advanceMs: ms });
    await this.#world.settled();
    return time;
  }

  /** What was received and posted since the start or the last reset, oldest first. */
  async log() {
    return this.#world.control("GET", "/_sandbox/log").entries;
  }

  /** Back to the beginning: seeded logins, no sessions, no faults, an empty log, the real time. */
  async reset() {
    this.#world.control("POST", "/_sandbox/reset");
  }

  /** Stops it. Calling it again does nothing. */
  async stop() {
    const listeners = this.#listeners.splice(0);
    if (listeners.length === 0) return;
    await this.#world.stop();
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

// `await using` exists in newer versions of Node only.
if (Symbol.asyncDispose) {
  Object.defineProperty(Sandbox.prototype, Symbol.asyncDispose, {
    value() {
      return this.stop();
    },
  });
}

/** Where this machine reaches a listener: one on every address by the loopback one. */
const reachable = (address) => address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
