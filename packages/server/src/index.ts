// `flinks-reconnect-server`: the server half of a reconnect, in the application itself.
//
// Importing it does nothing. `createReconnect` makes the handlers of the three routes; the rules behind them are those of the reference
// host, compiled to WebAssembly.

import { Driver, randomId, StoreFailed, within } from "./driver.js";
import { type Access, Flinks } from "./flinks.js";
import { base64, type Incoming, isJson, isOwn, MAX_PAGE_BODY, MAX_WEBHOOK_BODY, type NodeRequest, type NodeResponse, ofNode, ofWeb, outgoing, type Outgoing, problem, toNode, toWeb } from "./http.js";
import { guarded, kindOf, type Log } from "./log.js";
import type { Connection, ReconnectEvent } from "./records.js";
import { bankSlow, deliverTask, isLoginId, type Pace, readSettings, startTask, webhookTask } from "./rules.js";
import type { Store } from "./store.js";
import { look } from "./work.js";

export type { Level, Log } from "./log.js";
export type { Attempt, Connection, Outcome, Query, ReconnectEvent, Stored } from "./records.js";
export type { Pace } from "./rules.js";
export type { Awaitable, Claim, DueEvent, Store, Told, Write } from "./store.js";
export type { NodeRequest, NodeResponse } from "./http.js";

/** What opens Flinks, and where it is. */
export interface FlinksOptions {
  /** The instance's name, as `toolbox`; or `apiUrl` and `connectUrl`, as of the sandbox. */
  instance?: string | undefined;
  /** The address before `/v3/`: https, or http on this machine. */
  apiUrl?: string | undefined;
  /** The address of Connect: https, or http on this machine. */
  connectUrl?: string | undefined;
  customerId: string;
  secretKey: string;
  apiKey: string;
  /** The secret of Flinks' webhooks. Without it every webhook is refused. */
  webhookSecret?: string | undefined;
  /** Further parameters of Connect's address, as `{ demo: true }`. */
  params?: { [name: string]: string | number | boolean } | undefined;
}

export interface ReconnectOptions<R = any> {
  flinks: FlinksOptions;
  /** From `flinks-reconnect-server/sqlite` or `/postgres`, or one of your own. */
  store: Store;
  /** Who is signed in, by the framework's own request; `null`, `undefined` or nothing: the request is answered 401. */
  user: (request: R) => string | null | undefined | Promise<string | null | undefined>;
  pace?: Pace | undefined;
  /**
   * Hears what happened, at least once and for each connection in order. While it throws or rejects, the event is told again: after 1 s, 5 s,
   * 30 s, then doubling from a minute to an hour, for a day; then it is parked.
   */
  onEvent?: ((event: ReconnectEvent) => unknown) | undefined;
  log?: Log | undefined;
  /** Origins of pages that may call from elsewhere, as `https://app.example`. The page's own origin always may. */
  origins?: string[] | undefined;
  /** How long Flinks' last answer is kept for `data()`; an hour where it is absent. */
  dataKeptMs?: number | undefined;
  /** In place of the platform's `fetch`, for calls to Flinks. */
  fetch?: typeof fetch | undefined;
}

/** What is known of a connection. */
export interface ConnectionState {
  id: string;
  status: "needs-attention" | "up-to-date";
  problem: string | null;
  refreshedAt: string | null;
}

/** For Express, Fastify and Node's own server. */
export type Handler = (request: any, response: any) => Promise<unknown>;

