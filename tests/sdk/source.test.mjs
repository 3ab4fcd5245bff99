// Promises about our own sources that no compiler keeps.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");
const rustFiles = readdirSync(new URL("src", root), { recursive: true }).filter((path) => path.endsWith(".rs"));

test("nothing that is shipped may panic: no exception from the lints that say so", () => {
  assert.ok(rustFiles.length > 20, "the sources are elsewhere");
  for (const path of rustFiles) {
    const exceptions = [...read(`src/${path}`).matchAll(/#!?\[(?:allow|expect|warn)\([^\]]*/g)].map(([attribute]) => attribute);
    for (const exception of exceptions) {
      const lifted = /unwrap_used|expect_used|clippy::panic|indexing_slicing|clippy::all|clippy::restriction|unsafe_code/.exec(exception);
      assert.equal(lifted, null, `src/${path} lifts ${lifted}`);
    }
  }
});

test("the lints that say so are on, and the workspace forbids unsafe code", () => {
  const manifest = read("Cargo.toml");
  for (const lint of ["unwrap_used", "expect_used", "panic", "indexing_slicing"]) {
    assert.match(manifest, new RegExp(`^${lint} = "(warn|deny|forbid)"$`, "m"), `Cargo.toml no longer warns of ${lint}`);
  }
  assert.match(manifest, /^unsafe_code = "forbid"$/m);
});

test("every dependency of the shipped module has its reason in ARCHITECTURE.md", () => {
  const table = /\[target\.'cfg\(target_arch = "wasm32"\)'\.dependencies\]\n([^]*?)\n\[/.exec(read("Cargo.toml"))?.[1];
  const crates = [...(table ?? "").matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
  assert.ok(crates.includes("wasm-bindgen"), "Cargo.toml has another form than this test reads");
  const reasons = /## What the shipped module is made of\n([^]*)/.exec(read("ARCHITECTURE.md"))?.[1] ?? "";
  for (const name of crates) assert.match(reasons, new RegExp(`^\\|[^|]*\\b${name}\\b`, "m"), `ARCHITECTURE.md gives no reason for ${name}`);
});

test("the package that npm installs depends on nothing", () => {
  const { dependencies = {}, optionalDependencies = {}, scripts } = JSON.parse(read("package.json"));
  assert.deepEqual({ ...dependencies, ...optionalDependencies }, {});
  for (const hook of ["preinstall", "install", "postinstall"]) assert.equal(scripts[hook], undefined, `${hook} runs on users' machines`);
});
