// The decoder: whatever the genuine frame says, nothing breaks, nothing is guessed, and the next valid REDIRECT is delivered.

import { CONNECT, EVIL, EVIL_LOGIN, GOOD_LOGIN, REQUEST, Visit, good, intruder, mounted, proved, tell, turn, until } from "./lab.js";

const { lab } = window;
const ACCOUNT = "account-of-the-user-0001";
const OTHER_ACCOUNT = "account-of-the-user-0002";
const TAG = "tag of the host";
const place = "https://host.test/thanks";
const isChromium = navigator.userAgent.includes("Chrome");
const isWebKit = !isChromium && navigator.userAgent.includes("AppleWebKit");
// WebKit copies a sparse array element by element, which takes it a minute and a half for all of them.
const SPARSE = isWebKit ? "2 ** 22" : "2 ** 32 - 1";

/** A careless reader of messages, as integrators write it. */
function carelessly(data) {
  try {
    const message = typeof data === "string" ? JSON.parse(data) : data;
    if (String(message.step) !== "REDIRECT") return "nothing";
    return String(message.loginId ?? new URL(message.url).searchParams.get("loginId"));
  } catch (error) {
    return error.name;
  }
}

const printable = (text) => text.replace(/[^\x20-\x7e]/g, "?");

/** Waits until the widget has seen everything that Connect said up to now. */
async function heeded(visit) {
  const mark = `AFTER_${Math.random()}`;
  await visit.says({ step: mark });
  await until("what was said is heeded", () => visit.steps.includes(mark) || visit.outcome);
}

// ---- R11 ----

/** Messages that are no success, as expressions of the frame's own script; `login` and `redirect` stand for the attacker's. */
const NOISE = {
  "null": "null",
  "undefined": "undefined",
  "a number": "7",
  "NaN": "NaN",
  "true": "true",
  "a BigInt": "10n",
  "a BigInt as loginId": "{ step: 'REDIRECT', loginId: 10n }",
  "a Date": "new Date(0)",
  "a RegExp": "/REDIRECT/",
  "an Error": "Object.assign(new Error('REDIRECT'), redirect)",
  "a Map": "new Map(Object.entries(redirect))",
  "a Set": "new Set(['REDIRECT', login])",
  "a typed array": "new Uint8Array(100)",
  "a Blob": "new Blob([JSON.stringify(redirect)])",
  "an array": "['REDIRECT', login]",
  "an array around it": "[redirect]",
  "new String as the message": "new String(JSON.stringify(redirect))",
  "new String as step": "{ ...redirect, step: new String('REDIRECT') }",
  "new String as loginId": "{ ...redirect, loginId: new String(login) }",
  "an array as loginId": "{ ...redirect, loginId: [login] }",
  "an object as loginId": "{ ...redirect, loginId: { login } }",
  "a Map as loginId": "{ ...redirect, loginId: new Map([[login, login]]) }",
  "a cyclic object": "(() => { const cyclic = { step: 'REDIRECT' }; cyclic.loginId = cyclic; cyclic.self = cyclic; return cyclic; })()",
  "a cyclic array": "(() => { const cyclic = []; cyclic.push(cyclic); return { step: 'REDIRECT', loginId: cyclic }; })()",
  [`a sparse array of ${SPARSE}`]: `Object.assign([], { length: ${SPARSE} })`,
  [`a sparse array of ${SPARSE} as loginId`]: `{ step: 'REDIRECT', loginId: Object.assign([], { length: ${SPARSE} }) }`,
  "a lone surrogate in loginId": "{ ...redirect, loginId: login + '\\ud800' }",
  "U+FFFD in loginId": "{ ...redirect, loginId: login + '\\ufffd' }",
  "NUL in loginId": "{ ...redirect, loginId: login + '\\0' }",
  "a line break behind loginId": "{ ...redirect, loginId: login + '\\n' }",
  "a million nested arrays as text": "'['.repeat(1e6) + ']'.repeat(1e6)",
  "eight thousand nested arrays as text": "'['.repeat(8e3) + ']'.repeat(8e3)",
  "text that is no JSON": "'REDIRECT ' + login",
  "text of a text": "JSON.stringify(JSON.stringify(redirect))",
  "text of more than 16 KiB": "JSON.stringify({ ...redirect, more: 'x'.repeat(16384) })",
  "text with two loginIds": `'{"step":"REDIRECT","loginId":"' + login + '","loginId":""}'`,
  "a loginId of 64 MiB": "{ ...redirect, loginId: 'x'.repeat(2 ** 26) }",
  "a step of 64 MiB": "{ ...redirect, step: 'x'.repeat(2 ** 26) }",
  // Memory is tight in the other engines' content processes.
  [`a text of ${isChromium ? 256 : 64} MiB`]: `'x'.repeat(2 ** ${isChromium ? 28 : 26})`,
};

