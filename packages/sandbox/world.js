// One sandbox in the module, and what the module leaves to us: waiting, posting webhooks, keeping the state file.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { complaining, SandboxError } from "./error.js";
import { module } from "./module.js";

/** How long a host may take to answer a webhook, in real time. */
const PATIENCE_MS = 10_000;
/** How often the state file is brought up to date. */
const KEEP_EVERY_MS = 250;
/** A timer cannot be set further ahead. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Options with everything in them that was left out. */
export const fillIn = (options) => JSON.parse(complaining(() => module().fill_in(JSON.stringify(options))));

/** The text of the state file, empty when there is none; refused like the binary does, before anything listens. */
export function readState(options) {
  let text = "";
  if (options.stateFile) {
    try {
      text = readFileSync(options.stateFile, "utf8");
    } catch (error) {
      if (error.code !== "ENOENT") throw new SandboxError(`--state: ${options.stateFile}: ${error.message}`);
    }
    if (text === "" && isThere(options.stateFile)) throw new SandboxError(`--state: ${options.stateFile}: is no state of a sandbox (it is empty)`);
  }
  complaining(() => new (module().World)(JSON.stringify(options), text)).free();
  return text;
}

function isThere(file) {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

export class World {
  #inner;
  #stateFile;
  #kept;
  #keeping;
  /** What waits for time; each is called when the clock was moved, and when everything stops. */
  #waiting = new Set();
  #isStopped = false;
  #delivering;
  #deliverLater;

  constructor(options, state) {
    this.#inner = complaining(() => new (module().World)(JSON.stringify(options), state));
    this.#kept = state;
    this.#stateFile = options.stateFile;
    if (this.#stateFile) {
      // Now, not in a quarter of a second: a folder that cannot be written to is a wrong flag.
      try {
        this.#keep();
      } catch (error) {
        throw new SandboxError(`--state: ${this.#stateFile}: ${error.message}`);
      }
      this.#keeping = setInterval(() => this.#keepQuietly(), KEEP_EVERY_MS);
      this.#keeping.unref();
    }
    this.#deliverDue();
  }

  /** Answers a request that came to the face "connect" or "api"; null closes its connection. */
  async answer(face, { method, target, headers, body, gone }) {
    const path = target.split("?", 1)[0];
    const latency = this.#now().latency_ms(face, path);
    if (latency > 0) await this.#pause(latency, gone);
    // Who has given up before Flinks saw the call has not called.
    if (this.#isStopped || gone?.aborted) return null;
    const { status, headers: answered, dueMs, body: bytes } = this.#handle(face, method, target, headers, body);
    if (dueMs !== null) await this.#until(dueMs, gone);
    return status === null ? null : { status, headers: answered, body: bytes };
  }

  /** Calls the control interface, not over the network. */
  control(method, path, value) {
    const headers = [["host", "localhost"], ["content-type", "application/json"]];
    const body = value === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(value));
    const { status, body: bytes } = this.#handle("api", method, path, headers, body);
    const said = JSON.parse(Buffer.from(bytes).toString());
    if (status !== 200) throw new SandboxError(said.error);
    return said;
  }

  /** Resolves when every webhook that is due has been tried. */
  async settled() {
    while (this.#delivering) await this.#delivering;
  }

  async stop() {
    this.#isStopped = true;
    clearTimeout(this.#deliverLater);
    clearInterval(this.#keeping);
    this.#wake();
    this.#keepQuietly();
    await this.#delivering;
    this.#inner.free();
  }

  #now() {
    module();
    return this.#inner;
  }

  #handle(face, method, target, headers, body) {
    const bytes = this.#now().handle(face, method, target, JSON.stringify(headers), body);
    const end = bytes.indexOf(10);
    const head = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, end).toString());
    // The clock may have been pushed.
    if (target.startsWith("/_sandbox/")) this.#wake();
    this.#deliverDue();
    return { ...head, body: bytes.subarray(end + 1) };
  }

  #wake() {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Waits so many real milliseconds. */
  async #pause(ms, gone) {
    const end = performance.now() + ms;
    for (let left = ms; left > 0 && !this.#isStopped && !gone?.aborted; left = end - performance.now()) await this.#moment(left, gone);
  }

  /** Waits for that time on the sandbox's clock: it passes, or the clock is pushed there. A reset ends the wait. */
  async #until(dueMs, gone) {
    const [, resets] = this.#now().left(dueMs);
    while (!this.#isStopped && !gone?.aborted) {
      const [left, resetsNow] = this.#now().left(dueMs);
      if (left === 0 || resets !== resetsNow) return;
      await this.#moment(left, gone);
    }
  }

  /** Resolves after so many milliseconds, or when the clock was moved, or when nobody waits any more. */
  #moment(ms, gone) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        gone?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(Math.ceil(ms), LONGEST_TIMER_MS));
      this.#waiting.add(wake);
      gone?.addEventListener("abort", wake);
    });
  }

  /** Posts what is due, one after the other, and comes back when the next one is. */
  #deliverDue() {
    clearTimeout(this.#deliverLater);
    if (this.#delivering || this.#isStopped) return;
    const idle = this.#now().idle_ms();
    if (idle === undefined) return;
    if (idle > 0) {
      this.#deliverLater = setTimeout(() => this.#deliverDue(), Math.min(idle, LONGEST_TIMER_MS));
      this.#deliverLater.unref();
      return;
    }
    this.#delivering = this.#deliver().finally(() => {
      this.#delivering = undefined;
      this.#deliverDue();
    });
  }

  async #deliver() {
    while (!this.#isStopped) {
      const next = JSON.parse(this.#now().next_webhook());
      if (!next) return;
      const status = await post(next);
      if (!this.#isStopped) this.#now().webhook_tried(next.delivery, status);
    }
  }

  #keepQuietly() {
    try {
      if (this.#stateFile) this.#keep();
    } catch (error) {
      console.error(`flinks-sandbox: the state could not be written: ${error.message}`);
    }
  }

  /** Writes the state if it is another than the last time: beside the file first, then over it. */
  #keep() {
    const text = this.#now().state();
    if (text === this.#kept) return;
    const beside = `${this.#stateFile}.new`;
    // It holds authorize tokens and the webhook's secret.
    const file = openSync(beside, "w", 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, this.#stateFile);
    this.#kept = text;
  }
}

/** The status a host answers a webhook with; undefined when it does not. A redirect is not followed. */
function post({ url, signature, body }) {
  return new Promise((resolve) => {
    const { request } = url.startsWith("https:") ? https : http;
    const headers = { "content-type": "application/json", "flinks-authenticity-key": signature, "content-length": Buffer.byteLength(body) };
    const call = request(url, { method: "POST", headers, agent: false, signal: AbortSignal.timeout(PATIENCE_MS) });
    call.on("response", (response) => {
      response.resume();
      response.on("error", () => {});
      resolve(response.statusCode);
    });
    call.on("error", () => resolve(undefined));
    call.end(body);
  });
}
