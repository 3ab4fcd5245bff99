// @rizwannur/flinks 0.2.0, unchanged but for the base URL.

import { FlinksClient, WebhookVerificationError } from "@rizwannur/flinks";
import { answers, api, apiKey, customerId, expect, failure, hmacSecret, logins, receiver, reporter, secretKey, until } from "./bench.mjs";

const report = reporter("@rizwannur/flinks");
const flinks = new FlinksClient({
  instance: "toolbox",
  customerId,
  secretKey,
  xApiKey: apiKey,
  hmacSecret,
  hosts: { banking: api },
});
const patience = { intervalMs: 50, timeoutMs: 10_000 };
const hooks = await receiver();

await report("authorize.generateAuthorizeToken", async () => {
  const { httpStatusCode, token } = await flinks.authorize.generateAuthorizeToken();
  expect(httpStatusCode === 200 && token.length === 36, "a token");
});

await report("authorize.authorize (cached)", async () => {
  const reply = await flinks.authorize.authorize({ loginId: logins.ondemand });
  expect(reply.httpStatusCode === 200 && reply.login.id === logins.ondemand, "200 with the login");
});

await report("authorize.authorize (spent token renewed)", async () => {
  // The client keeps its token, which Flinks takes once; it has to get over the 401 by itself.
  const reply = await flinks.authorize.authorize({ loginId: logins.selected });
  expect(reply.httpStatusCode === 200 && reply.institutionName === "Caisse des Trois Collines", "200");
});

await report("authorize.authorize (cached, last attempt failed)", async () => {
  const error = await failure(() => flinks.authorize.authorize({ loginId: logins.nightly }));
  expect(error.flinksCode === "QUESTION_NOT_FOUND" && error.body.RequestId, "QUESTION_NOT_FOUND with a RequestId");
});

let session;
await report("authorize.authorize (live, 203)", async () => {
  session = await flinks.authorize.authorize({ loginId: logins.mfachanged, mostRecentCached: false, tag: "a tag" });
  expect(session.httpStatusCode === 203 && session.securityChallenges[0].type === "QuestionAndAnswer", "203");
});

await report("authorize.authorize (wrong answer)", async () => {
  const [{ prompt }] = session.securityChallenges;
  const wrong = { requestId: session.requestId, securityResponses: { [prompt]: ["Toronto"] } };
  const error = await failure(() => flinks.authorize.authorize(wrong));
  expect(error.flinksCode === "INVALID_SECURITY_RESPONSE", "INVALID_SECURITY_RESPONSE");
});

await report("authorize.authorize (MFA by answers)", async () => {
  let reply = session;
  while (reply.httpStatusCode === 203) {
    const [{ prompt }] = reply.securityChallenges;
    reply = await flinks.authorize.authorize({ requestId: reply.requestId, securityResponses: { [prompt]: [answers[prompt]] } });
  }
  expect(reply.httpStatusCode === 200 && reply.login.id === logins.mfachanged, "200 with the login");
});

const { requestId } = session;
await report("connect.getAccountsSummary", async () => {
  const reply = await flinks.connect.getAccountsSummary({ requestId });
  expect(reply.httpStatusCode === 202 && reply.requestId === requestId, "202");
});
await report("connect.getAccountsSummaryAsync", async () => {
  await until(() => flinks.connect.getAccountsSummaryAsync(requestId), (reply) => reply.httpStatusCode === 200);
});
await report("connect.getAccountsSummaryAndWait", async () => {
  const reply = await flinks.connect.getAccountsSummaryAndWait({ requestId, withBalance: true }, patience);
  expect(reply.accounts.length === 4 && reply.accounts[0].balance.current > 0, "four accounts with balances");
});
await report("connect.getStatements", async () => {
  const order = () => flinks.connect.getStatements({ requestId, numberOfStatements: "MostRecent" });
  const reply = await until(order, ({ httpStatusCode }) => httpStatusCode === 200);
  const [{ base64Bytes, fileType }] = reply.statementsByAccount[0].statements;
  expect(fileType === "PDF" && Buffer.from(base64Bytes, "base64").toString("latin1").startsWith("%PDF-"), "a PDF");
});
await report("connect.getAccountsDetail + Async", async () => {
  const accountsFilter = ["acc00000-0003-4000-8000-000000000001", "acc00000-0003-4000-8000-000000000002"];
  const first = await flinks.connect.getAccountsDetail({ requestId, withKyc: true, withTransactions: true, accountsFilter });
  expect(first.httpStatusCode === 202, "202");
  const reply = await until(() => flinks.connect.getAccountsDetailAsync(requestId), (reply) => reply.httpStatusCode === 200);
  expect(reply.accounts.length === 2 && reply.accounts[0].transactions.length > 3 && reply.tag === "a tag", "two accounts and the tag");
});

