// The package: cargo → wasm-bindgen → wasm-opt → esbuild, into four JavaScript files in dist/ that have the module inside; tsc writes their types.
//
// Invariants: each tool gets flags and options, and nobody edits what a tool wrote; a run without any change of the inputs does nothing.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { Failure, isMain, main, root, run, secondsSince } from "./command.mjs";
import { setUp } from "./setup.mjs";
import { target, wasmEnv } from "./wasm-target.mjs";

/** What the package is made of, and what of that the module is. */
const inputs = ["src", "crates/connect", "www/sdk", "Cargo.toml", "Cargo.lock", "package.json", "package-lock.json", "scripts/build.mjs"];
const isOfModule = (path) => /\.rs$|^Cargo\.|^package-lock\.json$|^scripts\//.test(path);
const globalFile = "flinks-reconnect.global.js";
const scripts = ["index.js", "element.js", "react.js", "testing.js", globalFile];
const outputs = [...scripts, "integrity.json"];

const sdk = join(root, "www/sdk");
const dist = join(root, "dist");
const glue = join(root, "target/wasm/flinks_reconnect.js");
const glueTypes = join(root, "target/wasm/flinks_reconnect.d.ts");
const bound = join(root, "target/wasm/flinks_reconnect_bg.wasm");
const optimised = join(root, "target/wasm/flinks_reconnect.wasm");
/** What the JavaScript must know of the module: its short names, and the key of its text. */
const moduleFacts = join(root, "target/wasm/facts.json");

/** Builds the package, unless dist/ already is what the inputs make. The machine must have been set up. */
export async function build() {
  await once("build", fingerprintOf(() => true), outputs.map((name) => join(dist, name)), async () => {
    const started = performance.now();
    console.log("build: flinks-reconnect …");
    mkdirSync(join(root, "target/wasm"), { recursive: true });
    rmSync(join(root, log), { force: true });

    // Most of the time, and seldom needed when somebody works on the page.
    await once("module", fingerprintOf(isOfModule), [glue, glueTypes, optimised, moduleFacts], async () => {
      await compile();
      await bindgen();
      const names = await optimise();
      validate();
      writeFileSync(moduleFacts, JSON.stringify({ names, key: bestKey(readFileSync(optimised)) }));
    });
    rmSync(dist, { recursive: true, force: true });
    await bundle(JSON.parse(readFileSync(moduleFacts, "utf8")));
    await declare();
    writeIntegrity();
    report();
    console.log(`build: flinks-reconnect … ${secondsSince(started)}`);
  });
}

/** Does the work, unless these files are there and are what inputs with this fingerprint make. */
async function once(name, fingerprint, files, work) {
  const stamp = join(root, `target/wasm/${name}.stamp`);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint && files.every(existsSync)) return;
  rmSync(stamp, { force: true });
  await work();
  writeFileSync(stamp, fingerprint);
}

const log = "target/wasm/build.log";

/** Loaded when it is needed: before set-up it is not there. */
let esbuild;

/** The environment in which cargo compiles the module: of the package, and for its browser tests. */
export function moduleEnv() {
  const cargoHome = process.env.CARGO_HOME || join(homedir(), ".cargo");
  const flags = [
    // Rust reserves 1 MiB of stack, which is most of a small module's memory.
    "-C", "link-arg=-zstack-size=65536",
    // Panic messages name source files: without this builder's folders, so that everybody's build is the same.
    `--remap-path-prefix=${cargoHome}=/cargo`,
    `--remap-path-prefix=${root.replace(/\/$/, "")}=/flinks-reconnect`,
  ];
  // This form of RUSTFLAGS allows spaces in paths, and wins over flags of the builder's own.
  return { ...wasmEnv(), CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") };
}

/** Rust to WebAssembly. */
async function compile() {
  await run("cargo", ["build", "--lib", "--release", "--target", target], { env: moduleEnv(), log });
}

/** The JavaScript that the module needs around it. */
async function bindgen() {
  const compiled = join(process.env.CARGO_TARGET_DIR || join(root, "target"), target, "release/flinks_reconnect.wasm");
  await run("wasm-bindgen", ["--target", "web", "--omit-default-module-path", "--out-dir", join(root, "target/wasm"), compiled], { log });
}

/**
 * The features that rustc uses anyway and that every browser we support has. Not `--all-features`: the
 * optimiser then uses ones that browsers do not have yet.
 */
const features = ["bulk-memory", "mutable-globals", "multivalue", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/**
 * Makes the module smaller: size is download time, and downloads are what users wait for.
 *
 * Returns the short names that imports, exports and the import's module have now, by their long ones: the JavaScript must use the same.
 */
async function optimise() {
  const wasmOpt = (...args) =>
    run(join(root, "node_modules/.bin/wasm-opt"), [...args, ...features.map((name) => `--enable-${name}`), "-o", optimised], { log });
  await wasmOpt("-Os", "--converge", "--strip-debug", "--strip-producers", "--strip-target-features", bound);
  // By itself, for it prints the names in every round of `--converge`.
  const { imports, exports } = JSON.parse(await wasmOpt("--minify-imports-and-exports-and-modules", optimised));
  const [{ module }] = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(optimised)));
  return Object.fromEntries([...imports.map(([, long, short]) => [long, short]), ...exports, [imports[0][0], module]]);
}

