// One contract, told in several places: the Rust tables decide, `www/sdk/names.ts` is made from them, and the compiler holds the types against it
// (`www/sdk/contract.ts`). README and docs are what no compiler sees: they are held against the same values here.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { build } from "esbuild";
import { quickStarts } from "../../scripts/consumers.mjs";
import { SCENES } from "../e2e/pages/scenes.js";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");

/** A source of the package, as a module. */
async function source(path) {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [fileURLToPath(new URL(path, root))],
    bundle: true,
    format: "esm",
    loader: { ".css": "text" },
    write: false,
    logLevel: "error",
  });
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
}

const names = await source("www/sdk/names.ts");
const { EXPECTED, MESSAGES } = await source("www/sdk/error.ts");
const { WORDS } = await source("www/sdk/words.ts");
const { PARTS } = await source("www/sdk/ui.ts");

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

test("error codes", () => {
  same("error code", {
    "src/session/failure.rs": names.ERROR_CODES,
    "README.md (Errors)": inTable(section("Errors")),
    "docs/troubleshooting.md": inTable(read("docs/troubleshooting.md")),
  });
});

test("no error says more than fixed text and an option's name", () => {
  for (const message of [...Object.values(MESSAGES), ...Object.values(EXPECTED)]) assert.match(message, /^[\w\s.,;:'"`()/\\=-]+$/);
});

test("option names", () => {
  same("option", { "src/session/options.rs (NAMES)": names.OPTION_NAMES, "README.md (Options)": inTable(section("Options")) });
});

test("events", () => {
  same("event", { "src/session/output.rs (Event)": names.EVENT_NAMES, "README.md (Session and result)": inTable(section("Session and result")) });
});

test("phases", () => {
  // `starting → … → done`, or `failed` / `closed` from anywhere.
  const told = section("Session and result").split("\n").find((line) => line.includes("→"));
  same("phase", { "src/session/output.rs (Phase)": names.PHASES, "README.md (Session and result)": all(told ?? "", /(\w+)(?= →|` \/|` from|`, or)/g) });
});

/** The names in a table of docs/vocabulary.md. */
const vocabulary = (title) => inTable(sectionOf("docs/vocabulary.md", title));

// What the widget does about each step and code, tests/core/vocabulary.rs looks at.
test("Flinks' vocabulary", () => {
  same("parameter", { "crates/connect/src/parameters.rs (DOCUMENTED)": names.CONNECT_PARAMETERS, "docs/vocabulary.md (Parameters)": vocabulary("Parameters") });
  const row = section("Options").split("\n").find((line) => line.startsWith("| `params` |")) ?? "";
  same("reserved parameter", {
    "crates/connect/src/parameters.rs (RESERVED)": names.RESERVED_PARAMETERS,
    "README.md (Options, params)": all(row.split("any other Connect parameter")[1] ?? "", /`(\w+)`/g),
  });
});

test("custom properties and parts", () => {
  const style = read("www/sdk/ui.css");
  same("custom property", {
    "www/sdk/ui.css": [...new Set(all(style, /var\((--flinks-reconnect-[\w-]+)/g))],
    "README.md (Styling)": inTable(section("Styling")),
    "docs/styling.md": inTable(sectionOf("docs/styling.md", "Custom properties")),
  });
  const [day, night] = style.split("@media (prefers-color-scheme: dark)");
  for (const [, name, , told] of read("docs/styling.md").matchAll(/^\| `(--[\w-]+)` \| (.*?) \| (.*) \|$/gm)) {
    const [byDay, byNight] = [...told.matchAll(/`([^`]+)`/g)].map(([, value]) => value);
    assert.ok(day.includes(`var(${name}, ${byDay})`) || night.includes(`var(${name}, ${byDay})`), `docs/styling.md: ${name} is not ${byDay}`);
    if (byNight) assert.ok(night.includes(`var(${name}, ${byNight})`), `docs/styling.md: ${name} is not ${byNight} in dark`);
  }
  same("part", { "www/sdk/ui.ts (PARTS)": PARTS, "docs/styling.md (Parts)": inTable(sectionOf("docs/styling.md", "Parts")) });
});

test("what README.md shows of an example is that file", () => {
  for (const [path, code] of quickStarts()) assert.equal(code, read(path), path);
});

test("every link leads somewhere", () => {
  const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "examples/README.md", "packages/server/README.md", ...readdirSync(new URL("docs", root)).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
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
  const page = read("docs/texts.md");
  same("label", { "www/sdk/words.ts": Object.keys(WORDS), "docs/texts.md": inTable(page) });
  for (const [name, [english, french]] of Object.entries(WORDS)) assert.match(page, new RegExp(`^\\| \`${name}\` \\| ${quoted(english)} \\| ${quoted(french)} \\|`, "m"), `docs/texts.md: ${name}`);
});

test("every view is looked at", () => {
  same("view", { "src/session/output.rs (View)": names.VIEW_NAMES, "tests/e2e/pages/scenes.js (SCENES)": Object.keys(SCENES) });
});

test("what is delivered", () => {
  // The fields themselves are seen by tests/web.rs and by the host.
  const told = (/brings `\{([^}]*)\}`/.exec(section("Your backend"))?.[1] ?? "").split(", ");
  same("field", { "the contract": ["attemptId", "mode", "loginId", "requestId", "institution", "accountIds", "tag"], "README.md (Your backend)": told });
});
