// Canaries through every path: ids that are found again wherever they get to. What the network saw is the test's to look at.

import { CONNECT, Visit, mounted, proved, reach, until } from "./lab.js";

const { lab } = window;

const canary = await (await fetch("/lab/canary.json")).json();
const { loginId, accountId, start } = canary;
const ids = [loginId, accountId, start.attemptId, start.requestId, start.authorizeToken, start.tag, ...start.resumeSelectedAccounts];

const redirect = (more = {}) => ({ step: "REDIRECT", loginId, requestId: start.requestId, accountId, tag: start.tag, institution: "FlinksCapital", ...more });

/** Everything a person, a log or a script of the page could read without having asked for a result. */
async function places(visit) {
  const error = visit?.outcome?.error;
  // After START_FAILED the cause is what the page's own function threw, as it is.
  const cause = error?.code === "START_FAILED" ? "" : String(error?.cause ?? "");
  const texts = [];
  const walk = (node) => {
    texts.push(node.nodeType === Node.TEXT_NODE ? node.data : "");
    for (const { name, value } of node.attributes ?? []) if (!(node.localName === "iframe" && name === "src")) texts.push(value);
    for (const child of node.childNodes) walk(child);
    if (node.shadowRoot) walk(node.shadowRoot);
  };
  walk(document.documentElement);
  const databases = (await indexedDB.databases?.()) ?? [];
  const locks = (await navigator.locks?.query()) ?? {};
  return {
    console: lab.console,
    errors: lab.errors,
    "error text": error && [String(error), error.message, error.stack, JSON.stringify(error), cause, ...Object.values(error).map(String)],
    events: visit?.heard,
    page: texts,
    storage: [...Object.entries(localStorage), ...Object.entries(sessionStorage), document.cookie, window.name, databases, await caches.keys(), JSON.stringify(history.state)],
    locks,
    globals: Object.keys(window).filter((name) => typeof window[name] === "string").map((name) => window[name]),
  };
}

/** The places where a canary sings. */
async function found(visit) {
  const seen = [];
  for (const [name, content] of Object.entries(await places(visit))) {
    const text = JSON.stringify(content) ?? "";
    for (const id of ids) if (text.includes(id)) seen.push(`${name} has ${id}`);
  }
  return seen;
}

/** Storage must not only be free of canaries: nothing at all is written. */
const stored = async () =>
  localStorage.length + sessionStorage.length + document.cookie.length + ((await indexedDB.databases?.()) ?? []).length + (await caches.keys()).length;

const paths = {
  success: {},
  conflict: { message: redirect({ url: "https://host.test/?loginId=another-login-0001" }), code: "CONFLICT" },
  "a foreign tag": { message: redirect({ tag: "tag-of-another" }), code: "CONFLICT" },
  rejected: { options: { deliver: "/deliver?answer=422&code=NO" }, code: "REJECTED" },
  "login mismatch": { options: { deliver: "/deliver?answer=409&code=LOGIN_MISMATCH" }, code: "LOGIN_MISMATCH" },
  undelivered: { options: { deliver: "/deliver?answer=503", deliverTimeoutMs: 300 }, code: "UNDELIVERED" },
  "delivery by a function that throws": { options: { deliver: (delivery) => { throw Object.assign(new Error(JSON.stringify(delivery)), { status: 400, code: delivery.loginId }); } }, code: "REJECTED" },
  "load time-out": { options: { params: { theme: "silent" }, loadTimeoutMs: 300 }, code: "LOAD_TIMEOUT" },
  "a refused token": { message: { step: "TOKEN_INVALID", institution: "FlinksCapital" }, options: "own", code: "TOKEN_INVALID" },
  "a dead session": { message: { step: "COMPONENT_LOAD_MFA", flinksCode: "SESSION_EXPIRED" }, options: "own", code: "SESSION_EXPIRED" },
  "a refused login": { message: { step: "COMPONENT_CLOSE_SESSION", flinksCode: "DISABLED_LOGIN" }, code: "FLINKS" },
  "a nonsense start": { options: { start: () => ({ ...start, mode: start.requestId }) }, code: "START_FAILED" },
  "a start that throws": { options: { start: () => Promise.reject(new Error(JSON.stringify(start))) }, code: "START_FAILED" },
  closed: { close: true, code: "CLOSED" },
};

