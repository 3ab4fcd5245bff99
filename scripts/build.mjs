// The package: Rust → WebAssembly → small WebAssembly → inside four JavaScript files in dist/.
//
// A run without any change of the inputs does nothing.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { Failure, isMain, main, root, run, secondsSince } from "./command.mjs";
import { setUp } from "./setup.mjs";
import { target, wasmEnv } from "./wasm-target.mjs";

/** What the package is made of, and what of that the module is. */
const inputs = ["src", "crates/connect", "www/sdk", "Cargo.toml", "Cargo.lock", "package.json", "package-lock.json", "scripts/build.mjs"];
const isOfModule = (path) => /\.rs$|^Cargo\.|^package-lock\.json$|^scripts\//.test(path);
const globalFile = "flinks-reconnect.global.js";
const scripts = ["index.js", "element.js", "react.js", globalFile];
const outputs = [...scripts, "integrity.json"];

const sdk = join(root, "www/sdk");
const dist = join(root, "dist");
const glue = join(root, "target/wasm/flinks_reconnect.js");
const linked = join(root, "target/wasm/flinks_reconnect_bg.wasm");
const trimmed = join(root, "target/wasm/trimmed.wasm");
const optimised = join(root, "target/wasm/flinks_reconnect.wasm");
const shortNames = join(root, "target/wasm/names.json");

