// What both clients' scripts need: calls that are counted, a webhook receiver, the sandbox's control interface.
//
// One line of JSON per call goes to stdout: { client, call, passed, remark }. tests/clients.rs makes a table of them.

import { createServer } from "node:http";

export const api = process.env.SANDBOX_API;
export const customerId = process.env.SANDBOX_CUSTOMER_ID;
export const secretKey = process.env.SANDBOX_SECRET_KEY;
export const apiKey = process.env.SANDBOX_API_KEY;
export const hmacSecret = "a webhook secret";

export const logins = {
  nightly: "0d5a3c10-0001-4000-8000-000000000001",
  ondemand: "0d5a3c10-0001-4000-8000-000000000002",
  mfachanged: "0d5a3c10-0001-4000-8000-000000000003",
  selected: "0d5a3c10-0001-4000-8000-000000000004",
};

export const answers = {
  "What city were you born in?": "Montreal",
  "What is the best country on earth?": "Canada",
  "What shape do people like most?": "Triangle",
};

export function expect(isSo, what) {
  if (!isSo) throw new Error(`expected ${what}`);
}

/** Gives a function that makes one call of the client and reports whether it did what it should. */
export function reporter(client) {
  return async (call, work) => {
    let passed = true;
    let remark = "";
    let result;
    try {
      result = await work();
    } catch (error) {
      passed = false;
      remark = String(error.message ?? error);
    }
    console.log(JSON.stringify({ client, call, passed, remark }));
    return result;
  };
}

/** The error a call must end with. */
export async function failure(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, and it succeeded");
}

export async function until(work, isDone) {
  for (let tries = 0; tries < 200; tries += 1) {
    const result = await work();
    if (isDone(result)) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it is still pending");
}

async function control(name, body) {
  const response = await fetch(`${api}/_sandbox/${name}`, { method: "POST", body: JSON.stringify(body) });
  expect(response.ok, `the sandbox to take ${name}`);
  return response.json();
}

/** A host's webhook receiver; `bodies(type)` waits for one. */
export async function receiver() {
  const heard = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    heard.push({ raw: Buffer.concat(chunks).toString("utf8"), headers: request.headers });
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  await control("webhook", { url: `http://127.0.0.1:${server.address().port}/hook`, secret: hmacSecret });
  return {
    body: (type) => until(async () => heard.find(({ raw }) => JSON.parse(raw).ResponseType === type), Boolean),
    async close() {
      await control("webhook", { url: null });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
