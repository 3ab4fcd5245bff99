// The rules of docs/backend.md, each as a row that is tried from outside: by the two endpoints, and by the sandbox behind the backend.
//
// A row's id never changes. It has `says` (the rule), `see` (the paragraph), and `try(run)`, which ends well, throws a `Broken` (what was expected, what came,
// what to change) or a `NotTried` (why not). Each begins with a sandbox that was reset.

import { Broken, NotTried } from "./verdict.js";

const MINUTE = 60_000;
const isRetried = (status) => [408, 409, 425, 429, 500, 502, 503, 504].includes(status);
const isRefusal = (status) => status >= 400 && status < 500 && !isRetried(status) && status !== 401;

function expect(isSo, expected, got, change) {
  if (!isSo) throw new Broken(expected, got, change);
}

const told = ({ status, body, text }) => `${status} ${body ? JSON.stringify(body) : text.slice(0, 200)}`;

/** A start that leads to the bank's question. */
async function challenge(run) {
  let reply = await run.start();
  // The data of an earlier row may not be there yet, though nobody can fetch it any more.
  for (let tries = 0; tries < 3 && reply.body?.status === "upToDate"; tries += 1) {
    await run.pause(1_000);
    reply = await run.start();
  }
  expect(
    reply.status === 200 && reply.body?.status === "challenge" && typeof reply.body.requestId === "string",
    '200 {"status": "challenge", "requestId": …}',
    told(reply),
    "answer start with the RequestId of Flinks' 203",
  );
  return reply.body;
}

/** A reconnect whose user has answered everything; what the widget would deliver. */
async function finished(run) {
  const reply = await challenge(run);
  await run.answerAll(reply);
  return run.result(reply);
}

const accepted = (reply, change) => expect(reply.status >= 200 && reply.status < 300, "2xx", told(reply), change);

/** Sends a delivery as the widget does: again, while the answer says so. */
async function deliverUntil(run, body, seconds = 20) {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const reply = await run.deliver(body);
    if (!isRetried(reply.status) || reply.body?.code === "LOGIN_MISMATCH" || Date.now() > end) return reply;
    await run.pause(500);
  }
}

/** Starts as the widget does: again, while the answer is 503 with Retry-After. */
async function startUntil(run, seconds = 30) {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const reply = await run.start();
    if (![429, 503].includes(reply.status) || Date.now() > end) return reply;
    await run.pause(1_000);
  }
}