/** What the browser itself does not let through. */
const UNCLONABLE = {
  "a function": "() => login",
  "a function as loginId": "{ ...redirect, loginId: () => login }",
  "toString": "{ ...redirect, loginId: { toString: () => login } }",
  "a symbol": "{ ...redirect, loginId: Symbol(login) }",
  "a window": "window",
};

const SCOPE = `const login = ${JSON.stringify(EVIL_LOGIN)}; const redirect = { step: 'REDIRECT', loginId: login };`;

export async function noise() {
  const rows = [];
  for (const [attack, expression] of Object.entries({ ...NOISE, ...UNCLONABLE })) {
    const isUnclonable = attack in UNCLONABLE;
    const visit = await mounted();
    const before = lab.received.length;
    const failure = await tell(visit.window, `${SCOPE} parent.postMessage(${expression}, "*")`).then(() => null, (error) => error.message);
    await heeded(visit);
    const [letter] = lab.received.slice(before);
    const taken = isUnclonable ? "nothing" : printable(carelessly(letter?.data)).slice(0, 40);
    const careless = taken && taken !== "nothing" ? `a careless reader: ${taken}` : "the valid REDIRECT that follows is delivered";
    const claims = {
      "the browser's part": isUnclonable ? failure?.startsWith("DataCloneError") : failure === null,
      // A REDIRECT is told, also one without a login: for a moment it waits for one that has it.
      "no event but that": visit.steps.every((step) => ["APP_MOUNTED", "REDIRECT"].includes(step) || step.startsWith("AFTER_")),
      "the session goes on": visit.session.phase === (visit.steps.includes("REDIRECT") ? "delivering" : "active") && !visit.outcome,
    };
    await visit.delivers();
    rows.push(proved(attack, isUnclonable ? "not sent" : "dropped, the next REDIRECT delivered", careless, claims));
    lab.received.length = 0;
  }
  return rows;
}

/** Odd ways to say something true. */
const ODD = {
  "an own hasOwnProperty": [`{ ...redirect, hasOwnProperty: 1, propertyIsEnumerable: null, constructor: 0, toString: 0 }`, []],
  "a null prototype": ["Object.assign(Object.create(null), redirect)", []],
  "a getter, evaluated at the sender": ["{ step: 'REDIRECT', get loginId() { return login; } }", []],
  [`a sparse array of ${SPARSE} as accounts`]: [`{ ...redirect, accounts: Object.assign([account], { length: ${SPARSE} }) }`, [ACCOUNT]],
  "accounts of every kind": ["{ ...redirect, accounts: [1, null, {}, [account], new String(account), account, account, 10n] }", [ACCOUNT]],
  "a Map as accounts": ["{ ...redirect, accounts: new Map([[account, account]]) }", []],
  "a cyclic member": ["(() => { const cyclic = { ...redirect }; cyclic.self = cyclic; return cyclic; })()", []],
  "a million other members": ["Object.assign(Object.fromEntries(Array.from({ length: 1e6 }, (_, at) => ['m' + at, at])), redirect)", []],
  "20,000 accounts": ["{ ...redirect, accounts: Array.from({ length: 2e4 }, (_, at) => at ? 'x' : account) }", [ACCOUNT]],
};