/** Builds the package, unless dist/ already is what the inputs make. The machine must have been set up. */
export async function build() {
  await once("build", fingerprintOf(() => true), outputs.map((name) => join(dist, name)), async () => {
    const started = performance.now();
    console.log("build: flinks-reconnect …");
    mkdirSync(join(root, "target/wasm"), { recursive: true });
    rmSync(join(root, log), { force: true });

    // Most of the time, and seldom needed when somebody works on the page.
    await once("module", fingerprintOf(isOfModule), [glue, optimised, shortNames], async () => {
      await compile();
      await bindgen();
      await trim();
      writeFileSync(shortNames, JSON.stringify(await optimise()));
      validate();
    });
    rmSync(dist, { recursive: true, force: true });
    await bundle(JSON.parse(readFileSync(shortNames, "utf8")));
    copyTypes();
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

/** Rust to WebAssembly. */
async function compile() {
  const cargoHome = process.env.CARGO_HOME || join(homedir(), ".cargo");
  const flags = [
    // Rust reserves 1 MiB of stack, which is most of a small module's memory.
    "-C", "link-arg=-zstack-size=65536",
    // Panic messages name source files: without this builder's folders, so that everybody's build is the same.
    `--remap-path-prefix=${cargoHome}=/cargo`,
    `--remap-path-prefix=${root.replace(/\/$/, "")}=/flinks-reconnect`,
  ];
  await run("cargo", ["build", "--lib", "--release", "--target", target], {
    // This form of RUSTFLAGS allows spaces in paths, and wins over flags of the builder's own.
    env: { ...wasmEnv(), CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") },
    log,
  });
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
 * Functions that nothing we ship needs, by name. Their bodies become a trap: which is how a panic ends here anyway, for this target shows its words
 * to nobody.
 */
const needless = {
  /** Where a panic is worded. */
  panicking:
    /^(core::panicking|std::panicking|core::cell::panic_\w+|core::(option|result|slice|str)::.*_fail(ed)?|alloc::raw_vec::(handle_error|capacity_overflow)|alloc::alloc::handle_alloc_error|std::thread::local::panic_access_error|std::alloc::default_alloc_error_hook)\b/,
  /** What words it. It stands in the module's table, where no optimiser may touch it although nobody calls it any more. */
  formatting: /(^|\bas )core::fmt::|PanicPayload\b/,
  /** Entries to closures. wasm-bindgen exports those that are used; the others stand in the table as well. */
  closureEntry: /^wasm_bindgen::convert::closures::.*\binvoke\b/,
  /** Waking of futures: nothing we ship is one. */
  waking: /\bjs_sys::futures::/,
};

/** The words of panics, and the places in the sources that they name: nobody is left to say them. */
const wording = new RegExp(
  [
    String.raw`[\w/.-]{1,200}\.rs\b`,
    // Which decimal numbers are made of.
    String.raw`0001020304\d{190}`,
    ...[
      "attempted to take ownership of Rust value while it was borrowed",
      "null pointer passed to rust",
      "recursive use of an object detected which would lead to unsafe aliasing in rust",
      "FnOnce called more than once",
      "closure invoked recursively or after being dropped",
      "cannot access a Thread Local Storage value during or after destruction: ",
      "Attempted to initialize thread-local while it is being dropped",
      "removal index (is ",
      ") should be < len (is ",
      "mid > len",
      "destination and source slices have different lengths",
      "called `Result::unwrap_throw()` on an `Err` value",
      "Tried to shrink to a larger capacity",
      "AccessError",
      "capacity overflow",
      "RefCell already mutably borrowed",
      "RefCell already borrowed",
    ].map((text) => text.replace(/[^\w ]/g, "\\$&")),
  ].join("|"),
  "g",
);

/** Ends every panic where it begins, and empties what nobody calls. */
async function trim() {
  const { default: binaryen } = await import("binaryen");
  binaryen.setDebugInfo(true);
  const module = binaryen.readBinary(readFileSync(linked));
  const exported = new Set();
  for (let index = 0; index < module.getNumExports(); index += 1) exported.add(shimmed(binaryen.getExportInfo(module.getExportByIndex(index)).value));
  const emptied = Object.fromEntries(Object.keys(needless).map((kind) => [kind, []]));
  for (let index = 0; index < module.getNumFunctions(); index += 1) {
    const reference = module.getFunctionByIndex(index);
    const { name, module: imported } = binaryen.getFunctionInfo(reference);
    const kind = Object.keys(needless).find((kind) => needless[kind].test(plainName(name)));
    if (imported || exported.has(shimmed(name)) || !kind) continue;
    binaryen.Function.setBody(reference, module.unreachable());
    emptied[kind].push(name);
  }
  // Names come from the compiler; a new one may write them otherwise.
  for (const [kind, names] of Object.entries(emptied)) if (names.length === 0) throw new Failure(`no function of the module is "${kind}" by scripts/build.mjs`);
  refuseCalls(module.emitText(), Object.entries(emptied).flatMap(([kind, names]) => (kind === "panicking" ? [] : names)));
  // Zeros cost nothing; and what is no text is not of that form.
  const silent = Buffer.from(module.emitBinary()).toString("latin1").replace(wording, (text) => "\0".repeat(text.length));
  writeFileSync(trimmed, silent, "latin1");
  module.dispose();
}

/** wasm-bindgen exports some functions by way of a shim that it names after them. */
const shimmed = (name) => name.replace(/ (externref|multivalue) shim/g, "");

/** What is left must not call what was emptied, panics apart: it would trap. */
function refuseCalls(text, names) {
  const emptied = new Set(names);
  let caller;
  for (const line of text.split("\n")) {
    caller = /^ \(func \$(".*?"|\S+)/.exec(line)?.[1] ?? caller;
    const callee = /\(call \$(".*"|[^\s()]+)/.exec(line)?.[1].replace(/^"|"$/g, "");
    if (emptied.has(callee) && !emptied.has(caller?.replace(/^"|"$/g, ""))) {
      throw new Failure(`${plainName(caller)} calls ${plainName(callee)}, which scripts/build.mjs takes out of the module`);
    }
  }
}

/** A function's name as Rust writes it, without the crates' hashes and the brackets around types. */
const plainName = (name) => name.replace(/\[[0-9a-f]{16}\]|[<>]/g, "");

/**
 * Size is download time, and downloads are what users wait for.
 *
 * Returns the short names that imports, exports and the import's module have now, by their long ones: the JavaScript must use the same.
 */
async function optimise() {
  const wasmOpt = (...args) =>
    run(join(root, "node_modules/.bin/wasm-opt"), [...args, ...features.map((name) => `--enable-${name}`), "-o", optimised], { log });
  await wasmOpt("-Oz", "--converge", "--strip-debug", "--strip-producers", "--strip-target-features", trimmed);
  const { imports, exports } = JSON.parse(await wasmOpt("--minify-imports-and-exports-and-modules", optimised));
  const names = Object.fromEntries([...imports.map(([, long, short]) => [long, short]), ...exports]);
  const [{ module }] = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(optimised)));
  return { ...names, [imports[0][0]]: module };
}

/** Node's engine is Chromium's: what it refuses must not be published. */
function validate() {
  if (!WebAssembly.validate(readFileSync(optimised))) throw new Failure(`the optimised module is not valid WebAssembly: ${optimised}`);
}

async function bundle(names) {
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
    // react is the page's own. The other entries are apart so that the module's bytes are in one file only.
    external: ["react", "react/*"],
    logLevel: "warning",
  };
  const entry = (name) => join(sdk, name);
  const module = readFileSync(optimised);
  const { key, literal } = textOf(module);
  try {
    await Promise.all([
      esbuild.build({
        ...common,
        entryPoints: [entry("index.js")],
        outdir: dist,
        format: "esm",
        // Modules are UTF-8 everywhere. The text stands in a line of its own, because esbuild would escape much of it.
        charset: "utf8",
        banner: { js: `const FLINKS_RECONNECT_MODULE=${literal};` },
        plugins: [moduleInside("FLINKS_RECONNECT_MODULE", (at) => `text.charCodeAt(${at}) ^ ${key}`, module.length)],
      }),
      esbuild.build({ ...common, entryPoints: [entry("element.js"), entry("react.js")], outdir: dist, format: "esm", plugins: [entriesApart] }),
      esbuild.build({
        ...common,
        entryPoints: [entry("global.js")],
        outfile: join(dist, globalFile),
        format: "iife",
        // A classic script is read in the page's encoding, whatever that is. Of what is plain ASCII, hexadecimal compresses best.
        charset: "ascii",
        plugins: [moduleInside(`"${module.toString("hex")}"`, (at) => `(digit(2 * ${at}) << 4) | digit(2 * ${at} + 1)`, module.length), elementInside],
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
        const text = ${text};
        const digit = (at) => (text.charCodeAt(at) & 15) + (text.charCodeAt(at) > 57 ? 9 : 0);
        const bytes = new Uint8Array(${length});
        for (let at = 0; at < ${length}; at += 1) bytes[at] = ${byteAt("at")};
        return bytes;
      }`;
    onLoad({ filter: /.*/, namespace: "bytes" }, () => ({ contents, loader: "js" }));
    onLoad({ filter: /flinks_reconnect\.js$/ }, ({ path }) => ({ contents: plain(readFileSync(path, "utf8")), loader: "js" }));
    // The glue has copies of the shell's JavaScript; the originals import each other, and so does the SDK.
    onResolve({ filter: /^\.\/snippets\/.*\/src\/web\// }, ({ path }) => ({ path: join(root, path.replace(/^.*(?=src\/web\/)/, "")) }));
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trimEnd(), loader: "text" };
    });
  },
});

/** What the glue does for browsers that we do not support and callers that it does not have. */
const fallbacks = [
  // The classes and functions that every browser with WebAssembly references has.
  [/\(typeof FinalizationRegistry === 'undefined'\)\s*\? \{.*\}\s*: /g, ""],
  [/if \(!\('encodeInto' in cachedTextEncoder\)\) \{.*?\n\}\n/s, ""],
  [/if \(Symbol\.dispose\) .*\n/, ""],
  // After two gigabytes of text, old Safari wants another decoder.
  [/numBytesDecoded \+= bytes\.length;.*?\n    \}\n/s, ""],
  // Our own imports and exports, which are there.
  [/typeof (\S+) == 'function' \? \1 : notDefined\('\1'\)/g, "$1"],
  [/if \(realloc === undefined\) \{.*?\n    \}\n/s, ""],
  [/if \(module !== undefined\) \{.*?\n    \}\n/s, ""],
  [/if \(!\(module instanceof WebAssembly\.Module\)\) \{(.*?)\}\n/s, "$1"],
];

/** The glue without them. */
function plain(glue) {
  for (const [fallback, rest] of fallbacks) {
    if (!fallback.test(glue)) throw new Failure(`the glue has no ${fallback} any more: see scripts/build.mjs`);
    glue = glue.replace(fallback, rest);
  }
  return glue;
}

/**
 * The module as text with a character for each byte: what compresses the file finds the module's patterns again, where base64 hides them.
 *
 * Each byte is XORed with a key, so that the bytes which a string literal cannot hold become rare ones. Where one is left, the character 256 further
 * on stands for it: a Uint8Array drops that bit.
 */
function textOf(module) {
  const unfit = [..."\0\n\r\"\\"].map((character) => character.charCodeAt(0));
  const count = new Uint32Array(256);
  for (const byte of module) count[byte] += 1;
  const cost = (key) => unfit.reduce((sum, code) => sum + count[code ^ key], 0);
  const [key] = Array.from({ length: 128 }, (_, key) => key).sort((one, other) => cost(one) - cost(other));
  const codes = Array.from(module, (byte) => byte ^ key).map((code) => (unfit.includes(code) ? code + 256 : code));
  return { key, literal: `"${codes.map((code) => String.fromCharCode(code)).join("")}"` };
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
    onResolve({ filter: /^\.\/element\.js$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), sideEffects: true }));
  },
};

function copyTypes() {
  for (const name of readdirSync(sdk, { recursive: true }).filter((name) => name.endsWith(".d.ts"))) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    copyFileSync(join(sdk, name), join(dist, name));
  }
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
