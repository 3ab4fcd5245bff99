// Rust's standard library for WebAssembly (the target wasm32-unknown-unknown), from whoever has it.
//
// The usual way is one rustup command. Where rustup cannot download, Debian's second Rust (packages
// `*-web`, kept current for browsers) has no such library ready-made but has its source, and builds it.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { CommandFailed, Failure, find, run } from "./command.mjs";
import { asRoot, aptInstall } from "./debian.mjs";

export const target = "wasm32-unknown-unknown";

/** Debian's Rust and the linker that goes with it (its rustc looks for a `rust-lld`, which no package we want brings). */
const debian = {
  packages: ["rustc-web", "cargo-web", "rust-web-src", "lld-22"],
  clippy: "rust-web-clippy",
  prefix: "/usr",
  env: { RUSTUP_TOOLCHAIN: "web", CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld-22" },
};

/** Where a wasm build can get its compiler from: the default toolchain, or Debian's. */
const candidates = [{}, debian.env];

let found;

/**
 * The environment that cargo, clippy and wasm-pack need for this target, or undefined when there is none.
 * Native builds do without it and stay on the default toolchain.
 */
export function wasmEnv() {
  found ??= candidates.find(compiles);
  return found;
}

/** Compiles and links a small library: the only proof that also covers a library left behind by an older rustc. */
function compiles(env) {
  const scratch = mkdtempSync(join(tmpdir(), "wasm-target-"));
  const linker = env.CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER;
  try {
    const { status } = spawnSync(
      "rustc",
      ["--target", target, "--crate-type=cdylib", ...(linker ? ["-C", `linker=${linker}`] : []), "-o", join(scratch, "probe.wasm"), "-"],
      { env: { ...process.env, ...env }, input: "pub fn probe() -> String { String::new() }", stdio: ["pipe", "ignore", "ignore"] },
    );
    return status === 0;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Gets the target by whichever way works; `log` keeps the output. */
export async function installWasmTarget(log) {
  if (find("rustup")) {
    try {
      await run("rustup", ["target", "add", target], { log });
      return;
    } catch (error) {
      // rustup has no network here: there is another way.
      if (!(error instanceof CommandFailed)) throw error;
    }
  }
  if (!find("apt-get")) throw new Failure(`rustup could not download it (see ${log}), and this system has no apt-get`);
  console.log("set-up: rustup cannot download it; building it from Debian's source …");
  await installDebians(log);
}

async function installDebians(log) {
  await aptInstall(debian.packages, log);

  // An empty library makes cargo build the standard library, and nothing else.
  const scratch = mkdtempSync(join(tmpdir(), "wasm-std-"));
  mkdirSync(join(scratch, "src"));
  writeFileSync(join(scratch, "Cargo.toml"), '[package]\nname = "empty"\nedition = "2021"\n\n[workspace]\n');
  writeFileSync(join(scratch, "src/lib.rs"), "#![no_std]\n");
  await run(
    join(debian.prefix, "bin/cargo"),
    ["build", "--release", "--target", target, "-Zbuild-std=core,alloc,std,proc_macro,panic_abort,test"],
    // `-Z` is for nightly compilers; this variable allows it to the stable one that the source belongs to.
    { cwd: scratch, env: { RUSTC: join(debian.prefix, "bin/rustc"), RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: join(scratch, "target") }, log },
  );

  const built = join(scratch, "target", target, "release/deps");
  const library = join(debian.prefix, "lib/rustlib", target, "lib");
  const files = readdirSync(built).filter((name) => name.endsWith(".rlib") && !name.startsWith("libempty-"));
  // Two generations side by side would be ambiguous to rustc: first away with the old one.
  await asRoot(["rm", "-rf", library], log);
  await asRoot(["install", "-D", "--mode=644", `--target-directory=${library}`, ...files.map((name) => join(built, name))], log);
  rmSync(scratch, { recursive: true });

  // Without rustup, the Rust on PATH is Debian's already.
  if (find("rustup")) await run("rustup", ["toolchain", "link", debian.env.RUSTUP_TOOLCHAIN, debian.prefix], { log });
}

/** Debian ships clippy apart; with a rustup toolchain it is a component that is normally there. */
export const clippyWorks = () =>
  spawnSync("cargo", ["clippy", "--version"], { env: { ...process.env, ...wasmEnv() }, stdio: "ignore" }).status === 0;

export async function installClippy(log) {
  if (wasmEnv() === debian.env) return aptInstall([debian.clippy], log);
  await run("rustup", ["component", "add", "clippy"], { log });
}
