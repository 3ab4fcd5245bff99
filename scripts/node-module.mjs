// A crate as the WebAssembly module of an npm package for Node: cargo → wasm-bindgen → wasm-opt.
//
// A run without any change of the inputs does nothing.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure, root, run, secondsSince } from "./command.mjs";
import { target, wasmEnv } from "./wasm-target.mjs";

/** What is compiled: sources, and files that they include. */
const isInput = (path) => !/^crates\/\w+\/(tests|examples|target)\//.test(path) && !/node_modules|\.md$/.test(path);
const features = ["bulk-memory", "mutable-globals", "multivalue", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/**
 * Builds the crate `module` into `dist` for the npm package `name` in `folder`, unless it is what the inputs make; then `finish` makes what else the
 * package has. The machine must have been set up.
 */
export async function buildNodeModule({ name, folder, module, dist, inputs, outputs, flags: bindgenFlags = [], finish = async () => {} }) {
  const stamp = join(root, `target/wasm/${name}.stamp`);
  const log = `target/wasm/${name}.log`;
  const fingerprint = fingerprintOf([...inputs, "Cargo.toml", "Cargo.lock", "scripts/node-module.mjs"]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint && outputs.every(existsSync)) return;
  const started = performance.now();
  console.log(`build: ${name} …`);
  mkdirSync(join(root, "target/wasm"), { recursive: true });
  rmSync(join(root, log), { force: true });
  rmSync(stamp, { force: true });
  const cargoHome = process.env.CARGO_HOME || join(homedir(), ".cargo");
  // Panic messages name source files: without this builder's folders, so that everybody's build is the same.
  const flags = [`--remap-path-prefix=${cargoHome}=/cargo`, `--remap-path-prefix=${root.replace(/\/$/, "")}=/flinks-reconnect`];
  await run("cargo", ["build", "-p", module, "--release", "--target", target], {
    env: { ...wasmEnv(), CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") },
    log,
    limitMinutes: 30,
  });
  const file = module.replaceAll("-", "_");
  const compiled = join(process.env.CARGO_TARGET_DIR || join(root, "target"), target, "release", `${file}.wasm`);
  rmSync(dist, { recursive: true, force: true });
  await run("wasm-bindgen", ["--target", "web", "--no-typescript", "--omit-default-module-path", ...bindgenFlags, "--out-dir", dist, compiled], { log });
  const wasm = join(dist, `${file}_bg.wasm`);
  const optimise = ["-Oz", "--strip-debug", "--strip-producers", "--strip-target-features", ...features.map((feature) => `--enable-${feature}`)];
  await run(join(root, "node_modules/.bin/wasm-opt"), [...optimise, "-o", wasm, wasm], { log });
  if (!WebAssembly.validate(readFileSync(wasm))) throw new Failure(`the optimised module is not valid WebAssembly: ${wasm}`);
  await finish({ glue: join(dist, `${file}.js`), wasm, log });
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(join(root, licence), join(folder, licence));
  writeFileSync(stamp, fingerprint);
  console.log(`build: ${name} … ${secondsSince(started)}`);
}

function fingerprintOf(inputs) {
  const hash = createHash("sha256");
  for (const input of inputs) {
    const path = join(root, input);
    const isFolder = !/\.(toml|lock|mjs|json)$/.test(input);
    const files = isFolder ? readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)) : [path];
    for (const file of files.sort()) {
      const relative = file.slice(root.length).replace(/^\//, "");
      if (isInput(relative)) hash.update(relative).update("\0").update(readFileSync(file)).update("\0");
    }
  }
  return hash.digest("hex");
}