export async function odd() {
  const rows = [];
  for (const [attack, [expression, accounts]] of Object.entries(ODD)) {
    const visit = await mounted();
    await tell(
      visit.window,
      `const { login, account } = given; const redirect = { step: 'REDIRECT', loginId: login }; parent.postMessage(${expression}, "*")`,
      { login: GOOD_LOGIN, account: ACCOUNT },
    );
    const { result } = await visit.ended();
    rows.push(
      proved(attack, "delivered, the oddity ignored", "it is the delivery itself", {
        "the login": result?.loginId === GOOD_LOGIN,
        [`the accounts: ${result?.accountIds}`]: JSON.stringify(result?.accountIds) === JSON.stringify(accounts),
      }),
    );
    lab.received.length = 0;
  }
  return rows;
}

/** The frame's height is Connect's to ask for, where it is a number. */
export async function heights() {
  const visit = await mounted();
  const height = () => visit.frame.getRootNode().host.style.getPropertyValue("--_height");
  const rows = [];
  for (const [attack, expression] of Object.entries({ "NaN": "NaN", "Infinity": "Infinity", "a text": "'300'", "a BigInt": "300n", "new Number": "new Number(300)", "an array": "[300]" })) {
    await tell(visit.window, `parent.postMessage({ step: "APP_RESIZE", height: ${expression} }, "*")`);
    await heeded(visit);
    rows.push(proved(`a height that is ${attack}`, "ignored", "see the last row", { [`no height: ${height()}`]: height() === "" }));
  }
  await visit.says({ step: "APP_RESIZE", height: 300 });
  await heeded(visit);
  rows.push(proved("a height of 300", height(), "it is the twin", { "it counts": height() === "300px" }));
  await visit.delivers();
  return rows;
}

// ---- R12, R13 ----

/** A page whose `Object.prototype` was polluted, as a careless merge of hostile JSON does. */
async function polluted(pollution, play) {
  Object.assign(Object.prototype, pollution);
  try {
    return await play();
  } finally {
    for (const name of Object.keys(pollution)) delete Object.prototype[name];
  }
}

export async function inherited() {
  const pollution = {
    step: "REDIRECT",
    loginId: EVIL_LOGIN,
    requestId: "request-of-the-attacker",
    url: `${EVIL}/?loginId=${EVIL_LOGIN}`,
    accounts: ["account-of-the-attacker"],
    accountId: "account-of-the-attacker",
    institution: "Evil",
    tag: "evil",
    flinksCode: "ACCESS_DENIED",
  };
  const rows = [];
  for (const [attack, message, outcome] of [
    ["an empty object", {}, "dropped"],
    ["the text of an empty object", "{}", "dropped"],
    ["an empty array", [], "dropped"],
    ["a REDIRECT without a login", { step: "REDIRECT" }, "dropped"],
    ["the text of a REDIRECT without a login", '{"step":"REDIRECT"}', "dropped"],
    ["a REDIRECT with the login in its url only", { step: "REDIRECT", url: `${place}?loginId=${GOOD_LOGIN}` }, "delivered"],
    ["a REDIRECT with the login in its field only", { step: "REDIRECT", loginId: GOOD_LOGIN }, "delivered"],
  ]) {
    const visit = await mounted();
    let careless;
    await polluted(pollution, async () => {
      const before = lab.received.length;
      await visit.says(message);
      const letter = await until("it arrives", () => lab.received[before]);
      careless = carelessly(letter.data);
      await turn();
    });
    const claims = {};
    if (outcome === "dropped") {
      const told = visit.heard.filter(({ name }) => name !== "phasechange").length;
      const isRedirect = String(message.step ?? message).includes("REDIRECT");
      claims["nothing follows"] = !visit.outcome && visit.session.phase === (isRedirect ? "delivering" : "active") && told === (isRedirect ? 2 : 1);
      claims["a careless reader falls for it"] = careless === EVIL_LOGIN;
      await visit.delivers();
    }
    const { result, error } = await visit.ended();
    claims[`the user's own login: ${error?.code}`] = result?.loginId === GOOD_LOGIN && result.requestId === REQUEST;
    claims["no account, bank or tag of the attacker's"] = !/evil|attacker/i.test(JSON.stringify(result));
    rows.push(proved(`Object.prototype is polluted: ${attack}`, outcome, `a careless reader: ${careless}`, claims));
  }
  return rows;
}