/** R60. */
export async function canaries() {
  const rows = [];
  for (const [path, { options, message = redirect(), code, close }] of Object.entries(paths)) {
    for (const container of ["#one", null]) {
      lab.console.length = 0;
      const own = { requestId: start.requestId, authorizeToken: start.authorizeToken, resumeSelectedAccounts: start.resumeSelectedAccounts, params: { tag: start.tag } };
      const begins = options === "own" ? own : { start: "/start", ...options };
      const visit = await Visit.open({ container, deliver: "/deliver", ...begins });
      const seen = [];
      for (const name of ["phasechange", "step", "retrying"]) lab.original.add.call(visit.session, name, async () => seen.push(...(await found(visit))));
      await until("Connect mounts, or the session ends", () => visit.session.phase === "active" || visit.outcome);
      if (close) visit.session.close();
      else if (!visit.outcome) {
        await reach(visit.window, CONNECT);
        await visit.says(message);
      }
      const { result, error } = await visit.ended();
      seen.push(...(await found(visit)));
      const flows = code ? "the ids were launched" : `the result has them: ${result?.loginId === loginId}`;
      visit.session.close();
      seen.push(...(await found(visit)));
      rows.push(
        proved(`${path}, ${container ? "inline" : "dialog"}`, `${error?.code ?? "delivered"}, canaries found: ${seen.length}`, flows, {
          [`the path: ${error?.code}`]: error?.code === code,
          "the result has the ids": code || (result?.loginId === loginId && result.accountIds[0] === accountId && result.tag === start.tag),
          [`silent: ${[...new Set(seen)]}`]: seen.length === 0,
          "nothing is stored": (await stored()) === 0,
        }),
      );
    }
  }

  // Options with ids that are refused: thrown at once.
  const { reconnect } = await import("/sdk/index.js");
  for (const options of [
    { instance: "toolbox", requestId: `${start.requestId} ` },
    { instance: loginId, requestId: start.requestId },
    { connectUrl: `https://host.test/?${start.requestId}`, requestId: start.requestId },
    { instance: "toolbox", requestId: start.requestId, authorizeToken: `${start.authorizeToken}\n` },
    { instance: "toolbox", requestId: start.requestId, resumeSelectedAccounts: [`${accountId},${accountId}`] },
    { instance: "toolbox", requestId: start.requestId, params: { requestId: start.requestId } },
    { instance: "toolbox", requestId: start.requestId, container: `#${loginId}` },
    { instance: "toolbox", requestId: start.requestId, [start.authorizeToken]: 1 },
  ]) {
    let error;
    try {
      reconnect(options);
    } catch (thrown) {
      error = thrown;
    }
    const seen = await found({ outcome: { error } });
    rows.push(proved(`refused options: ${error?.message.match(/`(.*?)`/)?.[1]}`, `${error?.code}, canaries found: ${seen.length}`, "the options had them", { refused: error?.code === "INVALID_OPTIONS", [`silent: ${seen}`]: seen.length === 0 }));
  }

  // The twin: what is let out is found.
  const quiet = (await found()).length;
  console.debug(loginId);
  console.error(new Error(start.requestId));
  document.body.append(accountId);
  sessionStorage.setItem("tag", start.tag);
  const planted = await found();
  sessionStorage.clear();
  lab.console.length = 0;
  rows.push(
    proved("canaries let out on purpose", `found: ${planted.length}`, "it is the twin", {
      "none before": quiet === 0,
      "every one of them": [loginId, start.requestId, accountId, start.tag].every((id) => planted.some((place) => place.endsWith(id))),
    }),
  );
  return rows;
}

/** R61: one session, begun and delivered by the host's endpoints. */
export async function requests() {
  const visit = await mounted({ start: "/start" });
  await visit.says(redirect());
  const { result } = await visit.ended();
  return [proved("a session by the host's endpoints", "delivered", "the ids went through it", { delivered: result?.loginId === loginId })];
}

/** R47: the host's endpoint redirects elsewhere. */
export async function redirected() {
  const rows = [];
  for (const status of [301, 302, 303, 307, 308]) {
    const place = encodeURIComponent(`https://evil.test/taken?by=widget`);
    const visit = await mounted({ requestId: `request-of-${status}`, deliver: `/deliver?answer=${status}&location=${place}` });
    await visit.says(redirect());
    await until("the delivery is tried again", () => visit.heard.some(({ name }) => name === "retrying"));
    rows.push(proved(`the endpoint answers ${status} to another origin`, "not followed, tried again", "a careless fetch: see the last row", { "still on its way": visit.session.phase === "delivering" }));
    visit.session.close();
  }
  // The twin: the careless way to deliver.
  const place = encodeURIComponent(`https://evil.test/taken?by=twin`);
  await fetch(`/deliver?answer=307&location=${place}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(redirect()) });
  return rows;
}