export const rows = [
  {
    id: "start.begins",
    says: "start of a stored connection asks Flinks live, with Save, and hands on the session of its 203",
    see: "start",
    async try(run) {
      const reply = await challenge(run);
      expect(["refresh", "resume"].includes(reply.mode), 'mode "refresh" (or "resume")', String(reply.mode), "say which of the two it is");
      const [live] = await run.liveCalls();
      expect(live, "an Authorize with MostRecentCached: false in the sandbox's log", "none", "ask Flinks live: a cached answer brings no question");
      expect(live.body.Save !== false, "Save: true", "Save: false", "Connect resumes only what was saved");
      expect(live.requestId === reply.requestId, "the RequestId of the 203", "another one", "hand on the session that Flinks opened");
    },
  },
  {
    id: "start.attempt-id",
    says: "each attempt has an id of its own that nobody can guess",
    see: "an-attempt",
    async try(run) {
      const { attemptId } = await challenge(run);
      expect(typeof attemptId === "string" && attemptId.length >= 22, "an attemptId of at least 128 random bits", JSON.stringify(attemptId ?? null), "draw it from a secure generator");
      await run.sandbox.reset();
      const again = await challenge(run);
      expect(again.attemptId !== attemptId, "another attemptId for another session", "the same", "mint one for each attempt");
    },
  },
  {
    id: "start.fresh-token",
    says: "the authorize token in the answer is unused: the frame spends it",
    see: "tokens",
    async try(run) {
      const reply = await challenge(run);
      if (!reply.authorizeToken) throw new NotTried("the answer has no authorizeToken; instances from before October 2024 need none");
      const { events } = await run.open(reply);
      expect(!events.includes("TOKEN_INVALID"), "COMPONENT_LOAD_MFA in Connect", events.join(", "), "mint a second token for the frame; the one Authorize was called with is spent");
    },
  },
  {
    id: "start.tag",
    says: "the attempt's tag travels with Authorize, so that a webhook finds the attempt",
    see: "webhooks",
    async try(run) {
      const reply = await challenge(run);
      if (reply.tag === undefined || reply.tag === null) throw new NotTried("the answer has no tag");
      const [live] = await run.liveCalls();
      expect(live.body.Tag === reply.tag, "Tag in Authorize, the same as in the answer", live.body.Tag === undefined ? "no Tag" : "another Tag", "send Tag with the live Authorize");
    },
  },
  {
    id: "start.resumes",
    says: "a second start while the session lives goes on with it: same session, attempt and tag, and no second sign-in",
    see: "resuming-keeps-the-attempt",
    async try(run) {
      const first = await challenge(run);
      const second = await challenge(run);
      expect(second.mode === "resume", 'mode "resume"', String(second.mode), "ask Flinks about the open attempt first");
      for (const name of ["requestId", "attemptId", "tag"]) {
        expect(second[name] === first[name], `the same ${name}`, "another one", "keep the attempt while its session lives");
      }
      const calls = await run.liveCalls();
      expect(calls.length === 1, "one live sign-in", String(calls.length), "a bank may send a code for each, or lock the user out");
    },
  },
  {
    id: "start.after-expiry",
    says: "when the session has expired, start begins a new one",
    see: "a-session-that-is-there",
    async try(run) {
      const first = await challenge(run);
      await run.sandbox.advance(9 * MINUTE);
      const second = await challenge(run);
      expect(second.requestId !== first.requestId, "another requestId", "the expired one", "SESSION_NONEXISTENT about an attempt means: begin anew");
    },
  },
  {
    id: "start.up-to-date",
    says: "when Flinks answers 200, nobody is needed: upToDate",
    see: "a-sign-in",
    async try(run) {
      await run.sandbox.faults({ bankQuestions: "skipped" });
      const reply = await startUntil(run);
      expect(reply.status === 200 && reply.body?.status === "upToDate", '200 {"status": "upToDate"}', told(reply), "a 200 of Authorize has no question for the user");
    },
  },
  {
    id: "start.full-flow",
    says: "what only the user can cure in Connect leads to the full flow: connect",
    see: "what-a-code-means",
    async try(run) {
      await run.sandbox.faults({ bankCode: "INVALID_PASSWORD" });
      const reply = await startUntil(run);
      expect(reply.status === 200 && reply.body?.status === "connect", '200 {"status": "connect"}', told(reply), "open Connect for a code that the user can cure there");
      expect(typeof reply.body.attemptId === "string", "an attemptId", "none", "the full flow is an attempt, too");
    },
  },
  {
    id: "start.five-at-once",
    says: "five starts at once are one live sign-in",
    see: "two-starts-at-once",
    async try(run) {
      await run.sandbox.faults({ bankLatencyMs: 5_000 });
      const starts = Promise.all(Array.from({ length: 5 }, () => run.start()));
      await run.until(async () => (await run.liveCalls()).length > 0, 10, "a live Authorize in the sandbox's log");
      await run.pause(1_000);
      await run.sandbox.advance(6_000);
      const replies = await starts;
      const calls = await run.liveCalls();
      expect(calls.length === 1, "one live Authorize", String(calls.length), "mark the connection before the call is sent, and let the other starts wait for it or answer 503");
      for (const reply of replies) {
        expect(reply.status === 200 || reply.status === 429 || reply.status === 503, "200, or 503 or 429 with Retry-After", told(reply), "a start that has to wait is asked again");
      }
    },
  },
  {
    id: "start.slow-bank",
    says: "a 202 of Authorize keeps its session: 503 with Retry-After, and the next start goes on with it",
    see: "slow-banks",
    async try(run) {
      await run.sandbox.faults({ bankLatencyMs: 240_000 });
      const start = run.start();
      await run.until(async () => (await run.liveCalls()).length > 0, 10, "a live Authorize in the sandbox's log");
      await run.sandbox.advance(210_000);
      const first = await start;
      expect(first.status === 503 && first.headers.has("retry-after"), "503 with Retry-After", told(first), "Flinks has taken the call: keep its RequestId, and have the widget ask again");
      await run.sandbox.advance(40_000);
      const second = await startUntil(run);
      const [live, ...more] = await run.liveCalls();
      expect(second.body?.requestId === live.requestId, "the session of the 202", told(second), "go on with the RequestId of the 202");
      expect(more.length === 0, "one live sign-in", String(more.length + 1), "do not begin again what goes on at the bank");
    },
  },
  {
    id: "start.in-time",
    says: "start answers within 30 s while the bank takes 66 s, and goes on with the same sign-in",
    see: "slow-banks",
    async try(run) {
      await run.sandbox.faults({ bankLatencyMs: 66_000 });
      const begun = Date.now();
      const first = await run.start();
      const seconds = Math.round((Date.now() - begun) / 1_000);
      expect(seconds <= 30, "an answer within 30 s", `${seconds} s`, "proxies cut at 30 s: answer 503 with Retry-After before");
      expect(first.status === 503 && first.headers.has("retry-after"), "503 with Retry-After", told(first), "the bank is slow, not broken");
      await run.sandbox.advance(66_000);
      const second = await startUntil(run);
      expect(second.status === 200 && second.body?.status === "challenge", "challenge", told(second), "take the answer when it comes, though nobody waits for it");
      const calls = await run.liveCalls();
      expect(calls.length === 1, "one live sign-in", String(calls.length), "go on with the call that is under way");
    },
  },
  {
    id: "start.bank-down",
    says: "a bank that cannot be reached ends nothing: the next start works",
    see: "what-a-code-means",
    async try(run) {
      await run.sandbox.faults({ bankCode: "RETRY_LATER" });
      const reply = await run.start();
      expect(reply.status !== 200 || reply.body?.status === "connect", "503, or connect", told(reply), "RETRY_LATER brings no session");
      await run.sandbox.faults({});
      const again = await startUntil(run);
      expect(again.status === 200 && again.body?.status === "challenge", "challenge once the bank is back", told(again), "RETRY_LATER is about the moment, not about the connection");
    },
  },
  {
    id: "start.refused-key",
    says: "a key that Flinks refuses is the backend's fault, not the user's: no 401, and nothing ends",
    see: "keys",
    async try(run) {
      await run.sandbox.faults({ apiFailure: { calls: 50, httpStatus: 401, flinksCode: "UNAUTHORIZED", endpoint: "GenerateAuthorizeToken" } });
      const reply = await run.start();
      expect(reply.status >= 500, "5xx", told(reply), "a 401 would tell the widget that the user is signed out");
      await run.sandbox.faults({});
      const again = await startUntil(run);
      expect(again.status === 200 && again.body?.status === "challenge", "challenge once the key is right", told(again), "a refused key ends no connection");
    },
  },
  {
    id: "start.form",
    says: "what a form of any site can send is refused",
    see: "cross-site-requests",
    async try(run) {
      const before = (await run.calls()).length;
      const reply = await run.start({ type: "application/x-www-form-urlencoded", text: "a=b" });
      expect(reply.status >= 400 && reply.status < 500, "4xx", told(reply), "take application/json only");
      expect((await run.calls()).length === before, "no call to Flinks", "one", "refuse before anything begins");
    },
  },
  {
    id: "start.origin",
    says: "a page of another origin begins nothing",
    see: "cross-site-requests",
    async try(run) {
      run.needsCookie();
      const reply = await run.start({ headers: { origin: "https://attacker.example", "sec-fetch-site": "cross-site" } });
      expect(reply.status >= 400 && reply.status < 500, "4xx", told(reply), "hold Origin or Sec-Fetch-Site against your own");
    },
  },
  {
    id: "start.signed-out",
    says: "without its sign-in, start answers 401",
    see: "start",
    async try(run) {
      run.needsHeader();
      const reply = await run.start({ isSignedOut: true });
      expect(reply.status === 401, "401", told(reply), "the widget then says that the user is signed out");
    },
  },
  {
    id: "flinks.own-token",
    says: "a session's later calls show the token it began with, where Flinks wants that",
    see: "tokens",
    async try(run) {
      await run.sandbox.faults({ sessionToken: "own" });
      const body = await finished(run);
      accepted(await deliverUntil(run, body), "keep the token with the attempt, and try it first");
    },
  },
  {
    id: "flinks.fresh-token",
    says: "a session's later calls show a fresh token, where Flinks wants that",
    see: "tokens",
    async try(run) {
      await run.sandbox.faults({ sessionToken: "fresh" });
      const body = await finished(run);
      accepted(await deliverUntil(run, body), "when the session's own token is refused, try a fresh one; neither refusal is a verdict");
    },
  },
  {
    id: "flinks.content-length",
    says: "calls without a body say so (Content-Length: 0)",
    see: "the-calls-to-flinks",
    async try(run) {
      await run.sandbox.faults({ contentLength: "demanded" });
      await challenge(run);
    },
  },
  {
    id: "deliver.accepts",
    says: "a finished reconnect is accepted",
    see: "deliver",
    async try(run) {
      accepted(await deliverUntil(run, await finished(run)), "Flinks has finished this attempt's session");
    },
  },
  {
    id: "deliver.asks-flinks",
    says: "nothing is believed before Flinks was asked",
    see: "claims",
    async try(run) {
      const body = await finished(run);
      const before = (await run.calls()).filter((call) => call.endpoint !== "GenerateAuthorizeToken").length;
      accepted(await deliverUntil(run, body), "Flinks has finished this attempt's session");
      const after = (await run.calls()).filter((call) => call.endpoint !== "GenerateAuthorizeToken").length;
      expect(after > before, "a call to Flinks before the answer", "none", "what a browser sends is a claim: verify the login with Flinks");
    },
  },
  {
    id: "deliver.same-again",
    says: "the same key and body again get the same answer",
    see: "deliver",
    async try(run) {
      const body = await finished(run);
      const first = await deliverUntil(run, body);
      accepted(first, "Flinks has finished this attempt's session");
      const again = await run.deliver(body);
      expect(again.status === first.status && JSON.stringify(again.body) === JSON.stringify(first.body), told(first), told(again), "store the answer with the attempt");
    },
  },
  {
    id: "deliver.other-body",
    says: "the same key with another body is refused",
    see: "the-status-of-each-refusal",
    async try(run) {
      const body = await finished(run);
      accepted(await deliverUntil(run, body), "Flinks has finished this attempt's session");
      const other = await run.deliver({ ...body, institution: "Another Bank" });
      expect(isRefusal(other.status), "422", told(other), "an attempt is used once");
    },
  },
  {
    id: "deliver.unfinished",
    says: "while the user has not answered, nothing is accepted",
    see: "which-requestid-to-trust",
    async try(run) {
      const reply = await run.deliver(run.result(await challenge(run)));
      expect(reply.status >= 400 && isRetried(reply.status), "409 (NOT_FINISHED)", told(reply), "Flinks answers 203 about this session: the widget asks again");
    },
  },
  {
    id: "deliver.invented-request-id",
    says: "a session that the attempt does not know proves nothing",
    see: "which-requestid-to-trust",
    async try(run) {
      const body = run.result(await challenge(run));
      const reply = await run.deliver({ ...body, requestId: "9022abc2-8a2e-4b06-a06e-c3e5449c4d10" });
      expect(reply.status >= 400, "409, or a refusal", told(reply), "ask about the attempt's own session first; stored data is no proof");
    },
  },
  {
    id: "deliver.login-mismatch",
    says: "a finished session of another login is none of this attempt",
    see: "claims",
    async try(run) {
      const body = run.result(await challenge(run));
      const other = await run.finishOther(body.loginId);
      const reply = await run.deliver({ ...body, loginId: other.loginId, requestId: other.requestId });
      expect(reply.status >= 400, '409 {"code": "LOGIN_MISMATCH"}, or NOT_FINISHED', told(reply), "compare the login that Flinks names with the stored one");
    },
  },
  {
    id: "deliver.login-null",
    says: "loginId may be null: the login comes from Flinks",
    see: "nulls",
    async try(run) {
      const body = await finished(run);
      accepted(await deliverUntil(run, { ...body, loginId: null }), "take the login from Flinks by the attempt's session");
    },
  },
  {
    id: "deliver.request-null",
    says: "requestId may be null, where the attempt has its own",
    see: "nulls",
    async try(run) {
      const body = await finished(run);
      accepted(await deliverUntil(run, { ...body, requestId: null }), "the attempt knows its session");
    },
  },
  {
    id: "deliver.unknown-attempt",
    says: "an attempt that nobody began is refused",
    see: "the-status-of-each-refusal",
    async try(run) {
      const body = await finished(run);
      const reply = await run.deliver({ ...body, attemptId: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
      expect(reply.status >= 400 && reply.status < 500, "4xx", told(reply), "the attempt must be known, and this user's");
    },
  },
  {
    id: "deliver.other-user",
    says: "another user's attempt is refused",
    see: "one-user-one-connection",
    async try(run) {
      run.needsOtherUser();
      const body = await finished(run);
      const reply = await run.deliver(body, { isOtherUser: true });
      expect(reply.status >= 400 && reply.status < 500, "4xx", told(reply), "the attempt belongs to the user who began it");
    },
  },
  {
    id: "deliver.aggregating",
    says: "what Flinks has finished but still aggregates is accepted",
    see: "finished-but-still-aggregating",
    async try(run) {
      await run.sandbox.faults({ aggregationMs: 300_000 });
      const body = await finished(run);
      accepted(await deliverUntil(run, body), "ALREADY_AUTHORIZED says that the user is through; 202 of the cached call says that the data comes later");
    },
  },
  {
    id: "deliver.flinks-down",
    says: "while Flinks does not answer, the widget is told to ask again, and the result is not lost",
    see: "no-answer",
    async try(run) {
      const body = await finished(run);
      await run.sandbox.faults({ apiFailure: { calls: 200, httpStatus: 503, flinksCode: "RETRY_LATER" } });
      const reply = await run.deliver(body);
      expect(isRetried(reply.status) || reply.status === 202, "503, or another answer that is asked again", told(reply), "an outage is no verdict");
      await run.sandbox.faults({});
      accepted(await deliverUntil(run, body), "the session is still finished at Flinks");
    },
  },
  {
    id: "deliver.refused-key",
    says: "a key that Flinks refuses ends no delivery",
    see: "keys",
    async try(run) {
      const body = await finished(run);
      await run.sandbox.faults({ apiFailure: { calls: 200, httpStatus: 401, flinksCode: "UNAUTHORIZED", endpoint: "GenerateAuthorizeToken" } });
      const reply = await run.deliver(body);
      expect(isRetried(reply.status) || reply.status < 300, "5xx", told(reply), "UNAUTHORIZED about a key or a token is about the backend, never about the user");
      await run.sandbox.faults({});
      accepted(await deliverUntil(run, body), "the session is still finished at Flinks");
    },
  },
  {
    id: "deliver.invented-accounts",
    says: "account ids that Flinks does not have never narrow the data",
    see: "the-users-choice-of-accounts",
    async try(run) {
      const invented = "deadbeef-0000-4000-8000-000000000000";
      const body = await finished(run);
      const reply = await deliverUntil(run, { ...body, accountIds: [invented] });
      expect(reply.status < 300 || isRefusal(reply.status), "2xx without the invented account, or a refusal", told(reply), "account ids are the user's choice among what Flinks has");
      await run.sandbox.advance(30_000);
      if (reply.status >= 300) return;
      await run.until(async () => (await run.dataCalls()).length > 0, 15, "GetAccountsDetail", NotTried);
      const filters = (await run.dataCalls()).map(({ body: sent }) => sent?.AccountsFilter ?? []);
      const start = await startUntil(run);
      const resumed = [start.body?.resumeSelectedAccounts ?? []].flat().join();
      expect(!resumed.includes(invented), "no invented account in the next start", "it is sent to Connect", "keep only accounts that Flinks has");
      expect(!filters.some((filter) => filter.length === 1 && filter[0] === invented), "no AccountsFilter of invented ids alone", "one", "such a filter makes an empty success");
    },
  },
  {
    id: "deliver.picked-accounts",
    says: "the accounts picked in the original session are filtered by",
    see: "the-users-choice-of-accounts",
    async try(run) {
      const reply = await challenge(run);
      const picked = [reply.resumeSelectedAccounts ?? []].flat();
      if (picked.length === 0) throw new NotTried("this connection was made without the account selector");
      await run.answerAll(reply);
      accepted(await deliverUntil(run, run.result(reply)), "Flinks has finished this attempt's session");
      await run.sandbox.advance(30_000);
      await run.until(async () => (await run.dataCalls()).length > 0, 15, "GetAccountsDetail", NotTried);
      const [{ body }] = await run.dataCalls();
      expect(String(body.AccountsFilter ?? "") === String(picked), "AccountsFilter of the picked accounts", JSON.stringify(body.AccountsFilter ?? null), "send AccountsFilter with the data call");
    },
  },
  {
    id: "deliver.form",
    says: "what a form of any site can send is refused",
    see: "cross-site-requests",
    async try(run) {
      const reply = await run.deliver(undefined, { type: "text/plain", text: JSON.stringify({ attemptId: "a" }) });
      expect(reply.status >= 400 && reply.status < 500, "4xx", told(reply), "take application/json only");
    },
  },
  {
    id: "deliver.not-json",
    says: "what is no JSON is refused, and breaks nothing",
    see: "deliver",
    async try(run) {
      for (const text of ["", "{", "[]", "null", '{"attemptId": 7}']) {
        const reply = await run.deliver(undefined, { text });
        expect(reply.status >= 400 && reply.status < 500, "4xx", `${told(reply)} for ${text || "nothing"}`, "check the body before it is used");
      }
    },
  },
  {
    id: "deliver.oversized",
    says: "a body of a megabyte is refused",
    see: "deliver",
    async try(run) {
      const reply = await run.deliver(undefined, { text: JSON.stringify({ attemptId: "x".repeat(1_000_000) }) });
      expect(reply.status >= 400 && reply.status < 500, "413", told(reply), "bound what is read");
    },
  },
  {
    id: "webhook.signed",
    says: "a signed webhook is answered 200",
    see: "exactly-200",
    async try(run) {
      const { url, secret } = run.needsWebhook();
      await run.sandbox.webhook({ url, secret });
      await run.answerAll(await challenge(run));
      await run.sandbox.advance(30_000);
      const tries = (await run.sandbox.log()).filter(({ kind }) => kind === "webhook");
      expect(tries.length > 0 && tries.every(({ status }) => status === 200), "200 for each", tries.map(({ status }) => status ?? "no answer").join(", ") || "none was sent", "anything but 200 makes Flinks try ten times");
    },
  },
  {
    id: "webhook.unsigned",
    says: "a webhook without the right signature is refused",
    see: "webhooks",
    async try(run) {
      const { url } = run.needsWebhook();
      const reply = await run.post(url, { headers: { "flinks-authenticity-key": "AAAA" }, text: JSON.stringify({ ResponseType: "KYC" }) });
      expect(reply.status >= 400 && reply.status < 500, "401", told(reply), "compare the HMAC of the raw bytes");
    },
  },
  {
    id: "lost.webhook",
    says: "a result that the browser lost is found by the webhook",
    see: "whatever-happens",
    async try(run) {
      const { url, secret } = run.needsWebhook();
      await run.sandbox.webhook({ url, secret });
      await run.answerAll(await challenge(run));
      await run.sandbox.advance(30_000);
      await run.foundByItself(20);
    },
  },
  {
    id: "lost.asking",
    says: "a result that the browser lost is found by asking Flinks",
    see: "whatever-happens",
    async try(run) {
      const reply = await challenge(run);
      await run.answerAll(reply);
      await run.foundByItself(90);
    },
  },
];
