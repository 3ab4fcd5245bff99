// Requests to the host's backend: by URL, or by a function of the page's.
//
// Invariant: whatever goes wrong becomes an answer, and the answer comes later: the page's functions never run inside the session's work.

import { DELIVERED, STARTED } from "./inputs.js";
import { inWords } from "./report.js";
import { raw } from "./value.js";

export class Host {
  #page;
  #start;
  #deliver;
  #headers;
  #credentials;
  #starting;

  /** From options that were proved. */
  constructor(options, page) {
    this.#page = page;
    this.#start = raw(options, "start");
    this.#deliver = raw(options, "deliver");
    this.#headers = raw(options, "headers");
    this.#credentials = raw(options, "credentials");
  }

  /** Begins a session. */
  start(call) {
    this.#starting = new AbortController();
    const { signal } = this.#starting;
    const start = this.#start;
    this.#ask(STARTED, call, async () =>
      typeof start === "string" ? read(await this.#post(start, { body: "{}", signal })) : success(await start(signal)),
    );
  }

  /** Gives up on beginning one. The error that this makes has a stack, which holds the session: it is not kept. */
  abort() {
    this.#starting?.abort();
    this.#starting = undefined;
  }

  /** Sends a result, which is a report. */
  deliver(number, report, timeoutMs) {
    const signal = AbortSignal.timeout(timeoutMs);
    const [, delivery] = inWords(report);
    const { attemptId } = delivery;
    const deliver = this.#deliver;
    this.#ask(DELIVERED, number, async () => {
      const answer =
        typeof deliver === "string" ? await read(await this.#send(deliver, delivery, signal)) : success(await deliver(delivery, { attemptId, signal }));
      // What the page gets as the result's `reply`.
      this.#page.reply = answer[1];
      return answer;
    });
  }

  #ask(kind, number, ask) {
    Promise.resolve().then(ask).catch(failure).then((answer) => this.#page.hear(kind, number, answer));
  }

  async #send(url, delivery, signal) {
    const init = { body: JSON.stringify(delivery), signal };
    try {
      return await this.#post(url, { ...init, keepalive: true }, delivery.attemptId);
    } catch (error) {
      if (signal.aborted) throw error;
      // The 64 KiB for keepalive requests are shared with everything on the page and may be used up.
      return this.#post(url, init, delivery.attemptId);
    }
  }

  /**
   * Never follows a redirect (a 307 would send the body, `loginId` included, to wherever it points), is never cached and tells no referrer.
   */
  async #post(url, init, key) {
    const given = this.#headers;
    const headers = new Headers(await given?.());
    headers.set("Content-Type", "application/json");
    headers.set("Accept", "application/json");
    // A string of structured fields (RFC 8941): the quotes belong to the value.
    if (key) headers.set("Idempotency-Key", `"${key}"`);
    return fetch(url, {
      ...init,
      method: "POST",
      headers,
      credentials: this.#credentials,
      redirect: "error",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  }
}

// An answer: `[isOk, reply, status, code, retryAfterMs]`.

const success = (reply) => [true, reply ?? null];

/** A response and the JSON of its body, or null: a host may answer with nothing, or with a page. */
async function read(response) {
  const body = await response.json().catch(() => null);
  return [response.ok, body, response.status, raw(body, "code"), retryAfterMs(response.headers.get("Retry-After") ?? "")];
}

/** An error of the page's own transport: with a `status`, it is an answer; without, there was none. */
const failure = (error) => [false, null, raw(error, "status"), raw(error, "code")];

/** Seconds or an HTTP date, as milliseconds from now. Anything else says nothing. */
function retryAfterMs(text) {
  if (/^\d+$/.test(text)) return text * 1_000;
  return text.endsWith("GMT") ? Date.parse(text) - Date.now() : undefined;
}
