// What the package promises, as stories: those of the reference host, by the same names, through this driver and on its stores.
//
// crates/host/tests has them for the host; a test fails when a name stands there and not here, or here and not there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, mock, test } from "node:test";
import { memoryStore } from "flinks-reconnect-server/memory";
import { Bench, delivery, LOGINS } from "./bench.mjs";
import { postgresDatabase, sqliteDatabases } from "./databases.mjs";
import { access, accountOf } from "./flinks.mjs";
import { answerAll, bankOf, deliver, LOGIN, pause, resultOf, signed, signIns, start, tickUntil, until, withSandbox } from "./world.mjs";

const PICKED = [accountOf(LOGINS[3], 1), accountOf(LOGINS[3], 3)];

/** Two rounds, so that one of them began after now. */
async function untilAskedAgain(bench) {
  const asked = bench.flinks.nightlyAsked;
  await bench.until("the nightly status is asked for", () => bench.flinks.nightlyAsked >= asked + 2);
}

/** Each gets `withBench(pace, work)`, which opens a bank on an empty database. */
const scenarios = {
  a_refresh_ends_in_fresh_accounts: (withBench) => withBench({}, async (bench) => {
    const before = await bench.connection("nightly");
    assert.deepEqual([before.status, before.selectedAccounts, before.problem, await bench.accounts("nightly")], ["needs-attention", 0, null, []]);
    const reply = await bench.challenge("nightly");
    assert.deepEqual([reply.mode, reply.connectUrl, reply.resumeSelectedAccounts], ["refresh", "http://127.0.0.1:4201/v2/", undefined]);
    assert.ok(reply.attemptId.length >= 32 && reply.tag.length >= 32 && typeof reply.authorizeToken === "string");
    assert.equal((await bench.connection("nightly")).status, "in-progress");
    bench.flinks.setSession(reply.requestId, "finished");
    assert.deepEqual((await bench.deliver(delivery(reply, LOGINS[0]))).expect(200).body, { status: "accepted" });
    const after = await bench.untilStatus("nightly", "up-to-date");
    assert.equal(after.refreshedAt, "2026-01-21T20:47:47.145Z");
    assert.equal((await bench.accounts("nightly")).length, 4);
    const [endpoint, asked] = bench.flinks.asked.at(-1);
    assert.deepEqual([endpoint, asked.RequestId, asked.AccountsFilter], ["GetAccountsDetail", reply.requestId, undefined]);
  }),

  nobody_is_needed_when_flinks_answers_200: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[1]] = "authorized";
    assert.deepEqual((await bench.start("ondemand")).expect(200).body, { status: "upToDate" });
    await bench.untilStatus("ondemand", "up-to-date");
    assert.equal((await bench.accounts("ondemand")).length, 4);
  }),

  a_code_that_only_the_full_flow_cures_leads_there: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[2]] = [401, "INVALID_SECURITY_RESPONSE"];
    const first = (await bench.start("mfachanged")).expect(200).body;
    assert.equal(first.status, "connect");
    assert.ok(first.attemptId && first.authorizeToken && first.tag);
    assert.equal((await bench.connection("mfachanged")).status, "needs-attention");
    bench.flinks.addSession("request-of-connect", LOGINS[2], "finished");
    (await bench.deliver({ ...delivery(first, LOGINS[2]), requestId: "request-of-connect" })).expect(200);
    await bench.untilStatus("mfachanged", "up-to-date");
    // Without a requestId the login itself is looked up; what Flinks had before does not count.
    const second = (await bench.start("mfachanged")).expect(200).body;
    (await bench.deliver(delivery(second, LOGINS[2]))).refused(409, "NOT_FINISHED");
    bench.flinks.addSession("another-request-of-connect", LOGINS[2], "finished");
    (await bench.deliver(delivery(second, LOGINS[2]))).expect(200);
    await bench.untilStatus("mfachanged", "up-to-date");
  }),

  other_codes_are_refusals: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[0]] = [401, "RETRY_LATER"];
    assert.equal((await bench.start("nightly")).refused(503, "RETRY_LATER").headers.get("retry-after"), null, "the page does not ask the bank again by itself");
    bench.flinks.live[LOGINS[0]] = [500, "SOMETHING_FLINKS_ADDED"];
    (await bench.start("nightly")).refused(503, "UNKNOWN_FLINKS_CODE");
    (await bench.start("nobodys")).refused(404, "NO_SUCH_CONNECTION");
    // Whatever else Flinks says to a sign-in, it sends the user to Connect.
    for (const code of ["DISABLED_LOGIN", "UNAUTHORIZED", "SOMETHING_FLINKS_ADDED"]) {
      bench.flinks.live[LOGINS[0]] = [401, code];
      assert.equal((await bench.start("nightly")).expect(200).body.status, "connect", code);
    }
  }),

  a_left_session_is_resumed: (withBench) => withBench({}, async (bench) => {
    const first = await bench.challenge("nightly");
    const second = await bench.challenge("nightly");
    assert.equal(second.mode, "resume");
    for (const same of ["attemptId", "requestId", "tag"]) assert.equal(first[same], second[same]);
    assert.notEqual(first.authorizeToken, second.authorizeToken);
    bench.flinks.setSession(second.requestId, "finished");
    (await bench.deliver(delivery(second, LOGINS[0]))).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
    assert.equal((await bench.challenge("nightly")).mode, "refresh");
  }),

  an_expired_session_begins_anew: (withBench) => withBench({}, async (bench) => {
    const first = await bench.challenge("nightly");
    bench.flinks.setSession(first.requestId, "over");
    const second = await bench.challenge("nightly");
    assert.equal(second.mode, "refresh");
    assert.ok(first.attemptId !== second.attemptId && first.requestId !== second.requestId);
    // The user may have gone on to the full flow in the first frame: its result is still taken.
    bench.flinks.addSession("request-of-connect", LOGINS[0], "finished");
    (await bench.deliver({ ...delivery(first, LOGINS[0]), requestId: "request-of-connect" })).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
  }),

  a_result_the_browser_lost_is_found_at_the_next_start: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    assert.deepEqual((await bench.start("nightly")).expect(200).body, { status: "upToDate" });
    await bench.untilStatus("nightly", "up-to-date");
    // The lost delivery arrives after all: once, and with the right login only.
    (await bench.deliver(delivery(reply, LOGINS[1]))).refused(409, "LOGIN_MISMATCH");
    const body = delivery(reply, LOGINS[0]);
    for (const _ of ["first", "again"]) (await bench.deliver(body)).expect(200);
    (await bench.deliver({ ...body, institution: "Another" })).refused(422, "ATTEMPT_USED");
    assert.equal(bench.flinks.dataAsked(), 1);
  }),

  a_result_the_browser_lost_is_found_by_the_reconciler: (withBench) => withBench({ reconcileAfterMs: 20 }, async (bench) => {
    const reply = await bench.challenge("nightly");
    const left = await bench.challenge("ondemand");
    bench.flinks.setSession(reply.requestId, "finished");
    await bench.untilStatus("nightly", "up-to-date");
    // The other one is still waiting for its user, until its session is over.
    assert.equal((await bench.connection("ondemand")).status, "in-progress");
    bench.flinks.setSession(left.requestId, "over");
    await bench.untilStatus("ondemand", "needs-attention");
  }),

  another_login_changes_nothing: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    const before = await bench.connection("nightly");
    // A login of somebody else's, as said by the page.
    (await bench.deliver(delivery(reply, LOGINS[1]))).refused(409, "LOGIN_MISMATCH");
    // The right login with somebody else's session, as found out at Flinks.
    bench.flinks.addSession("request-of-another", LOGINS[1], "finished");
    (await bench.deliver({ ...delivery(reply, LOGINS[0]), requestId: "request-of-another" })).refused(409, "LOGIN_MISMATCH");
    (await bench.deliver({ ...delivery(reply, LOGINS[0]), tag: "not-the-tag-of-this-attempt" })).refused(422, "TAG_MISMATCH");
    assert.deepEqual([await bench.connection("nightly"), await bench.accounts("nightly"), bench.flinks.dataAsked()], [before, [], 0]);
    bench.flinks.setSession(reply.requestId, "finished");
    (await bench.deliver({ ...delivery(reply, LOGINS[0]), tag: null })).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
  }),

  the_same_delivery_is_answered_the_same_and_another_is_refused: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    const body = delivery(reply, LOGINS[0]);
    const first = (await bench.deliver(body)).expect(200).body;
    await bench.untilStatus("nightly", "up-to-date");
    // Flinks is not needed to repeat an answer.
    bench.flinks.isDown = true;
    assert.deepEqual((await bench.deliver(body)).expect(200).body, first);
    (await bench.deliver({ ...body, mode: "resume" })).refused(422, "ATTEMPT_USED");
    assert.equal(bench.flinks.dataAsked(), 1);
  }),

  what_is_not_an_attempt_of_the_user_is_unknown: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    (await bench.deliver({ ...delivery(reply, LOGINS[0]), attemptId: "0123456789abcdef0123456789abcdef01234567" })).refused(404, "NO_SUCH_ATTEMPT");
    bench.flinks.setSession(reply.requestId, "finished");
    assert.deepEqual([await bench.bank.connections("other"), await bench.bank.data({ user: "other", id: "nightly" })], [[], null]);
    (await bench.start("nightly", { user: "other" })).refused(404, "NO_SUCH_CONNECTION");
    (await bench.deliver(delivery(reply, LOGINS[0]), { user: "other" })).refused(404, "NO_SUCH_ATTEMPT");
    assert.equal(bench.flinks.dataAsked(), 0);
  }),

  an_attempt_expires: (withBench) => withBench({ attemptLifeMs: 1 }, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    (await bench.deliver(delivery(reply, LOGINS[0]))).refused(410, "ATTEMPT_EXPIRED");
    assert.equal((await bench.connection("nightly")).status, "needs-attention");
    assert.equal((await bench.challenge("nightly")).mode, "refresh");
  }),

  an_unfinished_session_is_not_believed: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    const body = delivery(reply, LOGINS[0]);
    assert.ok((await bench.deliver(body)).refused(409, "NOT_FINISHED").headers.get("retry-after"));
    // Nor is a session that is gone, when the login's last live attempt died at MFA.
    bench.flinks.setSession(reply.requestId, "over");
    bench.flinks.cachedCode = "QUESTION_NOT_FOUND";
    (await bench.deliver(body)).refused(409, "NOT_FINISHED");
    bench.flinks.setSession(reply.requestId, "finished");
    (await bench.deliver(body)).expect(200);
  }),

  only_the_picked_accounts_are_asked_for_and_kept: (withBench) => withBench({}, async (bench) => {
    assert.equal((await bench.connection("selected")).selectedAccounts, 2);
    const reply = await bench.challenge("selected");
    assert.deepEqual(reply.resumeSelectedAccounts, PICKED);
    bench.flinks.setSession(reply.requestId, "finished");
    // What the page says was picked does not widen it.
    (await bench.deliver({ ...delivery(reply, LOGINS[3]), accountIds: [accountOf(LOGINS[3], 2)] })).expect(200);
    await bench.untilStatus("selected", "up-to-date");
    assert.deepEqual(bench.flinks.asked.at(-1)[1].AccountsFilter, PICKED);
    // This Flinks ignores the filter; the package does not.
    assert.deepEqual(await bench.accounts("selected"), PICKED);
  }),

  the_full_flow_picks_accounts_anew: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[3]] = [401, "QUESTION_NOT_FOUND"];
    const reply = (await bench.start("selected")).expect(200).body;
    assert.deepEqual(reply.params, { accountSelectorEnable: true, accountSelectorMultiple: true });
    bench.flinks.addSession("request-of-connect", LOGINS[3], "finished");
    (await bench.deliver({ ...delivery(reply, LOGINS[3]), requestId: "request-of-connect", accountIds: [accountOf(LOGINS[3], 2)] })).expect(200);
    assert.equal((await bench.untilStatus("selected", "up-to-date")).selectedAccounts, 1);
    assert.deepEqual(await bench.accounts("selected"), [accountOf(LOGINS[3], 2)]);
  }),

  data_that_takes_long_is_polled_for: (withBench) => withBench({}, async (bench) => {
    bench.flinks.pending = 5;
    bench.flinks.live[LOGINS[0]] = "authorized";
    (await bench.start("nightly")).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
    assert.equal(bench.flinks.dataAsked(), 1);
  }),

  a_session_that_is_used_up_is_replaced_by_the_cached_one: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.finishAndEnd(reply.requestId);
    // Delivered late: verified by the login's cached session.
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
    // And when only the data call finds out.
    bench.flinks.onlyCachedData = true;
    bench.flinks.live[LOGINS[1]] = "authorized";
    (await bench.start("ondemand")).expect(200);
    await bench.untilStatus("ondemand", "up-to-date");
    assert.ok(bench.flinks.dataAsked() >= 3);
  }),

  a_restart_carries_on: (withBench) => withBench({}, async (bench) => {
    bench.flinks.pending = Infinity;
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    const body = delivery(reply, LOGINS[0]);
    (await bench.deliver(body)).expect(200);
    await bench.restart();
    assert.equal((await bench.connection("nightly")).status, "in-progress");
    assert.deepEqual((await bench.start("nightly")).expect(200).body, { status: "upToDate" });
    bench.flinks.pending = 0;
    await bench.untilStatus("nightly", "up-to-date");
    // The key is remembered too.
    (await bench.deliver(body)).expect(200);
  }),

  racing_deliveries_are_taken_once: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    const one = delivery(reply, LOGINS[0]);
    const other = { ...one, institution: "Another" };
    const replies = await Promise.all([one, one, one, one, other, other, other, other].map((body) => bench.deliver(body)));
    const statuses = replies.map(({ status }) => status);
    // One body wins for all who sent it, and loses for all who did not.
    const [wins, loses] = [Array(4).fill(200), Array(4).fill(422)];
    assert.deepEqual(statuses, statuses[0] === 200 ? [...wins, ...loses] : [...loses, ...wins]);
    await bench.untilStatus("nightly", "up-to-date");
    assert.equal(bench.flinks.dataAsked(), 1);
  }),

  flinks_down_is_try_again: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    bench.flinks.isDown = true;
    const body = delivery(reply, LOGINS[0]);
    assert.ok((await bench.deliver(body)).refused(503, "FLINKS_UNREACHABLE").headers.get("retry-after"));
    (await bench.start("ondemand")).refused(503, "FLINKS_UNREACHABLE");
    assert.equal((await bench.connection("nightly")).status, "in-progress");
    bench.flinks.isDown = false;
    (await bench.deliver(body)).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
  }),

  flinks_busy_is_try_again_later: (withBench) => withBench({}, async (bench) => {
    bench.flinks.isBusy = true;
    assert.ok((await bench.start("nightly")).refused(503, "FLINKS_BUSY").headers.get("retry-after"));
    bench.flinks.isBusy = false;
    // The work waits by itself.
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    bench.flinks.pending = 1;
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    bench.flinks.isBusy = true;
    assert.equal((await bench.connection("nightly")).status, "in-progress");
    bench.flinks.isBusy = false;
    await bench.untilStatus("nightly", "up-to-date");
  }),

  refused_data_is_a_problem_of_the_connection: (withBench) => withBench({}, async (bench) => {
    bench.flinks.refusesApiKey = true;
    bench.flinks.live[LOGINS[0]] = "authorized";
    (await bench.start("nightly")).expect(200);
    await bench.untilProblem("nightly", "in-progress", "FLINKS_KEYS_REFUSED");
    const tries = bench.flinks.dataAsked();
    await bench.until("it is tried again", () => bench.flinks.dataAsked() > tries);
    // The operator puts the key right: nothing was lost.
    bench.flinks.refusesApiKey = false;
    assert.equal((await bench.untilStatus("nightly", "up-to-date")).problem, null);
  }),

  a_signed_webhook_is_a_delivery: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    const notice = (login, more = {}) => JSON.stringify({ ResponseType: "GetAccountsDetail", Login: { Id: login }, RequestId: reply.requestId, Tag: reply.tag, ...more });
    const wrong = await bench.webhook(notice(LOGINS[0]), await signed(notice(LOGINS[0]), "a-wrong-secret"));
    assert.deepEqual([wrong.status, wrong.body.code], [401, "BAD_SIGNATURE"]);
    for (const useless of [notice(LOGINS[1]), notice(LOGINS[0], { Tag: "no tag of ours", RequestId: "a-session-of-somebody-else" }), "{"]) {
      assert.equal((await bench.webhook(useless)).status, 200);
    }
    assert.equal(bench.flinks.dataAsked(), 0);
    assert.equal((await bench.webhook(notice(LOGINS[0]))).status, 200);
    await bench.untilStatus("nightly", "up-to-date");
    assert.equal((await bench.webhook(notice(LOGINS[0]))).status, 200);
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    assert.equal(bench.flinks.dataAsked(), 1);
  }),

  two_starts_do_not_disturb_each_other: (withBench) => withBench({}, async (bench) => {
    const [one, other] = await Promise.all([bench.challenge("nightly"), bench.challenge("nightly")]);
    for (const { requestId } of [one, other]) bench.flinks.setSession(requestId, "finished");
    (await bench.deliver(delivery(one, LOGINS[0]))).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
    if (one.attemptId !== other.attemptId) (await bench.deliver(delivery(other, LOGINS[0]))).expect(200);
  }),

  a_failed_nightly_refresh_wants_the_user: (withBench) => withBench({ nightlyMs: 20 }, async (bench) => {
    await bench.repaired("ondemand");
    await bench.repaired("selected");
    await untilAskedAgain(bench);
    assert.equal((await bench.connection("ondemand")).status, "up-to-date");
    // As Flinks may write it: with and without a last refresh, a card of nobody here, a card without a login.
    bench.flinks.ineligible = [
      { LoginId: LOGINS[1], Institution: "FlinksCapital", Reason: "QUESTION_NOT_FOUND", LastRefresh: "2026-01-21T20:47:47.145999" },
      { LoginId: "0d5a3c10-0001-4000-8000-00000000ffff", LastRefresh: "0001-01-01T00:00:00" },
      { Institution: "Nowhere" },
    ];
    assert.equal((await bench.untilStatus("ondemand", "needs-attention")).problem, "NIGHTLY_FAILED");
    assert.equal((await bench.connection("selected")).status, "up-to-date");
    assert.equal((await bench.accounts("ondemand")).length, 4, "the old data stays");
    bench.flinks.ineligible = [{ LoginId: LOGINS[3] }];
    await bench.untilStatus("selected", "needs-attention");
    // What wants its user for another reason keeps it.
    await bench.change("mfachanged", { problem: "DATA_TIMEOUT" });
    bench.flinks.ineligible = [{ LoginId: LOGINS[2] }];
    await untilAskedAgain(bench);
    assert.equal((await bench.connection("mfachanged")).problem, "DATA_TIMEOUT");
    await bench.until("it is told", () => bench.events.filter(({ type }) => type === "connection.needs_attention").length === 2);
    assert.deepEqual(bench.events.slice(-2).map(({ data: { connection, attempt, reason } }) => [connection, attempt, reason]), [["ondemand", null, "nightly_failed"], ["selected", null, "nightly_failed"]]);
  }),

  nightly_refresh_leaves_alone_what_moves: (withBench) => withBench({ nightlyMs: 20, reconcileAfterMs: 20 }, async (bench) => {
    // Refreshed since: Flinks' list is older than what is here.
    await bench.repaired("nightly");
    bench.flinks.ineligible = [{ LoginId: LOGINS[0], LastRefresh: "2026-01-20T00:00:00" }];
    await untilAskedAgain(bench);
    assert.equal((await bench.connection("nightly")).status, "up-to-date");
    // In progress: the user is at it.
    const reply = await bench.challenge("nightly");
    bench.flinks.ineligible = [{ LoginId: LOGINS[0] }];
    await untilAskedAgain(bench);
    assert.equal((await bench.connection("nightly")).status, "in-progress");
    bench.flinks.ineligible = [];
    await untilAskedAgain(bench);
    bench.flinks.setSession(reply.requestId, "over");
    assert.equal((await bench.untilStatus("nightly", "up-to-date")).problem, null);
    // Refreshed while Flinks was writing its answer.
    const held = bench.flinks.heldCalls;
    bench.flinks.held = "GetNightlyRefreshStatus";
    await bench.until("the nightly status is being asked for", () => bench.flinks.heldCalls > held);
    // The look that waits for Flinks does nothing else meanwhile; another process does.
    bench.begin(bench.other);
    let isRepaired = false;
    const looking = (async () => {
      while (!isRepaired) await bench.bank.tick().then(() => pause(5));
    })();
    await bench.repaired("ondemand").finally(() => (isRepaired = true));
    await looking;
    Object.assign(bench.flinks, { held: null, ineligible: [{ LoginId: LOGINS[1] }], listsOnce: true });
    await untilAskedAgain(bench);
    assert.deepEqual([bench.flinks.ineligible, (await bench.connection("ondemand")).status], [[], "up-to-date"]);
  }),

  slow_flinks_is_a_problem_until_it_answers: async (withBench) => {
    const { timeout } = AbortSignal;
    mock.method(AbortSignal, "timeout", (ms) => timeout.call(AbortSignal, Math.min(ms, 200)));
    try {
      await withBench({}, async (bench) => {
        const reply = await bench.challenge("nightly");
        bench.flinks.setSession(reply.requestId, "finished");
        bench.flinks.held = "Authorize";
        const body = delivery(reply, LOGINS[0]);
        assert.ok((await bench.deliver(body)).refused(503, "FLINKS_UNREACHABLE").headers.get("retry-after"));
        bench.flinks.held = "GetAccountsDetail";
        (await bench.deliver(body)).expect(200);
        await bench.untilProblem("nightly", "in-progress", "FLINKS_UNREACHABLE");
        bench.flinks.held = null;
        assert.equal((await bench.untilStatus("nightly", "up-to-date")).problem, null);
      });
    } finally {
      mock.restoreAll();
    }
  },

  flinks_down_is_a_problem_until_it_is_back: (withBench) => withBench({}, async (bench) => {
    await bench.accepted("nightly");
    const [begun, calls] = [performance.now(), bench.flinks.calls];
    bench.flinks.isDown = true;
    await bench.untilProblem("nightly", "in-progress", "FLINKS_UNREACHABLE");
    await bench.until("it is tried again", () => bench.flinks.calls >= calls + 3);
    // At first after a quarter of a second at the earliest, then later.
    assert.ok(performance.now() - begun >= 250);
    Object.assign(bench.flinks, { isDown: false, pending: 1 });
    assert.equal((await bench.untilStatus("nightly", "up-to-date")).problem, null);
    assert.equal(bench.flinks.dataAsked(), 1);
  }),

  flinks_down_for_too_long_is_the_end: (withBench) => withBench({ dataDeadlineMs: 3_000 }, async (bench) => {
    await bench.accepted("nightly");
    bench.flinks.isDown = true;
    await bench.untilProblem("nightly", "needs-attention", "FLINKS_UNREACHABLE");
    // The user can begin again.
    Object.assign(bench.flinks, { isDown: false, pending: 0 });
    await bench.repaired("nightly");
    assert.equal((await bench.connection("nightly")).problem, null);
  }),

  limited_requests_are_a_problem_and_a_rest: (withBench) => withBench({ looks: false }, async (bench) => {
    const RESULTS = 40;
    // As many results as come in together after an outage.
    const added = Array.from({ length: RESULTS }, (_, number) => {
      const id = `attempt-of-outage-${String(number).padStart(4, "0")}`;
      bench.flinks.addSession(id, LOGINS[0], "finished");
      return {
        id, tag: id, user: "alice", connection: "nightly", state: "accepted", stage: "session", requestId: id, token: null, baselineMs: 0, choice: [], createdAtMs: Date.now(), expiresAtMs: Date.now() + 3_600_000,
        dueAtMs: 0, tries: 0, acceptedAtMs: Date.now(), result: id, dataStep: "ask", transactions: "wanted", fingerprint: null,
      };
    });
    await bench.change("nightly", {}, { added });
    bench.flinks.isBusy = true;
    const calls = bench.flinks.calls;
    // So many at once, and the list of Nightly Refresh; then the application is asked for a pause.
    const { nextInMs } = await bench.bank.tick();
    assert.ok(bench.flinks.calls - calls <= 8 + 1 && nextInMs >= 250, `${bench.flinks.calls - calls} calls, the next in ${nextInMs} ms`);
    assert.deepEqual([(await bench.connection("nightly")).status, (await bench.connection("nightly")).problem], ["in-progress", "FLINKS_BUSY"]);
    bench.flinks.isBusy = false;
    bench.look();
    assert.equal((await bench.untilStatus("nightly", "up-to-date")).problem, null);
    assert.equal(bench.flinks.dataAsked(), RESULTS);
  }),

  data_that_never_comes_is_a_problem: (withBench) => withBench({ dataDeadlineMs: 300 }, async (bench) => {
    await bench.accepted("nightly");
    await bench.untilProblem("nightly", "needs-attention", "DATA_TIMEOUT");
    assert.equal(bench.flinks.dataAsked(), 1);
    bench.flinks.pending = 0;
    await bench.repaired("nightly");
    assert.equal((await bench.connection("nightly")).problem, null);
  }),
};

