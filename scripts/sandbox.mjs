// The npm package flinks-sandbox: crates/sandbox as WebAssembly, with the glue that Node needs, in packages/sandbox/module/dist.
//
// A run without any change of the inputs does nothing.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure, isMain, main, root, run, secondsSince } from "./command.mjs";
import { setUp } from "./setup.mjs";
import { target, wasmEnv } from "./wasm-target.mjs";

/** The package's folder. */
export const folder = join(root, "packages/sandbox");
const dist = join(folder, "module/dist");
const log = "target/wasm/sandbox.log";
const name = "flinks_sandbox_module";
const outputs = [`${name}.js`, `${name}_bg.wasm`].map((file) => join(dist, file));
const inputs = ["crates/sandbox", "crates/connect", "packages/sandbox/module/src", "packages/sandbox/module/Cargo.toml", "Cargo.toml", "Cargo.lock", "scripts/sandbox.mjs"];
/** What is compiled into the module: sources, and the page's files. */
const isInput = (path) => !/^crates\/\w+\/(tests|examples|target)\//.test(path) && !/node_modules|\.md$/.test(path);
const features = ["bulk-memory", "mutable-globals", "multivalue", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/** Builds the module, unless it is what the inputs make. The machine must have been set up. */
export async function buildSandbox() {
  const stamp = join(root, "target/wasm/sandbox.stamp");
  const fingerprint = fingerprintOf();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint && outputs.every(existsSync)) return;
  const started = performance.now();
  console.log("build: flinks-sandbox …");
  mkdirSync(join(root, "target/wasm"), { recursive: true });
  rmSync(join(root, log), { force: true });
  rmSync(stamp, { force: true });
  const cargoHome = process.env.CARGO_HOME || join(homedir(), ".cargo");
  // Panic messages name source files: without this builder's folders, so that everybody's build is the same.
  const flags = [`--remap-path-prefix=${cargoHome}=/cargo`, `--remap-path-prefix=${root.replace(/\/$/, "")}=/flinks-reconnect`];
  await run("cargo", ["build", "-p", "flinks-sandbox-module", "--release", "--target", target], {
    env: { ...wasmEnv(), CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") },
    log,
    limitMinutes: 30,
  });
  const compiled = join(process.env.CARGO_TARGET_DIR || join(root, "target"), target, "release", `${name}.wasm`);
  rmSync(dist, { recursive: true, force: true });
  await run("wasm-bindgen", ["--target", "web", "--no-typescript", "--omit-default-module-path", "--out-dir", dist, compiled], { log });
  const [, module] = outputs;
  const optimise = ["-Oz", "--strip-debug", "--strip-producers", "--strip-target-features", ...features.map((feature) => `--enable-${feature}`)];
  await run(join(root, "node_modules/.bin/wasm-opt"), [...optimise, "-o", module, module], { log });
  if (!WebAssembly.validate(readFileSync(module))) throw new Failure(`the optimised module is not valid WebAssembly: ${module}`);
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(join(root, licence), join(folder, licence));
  writeFileSync(stamp, fingerprint);
  console.log(`build: flinks-sandbox … ${secondsSince(started)}`);
}

function fingerprintOf() {
  const hash = createHash("sha256");
  for (const input of inputs) {
    const path = join(root, input);
    const isFolder = !/\.(toml|lock|mjs)$/.test(input);
    const files = isFolder ? readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)) : [path];
    for (const file of files.sort()) {
      const relative = file.slice(root.length).replace(/^\//, "");
      if (isInput(relative)) hash.update(relative).update("\0").update(readFileSync(file)).update("\0");
    }
  }
  return hash.digest("hex");
}

if (isMain(import.meta.url)) {
  await main(async () => {
    await setUp("build");
    await buildSandbox();
  });
}
