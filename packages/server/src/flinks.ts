// Calls to Flinks. The rules say what is sent and how an answer is read; this sends it.
//
// Invariants: no redirect is followed, so no key goes to another host; an exchange is bounded in time and in bytes; what failed is told
// by kind, never by a text of Flinks' or an address.

import type { Log } from "./log.js";
import { type Answer, type Call, readAnswer, requestOf, type Settings, type ToSend } from "./rules.js";

/** What opens Flinks. */
export interface Access {
  apiUrl: string;
  customerId: string;
  secretKey: string;
  apiKey: string;
}

/** What came of a call, and the accounts' data where that was it. */
export interface Called {
  answer: Answer;
  data: string | null;
}

/** The accounts of a login with their transactions. */
const MAX_BODY = 16 * 1024 * 1024;

type Failure = { trouble: "unreachable" | "silent" | "unreadable"; sent: "no" | "perhaps" };

export class Flinks {
  constructor(
    private readonly access: Access,
    private readonly settings: Settings,
    private readonly send: typeof fetch,
    private readonly log: Log,
  ) {}

  /** Makes a call, with a token bought for it where it needs one. `nowMs` asks the clock that the call was decided by. */
  async call(call: Call, nowMs: () => Promise<number>): Promise<Called> {
    const request = requestOf(this.settings, call);
    if (request.key !== "fresh") return this.exchange(call, request, typeof request.key === "string" ? null : request.key.token);
    const buying: Call = { call: "token" };
    const { answer } = await this.exchange(buying, requestOf(this.settings, buying), null);
    if (answer.answer === "token") {
      if (request.byMs === null || (await nowMs()) <= request.byMs) return this.exchange(call, request, answer.token);
      // This process may have stood still, and another one may have signed in.
      this.log("warn", "a call came too late to be sent", { endpoint: request.endpoint });
      return failed({ trouble: "silent", sent: "no" });
    }
    // The call itself was not sent.
    if (answer.answer === "failed") return { answer: { ...answer, sent: "no" }, data: null };
    if (answer.answer === "code") return { answer, data: null };
    return failed({ trouble: "unreadable", sent: "no" });
  }

  private async exchange(call: Call, request: ToSend, token: string | null): Promise<Called> {
    const outcome = await this.sendOnce(request, token);
    let called: Called;
    if ("trouble" in outcome) called = failed(outcome);
    else {
      const answer = readAnswer(call, token, outcome.status, outcome.retryAfterMs, outcome.body);
      called = { answer, data: answer.answer === "data" ? new TextDecoder().decode(outcome.body) : null };
    }
    if (called.answer.answer === "failed") this.log("warn", "asking Flinks failed", { endpoint: request.endpoint, trouble: called.answer.trouble.trouble });
    return called;
  }

  private async sendOnce(request: ToSend, token: string | null): Promise<Failure | { status: number; retryAfterMs: number | null; body: Uint8Array }> {
    const { apiUrl, customerId, secretKey, apiKey } = this.access;
    const path = ["v3", customerId, "BankingServices", ...request.path].map(encodeURIComponent).join("/");
    const headers: Record<string, string> = { accept: "application/json" };
    if (request.key === "api") headers["x-api-key"] = apiKey;
    else headers["flinks-auth-key"] = token ?? secretKey;
    if (request.body !== null) headers["content-type"] = "application/json";
    const end = AbortSignal.timeout(request.patienceMs);
    try {
      const response = await this.send(`${apiUrl.replace(/\/+$/, "")}/${path}`, {
        method: request.method,
        headers,
        // Without a body `fetch` says `Content-Length: 0`, without which some servers answer 411.
        ...(request.body === null ? {} : { body: request.body }),
        redirect: "manual",
        signal: end,
      });
      const body = await readAtMost(response.body, MAX_BODY);
      if (body === null) return { trouble: "unreadable", sent: "perhaps" };
      return { status: response.status, retryAfterMs: seconds(response.headers.get("retry-after")), body };
    } catch (error) {
      if (end.aborted) return { trouble: "silent", sent: "perhaps" };
      return { trouble: "unreachable", sent: wasConnected(error) ? "perhaps" : "no" };
    }
  }
}

function failed({ trouble, sent }: Failure): Called {
  return { answer: { answer: "failed", trouble: { trouble }, sent }, data: null };
}

/** Seconds only: Flinks documents no `Retry-After` at all, so the date form is not worth its clock questions. */
function seconds(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1_000 : null;
}

/** How runtimes name a server that was not reached. */
const UNREACHED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT", "ConnectionRefused"];

/** A server that was never reached has not seen the request. Node says so in the error's cause, Bun in the error itself, Deno in words only. */
function wasConnected(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: unknown } | null };
  const isNamed = [code, cause?.code].some((name) => UNREACHED.includes(String(name)));
  return !isNamed && !String(cause?.message).includes("client error (Connect)");
}

/** The bytes of a stream; `null` where there are more than `most`. */
export async function readAtMost(stream: ReadableStream<Uint8Array> | null, most: number): Promise<Uint8Array | null> {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(pieces, length);
    length += value.byteLength;
    if (length > most) {
      await reader.cancel().catch(() => {});
      return null;
    }
    pieces.push(value);
  }
}

export function joined(pieces: Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}
