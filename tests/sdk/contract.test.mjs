// One contract, told in three places: the Rust tables decide, the types and the README repeat. A name that one of them lacks is a lie to
// somebody, and none of the compilers sees it.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { quickStarts } from "../../scripts/consumers.mjs";
import { REPORTS } from "../../src/web/report.js";
import { VIEWS, WORDS } from "../../src/web/words.js";
import { SCENES } from "../e2e/pages/scenes.js";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const types = read("www/sdk/index.d.ts");
const failure = read("src/session/failure.rs");
const parameters = read("crates/connect/src/parameters.rs");

/** All first groups of a pattern. */
const all = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);

/** The text between two marks; both must be there, or the test would pass on nothing. */
function between(text, from, to, where) {
  const start = text.indexOf(from);
  assert.notEqual(start, -1, `${where} no longer has ${JSON.stringify(from)}`);
  const end = text.indexOf(to, start + from.length);
  assert.notEqual(end, -1, `${where} no longer has ${JSON.stringify(to)} after ${JSON.stringify(from)}`);
  return text.slice(start + from.length, end);
}

const sectionOf = (path, title) => between(`${read(path)}\n## `, `\n## ${title}\n`, "\n## ", path);
const section = (title) => sectionOf("README.md", title);
const inTable = (text) => all(text, /^\| `([^`]+)` \|/gm);
const inTypes = (from, to) => between(types, from, to, "index.d.ts");
const members = (body) => all(body, /^ {2}(\w+)\??:/gm);
const union = (name) => all(inTypes(`export type ${name} =`, ";"), /"([^"]+)"/g);

/** Fails with every name that is missing, and where. */
function same(what, places) {
  const names = new Set(Object.values(places).flat());
  const complaints = [];
  for (const [place, found] of Object.entries(places)) {
    assert.ok(found.length > 0, `${place} has no ${what} that could be read: has its form changed?`);
    for (const name of names) {
      const count = found.filter((it) => it === name).length;
      if (count === 0) complaints.push(`${what} \`${name}\` is missing in ${place}`);
      if (count > 1) complaints.push(`${what} \`${name}\` stands ${count} times in ${place}`);
    }
  }
  assert.equal(complaints.join("\n"), "");
}

const errorCodes = () => new Map([...failure.matchAll(/^ {4}(\w+) "([A-Z_]+)",$/gm)].map(([, variant, code]) => [variant, code]));

test("error codes", () => {
  same("error code", {
    "src/session/failure.rs": [...errorCodes().values()],
    "index.d.ts (ErrorCode)": union("ErrorCode"),
    "README.md (Errors)": inTable(section("Errors")),
    "docs/troubleshooting.md": inTable(read("docs/troubleshooting.md")),
  });
});

const errorWords = read("www/sdk/error.js");

/** What a number means stands in a list on each side: the same words, in the same order. */
function inOrder(what, rust, javascript) {
  assert.ok(rust.length > 0, `there is no ${what} that could be read: has its form changed?`);
  assert.deepEqual(javascript, rust, what);
}

/** The variants of an enum in their order: by their names, or by the words that its `as_str` gives them. */
function variants(path, name) {
  const source = read(path);
  const names = all(between(source, `pub enum ${name} {`, "\n}", path), /^ {4}(\w+),$/gm);
  const [, words = ""] = new RegExp(`impl ${name} \\{[^]*?fn as_str[^]*?\\{([^]*?)\n    \\}`).exec(source) ?? [];
  return names.map((name) => new RegExp(`Self::${name} => "(\\w+)"`).exec(words)?.[1] ?? name);
}

