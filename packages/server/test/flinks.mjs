// A Flinks that does what a test says, in place of `fetch`: sessions, logins, data, and every way to fail. What the host's tests have
// (crates/host/tests/common/flinks.rs), for the package.

import { pause } from "./world.mjs";

export const access = { apiUrl: "https://flinks.example", connectUrl: "http://127.0.0.1:4201/v2/", customerId: "customer", secretKey: "the-secret-key", apiKey: "the-api-key", webhookSecret: "webhook" };

const json = (status, body) => new Response(JSON.stringify({ HttpStatusCode: status, ...body }), { status });
const code = (status, name) => json(status, { FlinksCode: name, Message: "as the test said" });
/** A refusal that is about the caller: only `Message` says so. */
const refused = (what) => json(401, { FlinksCode: "UNAUTHORIZED", Message: `You must provide a valid ${what}` });
const gateway = (status) => new Response("<html>a gateway</html>", { status });
const working = (RequestId) => json(202, { FlinksCode: "OPERATION_DISPATCHED", RequestId });
const challenge = (RequestId) => json(203, { RequestId, Institution: "FlinksCapital", SecurityChallenges: [{ Type: "QuestionAndAnswer", Prompt: "What city were you born in?" }] });

export class Flinks {
  /** What a live sign-in answers, by login: "challenge" (also where there is none), "slow", "authorized" or [status, code]. */
  live = {};
  /** By requestId: `{ login, stand }` with "working", "challenged", "finished", "over" or "refused". */
  sessions = new Map();
  /** How often data is 202 before it is 200. */
  pending = 0;
  /** Data endpoints say that the session is over until, after that, a cached one is asked for. */
  onlyCachedData = false;
  /** A live sign-in is done, and a gateway answers in Flinks' place. */
  losesSignIns = false;
  /** A live sign-in is done, and its connection breaks before the answer. */
  breaksSignIns = false;
  isDown = false;
  isBusy = false;
  /** Calls whose path contains this are answered only when it is taken away again. */
  held = null;
  heldCalls = 0;
  calls = 0;
  /** What `/GetNightlyRefreshStatus` lists, and how often it was answered. */
  ineligible = [];
  nightlyAsked = 0;
  /** The list is empty after the next answer. */
  listsOnce = false;
  /** The cached `/Authorize` answers this code. */
  cachedCode = null;
  /** The cached `/Authorize` answers 202, and a session that is through `ALREADY_AUTHORIZED`. */
  isAggregating = false;
  /** The data endpoints answer this code while transactions are wanted. */
  dataCode = null;
  /** Which token a session's second `/Authorize` has to bring: "any", "own" or "fresh". */
  sessionToken = "any";
  refusesApiKey = false;
  signIns = 0;
  /** What `/Authorize` and the data endpoints were asked, in order. */
  asked = [];
  #refreshed = {};
  #dataAsked = new Map();
  #polled = new Map();
  #tokens = new Set();
  #sessionTokens = new Map();
  #minted = 0;
  #hasRefusedData = false;

  fetch = async (url, { method, headers, body, signal }) => {
    const path = new URL(url).pathname;
    this.calls += 1;
    if (this.held !== null && path.includes(this.held)) this.heldCalls += 1;
    while (this.held !== null && path.includes(this.held)) {
      signal.throwIfAborted();
      await pause(2);
    }
    if (this.isDown) return gateway(503);
    if (this.isBusy) return code(401, "TOO_MANY_REQUESTS");
    const [, , customer, , endpoint, session] = path.split("/");
    if (customer !== access.customerId) return refused("customer id");
    const asked = body === undefined ? null : JSON.parse(body);
    switch (`${method} ${endpoint}`) {
      case "POST GenerateAuthorizeToken":
        return this.#token(headers);
      case "POST Authorize":
        return this.#authorize(headers["flinks-auth-key"], asked);
      case "POST GetAccountsDetail":
        this.asked.push([endpoint, asked]);
        this.#dataAsked.set(asked.RequestId, (this.#dataAsked.get(asked.RequestId) ?? 0) + 1);
        return this.dataCode !== null && asked.WithTransactions ? code(400, this.dataCode) : this.#data(headers, asked.RequestId);
      case "GET GetAccountsDetailAsync":
        return this.#data(headers, session);
      case "GET GetNightlyRefreshStatus":
        if (headers["x-api-key"] !== access.apiKey) return refused("auth key");
        return this.#nightly();
      default:
        return gateway(404);
    }
  };

