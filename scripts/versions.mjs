// The versions of the tools that set-up installs. npm's are in package.json, crates' in Cargo.toml.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "./command.mjs";

/**
 * wasm-bindgen's command-line tool must equal the crate to the last digit, so the crate is the only place
 * that says it: the lock file, or the pinned (`=`) dependency before there is one.
 */
function wasmBindgenVersion() {
  const read = (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : "");
  const version =
    /^name = "wasm-bindgen"\nversion = "([^"]+)"/m.exec(read("Cargo.lock"))?.[1] ??
    /^wasm-bindgen = (?:\{ version = )?"=([^"]+)"/m.exec(read("Cargo.toml"))?.[1];
  if (!version) throw new Failure('Cargo.toml does not pin wasm-bindgen; give it a line `wasm-bindgen = "=<version>"`');
  return version;
}

/** Crates to install, with the programs each brings; the first one is asked for its version. */
export const cargoTools = {
  "wasm-bindgen-cli": { version: wasmBindgenVersion(), programs: ["wasm-bindgen", "wasm-bindgen-test-runner"] },
  "wasm-pack": { version: "0.15.1", programs: ["wasm-pack"] },
  geckodriver: { version: "0.37.1", programs: ["geckodriver"] },
  "cargo-deny": { version: "0.20.2", programs: ["cargo-deny"] },
};

/** The Python program that holds APIs against their OpenAPI descriptions; schemathesis.txt has it with all it needs. */
export const schemathesisVersion = /^schemathesis==(\S+)$/m.exec(readFileSync(join(root, "scripts/schemathesis.txt"), "utf8"))[1];