test("words that Rust says by number", () => {
  const reports = new Map(REPORTS);
  const { phase, code, loadProblem } = reports.get("failed");
  inOrder("phase", variants("src/session/output.rs", "Phase"), phase);
  inOrder("phase", variants("src/session/output.rs", "Phase"), reports.get("phasechange").phase);
  inOrder("mode", variants("src/session/output.rs", "Mode"), reports.get("reconnected").mode);
  inOrder("error code", [...errorCodes().values()], code);
  inOrder("load problem", variants("src/session/failure.rs", "LoadProblem"), loadProblem);
  // UP_TO_DATE is `upToDate`, PHASE_CHANGE is `phasechange`.
  const constants = [...read("src/web/report.rs").matchAll(/^const (\w+): u32 = (\d+);$/gm)];
  constants.forEach(([, , number], place) => assert.equal(Number(number), place));
  inOrder("report", constants.map(([, name]) => name.replaceAll("_", "").toLowerCase()), REPORTS.map(([name]) => name.toLowerCase()));
  // Two views share a name, because what they say is the same.
  const views = variants("src/session/output.rs", "View").map((name) => (name === "Replaceable" ? "Expiring" : name));
  inOrder("view", views, VIEWS.map(([name]) => name[0].toUpperCase() + name.slice(1)));
});

test("the kinds of the host's values", () => {
  const rust = [...read("src/web/value.rs").matchAll(/^ {12}(\d|_) => Property::(\w+)/gm)].map(([, , name]) => name.toUpperCase());
  const javascript = [...read("src/web/value.js").matchAll(/^const (\w+) = (\d);$/gm)];
  javascript.forEach(([, , number], place) => assert.equal(Number(number), place));
  inOrder("kind", rust, javascript.map(([, name]) => name));
});

test("words for errors", () => {
  same("error code", {
    "src/session/failure.rs": [...errorCodes().values()],
    "error.js (MESSAGES)": all(between(errorWords, "const MESSAGES = {", "};", "error.js"), /^ {2}([A-Z_]+):/gm),
  });
  for (const path of ["www/sdk/session.js", "www/sdk/error.js"]) {
    for (const code of all(read(path), /code: "([A-Z_]+)"/g)) assert.ok([...errorCodes().values()].includes(code), `\`${code}\` in ${path} is no code of src/session/failure.rs`);
  }
  same("load problem", {
    "src/session/failure.rs (LoadProblem)": variants("src/session/failure.rs", "LoadProblem").filter((problem) => problem !== "unknown"),
    "error.js (LOAD_PROBLEMS)": all(between(errorWords, "const LOAD_PROBLEMS = {", "};", "error.js"), /^ {2}(\w+):/gm),
  });
});

test("words for options", () => {
  same("option", {
    "src/session/options.rs (NAMES)": all(between(read("src/session/options.rs"), "pub const NAMES: &[&str] = &[", "];", "options.rs"), /"(\w+)"/g),
    "error.js (EXPECTED)": all(between(errorWords, "const EXPECTED = {", "\n};", "error.js"), /^ {2}(\w+):/gm),
  });
});

test("no error says more than fixed text and an option's name", () => {
  assert.deepEqual(all(errorWords, /\$\{([^}]*)\}/g).filter((hole) => !/^(PLACE|ID|option|what|EXPECTED\[option\])$/.test(hole)), [
    'Object.keys(EXPECTED).join(", ")',
  ]);
});

