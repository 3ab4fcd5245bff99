// What a row can do: call the backend as the widget does, be the user in Connect, and look at what the sandbox saw.

import { Broken, CannotRun, NotTried } from "./verdict.js";

/** An answer must come within this; the slowest row allows 30 s. */
const PATIENCE_MS = 40_000;
const ANSWERS = ["Montreal", "Canada", "Triangle"];
/** The logins that every sandbox begins with. */
const LOGINS = [1, 2, 3, 4].map((number) => `0d5a3c10-0001-4000-8000-00000000000${number}`);

export class Run {
  /** The requests of the row that is being tried, without what signs the user in. */
  exchange = [];
  /** Whether the backend has said that it accepted a result, and so has data to fetch. */
  #hasAccepted = false;

  constructor(sandbox, options) {
    this.sandbox = sandbox;
    this.options = options;
  }

  // The backend.

  async start({ type = "application/json", text = "{}", headers = {}, isSignedOut = false } = {}) {
    const answer = await this.post(this.options.start, { headers: { ...(isSignedOut ? {} : this.options.headers), "content-type": type, ...headers }, text });
    this.#hasAccepted ||= answer.body?.status === "upToDate";
    return answer;
  }

  async deliver(body, { type = "application/json", text, isOtherUser = false } = {}) {
    const who = isOtherUser ? this.options.otherHeaders : this.options.headers;
    const key = body?.attemptId ?? "none";
    const answer = await this.post(this.options.deliver, { headers: { ...who, "content-type": type, "idempotency-key": `"${key}"` }, text: text ?? JSON.stringify(body) });
    this.#hasAccepted ||= answer.status < 300;
    return answer;
  }