/** Node's engine is Chromium's: what it refuses must not be published. */
function validate() {
  if (!WebAssembly.validate(readFileSync(optimised))) throw new Failure(`the optimised module is not valid WebAssembly: ${optimised}`);
}

async function bundle({ names, key }) {
  esbuild = await import("esbuild");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const common = {
    bundle: true,
    minify: true,
    sourcemap: true,
    target: "es2022",
    // The glue's names for imports and exports, as the optimised module has them.
    mangleProps: new RegExp(`^(${Object.keys(names).map(escaped).join("|")})$`),
    mangleQuoted: true,
    mangleCache: names,
    define: { FLINKS_RECONNECT_VERSION: JSON.stringify(version) },
    inject: [join(sdk, "text-coding.ts")],
    // react is the page's own. The other entries are apart so that the module's bytes are in one file only.
    external: ["react", "react/*"],
    logLevel: "warning",
  };
  const entry = (name) => join(sdk, name);
  const module = readFileSync(optimised);
  try {
    await Promise.all([
      esbuild.build({
        ...common,
        entryPoints: [entry("index.ts")],
        outdir: dist,
        format: "esm",
        // Modules are UTF-8 everywhere.
        charset: "utf8",
        plugins: [moduleInside(textOf(module, key), (at) => `text.charCodeAt(${at}) ^ ${key}`, module.length)],
      }),
      esbuild.build({ ...common, entryPoints: [entry("element.ts"), entry("react.ts"), entry("testing.ts")], outdir: dist, format: "esm", plugins: [entriesApart] }),
      esbuild.build({
        ...common,
        entryPoints: [entry("global.ts")],
        outfile: join(dist, globalFile),
        format: "iife",
        // A classic script is read in the page's encoding, whatever that is. Of what is plain ASCII, hexadecimal compresses best.
        charset: "ascii",
        plugins: [moduleInside(module.toString("hex"), (at) => `(digit(2 * ${at}) << 4) | digit(2 * ${at} + 1)`, module.length), elementInside],
      }),
    ]);
  } catch (error) {
    // esbuild has already printed what is wrong, and where.
    if (error.errors) throw new Failure("esbuild refused the JavaScript in www/sdk (see above)");
    throw error;
  }
}

const escaped = (text) => text.replace(/[^\w]/g, "\\$&");

/**
 * What the SDK imports as `flinks-reconnect:wasm` (a function that gives the bytes) and `flinks-reconnect:glue`. The bytes are read out of the text
 * one by one: what reads them by a function each takes five milliseconds longer, and the user waits for that.
 */
const moduleInside = (text, byteAt, length) => ({
  name: "module-inside",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^flinks-reconnect:glue$/ }, () => ({ path: glue }));
    onResolve({ filter: /^flinks-reconnect:wasm$/ }, () => ({ path: "bytes", namespace: "bytes" }));
    const contents = `
      export default function () {
        const text = ${JSON.stringify(text)};
        const digit = (at) => (text.charCodeAt(at) & 15) + (text.charCodeAt(at) > 57 ? 9 : 0);
        const bytes = new Uint8Array(${length});
        for (let at = 0; at < ${length}; at += 1) bytes[at] = ${byteAt("at")};
        return bytes;
      }`;
    onLoad({ filter: /.*/, namespace: "bytes" }, () => ({ contents, loader: "js" }));
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trimEnd(), loader: "text" };
    });
  },
});