test("error codes that retry() helps", () => {
  const retryable = between(failure, "pub fn is_retryable", "}", "failure.rs");
  const codes = errorCodes();
  same("retryable code", {
    "src/session/failure.rs (is_retryable)": all(retryable, /Self::(\w+)/g).map((variant) => codes.get(variant) ?? variant),
    "index.d.ts (retry)": all(/\/\*\* A new try after ([^*]*)\*\//.exec(types)?.[1] ?? "", /`([A-Z_]+)`/g),
  });
});

test("option names", () => {
  const bodies = ["interface CommonOptions {", "interface InterruptedOptions extends CommonOptions {", "interface StartOptions extends CommonOptions {"];
  same("option", {
    "src/session/options.rs (NAMES)": all(between(read("src/session/options.rs"), "pub const NAMES: &[&str] = &[", "];", "options.rs"), /"(\w+)"/g),
    // `start?: never` only says which options exclude each other.
    "index.d.ts (ReconnectOptions)": bodies.flatMap((from) => members(inTypes(from, "\n}").replaceAll(/^.*\?: never;$/gm, ""))),
    "README.md (Options)": inTable(section("Options")),
  });
});

test("what the element takes", () => {
  const [element, declared] = [read("www/sdk/element.js"), read("www/sdk/element.d.ts")];
  const kebabCase = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const ours = all(between(element, "const OPTIONS = {", "};", "element.js"), /^ {2}(\w+):/gm);
  const flags = all(between(element, "const FLAGS = [", "]", "element.js"), /"(\w+)"/g);
  const reflected = all(between(element, "const REFLECTED = [", "]", "element.js"), /"(\w+)"/g);
  const options = all(between(read("src/session/options.rs"), "pub const NAMES: &[&str] = &[", "];", "options.rs"), /"(\w+)"/g);
  same("option", {
    // The element is the container, and its removal is the signal.
    "src/session/options.rs (NAMES)": options.filter((name) => !["container", "signal"].includes(name)),
    "element.js (OPTIONS)": ours,
    "element.d.ts (FlinksReconnectProperties)": members(between(declared, "export interface FlinksReconnectProperties {", "\n}", "element.d.ts")).filter((name) => !flags.includes(name)),
  });
  same("attribute", {
    "element.js (OPTIONS, in kebab-case)": ours.map(kebabCase).filter((name) => name.includes("-")),
    "element.d.ts (FlinksReconnectAttributes)": all(between(declared, "export interface FlinksReconnectAttributes {", "\n}", "element.d.ts"), /^ {2}"([\w-]+)"\?:/gm),
  });
  same("reflected property", {
    "element.js (REFLECTED and FLAGS)": [...reflected, ...flags],
    "element.d.ts (Reflected …)": all(/\/\*\* Reflected[^*]*\*\/\n {2}\w+/.exec(declared)?.[0] ?? "", /(\w+)(?=`|$)/g),
  });
});

test("events", () => {
  same("event", {
    "src/session/output.rs (Event)": all(between(read("src/session/output.rs"), "pub enum Event {", "\n}", "output.rs"), /^ {4}\/\/\/ `(\w+)`/gm),
    "index.js (EVENTS)": all(between(read("www/sdk/index.js"), "export const EVENTS = [", "]", "index.js"), /"(\w+)"/g),
    "index.d.ts (ReconnectEventMap)": members(inTypes("export interface ReconnectEventMap {", "\n}")),
    "README.md (Session and result)": inTable(section("Session and result")),
  });
});

test("phases", () => {
  const output = read("src/session/output.rs");
  // `starting → … → done`, or `failed` / `closed` from anywhere.
  const told = section("Session and result").split("\n").find((line) => line.includes("→"));
  same("phase", {
    "src/session/output.rs (Phase)": all(between(between(output, "impl Phase {", "\n}", "output.rs"), "as_str", "\n    }", "output.rs"), /"(\w+)"/g),
    "index.d.ts (Phase)": union("Phase"),
    "README.md (Session and result)": all(told ?? "", /(\w+)(?= →|` \/|` from|`, or)/g),
  });
});

/** The names in a Rust table; a constant stands for its text. */
function rustNames(table) {
  const constants = new Map([...parameters.matchAll(/pub const (\w+): &str = "(\w+)";/g)].map(([, constant, name]) => [constant, name]));
  const body = between(parameters, `pub const ${table}: &[&str] =`, "];", "parameters.rs");
  return all(body.replace("&[", ""), /("?\b\w+\b"?)/g).map((name) => (name.startsWith('"') ? name.slice(1, -1) : (constants.get(name) ?? name)));
}

test("Connect's parameters", () => {
  const body = inTypes("export interface ConnectParams {", "\n}");
  const isReserved = (name) => new RegExp(`^ {2}${name}\\?: never;$`, "m").test(body);
  same("parameter", {
    "crates/connect/src/parameters.rs (DOCUMENTED)": rustNames("DOCUMENTED"),
    "index.d.ts (ConnectParams)": members(body).filter((name) => !isReserved(name)),
    "docs/vocabulary.md (Parameters)": vocabulary("Parameters").map(([name]) => name),
  });
  const row = section("Options").split("\n").find((line) => line.startsWith("| `params` |")) ?? "";
  same("reserved parameter", {
    "crates/connect/src/parameters.rs (RESERVED)": rustNames("RESERVED"),
    "index.d.ts (ConnectParams)": members(body).filter(isReserved),
    "README.md (Options, params)": all(row.split("any other Connect parameter")[1] ?? "", /`(\w+)`/g),
  });
});

/** The members of a table that a Rust macro makes: `NAME word word,`. */
const rustTable = (path, macro) =>
  between(read(path), `\n${macro}! {\n`, "\n}", path)
    .split("\n")
    .map((line) => line.trim().replace(/,$/, "").split(" "));

/** The rows of a table of docs/vocabulary.md: first cell without its quotes, and the others. */
const vocabulary = (title) =>
  [...sectionOf("docs/vocabulary.md", title).matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, name, cells]) => [name, ...cells.split(/ (?<!\\)\| /)]);

