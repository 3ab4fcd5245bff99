// node-flinks 0.6.0, unchanged but for the base URL. It knows no authorize tokens: they come from a call of our own.

import flinksModule from "node-flinks";
import { answers, api, apiKey, customerId, expect, failure, hmacSecret, logins, receiver, reporter, secretKey, until } from "./bench.mjs";

const { default: FlinksClient, isMessageValid, generateMessageSignature } = flinksModule;
const report = reporter("node-flinks");

const flinks = new FlinksClient("toolbox", customerId);
flinks.client = flinks.client.extend({ prefixUrl: `${api}/v3/${customerId}` });

async function authorizeToken() {
  const url = `${api}/v3/${customerId}/BankingServices/GenerateAuthorizeToken`;
  const response = await fetch(url, { method: "POST", headers: { "flinks-auth-key": secretKey } });
  return (await response.json()).Token;
}

const accessToken = apiKey;
const hooks = await receiver();

await report("token", () => flinks.token({ clientId: "client", secret: secretKey }));

const cached = await report("authorize (cached)", async () => {
  const reply = await flinks.authorize({ loginId: logins.ondemand, accessToken: await authorizeToken() });
  expect(reply.httpStatusCode === 200 && reply.login.id === logins.ondemand, "200 with the login");
  return reply;
});

await report("authorize (credentials, no MFA)", async () => {
  const reply = await flinks.authorize({
    institution: "FlinksCapital",
    username: "greatday_nomfa",
    password: "Everyday",
    mostRecentCached: false,
    save: true,
    accessToken: await authorizeToken(),
  });
  expect(reply.httpStatusCode === 200 && reply.institutionId === 14, "200 at FlinksCapital");
});

const token = await authorizeToken();
const live = await report("authorize (live, 203)", async () => {
  const reply = await flinks.authorize({ loginId: logins.mfachanged, mostRecentCached: false, save: true, accessToken: token });
  expect(reply.httpStatusCode === 203 && reply.securityChallenges.length === 1, "203 with a challenge");
  return reply;
});

await report("authorize (MFA answer)", async () => {
  const [{ prompt }] = live.securityChallenges;
  const reply = await flinks.authorize({ requestId: live.requestId, securityResponses: { [prompt]: [answers[prompt]] }, accessToken: token });
  expect(reply.httpStatusCode === 203 && reply.securityChallenges[0].prompt !== prompt, "the next challenge");
});

await report("authorize (error code)", async () => {
  const bad = await authorizeToken();
  const error = await failure(() => flinks.authorize({ loginId: "11111111-2222-4333-8444-555555555555", accessToken: bad }));
  expect(error.flinksCode === "INVALID_LOGIN" && error.httpStatusCode === 401, "401 INVALID_LOGIN");
});

const { requestId } = cached;
const pending = (reply) => reply.httpStatusCode === 202 && reply.flinksCode === "OPERATION_PENDING";
const done = (reply) => reply.httpStatusCode === 200;

await report("getAccountsSummary", async () => expect(pending(await flinks.getAccountsSummary({ requestId, accessToken })), "202"));
await report("getAccountsSummaryAsync", async () => {
  const reply = await until(() => flinks.getAccountsSummaryAsync({ requestId, accessToken }), done);
  expect(reply.accounts.length === 4 && !reply.accounts[0].transactions, "four accounts without transactions");
});
await report("getStatements", async () => {
  expect(pending(await flinks.getStatements({ requestId, numberOfStatements: "MostRecent", accessToken })), "202");
});
await report("getStatementsAsync", async () => {
  const reply = await until(() => flinks.getStatementsAsync({ requestId, accessToken }), done);
  const pdf = Buffer.from(reply.statementsByAccount[0].statements[0].base64Bytes, "base64").toString("latin1");
  expect(pdf.startsWith("%PDF-"), "a PDF");
});
await report("getAccountsDetail", async () => {
  const options = { requestId, withAccountIdentity: true, withKYC: true, withTransactions: true, daysOfTransactions: "Days365", accessToken };
  expect(pending(await flinks.getAccountsDetail(options)), "202");
});
await report("getAccountsDetailAsync", async () => {
  const reply = await until(() => flinks.getAccountsDetailAsync({ requestId, accessToken }), done);
  const [account] = reply.accounts;
  expect(reply.accounts.length === 4 && account.transactions.length > 12 && account.holder.name, "four accounts, transactions, holder");
});
await report("getAccountsDetail (used up)", async () => {
  const error = await failure(() => flinks.getAccountsDetail({ requestId, accessToken }));
  expect(error.flinksCode === "SESSION_NONEXISTENT", "SESSION_NONEXISTENT");
});

await report("isMessageValid (webhook)", async () => {
  for (const type of ["KYC", "GetAccountsDetail"]) {
    const { raw, headers } = await hooks.body(type);
    const signature = headers["flinks-authenticity-key"];
    expect(isMessageValid(raw, signature, hmacSecret), `${type} to be signed`);
    expect(!isMessageValid(`${raw} `, signature, hmacSecret), `a changed ${type} to be refused`);
    expect(signature === generateMessageSignature(raw, hmacSecret), "the same signature");
  }
});
await hooks.close();