await report("getAccountDetails (whole flow with MFA)", async () => {
  let result = await flinks.getAccountDetails({ loginId: logins.selected, mostRecentCached: false }, { poll: patience });
  while (result.status === "mfa") {
    const [{ prompt }] = result.challenges;
    result = await result.answer({ [prompt]: [answers[prompt]] });
  }
  expect(result.accounts.length === 4 && result.accounts[0].holder.address.poBox === null, "four accounts with holders");
});
await report("getAccountSummary (whole flow, cached)", async () => {
  const result = await flinks.getAccountSummary({ loginId: logins.selected }, { poll: patience });
  expect(result.accounts.length === 4, "four accounts");
});
await report("connect.getAccountsDetailAndWait (used up)", async () => {
  const error = await failure(() => flinks.connect.getAccountsDetailAndWait({ requestId }, patience));
  expect(error.flinksCode === "SESSION_NONEXISTENT" && error.httpStatusCode === 400, "400 SESSION_NONEXISTENT");
});

await report("connect.setScheduledRefresh", async () => {
  const reply = await flinks.connect.setScheduledRefresh({ loginId: logins.ondemand, isActivated: true });
  expect(reply.httpStatusCode === 200 && reply.login.isScheduledRefresh, "it to be on");
});
await report("connect.getNightlyRefreshStatus", async () => {
  const { ineligibleCards } = await flinks.connect.getNightlyRefreshStatus();
  expect(ineligibleCards.some(({ loginId }) => loginId === logins.nightly), "the login that needs its user");
});
await report("connect.getMfaQuestions", async () => {
  const { questions } = await flinks.connect.getMfaQuestions(logins.ondemand);
  expect(questions.length === 3 && questions.every(({ prompt }) => prompt in answers), "three questions");
});
await report("connect.answerMfaQuestions", async () => {
  const questions = Object.entries(answers).map(([prompt, answer]) => ({ prompt, answer }));
  await flinks.connect.answerMfaQuestions({ loginId: logins.ondemand, questions });
  const reply = await flinks.authorize.authorize({ loginId: logins.ondemand, mostRecentCached: false });
  expect(reply.httpStatusCode === 200, "a live refresh without questions");
});
await report("connect.getInstitutions", async () => {
  const { data, count } = await flinks.connect.getInstitutions();
  expect(data.length === count && data.some(({ name }) => name === "FlinksCapital"), "FlinksCapital on the list");
});
await report("connect.getInstitutionByRoutingNumber", async () => {
  const { id } = await flinks.connect.getInstitutionByRoutingNumber("777");
  expect(id === 14, "FlinksCapital");
});
await report("connect.deleteCard", async () => {
  const deleted = await flinks.connect.deleteCard(logins.selected);
  expect(deleted.statusCode === 200, "StatusCode 200");
  const error = await failure(() => flinks.authorize.authorize({ loginId: logins.selected }));
  expect(error.flinksCode === "INVALID_LOGIN", "INVALID_LOGIN afterwards");
});

await report("webhooks.handle", async () => {
  for (const type of ["KYC", "GetAccountsDetail"]) {
    const { raw, headers } = await hooks.body(type);
    const event = flinks.webhooks.handle(raw, headers);
    expect(event.responseType === type && event.login.id && event.requestId, `${type} with login and session`);
    const error = await failure(() => Promise.resolve().then(() => flinks.webhooks.handle(`${raw} `, headers)));
    expect(error instanceof WebhookVerificationError, "a changed body to be refused");
  }
});
await hooks.close();
