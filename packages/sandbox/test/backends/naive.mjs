// A backend as it is written on a Friday: it works when everything goes well, believes the browser, and remembers next to nothing. The check must find it out.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

const LOGIN = "0d5a3c10-0001-4000-8000-000000000002";

/** Starts it for that sandbox: `{ apiUrl, customerId, secretKey, apiKey }`. Resolves with its base address, its server and a way to end it. */
export async function startNaive({ apiUrl, customerId, secretKey, apiKey }) {
  const call = async (endpoint, headers, body) => {
    const response = await fetch(`${apiUrl}/v3/${customerId}/BankingServices/${endpoint}`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  const token = async () => (await call("GenerateAuthorizeToken", { "flinks-auth-key": secretKey }, {})).body.Token;

  async function fetchData(order) {
    for (let tries = 0; tries < 20; tries += 1) {
      const { status } = await call("GetAccountsDetail", { "x-api-key": apiKey }, order);
      if (status !== 202) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async function start() {
    const { status, body } = await call("Authorize", { "flinks-auth-key": await token() }, { LoginId: LOGIN, MostRecentCached: false, Save: true });
    if (status === 200) return [200, { status: "upToDate" }];
    if (status === 203) return [200, { status: "challenge", mode: "refresh", attemptId: randomUUID(), requestId: body.RequestId, authorizeToken: await token() }];
    return [200, { status: "connect", attemptId: randomUUID(), authorizeToken: await token() }];
  }

  async function deliver(text) {
    const { requestId, accountIds } = JSON.parse(text);
    // Whether it is true, nobody asks.
    const filter = accountIds?.length ? { AccountsFilter: accountIds } : {};
    void fetchData({ RequestId: requestId, ...filter }).catch(() => {});
    return [200, { received: true }];
  }

  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    let answer;
    try {
      const text = Buffer.concat(parts).toString();
      answer = request.url === "/start" ? await start() : request.url === "/webhook" ? [200, {}] : await deliver(text);
    } catch {
      answer = [500, { code: "INTERNAL" }];
    }
    response.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1]));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    base: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };
}