export interface Reconnect {
  /** `POST …/connections/{id}/reconnect`, `POST …/reconnects` and `POST …/flinks/webhook` below any prefix. */
  fetch(request: Request): Promise<Response>;
  start: Handler;
  deliver: Handler;
  webhook: Handler;
  /** Remembers a connection that its user has made in Connect. Rejects where there is one with this id. */
  addConnection(connection: NewConnection): Promise<void>;
  removeConnection(connection: { user: string; id: string }): Promise<void>;
  connections(user: string): Promise<ConnectionState[]>;
  /** Flinks' last answer of `/GetAccountsDetail`, narrowed to the accounts that were picked; `null` where there is none any more. */
  data(connection: { user: string; id: string }): Promise<unknown>;
  /** Does what is due, and says in how many milliseconds it wants to be called next. Never rejects. */
  tick: () => Promise<{ nextInMs: number }>;
  parkedEvents(): Promise<ReconnectEvent[]>;
  /** Tells a parked event again; `false` where there is none with this id. */
  resendEvent(id: string): Promise<boolean>;
}

export interface NewConnection {
  user: string;
  /** The application's own name for it, in no other user's use. */
  id: string;
  loginId: string;
  language?: "en" | "fr" | undefined;
  /** The accounts that its user picked in the Account Selector. */
  selectedAccounts?: string[] | undefined;
}

/** Options that cannot be used. The text names the option, never its value. */
export class InvalidOptions extends Error {
  override name = "InvalidOptions";
}

type Route = { is: "start"; id: string } | { is: "deliver" } | { is: "webhook" };