/** Pollution that would speak for the host: where the result goes, what the frame may do, where Connect leads the user. */
export async function inheritedOptions() {
  const rows = [];
  const taken = [];
  for (const [attack, pollution, options, harm] of [
    ["deliver", { deliver: (delivery) => taken.push(delivery) }, { deliver: undefined }, () => taken.length > 0],
    ["headers", { headers: () => (taken.push("headers"), {}) }, {}, () => taken.length > 0],
    ["sandbox", { sandbox: null }, {}, () => lab.frames.length > 0 && !lab.frames.at(-1).attributes.sandbox],
    ["params", { params: { redirectUrl: `${EVIL}/` } }, {}, () => lab.frames.at(-1)?.src.includes("evil")],
    ["authorizeToken", { authorizeToken: "token-of-the-attacker" }, {}, () => lab.frames.at(-1)?.src.includes("attacker")],
    ["resumeSelectedAccounts", { resumeSelectedAccounts: ["account-of-the-attacker"] }, {}, () => lab.frames.at(-1)?.src.includes("attacker")],
    [
      "tag of the start reply",
      { tag: "tag-of-the-attacker" },
      { start: () => ({ status: "challenge", mode: "refresh", attemptId: "attempt-of-the-host-0001", requestId: REQUEST }) },
      () => lab.frames.at(-1)?.src.includes("attacker"),
    ],
    [
      "connectUrl of the start reply",
      { connectUrl: `${EVIL}/v2/` },
      { instance: undefined, start: () => ({ status: "challenge", mode: "refresh", attemptId: "attempt-of-the-host-0001", requestId: REQUEST }) },
      () => lab.frames.at(-1)?.src.includes("evil"),
    ],
  ]) {
    taken.length = 0;
    lab.frames.length = 0;
    const before = {};
    for (const [name, value] of Object.entries(options)) if (value !== undefined) before[name] = value;
    let visit = null;
    let refusal = null;
    const { reconnect } = await import("/sdk/index.js");
    await polluted(pollution, async () => {
      const begins = before.start ? {} : { requestId: REQUEST };
      const given = { container: "#one", ...begins, ...before };
      if (!("instance" in options)) given.instance = "toolbox";
      if (!("deliver" in options)) given.deliver = "/deliver";
      try {
        visit = Object.assign(Object.create(Visit.prototype), { heard: [], outcome: null, container: "#one", session: reconnect(given) });
        visit.listen();
        await until("Connect mounts", () => visit.session.phase === "active" || visit.outcome);
        if (!visit.outcome) await visit.says(good());
        await visit.ended();
      } catch (error) {
        refusal = error.code ?? String(error);
      }
    });
    if (visit?.session.phase === "failed") visit.session.close();
    const outcome = refusal ?? visit?.outcome?.error?.code ?? "ignored";
    rows.push(
      proved(`Object.prototype is polluted: option ${attack}`, outcome, `({}).${Object.keys(pollution)[0]} is the attacker's`, {
        "the attacker's value is not used": !harm(),
        [`it is ignored or refused: ${outcome}`]: ["ignored", "INVALID_OPTIONS", "START_FAILED"].includes(outcome),
      }),
    );
  }
  return rows;
}

export async function ownProto() {
  const text = `{"__proto__":{"polluted":1,"step":"REDIRECT","loginId":"${EVIL_LOGIN}"},"constructor":{"prototype":{"polluted":1}},"step":"REDIRECT"}`;
  const rows = [];
  for (const [attack, message] of [["as an object", JSON.parse(text)], ["as text", text]]) {
    const visit = await mounted();
    const before = lab.received.length;
    await visit.says(message);
    await heeded(visit);
    const data = lab.received[before].data;
    const merged = Object.assign({}, typeof data === "string" ? JSON.parse(data) : data);
    const claims = {
      "a success without a login waits for one that has it": !visit.outcome && visit.session.phase === "delivering",
      "no prototype is changed": {}.polluted === undefined && Function.prototype.polluted === undefined,
      "a careless merge falls for it": merged.loginId === EVIL_LOGIN,
    };
    await visit.delivers();
    rows.push(proved(`an own __proto__ ${attack}`, "its login is not seen", `a careless merge: ${merged.loginId}`, claims));
  }
  return rows;
}