  #nightly() {
    this.nightlyAsked += 1;
    const answer = json(200, { IneligibleCards: this.ineligible });
    if (this.listsOnce) this.ineligible = [];
    return answer;
  }

  setSession(requestId, stand) {
    const session = this.sessions.get(requestId);
    session.stand = stand;
    if (stand === "finished") this.#refresh(session.login);
  }

  /** The session is over after its user got through in it. */
  finishAndEnd(requestId) {
    this.setSession(requestId, "finished");
    this.setSession(requestId, "over");
  }

  /** A session that Connect's full flow, not the bank's server, began. */
  addSession(requestId, login, stand) {
    this.sessions.set(requestId, { login, stand });
    this.setSession(requestId, stand);
  }

  dataAsked() {
    return [...this.#dataAsked.values()].reduce((sum, times) => sum + times, 0);
  }

  wasAskedForDataOf(requestId) {
    return this.#dataAsked.has(requestId);
  }

  #refresh(login) {
    this.#refreshed[login] = (this.#refreshed[login] ?? 0) + 1;
  }

  /** As of some day before the test, and later with each refresh. */
  #lastRefresh(login) {
    const times = this.#refreshed[login] ?? 0;
    if (times === 0) return "2026-01-10T09:00:00.5";
    return `2026-01-21T20:${47 + Math.floor((times + 46) / 60)}:${String((times + 46) % 60).padStart(2, "0")}.145999`;
  }

  #authorized(RequestId, login) {
    return json(200, { RequestId, Institution: "FlinksCapital", InstitutionId: 14, Login: { Username: "Greatday", IsScheduledRefresh: false, LastRefresh: this.#lastRefresh(login), Type: "Personal", Id: login } });
  }

  #token(headers) {
    if (headers["flinks-auth-key"] !== access.secretKey) return refused("auth key");
    const Token = `token-for-test-${(this.#minted += 1)}`;
    this.#tokens.add(Token);
    return json(200, { Token });
  }

  #authorize(token, asked) {
    const isFresh = this.#tokens.delete(token);
    const own = this.#sessionTokens.get(asked.RequestId);
    const fits = asked.RequestId === undefined || this.sessionToken === "fresh" ? isFresh : this.sessionToken === "own" ? own === undefined || own === token : isFresh || own === token;
    if (!fits) return refused("authorize token");
    this.asked.push(["Authorize", asked]);
    return asked.RequestId === undefined ? this.#ofLogin(token, asked) : this.#ofSession(asked.RequestId);
  }

  #ofSession(requestId) {
    const { login, stand } = this.sessions.get(requestId) ?? {};
    switch (stand) {
      case "working":
        return working(requestId);
      case "challenged":
        return challenge(requestId);
      case "finished":
        return this.isAggregating ? code(401, "ALREADY_AUTHORIZED") : this.#authorized(requestId, login);
      case "over":
        return code(401, "SESSION_EXPIRED");
      case "refused":
        return code(401, "DISABLED_LOGIN");
      default:
        return code(400, "SESSION_NONEXISTENT");
    }
  }

  #ofLogin(token, { LoginId: login, MostRecentCached, Tag, Save }) {
    const requestId = `request-for-test-${(this.#minted += 1)}`;
    if (MostRecentCached) {
      if (this.cachedCode !== null) return code(401, this.cachedCode);
      if (this.isAggregating) return working(requestId);
      this.sessions.set(requestId, { login, stand: "finished" });
      if (this.#hasRefusedData) this.onlyCachedData = false;
      return this.#authorized(requestId, login);
    }
    if (typeof Tag !== "string" || Save !== true) throw new Error("a sign-in carries the attempt's tag, and is saved");
    this.signIns += 1;
    this.#sessionTokens.set(requestId, token);
    const answer = this.#signIn(requestId, login);
    if (this.breaksSignIns) throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
    return this.losesSignIns ? gateway(502) : answer;
  }

  #signIn(requestId, login) {
    const live = this.live[login] ?? "challenge";
    if (Array.isArray(live)) return code(...live);
    this.sessions.set(requestId, { login, stand: { challenge: "challenged", slow: "working", authorized: "finished" }[live] });
    if (live === "challenge") return challenge(requestId);
    if (live === "slow") return working(requestId);
    this.#refresh(login);
    return this.#authorized(requestId, login);
  }

  #data(headers, requestId) {
    if (headers["x-api-key"] !== access.apiKey || this.refusesApiKey) return refused("auth key");
    if (this.onlyCachedData) this.#hasRefusedData = true;
    const { login, stand } = this.sessions.get(requestId) ?? {};
    if (this.onlyCachedData || stand !== "finished") return code(400, "SESSION_NONEXISTENT");
    const polled = this.#polled.get(requestId) ?? 0;
    if (polled < this.pending) {
      this.#polled.set(requestId, polled + 1);
      return json(202, { FlinksCode: "OPERATION_PENDING", RequestId: requestId });
    }
    const Accounts = [1, 2, 3, 4].map((number) => ({ Id: accountOf(login, number), Title: `Account ${number}`, Balance: { Current: 101.25 } }));
    return json(200, { RequestId: requestId, Accounts, Login: { Id: login, LastRefresh: this.#lastRefresh(login) } });
  }
}

export const accountOf = (login, number) => `acc00000-${login.slice(-4)}-4000-8000-00000000000${number}`;
