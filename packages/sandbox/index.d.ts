/** Why a sandbox did not start, or did not do as it was told: one line that names what has to change. */
export class SandboxError extends Error {}

/** Where webhooks are posted, and what they are signed with. */
export interface WebhookTarget {
  url: string;
  secret: string;
}

/** How a sandbox is set up. Everything can be left out. */
export interface SandboxOptions {
  /** Where the Connect page listens. Default: a free loopback port, `127.0.0.1:0`. */
  connect?: string;
  /** Where the API listens. Default: a free loopback port. */
  api?: string;
  /** The customer in every API path. Default: the one of Flinks' public Toolbox. */
  customerId?: string;
  /** `flinks-auth-key` of `GenerateAuthorizeToken`. Default: random. */
  secretKey?: string;
  /** `x-api-key` of the data endpoints. Default: random. */
  apiKey?: string;
  /** How long data takes, in milliseconds of the sandbox’s clock; with 0 the first call has it. Default: 1500. */
  processingMs?: number;
  /** How many minutes an unused authorize token is good for. Default: 15. */
  tokenMinutes?: number;
  /** What accounts and transactions grow from. Default: 1. */
  seed?: number;
  /** Where webhooks are posted. Default: nowhere. */
  webhook?: WebhookTarget;
  /** Whether `webhook()` may name another machine. Default: false. */
  webhookAnywhere?: boolean;
  /** The Connect page as browsers reach it, behind a port mapping or a proxy. */
  publicConnectUrl?: string;
  /** Further names that the sandbox may be called by. */
  allowedHosts?: string[];
  /** The file that keeps the state over restarts. Default: in memory. */
  stateFile?: string;
}

/** The layout of REDIRECT. */
export type RedirectShape = "both" | "classic" | "fields" | "string" | "relative" | "result" | "cased" | "idless";

/** What goes wrong on purpose; the README of crates/sandbox says what each does. */
export interface Faults {
  redirectShape?: RedirectShape;
  redirectFault?: "none" | "duplicate" | "delayed" | "wrong-request-id" | "wrong-tag" | "conflict" | "wrong-login" | "forged";
  redirectDelayMs?: number | null;
  apiLatencyMs?: number;
  apiLatencyEndpoint?: string | null;
  apiFailure?: { calls: number; httpStatus: number; flinksCode: string; endpoint?: string | null } | null;
  apiMishap?: { calls: number; kind: "drop" | "drop-answer" | "invalid-json" | "html" | "empty"; endpoint?: string | null } | null;
  bankCode?: string | null;
  bankQuestions?: "asked" | "skipped";
  /** What the bank asks where it asks. */
  challenges?: "questions" | "together" | "choices" | "image" | "text-or-call" | "push";
  /** What becomes of a stored login at a bank with OAuth when it is refreshed live. */
  oauthConsent?: "lasts" | "refused" | "asked";
  bankLatencyMs?: number;
  aggregationMs?: number;
  sessionToken?: "any" | "own" | "fresh";
  pageToken?: "any" | "fresh" | "own";
  /** What a page does that is to come back to a session which is over or unknown. */
  expiredSession?: "code" | "bank-list" | "silence";
  /** What a page does after the login was refused for good. */
  refusedLogin?: "ends" | "goes-on";
  contentLength?: "optional" | "demanded";
  expiredPageTokens?: number;
  page?: "none" | "silent" | "never-posts" | "http-500" | "frame-denied";
}

/** What a scenario was set up with. */
export interface ScenarioReady {
  name: string;
  about: string;
  /** The page to load, when a page is part of it. */
  connectUrl?: string;
  /** The session that is open. */
  requestId?: string;
  /** Whose it is. */
  loginId?: string;
  /** An unused authorize token. */
  authorizeToken: string;
  /** What happens then, sentence by sentence. */
  then: string[];
}

/** The sandbox's clock. */
export interface SandboxTime {
  nowMs: number;
  advancedMs: number;
}

/** What happened: `apiCall`, `apiBroken`, `pageOpened`, `pageAction`, `eventPosted`, `webhook`, `nightlyRefresh` or `controlled`. */
export interface LogEntry {
  number: number;
  atMs: number;
  kind: string;
  [field: string]: unknown;
}

/** A local Flinks that is running: its Connect page and its API, on two ports. */
export class Sandbox {
  private constructor();
  /** Starts a sandbox: on two free loopback ports and with random keys, unless the options say otherwise. Any number of them fit into one process. */
  static start(options?: SandboxOptions): Promise<Sandbox>;
  /** `http://127.0.0.1:PORT/v2/` */
  readonly connectUrl: string;
  /** `http://127.0.0.1:PORT`, before `/v3/…` */
  readonly apiUrl: string;
  readonly customerId: string;
  readonly secretKey: string;
  readonly apiKey: string;
  /** How it was set up, everything included. */
  readonly options: SandboxOptions;
  /** Sets up a named scenario, after a reset. */
  scenario(name: string): Promise<ScenarioReady>;
  /** The named scenarios there are. */
  scenarios(): Promise<{ name: string; about: string }[]>;
  /** Replaces all faults; `{}` means that everything works. */
  faults(faults: Faults): Promise<Faults>;
  /** Sends webhooks there from now on; null stops them. */
  webhook(target: WebhookTarget | null): Promise<unknown>;
  /** Pushes the clock. Resolves when everything that is due then has happened, webhooks included. */
  advance(ms: number): Promise<SandboxTime>;
  /** What was received and posted since the start or the last reset, oldest first. */
  log(): Promise<LogEntry[]>;
  /** Back to the beginning, the clock too. */
  reset(): Promise<void>;
  /** Stops it. Calling it again does nothing. */
  stop(): Promise<void>;
}

export interface Sandbox {
  /** `await using sandbox = await Sandbox.start()`, where it exists. */
  [Symbol.asyncDispose](): Promise<void>;
}