// ---- R14, R15 ----

const encoded = encodeURIComponent(TAG);
const both = { institution: "FlinksCapital", loginId: GOOD_LOGIN, requestId: REQUEST };
const SHAPES = {
  "classic: ids only in url": { step: "REDIRECT", institution: "FlinksCapital", url: `${place}?loginId=${GOOD_LOGIN}&institution=FlinksCapital` },
  "classic with tag": { step: "REDIRECT", institution: "FlinksCapital", url: `${place}?loginId=${GOOD_LOGIN}&tag=${encoded}&institution=FlinksCapital` },
  "newer: fields": { step: "REDIRECT", ...both },
  "practice: fields and url": { step: "REDIRECT", ...both, url: `${place}?loginId=${GOOD_LOGIN}&institution=FlinksCapital` },
  "practice: own parameters first": { step: "REDIRECT", url: `${place}?mine=1&demo=true&loginId=${GOOD_LOGIN}&tag=${encoded}&accountId=${ACCOUNT}&institution=FlinksCapital` },
  "in-frame result page": { step: "REDIRECT", institution: "FlinksCapital", url: `${CONNECT}/v2/Result/FlinksCapital?thank-you=true&demo=true&loginId=${GOOD_LOGIN}&accountId=${ACCOUNT}&institution=FlinksCapital` },
  "a relative url": { step: "REDIRECT", url: `/v2/Result/FlinksCapital?thank-you=true&loginId=${GOOD_LOGIN}&tag=${encoded}&institution=FlinksCapital` },
  "keys in another case": { Step: "REDIRECT", Institution: "FlinksCapital", LOGINID: GOOD_LOGIN, RequestId: REQUEST, AccountId: ACCOUNT },
  "keys in another case in the url": { step: "REDIRECT", url: `${place}?LoginId=${GOOD_LOGIN}&Tag=${encoded}&AccountId=${ACCOUNT}&Institution=FlinksCapital` },
  "said twice alike": { step: "REDIRECT", ...both, LoginId: GOOD_LOGIN, url: `${place}?loginId=${GOOD_LOGIN}&loginId=${GOOD_LOGIN}&tag=${encoded}&tag=${encoded}` },
  "a loginId that is no text beside a url": { step: "REDIRECT", loginId: [GOOD_LOGIN], url: `${place}?loginId=${GOOD_LOGIN}&institution=FlinksCapital` },
  "a javascript: url beside fields": { step: "REDIRECT", ...both, url: `javascript:alert(1)//?loginId=${EVIL_LOGIN}` },
  "a data: url beside fields": { step: "REDIRECT", ...both, url: `data:text/html,<p>?loginId=${EVIL_LOGIN}` },
  "a custom scheme nobody asked for beside fields": { step: "REDIRECT", ...both, url: `myapp://callback?loginId=${EVIL_LOGIN}` },
  "a url that is none beside fields": { step: "REDIRECT", ...both, url: "https://" },
  "a url that is no text beside fields": { step: "REDIRECT", ...both, url: [`${place}?loginId=${EVIL_LOGIN}`] },
  "accountId as text": { step: "REDIRECT", ...both, accountId: ACCOUNT },
  "accountId as a comma list": { step: "REDIRECT", ...both, accountId: `${ACCOUNT}, ${OTHER_ACCOUNT}` },
  "accountId as an array": { step: "REDIRECT", ...both, accountId: [ACCOUNT, OTHER_ACCOUNT] },
  "accountIds": { step: "REDIRECT", ...both, accountIds: [ACCOUNT, OTHER_ACCOUNT] },
  "accounts": { step: "REDIRECT", ...both, accounts: [ACCOUNT, OTHER_ACCOUNT] },
  "resumeSelectedAccounts": { step: "REDIRECT", ...both, resumeSelectedAccounts: [ACCOUNT, OTHER_ACCOUNT] },
  "accountId repeated in the url": { step: "REDIRECT", url: `${place}?loginId=${GOOD_LOGIN}&institution=FlinksCapital&accountId=${ACCOUNT}&accountId=${OTHER_ACCOUNT}` },
  "accountId as a comma list in the url": { step: "REDIRECT", url: `${place}?loginId=${GOOD_LOGIN}&institution=FlinksCapital&accountId=${ACCOUNT},${OTHER_ACCOUNT}` },
};