export function createReconnect<R = any>(options: ReconnectOptions<R>): Reconnect {
  const { store, onEvent, dataKeptMs = 3_600_000 } = options;
  const access = readAccess(options.flinks);
  const { connectUrl, params, webhookSecret } = access;
  for (const name of ["store", "user"] as const) if (!options[name]) throw new InvalidOptions(`${name}: expected one, and there is none`);
  const origins = (options.origins ?? []).map((origin) => readOrigin(origin));
  const log = guarded(options.log);
  const settings = option(() => readSettings(options.pace ?? {}));
  const flinks = new Flinks(access, settings, options.fetch ?? ((input, init) => fetch(input, init)), log);
  const driver = new Driver(store, flinks, settings, onEvent !== undefined, log);

  async function start(request: Incoming, user: string, id: string): Promise<Outgoing> {
    const body = await pageBody(request);
    if (!(body instanceof Uint8Array)) return body;
    const read = startTask(settings, await driver.now(), { user, connection: id, minted: { attempt: randomId(), tag: randomId() } }, body);
    if (read.is === "refused") return outgoing(read.answer);
    const work = driver.run(read.task).then(({ answer }) => answer);
    // The bank may take longer than a proxy lets a request: the sign-in goes on, and the next start goes on with it.
    work.catch(() => {});
    const answer = (await within(settings.startAnswerMs, work, null)) ?? bankSlow();
    if (answer.status !== 200 || answer.body["status"] === "upToDate") return outgoing(answer);
    const all = { ...params, ...(answer.body["params"] as object | undefined) };
    const { params: _, ...rest } = answer.body;
    return outgoing({ ...answer, body: { ...rest, connectUrl, ...(Object.keys(all).length > 0 ? { params: all } : {}) } });
  }

  async function deliver(request: Incoming, user: string): Promise<Outgoing> {
    const body = await pageBody(request);
    if (!(body instanceof Uint8Array)) return body;
    const fingerprint = await digest(body);
    const read = deliverTask({ user, idempotencyKey: request.header("idempotency-key"), fingerprint }, body);
    return outgoing(read.is === "refused" ? read.answer : (await driver.run(read.task)).answer);
  }

  async function webhook(request: Incoming): Promise<Outgoing> {
    const unsigned = problem(401, "BAD_SIGNATURE", "Expected `flinks-authenticity-key` to sign this body with the secret of Flinks' webhooks.");
    const signature = base64(request.header("flinks-authenticity-key") ?? "");
    if (!webhookSecret || signature?.byteLength !== 32) return unsigned;
    const body = await request.body(MAX_WEBHOOK_BODY);
    if (body.is === "too-long") return problem(413, "TOO_LARGE", `Expected a body of at most ${MAX_WEBHOOK_BODY} bytes.`);
    if (body.is !== "bytes") {
      log("error", "a webhook's bytes were gone before they could be verified: a body parser has read them. Give this route a raw parser (Express: express.raw({ type: \"*/*\" }) before express.json(); Fastify: a parser inside a plugin; Next's pages: bodyParser: false)");
      return problem(500, "BODY_ALREADY_READ", "Expected the bytes of the body; a parser of this server has read them. Its log says what to do.");
    }
    if (!(await isSigned(body.bytes, signature, webhookSecret))) {
      log("warn", "a webhook without a valid signature was refused");
      return unsigned;
    }
    const task = webhookTask(body.bytes);
    if (task) await driver.run(task);
    // Flinks would send it again ten times.
    return outgoing({ status: 200, retryAfterS: null, body: {} });
  }

  /** The user's part of start and deliver. */
  async function forUser(request: Incoming, native: unknown, then: (user: string) => Promise<Outgoing>): Promise<Outgoing> {
    if (!isOwn(request, origins)) {
      log("warn", "a request from another origin was refused");
      return problem(403, "CROSS_ORIGIN", "Expected a request of this site's own pages; another site sent it.");
    }
    if (!isJson(request)) return problem(415, "UNSUPPORTED_MEDIA_TYPE", "Expected `Content-Type: application/json`.");
    const user = await options.user(native as R);
    if (user === null || user === undefined || user === "") return problem(401, "UNAUTHENTICATED", "Expected a signed-in user. Sign in again.");
    return then(String(user));
  }

  async function answer(route: Route, request: Incoming, native: unknown): Promise<Outgoing> {
    try {
      if (request.method !== "POST") return problem(405, "METHOD_NOT_ALLOWED", "Expected POST.");
      if (route.is === "webhook") return await webhook(request);
      return await forUser(request, native, (user) => (route.is === "start" ? start(request, user, route.id) : deliver(request, user)));
    } catch (error) {
      if (error instanceof StoreFailed) return problem(503, "STORAGE_UNAVAILABLE", "The database does not answer. Try again.", 2);
      log("error", `${route.is} failed`, kindOf(error));
      return problem(500, "INTERNAL", "The server failed. Its log says where; try again.");
    }
  }

  const handler = (route: (request: Incoming) => Route): Handler =>
    async (request: NodeRequest, response: NodeResponse) => {
      const incoming = ofNode(request);
      return toNode(response, await answer(route(incoming), incoming, request));
    };

  return {
    async fetch(request) {
      const incoming = ofWeb(request);
      const route = routeOf(incoming.path);
      return toWeb(route ? await answer(route, incoming, request) : problem(404, "NOT_FOUND", "There is nothing at this address."));
    },
    start: handler((request) => ({ is: "start", id: request.id ?? idIn(request.path) ?? "" })),
    deliver: handler(() => ({ is: "deliver" })),
    webhook: handler(() => ({ is: "webhook" })),
    async addConnection({ user, id, loginId, language, selectedAccounts = [] }) {
      if (!user || !id) throw new InvalidOptions("addConnection: expected a user and an id");
      if (!isLoginId(loginId)) throw new InvalidOptions("loginId: expected 8 to 128 characters of A-Z, a-z, 0-9, `.`, `_` and `-`");
      const connection: Connection = {
        id, user, version: 0, loginId, language: language ?? null, selection: selectedAccounts,
        status: "up-to-date", problem: null, refreshedAtMs: null, settledAtMs: null, signIn: null,
      };
      if (!(await driver.ask((store) => store.add(connection)))) throw new InvalidOptions("id: there is a connection with this id");
    },
    removeConnection: ({ user, id }) => driver.ask((store) => store.remove(user, id)),
    async connections(user) {
      const all = await driver.ask((store) => store.list(user));
      return all.map(({ id, status, problem, refreshedAtMs }) => ({ id, status, problem, refreshedAt: refreshedAtMs === null ? null : new Date(refreshedAtMs).toISOString() }));
    },
    async data({ user, id }) {
      const nowMs = await driver.nowMs();
      const json = await driver.ask((store) => store.data(user, id, nowMs - dataKeptMs));
      return json === null ? null : JSON.parse(json);
    },
    tick: () => look(driver, onEvent, dataKeptMs, log),
    parkedEvents: () => driver.ask((store) => store.parked()),
    async resendEvent(id) {
      const nowMs = await driver.nowMs();
      return driver.ask((store) => store.unpark(id, nowMs));
    },
  };
}