/**
 * The module as text with a character for each byte: what compresses the file finds the module's patterns again, where base64 hides them.
 *
 * Each byte is XORed with a key. A character that some bundler would print as an escape (a control character, a quote, the backslash) is replaced by
 * the one 256 further on, and a Uint8Array drops that bit: every bundler prints this text as it is.
 */
function textOf(module, key) {
  const isEscaped = (code) => code < 32 || [..."\"'`\\\x7f"].includes(String.fromCharCode(code));
  const codes = Array.from({ length: 256 }, (_, byte) => byte ^ key).map((code) => (isEscaped(code) ? code + 256 : code));
  return Array.from(module, (byte) => String.fromCharCode(codes[byte])).join("");
}

/** The key whose text compresses best. The highest quality takes a tenth of a second for each, so it judges only those that a lower one finds best. */
function bestKey(module) {
  const keys = Array.from({ length: 128 }, (_, key) => key);
  return bestOf(bestOf(keys, 5).slice(0, 16), 11)[0];

  function bestOf(keys, quality) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
    const sizes = new Map(keys.map((key) => [key, brotliCompressSync(textOf(module, key), { params }).length]));
    return keys.sort((one, other) => sizes.get(one) - sizes.get(other));
  }
}

/** Keeps imports of one entry by another as they are: `./index.js` next to it in dist/ is the same file. */
const entriesApart = {
  name: "entries-apart",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/(index|element)\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** package.json's `sideEffects` is about dist/, so esbuild would think that the element's source has none and drop it. */
const elementInside = {
  name: "element-inside",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/element\.js$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace(/js$/, "ts")), sideEffects: true }));
  },
};

/** What a user's compiler reads: the entries' types, and those that they are made of. */
const declarations = ["index", "element", "react", "testing", "global", "api", "error", "names", "words"];

/** The types, from the sources; those of other frameworks' templates have no source but themselves. */
async function declare() {
  const all = join(root, "target/wasm/types");
  rmSync(all, { recursive: true, force: true });
  await run(join(root, "node_modules/.bin/tsc"), ["-p", sdk, "--outDir", all], { log });
  for (const name of declarations) cpSync(join(all, `${name}.d.ts`), join(dist, `${name}.d.ts`));
  cpSync(join(sdk, "types"), join(dist, "types"), { recursive: true });
}

/** Subresource integrity of everything a page can load: in `<script integrity>`, or the `integrity` of an import map. */
function writeIntegrity() {
  const hash = (name) => `sha384-${createHash("sha384").update(readFileSync(join(dist, name))).digest("base64")}`;
  const hashes = Object.fromEntries(scripts.map((name) => [name, hash(name)]));
  writeFileSync(join(dist, "integrity.json"), `${JSON.stringify(hashes, null, 2)}\n`);
}

function report() {
  const line = (name, path) => {
    const bytes = readFileSync(path);
    const number = (value) => value.toLocaleString("en").padStart(9);
    console.log(`  ${name.padEnd(28)}${number(bytes.length)} B ${number(brotliCompressSync(bytes).length)} B brotli`);
  };
  line("(WebAssembly inside)", optimised);
  for (const name of scripts) line(`dist/${name}`, join(dist, name));
  const hashes = JSON.parse(readFileSync(join(dist, "integrity.json"), "utf8"));
  for (const name of scripts) console.log(`  ${name.padEnd(28)}${hashes[name]}`);
}

/** A hash over names and contents of the inputs: dates change without reason, contents do not. */
function fingerprintOf(isMeant) {
  const hash = createHash("sha256");
  const add = (path) => {
    const stats = statSync(join(root, path), { throwIfNoEntry: false });
    if (stats?.isDirectory()) readdirSync(join(root, path)).sort().forEach((name) => add(`${path}/${name}`));
    else if (stats && isMeant(path)) hash.update(`${path}\0${stats.size}\0`).update(readFileSync(join(root, path)));
  };
  inputs.forEach(add);
  return hash.digest("hex");
}

if (isMain(import.meta.url)) {
  await main(async () => {
    await setUp("build");
    await build();
  });
}
