// A sandbox as Flinks, and a bank on it; what its user does in Connect.

import { createReconnect } from "flinks-reconnect-server";
import { Sandbox } from "../../sandbox/index.js";

export const LOGIN = "0d5a3c10-0001-4000-8000-000000000002";
export const ANSWERS = ["Montreal", "Canada", "Triangle"];
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until it is so, and gives what that was. */
export async function until(what, isSo, seconds = 10) {
  const begun = performance.now();
  for (;;) {
    const is = await isSo();
    if (is) return is;
    if (performance.now() - begun > seconds * 1_000) throw new Error(`not so within ${seconds} s: ${what}`);
    await pause(10);
  }
}

/** Data is there at once. */
export async function withSandbox(work, options = {}) {
  const sandbox = await Sandbox.start({ processingMs: 0, ...options });
  try {
    return await work(sandbox);
  } finally {
    await sandbox.stop();
  }
}

export const accessOf = (sandbox, more = {}) => ({
  apiUrl: sandbox.apiUrl, connectUrl: sandbox.connectUrl, customerId: sandbox.customerId, secretKey: sandbox.secretKey, apiKey: sandbox.apiKey, webhookSecret: "webhook", ...more,
});

/** A bank whose user is named by a header; without a sandbox `more` says what Flinks is. */
export const bankOf = (sandbox, store, more = {}) =>
  createReconnect({
    flinks: sandbox === null ? undefined : accessOf(sandbox),
    store,
    user: (request) => (typeof request.headers.get === "function" ? request.headers.get("x-user") : request.headers["x-user"]),
    pace: { reconcileAfterMs: 200, pollMs: 50 },
    ...more,
  });

const json = (user, more = {}) => ({ "content-type": "application/json", "x-user": user, ...more });

async function post(bank, path, headers, body) {
  const response = await bank.fetch(new Request(`http://bank.example${path}`, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) }));
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export const start = (bank, id, { user = "alice", body = {} } = {}) => post(bank, `/api/connections/${id}/reconnect`, json(user), body);
export const deliver = (bank, body, { user = "alice" } = {}) => post(bank, "/api/reconnects", json(user, { "idempotency-key": `"${body.attemptId}"` }), body);

export async function signed(text, secret = "webhook") {
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return Buffer.from(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text))).toString("base64");
}

export const webhook = async (bank, text, signature) => post(bank, "/api/flinks/webhook", { "content-type": "application/json", "flinks-authenticity-key": signature ?? (await signed(text)) }, text);

/** Answers the bank's questions in Connect, as the user does. */
export async function answerAll(sandbox, reply) {
  const page = async (name, body) => (await fetch(new URL(`/_page/${name}`, sandbox.connectUrl), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();
  const { visit } = await page("open", { path: "/v2/", query: `?${new URLSearchParams({ requestId: reply.requestId, authorizeToken: reply.authorizeToken, tag: reply.tag })}`, audience: "parent" });
  for (const answer of ANSWERS) await page("act", { visit, action: { name: "submit-answers", answers: [[answer]] } });
}

/** What the widget delivers for this start. */
export const resultOf = (reply, more = {}) => ({
  attemptId: reply.attemptId, mode: reply.mode, loginId: LOGIN, requestId: reply.requestId, institution: "FlinksCapital", accountIds: [], tag: reply.tag, ...more,
});

/** The live sign-ins that the sandbox saw. */
export async function signIns(sandbox) {
  const entries = await sandbox.log();
  return entries.filter(({ kind, endpoint, body, code }) => kind === "apiCall" && endpoint === "Authorize" && body?.LoginId && body.MostRecentCached === false && code !== "UNAUTHORIZED");
}

/** Looks until it is so. */
export const tickUntil = (bank, what, isSo, seconds = 10) => until(what, async () => (await bank.tick(), isSo()), seconds);