export async function shapes() {
  const rows = [];
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (const [form, message] of [["object", shape], ["text", JSON.stringify(shape)]]) {
      const visit = await mounted({ params: { tag: TAG } });
      await visit.says(message);
      const { result } = await visit.ended();
      const text = JSON.stringify(shape);
      const accounts = [ACCOUNT, OTHER_ACCOUNT].filter((account) => text.includes(account));
      rows.push(
        proved(`REDIRECT, ${name}, as ${form}`, "delivered", "it is the delivery itself", {
          "the login": result?.loginId === GOOD_LOGIN,
          "the bank": result?.institution === "FlinksCapital",
          "the session": result?.requestId === REQUEST,
          "the tag": result?.tag === TAG,
          [`the accounts: ${result?.accountIds}`]: JSON.stringify(result?.accountIds) === JSON.stringify(accounts),
        }),
      );
    }
  }
  return rows;
}

const CONTRADICTIONS = {
  "field and url name different logins": { loginId: GOOD_LOGIN, url: `${place}?loginId=${EVIL_LOGIN}` },
  "loginId twice in the url": { url: `${place}?loginId=${GOOD_LOGIN}&loginId=${EVIL_LOGIN}` },
  "loginId in two spellings in the url": { url: `${place}?loginId=${GOOD_LOGIN}&LoginId=${EVIL_LOGIN}` },
  "loginId in two spellings": { loginId: GOOD_LOGIN, LoginId: EVIL_LOGIN },
  "field and url name different sessions": { loginId: GOOD_LOGIN, requestId: REQUEST, url: `${place}?loginId=${GOOD_LOGIN}&requestId=request-of-another` },
  "another tag in the url": { loginId: GOOD_LOGIN, url: `${place}?loginId=${GOOD_LOGIN}&tag=tag-of-another` },
  "another tag in the field": { loginId: GOOD_LOGIN, tag: "tag-of-another" },
  "two tags in the url": { url: `${place}?loginId=${GOOD_LOGIN}&tag=${encoded}&tag=tag-of-another` },
  "a url with credentials": { url: `https://user:password@host.test/thanks?loginId=${EVIL_LOGIN}` },
};
const MISPLACED = {
  "a url elsewhere than redirectUrl": { url: `${EVIL}/thanks?loginId=${EVIL_LOGIN}` },
  "a url at redirectUrl's host on another path": { url: `https://host.test/open-redirect?to=x&loginId=${EVIL_LOGIN}` },
  "a url with redirectUrl as a prefix": { url: `${place}.evil.test/?loginId=${EVIL_LOGIN}` },
  "a javascript: url": { loginId: EVIL_LOGIN, url: `javascript:alert(1)//?loginId=${EVIL_LOGIN}` },
  "a url that is none": { loginId: EVIL_LOGIN, url: "https://" },
  "a url that is no text": { loginId: EVIL_LOGIN, url: [`${place}?loginId=${EVIL_LOGIN}`] },
  "redirectUrl over http": { url: `http://host.test/thanks?loginId=${EVIL_LOGIN}` },
};

