// Requests of pages and of Flinks, from web-standard servers, Express, Fastify and Node's own.
//
// Invariants: bytes come before what a parser made of them; a body has so many bytes at most while it is read; a stream that somebody else
// has read is never waited for; a webhook is verified by its own bytes or not at all; every refusal is a problem+json with a stable code.

import { readAtMost, joined } from "./flinks.js";
import type { HttpAnswer } from "./rules.js";

/** The most bytes of a page's body. */
export const MAX_PAGE_BODY = 16 * 1024;
/** The most bytes of a webhook: the accounts of a login with their transactions. */
export const MAX_WEBHOOK_BODY = 16 * 1024 * 1024;

/** What Express, Fastify and Node's own server hand to a handler, as far as it is used. */
export interface NodeRequest {
  method?: string | undefined;
  url?: string | undefined;
  originalUrl?: string | undefined;
  headers: { [name: string]: string | string[] | undefined };
  body?: unknown;
  rawBody?: unknown;
  params?: unknown;
  raw?: unknown;
}

/** A request, from wherever it came. */
export interface Incoming {
  method: string;
  path: string;
  header(name: string): string | null;
  /** The connection's id, where the router found it. */
  id: string | null;
  body(most: number): Promise<Body>;
}

export type Body =
  | { is: "bytes"; bytes: Uint8Array }
  /** A parser has read it, and its bytes are gone. */
  | { is: "parsed"; value: unknown }
  | { is: "gone" }
  | { is: "too-long" };

export interface Outgoing {
  status: number;
  headers: { [name: string]: string };
  body: string;
}

const TITLES: { [status: number]: string } = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

export function outgoing({ status, retryAfterS, body }: Omit<HttpAnswer, "outcome">): Outgoing {
  const headers: Outgoing["headers"] = { "cache-control": "no-store", "content-type": status < 400 ? "application/json" : "application/problem+json" };
  if (retryAfterS !== null) headers["retry-after"] = String(retryAfterS);
  return { status, headers, body: JSON.stringify(status < 400 ? body : { ...body, title: TITLES[status] ?? "Refused" }) };
}

export function problem(status: number, code: string, detail: string, retryAfterS: number | null = null): Outgoing {
  return outgoing({ status, retryAfterS, body: { code, status, detail } });
}

export function ofWeb(request: Request): Incoming {
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    header: (name) => request.headers.get(name) ?? (name === "host" ? new URL(request.url).host : null),
    id: null,
    async body(most) {
      if (request.bodyUsed) return { is: "gone" };
      return ofBytes(await readAtMost(request.body, most));
    },
  };
}

export const toWeb = ({ status, headers, body }: Outgoing): Response => new Response(body, { status, headers });

/** Node's stream, as far as it is used. */
interface Stream extends AsyncIterable<Uint8Array | string> {
  readableDidRead?: boolean;
  readableEnded?: boolean;
  destroyed?: boolean;
}

export function ofNode(request: NodeRequest): Incoming {
  const params = (request.params ?? {}) as { id?: unknown };
  return {
    method: request.method ?? "POST",
    path: (request.originalUrl ?? request.url ?? "/").split("?")[0] ?? "/",
    header(name) {
      const value = request.headers[name] ?? (name === "host" ? request.headers[":authority"] : undefined);
      return Array.isArray(value) ? value.join(", ") : (value ?? null);
    },
    id: typeof params.id === "string" ? params.id : null,
    async body(most) {
      for (const kept of [request.rawBody, request.body]) {
        if (typeof kept === "string") return ofBytes(new TextEncoder().encode(kept), most);
        if (kept instanceof Uint8Array) return ofBytes(kept, most);
      }
      // Fastify's request has the stream inside.
      const stream = (request.raw ?? request) as Stream;
      const isFresh = Symbol.asyncIterator in stream && !stream.readableDidRead && !stream.readableEnded && !stream.destroyed;
      if (isFresh) return readStream(stream, most);
      return request.body === undefined || request.body === null ? { is: "gone" } : { is: "parsed", value: request.body };
    },
  };
}

function ofBytes(bytes: Uint8Array | null, most = Infinity): Body {
  return bytes === null || bytes.byteLength > most ? { is: "too-long" } : { is: "bytes", bytes };
}

async function readStream(stream: Stream, most: number): Promise<Body> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stream) {
    const bytes = typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
    length += bytes.byteLength;
    if (length > most) return { is: "too-long" };
    pieces.push(bytes);
  }
  return { is: "bytes", bytes: joined(pieces, length) };
}

/** What Express, Fastify and Node's own server answer by, as far as it is used. */
export interface NodeResponse {
  statusCode?: unknown;
  setHeader?(name: string, value: string): unknown;
  end?(body: string): unknown;
  /** Fastify's. */
  code?(status: number): { headers(headers: { [name: string]: string }): { send(body: Uint8Array): unknown } };
}

export function toNode(response: NodeResponse, { status, headers, body }: Outgoing): unknown {
  // Fastify counts on its own functions, and on getting back what they give. It adds a charset to text, not to bytes.
  if (response.code) return response.code(status).headers(headers).send(new TextEncoder().encode(body));
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader?.(name, value);
  response.end?.(body);
  return undefined;
}

/** Whether a request may act for whoever is signed in: one of our own pages sent it, or no page at all. */
export function isOwn(request: Incoming, origins: string[]): boolean {
  const origin = request.header("origin");
  if (origin !== null && origins.includes(origin.toLowerCase())) return true;
  const site = request.header("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return false;
  return origin === null || isAt(origin, request.header("host"));
}

/** Whether an origin names this very host and port. Its scheme is not compared: behind a proxy that ends TLS one sees http. */
function isAt(origin: string, host: string | null): boolean {
  if (host === null || !URL.canParse(origin)) return false;
  const { protocol, host: authority } = new URL(origin);
  if (!/^https?:$/.test(protocol) || !URL.canParse(`${protocol}//${host}/`)) return false;
  return new URL(`${protocol}//${host}/`).host === authority;
}

export const isJson = (request: Incoming): boolean => (request.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() === "application/json";

/** The bytes of base64, or `null`. */
export function base64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
