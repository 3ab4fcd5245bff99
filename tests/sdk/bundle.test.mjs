// What a bundler makes of the package: everything that is used, once, and nothing that is not.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { build } from "esbuild";

const root = new URL("../../", import.meta.url);

async function bundled(code) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(root) },
    bundle: true,
    minify: true,
    format: "esm",
    charset: "utf8",
    external: ["react"],
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}

/** The module's text as it stands in index.js, and a piece of it that nobody else writes. */
const [literal] = readFileSync(new URL("dist/index.js", root), "utf8").match(/(["'`])[^"'`\\]{30000,}\1/);
const piece = literal.slice(2_000, 2_100);
const times = (text, part) => text.split(part).length - 1;

test("what is imported and not used is not bundled", async () => {
  for (const entry of ["flinks-reconnect", "flinks-reconnect/react"]) assert.equal((await bundled(`import ${JSON.stringify(entry)};`)).trim(), "", entry);
});

test("the error class comes without the module", async () => {
  const text = await bundled('import { ReconnectError } from "flinks-reconnect"; console.log(ReconnectError);');
  assert.ok(text.includes("ReconnectError"));
  assert.equal(times(text, piece), 0);
  assert.ok(text.length < 7800, `${text.length} characters`);
});

test("the element is bundled for its effect", async () => {
  for (const entry of ["flinks-reconnect/element", "flinks-reconnect/global"]) {
    assert.match(await bundled(`import ${JSON.stringify(entry)};`), /flinks-reconnect/, entry);
  }
});

test("three entries have the module once", async () => {
  const text = await bundled('import { reconnect } from "flinks-reconnect"; import "flinks-reconnect/element"; import * as react from "flinks-reconnect/react"; console.log(reconnect, react);');
  assert.equal(times(text, piece), 1);
});

test("a bundler prints the module's text as it is, without an escape", async () => {
  assert.ok((await bundled('export { reconnect } from "flinks-reconnect";')).includes(literal));
});

test("no text is made into code, which many pages' policies forbid", () => {
  for (const name of ["index.js", "element.js", "react.js", "flinks-reconnect.global.js"]) {
    const code = readFileSync(new URL(`dist/${name}`, root), "utf8");
    // The module's text is data and may have any letters.
    assert.doesNotMatch(code.replace(literal, ""), /\bFunction\(|\beval\(/, name);
  }
});

test("source maps lead to our sources, and name no folder of this machine", () => {
  for (const name of ["index.js", "element.js", "react.js", "flinks-reconnect.global.js"]) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(new URL(`dist/${name}.map`, root), "utf8"));
    assert.ok(sources.some((source) => source.includes("www/sdk/")), name);
    assert.ok(sources.every((source) => !source.startsWith("/")), `${name}: ${sources}`);
    assert.equal(sourcesContent.length, sources.length, name);
  }
});