export async function contradictions() {
  const rows = [];
  const cases = [
    ...Object.entries(CONTRADICTIONS).map(([attack, fields]) => [attack, fields, { tag: TAG }]),
    ...Object.entries(MISPLACED).map(([attack, fields]) => [attack, fields, { tag: TAG, redirectUrl: place }]),
  ];
  for (const [attack, fields, params] of cases) {
    const deliveries = [];
    const visit = await mounted({ params, deliver: (delivery) => void deliveries.push(delivery) });
    const address = location.href;
    await visit.says({ step: "REDIRECT", ...fields });
    const { error } = await visit.ended();
    visit.session.close();
    const careless = carelessly({ step: "REDIRECT", ...fields });
    rows.push(
      proved(attack, String(error?.code), `a careless reader takes: ${careless}`, {
        "a conflict": error?.code === "CONFLICT" && !error.retryable,
        "nothing is delivered": deliveries.length === 0,
        "nobody follows the url": location.href === address,
        "a careless reader falls for it": careless.length > 8,
      }),
    );
  }
  // The twin of the places: the same with the one that was asked for.
  const visit = await mounted({ params: { tag: TAG, redirectUrl: place } });
  await visit.says({ step: "REDIRECT", url: `${place}?loginId=${GOOD_LOGIN}&tag=${encoded}` });
  const { result } = await visit.ended();
  rows.push(proved("redirectUrl, login and tag as they were asked for", "delivered", "the twin of the conflicts", { "the login": result?.loginId === GOOD_LOGIN }));
  return rows;
}

// ---- R21 ----

export async function repeated() {
  const calls = [];
  let answer;
  const answered = new Promise((resolve) => (answer = resolve));
  const visit = await mounted({ deliver: (delivery) => (calls.push(delivery), answered) });
  await tell(visit.window, "for (let i = 0; i < 500; i++) parent.postMessage(given, '*')", good());
  await heeded(visit);
  const claims = { "one call while it is on its way": calls.length === 1, "still on its way": visit.session.phase === "delivering" };
  answer({ stored: true });
  const { result } = await visit.ended();
  claims["one result"] = result?.loginId === GOOD_LOGIN && calls.length === 1;
  const heard = lab.received.filter(({ data }) => data?.loginId === GOOD_LOGIN).length;
  const rows = [proved("500 identical REDIRECTs", `deliveries: ${calls.length}`, `the naive listener heard ${heard}`, { ...claims, "all 500 came": heard === 500 })];

  for (const [attack, other] of [
    ["another login", { loginId: EVIL_LOGIN }],
    ["another login in another shape", { loginId: undefined, url: `${place}?loginId=${EVIL_LOGIN}` }],
    ["another session", { requestId: "request-of-another" }],
    ["a contradiction", { url: `${place}?loginId=${EVIL_LOGIN}` }],
  ]) {
    const sent = [];
    let stored;
    const told = [];
    const torn = await mounted({ deliver: (delivery) => (sent.push(delivery), new Promise((resolve) => (stored = resolve))) });
    torn.session.addEventListener("step", ({ detail }) => told.push(detail.step));
    await torn.says(good({ requestId: REQUEST }));
    await until("it is on its way", () => torn.session.phase === "delivering");
    await torn.says(good({ requestId: REQUEST, ...other }));
    await until("both are told", () => told.length === 2);
    stored({ stored: true });
    const { result } = await torn.ended();
    rows.push(
      proved(`a second REDIRECT with ${attack}`, "told, and the first is delivered", "the first alone is delivered, see above", {
        "both are told": told.join() === "REDIRECT,REDIRECT",
        "the second is never delivered": sent.length === 1 && sent[0].loginId === GOOD_LOGIN,
        "the first is the result": result?.loginId === GOOD_LOGIN && result.requestId === REQUEST,
      }),
    );
  }
  return rows;
}

/** The same by the host's endpoint; the test counts what arrived there. */
export async function repeatedByUrl() {
  const visit = await mounted();
  await tell(visit.window, "for (let i = 0; i < 500; i++) parent.postMessage(given, '*')", good());
  const { result } = await visit.ended();
  return [proved("500 identical REDIRECTs, by the endpoint", "requests: 1", "500 came", { delivered: result?.loginId === GOOD_LOGIN })];
}

// ---- R20 ----