/** What a server driven from outside once got wrong. */
const faults = {
  an_unfinished_session_is_not_accepted_by_a_made_up_request_id: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    for (const requestId of ["made-up-session", null]) (await bench.deliver({ ...delivery(reply, LOGINS[0]), requestId })).refused(409, "NOT_FINISHED");
    // Nor once the session is over: Flinks has nothing newer.
    bench.flinks.setSession(reply.requestId, "over");
    const body = { ...delivery(reply, LOGINS[0]), requestId: null };
    (await bench.deliver(body)).refused(409, "NOT_FINISHED");
    assert.equal(bench.flinks.dataAsked(), 0);
    bench.flinks.finishAndEnd(reply.requestId);
    (await bench.deliver(body)).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
  }),

  accounts_picked_anew_win_also_when_the_webhook_comes_first: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[3]] = [401, "QUESTION_NOT_FOUND"];
    const reply = (await bench.start("selected")).expect(200).body;
    assert.equal(reply.status, "connect");
    bench.flinks.addSession("request-of-connect", LOGINS[3], "finished");
    const notice = { ResponseType: "GetAccountsDetail", Login: { Id: LOGINS[3] }, RequestId: "request-of-connect", Tag: reply.tag };
    assert.equal((await bench.webhook(notice)).status, 200);
    assert.equal(bench.flinks.dataAsked(), 0, "the old selection may be what the user took away");
    (await bench.deliver({ ...delivery(reply, LOGINS[3]), requestId: "request-of-connect", accountIds: [accountOf(LOGINS[3], 2)] })).expect(200);
    assert.equal((await bench.untilStatus("selected", "up-to-date")).selectedAccounts, 1);
    assert.deepEqual(await bench.accounts("selected"), [accountOf(LOGINS[3], 2)]);
  }),

  account_ids_that_flinks_does_not_have_choose_nothing: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[3]] = [401, "QUESTION_NOT_FOUND"];
    const reply = (await bench.start("selected")).expect(200).body;
    bench.flinks.addSession("request-of-connect", LOGINS[3], "finished");
    (await bench.deliver({ ...delivery(reply, LOGINS[3]), requestId: "request-of-connect", accountIds: [accountOf(LOGINS[3], 2), "made-up-account"] })).expect(200);
    assert.equal((await bench.untilStatus("selected", "up-to-date")).selectedAccounts, 2, "the made-up id is not kept");
    assert.deepEqual(await bench.accounts("selected"), PICKED);
  }),

  neither_a_refused_key_nor_missing_transactions_end_an_accepted_result: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    Object.assign(bench.flinks, { refusesApiKey: true, dataCode: "NO_TRANSACTION" });
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    bench.flinks.dataCode = null;
    await bench.untilProblem("nightly", "in-progress", "FLINKS_KEYS_REFUSED");
    Object.assign(bench.flinks, { refusesApiKey: false, dataCode: "NO_TRANSACTION" });
    assert.equal((await bench.untilStatus("nightly", "up-to-date")).problem, null);
    assert.equal((await bench.accounts("nightly")).length, 4);
  }),

  a_session_is_asked_about_with_its_own_token_first_and_then_with_a_fresh_one: async (withBench) => {
    for (const sessionToken of ["own", "fresh", "any"]) {
      await withBench({}, async (bench) => {
        bench.flinks.sessionToken = sessionToken;
        const reply = await bench.challenge("nightly");
        assert.equal((await bench.challenge("nightly")).mode, "resume");
        bench.flinks.setSession(reply.requestId, "finished");
        (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
        await bench.untilStatus("nightly", "up-to-date");
      });
    }
  },

  what_flinks_has_finished_but_still_aggregates_is_accepted: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    Object.assign(bench.flinks, { isAggregating: true, pending: Infinity });
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    assert.equal((await bench.connection("nightly")).status, "in-progress");
    Object.assign(bench.flinks, { isAggregating: false, pending: 0 });
    await bench.untilStatus("nightly", "up-to-date");
  }),

  what_was_finished_during_an_outage_is_found_after_it_also_in_the_full_flow: (withBench) => withBench({ reconcileAfterMs: 20 }, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.live[LOGINS[1]] = [401, "INVALID_PASSWORD"];
    assert.equal((await bench.start("ondemand")).expect(200).body.status, "connect");
    bench.flinks.isDown = true;
    // Meanwhile the user gets through in both, no browser tells, and the sessions end.
    bench.flinks.finishAndEnd(reply.requestId);
    bench.flinks.addSession("request-of-connect", LOGINS[1], "finished");
    const calls = bench.flinks.calls;
    await bench.until("it is asked about during the outage", () => bench.flinks.calls >= calls + 3);
    bench.flinks.isDown = false;
    await bench.untilStatus("nightly", "up-to-date");
    await bench.untilStatus("ondemand", "up-to-date");
  }),

  a_webhook_without_a_tag_is_known_by_its_session: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "finished");
    const notice = { ResponseType: "GetAccountsDetail", Login: { Id: LOGINS[0] }, RequestId: reply.requestId };
    assert.equal((await bench.webhook(notice)).status, 200);
    await bench.untilStatus("nightly", "up-to-date");
    assert.equal((await bench.webhook(notice)).status, 200);
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    assert.equal(bench.flinks.dataAsked(), 1);
    // And the sign-in carried the tag, so that Flinks can return it.
    assert.equal(bench.flinks.asked.find(([, { MostRecentCached }]) => MostRecentCached === false)[1].Tag, reply.tag);
  }),

  a_slow_bank_is_one_sign_in_that_later_starts_go_on_with: (withBench) => withBench({}, async (bench) => {
    bench.flinks.live[LOGINS[0]] = "slow";
    for (const _ of [1, 2, 3]) {
      assert.ok((await bench.start("nightly")).refused(503, "BANK_SLOW").headers.get("retry-after"));
      assert.equal((await bench.connection("nightly")).status, "in-progress");
    }
    const [slow] = [...bench.flinks.sessions].find(([, { stand }]) => stand === "working");
    bench.flinks.setSession(slow, "challenged");
    const reply = await bench.challenge("nightly");
    assert.deepEqual([reply.mode, reply.requestId, bench.flinks.signIns], ["resume", slow, 1]);
    bench.flinks.setSession(slow, "finished");
    (await bench.deliver(delivery(reply, LOGINS[0]))).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
  }),

  a_bank_that_takes_longer_than_a_request_may_is_waited_for: (_, open) => onSandbox(open, { startAnswerMs: 1_000 }, async ({ sandbox, bank }) => {
    // The bank takes half a minute of the sandbox's clock; a request to start is answered after a second.
    await sandbox.faults({ bankLatencyMs: 30_000 });
    for (const _ of [1, 2, 3]) assert.equal((await start(bank, "bank")).body.code, "BANK_SLOW");
    await until("the sign-in has arrived", async () => (await signIns(sandbox)).length === 1);
    await sandbox.advance(30_001);
    await sandbox.faults({});
    const reply = await until("the bank has answered", async () => {
      const { status, body } = await start(bank, "bank");
      return status === 200 && body;
    });
    assert.equal(reply.status, "challenge");
    await answerAll(sandbox, reply);
    assert.equal((await deliver(bank, resultOf(reply))).status, 200);
    assert.equal((await signIns(sandbox)).length, 1);
  }),

  tokens_lengths_and_late_data_as_the_sandbox_has_them: (_, open) => onSandbox(open, {}, async ({ sandbox, bank, events }) => {
    const faults = { sessionToken: "own", contentLength: "demanded" };
    await sandbox.faults(faults);
    const { body: reply } = await start(bank, "bank");
    assert.equal((await start(bank, "bank")).body.mode, "resume");
    // The user answers as Connect's page would, with whatever token.
    await sandbox.faults({});
    await answerAll(sandbox, reply);
    // Flinks has finished with the user, and collects for half a minute.
    await sandbox.faults({ ...faults, aggregationMs: 30_000 });
    assert.equal((await deliver(bank, resultOf(reply))).status, 200);
    await sandbox.advance(31_000);
    await tickUntil(bank, "it is told", () => events.length > 0);
  }),

  five_clicks_at_once_are_one_sign_in: (withBench) => withBench({}, async (bench) => {
    bench.flinks.held = "Authorize";
    const clicks = [1, 2, 3, 4, 5].map(() => bench.challenge("nightly"));
    await bench.until("all have begun", () => bench.flinks.heldCalls >= 5);
    bench.flinks.held = null;
    const replies = await Promise.all(clicks);
    assert.deepEqual([new Set(replies.map(({ attemptId }) => attemptId)).size, bench.flinks.signIns], [1, 1]);
  }),

  a_sign_in_whose_answer_was_lost_is_not_repeated_before_the_banks_time_is_over: (withBench) => withBench({ bankMs: 1_000, startAnswerMs: 1_000 }, async (bench) => {
    bench.flinks.losesSignIns = true;
    const begun = performance.now();
    (await bench.start("nightly")).refused(503, "BANK_SLOW");
    await bench.until("the sign-in has arrived", () => bench.flinks.signIns === 1);
    bench.flinks.losesSignIns = false;
    const reply = await bench.until("the bank's time is over", async () => {
      const answer = await bench.start("nightly");
      if (answer.status === 200) return answer.body;
      answer.refused(503, "BANK_SLOW");
      assert.ok(bench.flinks.signIns === 1 || performance.now() - begun >= 1_000);
      return false;
    });
    assert.ok(performance.now() - begun >= 1_000);
    assert.deepEqual([reply.status, bench.flinks.signIns], ["challenge", 2]);
  }),

  a_sign_in_whose_connection_breaks_is_not_repeated_at_once: (withBench) => withBench({ startAnswerMs: 50 }, async (bench) => {
    bench.flinks.breaksSignIns = true;
    (await bench.start("nightly")).refused(503, "BANK_SLOW");
    await bench.until("the sign-in has arrived", () => bench.flinks.signIns === 1);
    bench.flinks.breaksSignIns = false;
    for (let more = 0; more < 3; more += 1) (await bench.start("nightly")).refused(503, "BANK_SLOW");
    assert.equal(bench.flinks.signIns, 1);
  }),

  a_sign_in_that_was_held_up_is_not_sent_late: (withBench) => withBench({ bankMs: 100 }, async (bench) => {
    bench.flinks.held = "/Authorize";
    const begun = bench.start("nightly");
    await bench.until("what Flinks has is asked for", () => bench.flinks.heldCalls === 1);
    bench.flinks.held = "GenerateAuthorizeToken";
    await bench.until("a token is bought for the sign-in", () => bench.flinks.heldCalls === 2);
    // Longer than the mark of the sign-in leaves for that.
    const { connection } = await bench.stored("nightly");
    await bench.until("its mark is over", () => Date.now() > connection.signIn.untilMs);
    bench.flinks.held = null;
    (await begun).refused(503, "FLINKS_UNREACHABLE");
    assert.equal(bench.flinks.signIns, 0);
    await bench.challenge("nightly");
  }),

  a_user_has_so_many_sign_ins_under_way_and_no_more: (withBench) => withBench({ signInsPerUser: 2, startAnswerMs: 2_000 }, async (bench) => {
    bench.flinks.losesSignIns = true;
    for (const connection of ["nightly", "ondemand"]) (await bench.start(connection)).refused(503, "BANK_SLOW");
    assert.ok((await bench.start("selected")).refused(429, "TOO_MANY_SIGN_INS").headers.get("retry-after"));
    // Requests are not what is counted.
    (await bench.start("nightly")).refused(503, "BANK_SLOW");
    assert.equal(bench.flinks.signIns, 2);
  }),

  a_refusal_that_no_retry_cures_is_one_the_widget_does_not_repeat: (withBench) => withBench({}, async (bench) => {
    const reply = await bench.challenge("nightly");
    bench.flinks.setSession(reply.requestId, "refused");
    (await bench.deliver(delivery(reply, LOGINS[0]))).refused(422, "DISABLED_LOGIN");
    assert.equal((await bench.connection("nightly")).status, "in-progress");
  }),

  a_delivery_without_a_login_is_verified_by_its_session: (withBench) => withBench({}, async (bench) => {
    const first = await bench.challenge("nightly");
    const nameless = { ...delivery(first, null), requestId: null };
    (await bench.deliver(nameless)).refused(409, "NOT_FINISHED");
    bench.flinks.setSession(first.requestId, "finished");
    (await bench.deliver(nameless)).expect(200);
    await bench.untilStatus("nightly", "up-to-date");
    bench.flinks.live[LOGINS[1]] = [401, "INVALID_PASSWORD"];
    const second = (await bench.start("ondemand")).expect(200).body;
    (await bench.deliver(delivery(second, null))).refused(422, "NOTHING_TO_VERIFY");
    bench.flinks.addSession("request-of-connect", LOGINS[1], "finished");
    (await bench.deliver({ ...delivery(second, null), requestId: "request-of-connect" })).expect(200);
    await bench.untilStatus("ondemand", "up-to-date");
  }),

  a_page_whose_token_connect_refused_gets_the_sessions_own: (withBench) => withBench({}, async (bench) => {
    const first = await bench.challenge("nightly");
    const again = async (after) => bench.start("nightly", { body: { after } });
    const own = (await again("TOKEN_INVALID")).expect(200).body;
    assert.deepEqual([own.mode, own.attemptId], ["resume", first.attemptId]);
    assert.equal((await again("TOKEN_INVALID")).expect(200).body.authorizeToken, own.authorizeToken);
    assert.notEqual((await again(null)).expect(200).body.authorizeToken, own.authorizeToken);
    (await again("SOMETHING")).refused(400, "MALFORMED");
  }),
};