test("Flinks' steps, and what the widget does about them", () => {
  const table = rustTable("crates/connect/src/step.rs", "steps");
  same("step", {
    "crates/connect/src/step.rs": table.map(([name]) => name),
    "index.d.ts (FlinksStep)": union("FlinksStep"),
    "docs/vocabulary.md (Steps)": vocabulary("Steps").map(([name]) => name),
  });
  const does = {
    ...Object.fromEntries(["Mounted", "Mfa", "Passing"].map((meaning) => [meaning, "goes on"])),
    Submitted: "goes on; closing asks once from now on",
    Resized: "takes the height, within 240 to 1600 pixels",
    PopupBlocked: "tells the user what to do",
    FullFlow: 'in a reconnect: `fullflow`, and `FULL_FLOW` with `fullFlow: "stop"`',
    Closed: "ends with `CANCELLED`",
    Denied: "ends with `CANCELLED`",
    TokenInvalid: "renews once through `start`, else `TOKEN_INVALID`",
    Redirect: "checks, delivers, and is done",
  };
  const told = new Map(vocabulary("Steps").map(([name, , what]) => [name, what]));
  for (const [name, meaning] of table) assert.equal(told.get(name), does[meaning], `docs/vocabulary.md: ${name}`);
});

test("Flinks' codes, and what the widget does about them", () => {
  const table = rustTable("crates/connect/src/code.rs", "codes");
  same("Flinks code", {
    "crates/connect/src/code.rs": table.map(([name]) => name),
    "index.d.ts (FlinksCode)": union("FlinksCode"),
    "docs/vocabulary.md (Codes)": vocabulary("Codes").map(([name]) => name),
  });
  const does = {
    Passing: "goes on",
    Correctable: "goes on: the user can put it right in Connect",
    SessionOver: "renews once through `start`, else `SESSION_EXPIRED`",
    Terminal: "ends with `FLINKS`",
  };
  const told = new Map(vocabulary("Codes").map(([name, status, , what]) => [name, `${status}: ${what}`]));
  for (const [name, status, severity] of table) assert.equal(told.get(name), `${status}: ${does[severity]}`, `docs/vocabulary.md: ${name}`);
});