export async function flood() {
  const foreign = 20_000;
  const genuine = 100;
  // What is ours shows in every round; what another program on the machine did to one of them does not. A task's time is the clock's, whoever has
  // the processor, so on a busy machine it takes more rounds to see one without a long task.
  const rounds = 5;
  const mostRounds = 40;
  const visit = await mounted();
  const frame = await intruder(`${EVIL}/puppet`);
  lab.isDeaf = true;
  lab.stopCountingTimers();

  // The twin: the three lines everybody writes, on the same messages.
  let threeLines = [];
  const { window: connect } = visit;
  lab.original.add.call(window, "message", (event) => {
    const started = performance.now();
    if (event.origin === CONNECT && event.source === connect) lab.read(event);
    threeLines.push(performance.now() - started);
  });
  // A foreign message has nothing to do with the clock.
  let alarms = 0;
  const { setTimeout } = window;
  window.setTimeout = (...given) => ((alarms += 1), setTimeout(...given));

  // Chromium alone tells of tasks over 50 ms.
  const longTasks = [];
  const observer = isChromium && new PerformanceObserver((list) => longTasks.push(...list.getEntries()));
  if (observer) observer.observe({ type: "longtask" });
  const tasksOverLimit = () => (longTasks.push(...(observer ? observer.takeRecords() : [])), longTasks.splice(0).length);

  const measured = [];
  const isEnough = () => measured.length >= rounds && measured.some(({ longTasks, longest }) => longTasks === 0 && longest < 50);
  for (let round = 0; round < mostRounds && !isEnough(); round++) {
    [threeLines, lab.handled] = [[], []];
    tasksOverLimit();
    await Promise.all([
      tell(frame.contentWindow, `for (let i = 0; i < ${foreign}; i++) top.postMessage(given, '*')`, { ...good({ loginId: EVIL_LOGIN }), more: Array.from({ length: 100 }, (_, at) => at) }),
      tell(
        visit.window,
        `for (let i = 0; i < ${genuine}; i++) { parent.postMessage({ step: given + i }, '*'); await new Promise((resolve) => setTimeout(resolve)); }`,
        `ROUND_${round}_`,
      ),
    ]);
    await until("all have come", () => lab.handled.length >= foreign + genuine);
    await turn();
    const longest = lab.handled.reduce((most, time) => Math.max(most, time), 0);
    measured.push({ total: sum(lab.handled), longest, longTasks: tasksOverLimit(), threeLines: sum(threeLines) });
  }
  lab.handled = null;
  // The twin: a task that is too long is seen.
  const end = performance.now() + 60;
  while (performance.now() < end);
  if (observer) await until("a long task is reported", () => tasksOverLimit() > 0);

  const median = (name) => measured.map((round) => round[name]).sort((a, b) => a - b)[Math.floor(measured.length / 2)];
  const least = (name) => Math.min(...measured.map((round) => round[name]));
  const expected = ["APP_MOUNTED"];
  for (let round = 0; round < measured.length; round++) for (let at = 0; at < genuine; at++) expected.push(`ROUND_${round}_${at}`);
  const claims = {
    [`below 250 ms in total: ${measured.map(({ total }) => total.toFixed(0))}`]: least("total") < 250,
    [`no task above 50 ms: ${measured.map(({ longTasks }) => longTasks)}`]: least("longTasks") === 0,
    // Where no browser tells: handling a foreign message is one call and leaves nothing behind (no timer, no promise), so a long task of ours is a long call.
    [`no call above 50 ms: ${measured.map(({ longest }) => longest.toFixed(0))}`]: least("longest") < 50,
    [`no timer is set for it: ${alarms}`]: alarms <= 2 * measured.length * genuine,
    [`every genuine step and nothing else: ${visit.steps.length}`]: JSON.stringify(visit.steps) === JSON.stringify(expected),
    "nothing came of the flood": visit.session.phase === "active" && !visit.outcome,
  };
  await visit.delivers();
  return [
    proved(
      `${foreign} foreign messages in a burst, median of ${measured.length}`,
      `handler ${median("total").toFixed(0)} ms in total, ${median("longest").toFixed(1)} ms the longest call, ${observer ? `${least("longTasks")} tasks above 50 ms, ` : ""}every genuine step heard`,
      `a three-line check: ${median("threeLines").toFixed(0)} ms`,
      claims,
    ),
  ];
}

const sum = (times) => times.reduce((total, time) => total + time, 0);