/** What the host alone promises, and why. */
const hosts = {
  slow_flinks_gets_no_more_calls_than_allowed: "the host limits its own calls to Flinks; an application has its own limits",
  many_starts_of_one_connection_cost_another_users_delivery_nothing: "the same limit, and who has places in it",
  a_slow_sign_in_takes_no_place_of_another_start: "the same limit, and that sign-ins have places of their own",
  every_call_says_how_long_it_is_who_sends_it_and_what_it_takes: "the host's HTTP client and its name; here the platform's fetch writes the head, and the sandbox demands lengths above",
  a_database_of_an_earlier_version_is_brought_up_to_date: "the host's own tables",
};

/** A bank before a sandbox. */
const onSandbox = (open, pace, work) => withSandbox(async (sandbox) => {
  const { one, close } = await open();
  try {
    const events = [];
    const bank = bankOf(sandbox, one, { pace: { pollMs: 20, ...pace }, onEvent: (event) => void events.push(event) });
    await bank.addConnection({ user: "alice", id: "bank", loginId: LOGIN });
    await work({ sandbox, bank, events });
  } finally {
    await close();
  }
});

test("the scenarios are the host's, by the same names", () => {
  const source = (name) => readFileSync(new URL(`../../../crates/host/tests/${name}.rs`, import.meta.url), "utf8");
  const listed = /\$each! \{([^}]*)\}/.exec(source("common/scenarios"))[1].trim().split(/\s+/);
  const tested = [...source("faults").matchAll(/#\[tokio::test\]\s+async fn (\w+)/g)].map(([, name]) => name);
  assert.ok(listed.length > 25 && tested.length > 15, `${listed.length} and ${tested.length}`);
  const ours = Object.keys({ ...scenarios, ...faults });
  assert.deepEqual([...ours, ...Object.keys(hosts)].sort(), [...listed, ...tested].sort());
  console.log(`| the host's scenarios through the package | ${ours.length} by the same names | ${Object.keys(hosts).length} are the host's own |`);
});

const inMemory = () => {
  const store = memoryStore();
  return { one: store, other: store, close() {} };
};
const databases = [
  { name: "in memory", skip: false, open: inMemory },
  ...sqliteDatabases.filter(({ name }) => name === "node:sqlite"),
  // Its statements are those of SQLite, and the other tests play them there every day.
  { name: "Postgres", skip: !(process.env.POSTGRES && process.env.WHOLE) && "only with POSTGRES and WHOLE=1", open: postgresDatabase },
];

test("of two processes one asks for the list of Nightly Refresh; where Flinks gives none, ten minutes later again, and else after an hour", async () => {
  const { open } = databases.find(({ name, skip }) => name === "node:sqlite" && !skip) ?? databases[0];
  await Bench.with(open, { looks: false }, async ({ flinks, one, other, pace }) => {
    let aheadMs = 0;
    const banks = [one, other].map((store) => bankOf(null, { ...store, nowMs: () => Date.now() + aheadMs }, { flinks: access, fetch: flinks.fetch, pace }));
    const after = async (ms) => {
      aheadMs += ms;
      await Promise.all(banks.map((bank) => bank.tick()));
      return [flinks.calls, flinks.nightlyAsked];
    };
    flinks.isDown = true;
    assert.deepEqual(await after(0), [1, 0]);
    flinks.isDown = false;
    assert.deepEqual(await after(590_000), [1, 0]);
    assert.deepEqual(await after(20_000), [2, 1]);
    assert.deepEqual(await after(3_500_000), [2, 1]);
    assert.deepEqual(await after(200_000), [3, 2]);
  });
});

for (const { name, skip, open } of databases) {
  const declare = ([name, play]) => test(name.replaceAll("_", " "), { timeout: 60_000 }, () => play((pace, work) => Bench.with(open, pace, work), open));
  const { slow_flinks_is_a_problem_until_it_answers, ...others } = { ...scenarios, ...faults };
  describe(name, { skip, concurrency: 8 }, () => Object.entries(others).forEach(declare));
  // It changes what all share.
  describe(`${name}, alone`, { skip }, () => declare(["slow_flinks_is_a_problem_until_it_answers", slow_flinks_is_a_problem_until_it_answers]));
}