  async post(url, { headers = {}, text }) {
    // A connection for each: a server may end one that is kept just as the next request comes, and a POST is not repeated.
    const all = { connection: "close", "content-type": "application/json", ...headers };
    let response;
    try {
      response = await fetch(url, { method: "POST", headers: all, body: text, redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (error) {
      const reason = error.cause?.code ?? error.name;
      if (reason === "ECONNREFUSED") throw new CannotRun(`nothing answers at ${url}`);
      throw new Broken("an answer", `none from ${new URL(url).pathname} (${reason})`, "answer every request");
    }
    const said = await response.text();
    let body = null;
    try {
      body = JSON.parse(said);
    } catch {
      // Told as text.
    }
    this.exchange.push(`POST ${new URL(url).pathname} ${text.slice(0, 300)} -> ${response.status} ${said.slice(0, 300)}`);
    return { status: response.status, headers: response.headers, body, text: said };
  }

  // What only some can be asked.

  needsHeader() {
    if (Object.keys(this.options.headers).length === 0) throw new NotTried("no --header was given, so nobody is signed in");
  }

  needsCookie() {
    if (!Object.keys(this.options.headers).some((name) => name.toLowerCase() === "cookie")) throw new NotTried("no --header with a Cookie was given: without one, no page of another origin is signed in");
  }

  needsOtherUser() {
    if (Object.keys(this.options.otherHeaders).length === 0) throw new NotTried("no --other-header was given, which would be another user's");
  }

  needsWebhook() {
    const { webhook, webhookSecret } = this.options;
    if (!webhook) throw new NotTried("no --webhook was given");
    if (!webhookSecret) throw new NotTried("no --webhook-secret was given");
    return { url: webhook, secret: webhookSecret };
  }

  // The user in Connect.

  async open(reply) {
    const query = new URLSearchParams({ requestId: reply.requestId });
    if (reply.authorizeToken) query.set("authorizeToken", reply.authorizeToken);
    if (reply.tag) query.set("tag", reply.tag);
    const picked = [reply.resumeSelectedAccounts ?? []].flat();
    if (picked.length > 0) query.set("resumeSelectedAccounts", picked.join(","));
    const page = await this.#page("open", { path: "/v2/", query: `?${query}`, audience: "parent" });
    const events = page.events.map(({ data }) => data.step ?? data.flinksCode);
    return { visit: page.visit, screen: page.screen.name, events };
  }

  async answerAll(reply) {
    const page = await this.open(reply);
    if (page.screen !== "mfa") throw new Broken("the bank's question in Connect", page.events.join(", "), "hand out a session and a token that Connect takes");
    for (const answer of ANSWERS) await this.#page("act", { visit: page.visit, action: { name: "submit-answers", answers: [[answer]] } });
  }

  async #page(name, body) {
    const response = await fetch(new URL(`/_page/${name}`, this.sandbox.connectUrl), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    return response.json();
  }

  /** What the widget would deliver for this start. */
  result(reply) {
    return {
      attemptId: reply.attemptId,
      mode: reply.mode,
      loginId: this.login,
      requestId: reply.requestId,
      institution: "FlinksCapital",
      accountIds: [reply.resumeSelectedAccounts ?? []].flat(),
      tag: reply.tag ?? null,
    };
  }

  /** Finishes a session of another login, as its own user would. */
  async finishOther(login) {
    const loginId = LOGINS.find((other) => other !== login);
    const { requestId } = await this.#authorize({ LoginId: loginId, MostRecentCached: false, Save: true });
    const page = await this.#page("open", { path: "/v2/", query: `?requestId=${requestId}`, audience: "parent" });
    for (const answer of ANSWERS) await this.#page("act", { visit: page.visit, action: { name: "submit-answers", answers: [[answer]] } });
    return { loginId, requestId };
  }

  async #authorize(body) {
    const call = async (endpoint, key, sent) => {
      const url = `${this.sandbox.apiUrl}/v3/${this.sandbox.customerId}/BankingServices/${endpoint}`;
      const response = await fetch(url, { method: "POST", headers: { "flinks-auth-key": key, "content-type": "application/json" }, body: JSON.stringify(sent) });
      return response.json();
    };
    const { Token } = await call("GenerateAuthorizeToken", this.sandbox.secretKey, {});
    const said = await call("Authorize", Token, body);
    return { requestId: said.RequestId };
  }

  // What the sandbox saw.

  /** The API calls since the row began, oldest first. */
  async calls() {
    return (await this.sandbox.log()).filter(({ kind }) => kind === "apiCall");
  }

  /** Those that ask a bank about the stored login. */
  async liveCalls() {
    const calls = await this.calls();
    return calls.filter(({ endpoint, body, code }) => endpoint.startsWith("Authorize") && body?.LoginId && body.MostRecentCached !== true && code !== "UNAUTHORIZED");
  }

  /** Those that fetch accounts. What an earlier row's session is asked for late is none of this row's. */
  async dataCalls() {
    return (await this.calls()).filter(({ endpoint, code }) => endpoint === "GetAccountsDetail" && code !== "SESSION_NONEXISTENT");
  }

  /** Waits until the backend has found out by itself that this session is finished, and fetches its data. */
  async foundByItself(seconds) {
    const before = (await this.calls()).length;
    const isFound = async () => (await this.calls()).slice(before).some(({ endpoint, status }) => endpoint.startsWith("GetAccounts") && status < 300);
    await this.until(isFound, seconds, "the backend asks Flinks and fetches the data by itself");
  }

  /**
   * Lets the backend finish what the row began, before the sandbox is reset under it: one that has accepted a result fetches its data, and may take its time
   * between two questions. One that asks for none within 10 s is not waited for.
   */
  async settle() {
    const isData = ({ endpoint }) => endpoint.startsWith("GetAccounts");
    const begun = Date.now();
    for (;;) {
      const calls = (await this.calls()).filter(isData);
      const seconds = (Date.now() - begun) / 1_000;
      const isFetched = calls.some(({ status }) => status === 200);
      if (isFetched || seconds > (calls.length > 0 ? 15 : (await this.hasAccepted()) ? 10 : 0)) break;
      await this.sandbox.advance(2_000);
      await this.pause(200);
    }
  }

  async hasAccepted() {
    if (this.#hasAccepted) return true;
    const log = await this.sandbox.log();
    return log.some(({ kind, status }) => kind === "webhook" && status === 200);
  }

  async until(isSo, seconds, what, Failure = Broken) {
    const end = Date.now() + seconds * 1_000;
    while (!(await isSo())) {
      if (Date.now() > end) {
        const got = `not within ${seconds} s`;
        throw Failure === NotTried ? new NotTried(`${what} was not seen within ${seconds} s`) : new Broken(what, got, "see the paragraph");
      }
      await this.pause(100);
    }
  }

  pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