test("custom properties and parts", () => {
  const style = read("src/web/stage.css");
  same("custom property", {
    "src/web/stage.css": [...new Set(all(style, /var\((--flinks-reconnect-[\w-]+)/g))],
    "README.md (Styling)": inTable(section("Styling")),
    "docs/styling.md": inTable(sectionOf("docs/styling.md", "Custom properties")),
  });
  const [day, night] = style.split("@media (prefers-color-scheme: dark)");
  for (const [, name, , told] of read("docs/styling.md").matchAll(/^\| `(--[\w-]+)` \| (.*?) \| (.*) \|$/gm)) {
    const [byDay, byNight] = [...told.matchAll(/`([^`]+)`/g)].map(([, value]) => value);
    assert.ok(day.includes(`var(${name}, ${byDay})`) || night.includes(`var(${name}, ${byDay})`), `docs/styling.md: ${name} is not ${byDay}`);
    if (byNight) assert.ok(night.includes(`var(${name}, ${byNight})`), `docs/styling.md: ${name} is not ${byNight} in dark`);
  }
  const stage = read("src/web/stage.js");
  const fixed = [...all(stage, /part\(\w+, "\w+", "(\w+)"/g), ...all(stage, /#button\(\w+, "(\w+)"/g)];
  const meanings = all(between(stage, "const MEANING = {", "}", "stage.js"), /(\w+):/g);
  const renamed = all(between(stage, "const PART = {", "}", "stage.js"), /(\w+):/g);
  same("part", {
    "src/web/stage.js (Stage)": [...fixed, ...meanings.filter((name) => !renamed.includes(name))],
    "src/web/stage.js (PARTS)": (/const PARTS = "([\w,]+)"/.exec(stage)?.[1] ?? "").split(","),
    "docs/styling.md (Parts)": inTable(sectionOf("docs/styling.md", "Parts")),
  });
});

test("numbers that Rust and JavaScript share", () => {
  const numbers = (path, pattern) => Object.fromEntries([...read(path).matchAll(pattern)].map(([, name, number]) => [name, Number(number)]));
  const inputs = numbers("src/web/inputs.js", /^export const (\w+) = (\d+);$/gm);
  assert.ok(Object.keys(inputs).length > 10, "inputs.js has another form than this test reads");
  assert.deepEqual(numbers("src/web/driver.rs", /^const (\w+): u32 = (\d+);$/gm), inputs);
});

test("what README.md shows of an example is that file", () => {
  for (const [path, code] of quickStarts()) assert.equal(code, read(path), path);
});

test("every link leads somewhere", () => {
  const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "examples/README.md", ...readdirSync(new URL("docs", root)).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
  const headings = (page) => all(read(page), /^#+ (.*)$/gm).map((title) => title.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-"));
  for (const page of pages) {
    for (const link of all(read(page), /\]\(([^)\s]+)\)/g).filter((link) => !/^\w+:/.test(link))) {
      const { pathname, hash } = new URL(link, new URL(page, root));
      assert.ok(existsSync(pathname), `${page}: ${link}`);
      if (hash) assert.ok(headings(pathname.slice(root.pathname.length)).includes(hash.slice(1)), `${page}: ${link}`);
    }
  }
});

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

test("labels", () => {
  same("label", {
    "src/web/words.js": Object.keys(WORDS),
    "index.d.ts (Labels)": members(inTypes("export interface Labels {", "\n}")),
    "docs/texts.md": inTable(read("docs/texts.md")),
  });
  const page = read("docs/texts.md");
  for (const [name, [english, french]] of Object.entries(WORDS)) assert.match(page, new RegExp(`^\\| \`${name}\` \\| ${quoted(english)} \\| ${quoted(french)} \\|`, "m"), `docs/texts.md: ${name}`);
});

test("views and buttons have their words", () => {
  for (const name of VIEWS.flat()) assert.ok(name in WORDS, `words.js has no \`${name}\``);
});

test("every view is looked at", () => {
  same("view", {
    "src/session/output.rs (View)": variants("src/session/output.rs", "View").map((name) => name[0].toLowerCase() + name.slice(1)),
    "tests/e2e/pages/scenes.js (SCENES)": Object.keys(SCENES),
  });
});

test("what is delivered", () => {
  same("field", {
    "src/web/report.js": Object.keys(new Map(REPORTS).get("reconnected")),
    "index.d.ts (Delivery)": members(inTypes("export interface Delivery {", "\n}")),
    "README.md (Your backend)": (/brings `\{([^}]*)\}`/.exec(section("Your backend"))?.[1] ?? "").split(", "),
  });
});