/** A page's body as bytes, or why not. */
async function pageBody(request: Incoming): Promise<Uint8Array | Outgoing> {
  const body = await request.body(MAX_PAGE_BODY);
  switch (body.is) {
    case "bytes":
      return body.bytes;
    case "parsed":
      return new TextEncoder().encode(JSON.stringify(body.value));
    case "gone":
      return problem(500, "BODY_ALREADY_READ", "Expected the body; this server has read it and kept nothing of it.");
    case "too-long":
      return problem(413, "TOO_LARGE", `Expected a body of at most ${MAX_PAGE_BODY} bytes.`);
  }
}

function idIn(path: string): string | null {
  const found = /\/connections\/([^/]+)\/reconnect\/?$/.exec(path)?.[1];
  try {
    return found === undefined ? null : decodeURIComponent(found);
  } catch {
    return null;
  }
}

function routeOf(path: string): Route | null {
  const id = idIn(path);
  if (id !== null) return { is: "start", id };
  if (/\/reconnects\/?$/.test(path)) return { is: "deliver" };
  return /\/flinks\/webhook\/?$/.test(path) ? { is: "webhook" } : null;
}

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return btoa(String.fromCharCode(...hash));
}

/** Compared in constant time by the platform. */
async function isSigned(body: Uint8Array, signature: Uint8Array<ArrayBuffer>, secret: string): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, signature, body as Uint8Array<ArrayBuffer>);
}

function readAccess(flinks: FlinksOptions | undefined): Access & { connectUrl: string; webhookSecret: string | undefined; params: object } {
  if (!flinks) throw new InvalidOptions("flinks: expected an object, and there is none");
  for (const name of ["customerId", "secretKey", "apiKey"] as const) {
    if (typeof flinks[name] !== "string" || flinks[name] === "") throw new InvalidOptions(`flinks.${name}: expected a text, and there is none`);
  }
  const { instance, customerId, secretKey, apiKey, webhookSecret, params = {} } = flinks;
  if (instance !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,54}[a-z0-9])?$/.test(instance)) {
    throw new InvalidOptions("flinks.instance: expected a Flinks instance name: 1 to 56 lower-case letters, digits or inner hyphens, as `toolbox`");
  }
  const address = (name: "apiUrl" | "connectUrl", ofInstance: string): string => {
    const given = flinks[name] ?? (instance === undefined ? undefined : `https://${instance}${ofInstance}`);
    if (given === undefined) throw new InvalidOptions(`flinks.${name}: expected an address, or flinks.instance`);
    return readAddress(`flinks.${name}`, given);
  };
  return {
    apiUrl: address("apiUrl", "-api.private.fin.ag"), connectUrl: address("connectUrl", "-iframe.private.fin.ag/v2/"),
    customerId, secretKey, apiKey, webhookSecret, params,
  };
}

function readAddress(name: string, text: string): string {
  if (!URL.canParse(text)) throw new InvalidOptions(`${name}: expected an absolute URL`);
  const { protocol, hostname, search, hash, username, password, href } = new URL(text);
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback)) throw new InvalidOptions(`${name}: expected https, or http on a loopback host`);
  if (search || hash || username || password || /[?#]/.test(text)) throw new InvalidOptions(`${name}: expected no query, no fragment and no credentials`);
  return href;
}

function readOrigin(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol) || new URL(text).origin !== text.toLowerCase()) {
    throw new InvalidOptions("origins: expected origins, as `https://app.example`");
  }
  return text.toLowerCase();
}

function option<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidOptions(error instanceof Error ? error.message : "options");
  }
}
