// Promises about our own sources that no compiler keeps.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { mutations } from "../mutations/table.mjs";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");
/** What the module is made of. */
const rustFiles = ["src", "crates/connect/src"].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true }).filter((path) => path.endsWith(".rs")).map((path) => `${folder}/${path}`),
);

test("nothing that is shipped may panic: no exception from the lints that say so", () => {
  assert.ok(rustFiles.length > 20, "the sources are elsewhere");
  for (const path of rustFiles) {
    const exceptions = [...read(path).matchAll(/#!?\[(?:allow|expect|warn)\([^\]]*/g)].map(([attribute]) => attribute);
    for (const exception of exceptions) {
      const lifted = /unwrap_used|expect_used|clippy::panic|indexing_slicing|clippy::all|clippy::restriction|unsafe_code/.exec(exception);
      assert.equal(lifted, null, `${path} lifts ${lifted}`);
    }
  }
});

test("nothing hostile is decoded by its own description", () => {
  // Reading by serde follows the sender's structure, as deep as the sender likes, and honours inherited properties. `own` is the one function that reads
  // a property of somebody's object, and it looks first whether the object has it.
  for (const path of rustFiles) {
    const found = /Deserialize|from_value|serde/.exec(read(path));
    assert.equal(found, null, `${path} has ${found}`);
    const reads = read(path).split("Reflect::get").length - 1;
    assert.equal(reads, path === "src/web/values.rs" ? 1 : 0, `${path} reads properties ${reads} times`);
  }
});

test("the lints that say so are on, and every crate forbids unsafe code", () => {
  const manifest = read("Cargo.toml");
  for (const lint of ["unwrap_used", "expect_used", "panic", "indexing_slicing"]) {
    assert.match(manifest, new RegExp(`^${lint} = "(deny|forbid)"$`, "m"), `Cargo.toml no longer denies ${lint}`);
  }
  assert.match(manifest, /^\[workspace\.lints\.rust\]\nunsafe_code = "forbid"$/m);
  const members = [...(/^members = \[(.*)\]$/m.exec(manifest)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, folder]) => folder);
  assert.ok(members.length >= 5, "Cargo.toml has another form than this test reads");
  for (const folder of members) assert.match(read(`${folder}/Cargo.toml`), /^\[lints\]\nworkspace = true$/m, `${folder} does not take the workspace's lints`);
  assert.match(read("fuzz/Cargo.toml"), /^\[lints\.rust\]\nunsafe_code = "forbid"$/m);
});

test("every mutation finds its text once", () => {
  assert.ok(mutations.length > 100);
  for (const { check, file, text } of mutations) {
    const places = read(file).split(text).length - 1;
    assert.equal(places, 1, `tests/mutations/table.mjs: "${check}": the text stands ${places} times in ${file}:\n${text}`);
  }
});

test("every test that docs/attacks.md names is there", () => {
  const page = read("docs/attacks.md");
  const named = [...page.matchAll(/`(tests\/[\w/.-]+)`: ((?:`\w+`(?:, )?)+)/g)];
  assert.ok(named.length > 100, "docs/attacks.md has another form than this test reads");
  for (const [, file, names] of named) {
    for (const [, name] of names.matchAll(/`(\w+)`/g)) assert.match(read(file), new RegExp(`\\bfn ${name}\\b`), `docs/attacks.md: ${file} has no ${name}`);
  }
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
