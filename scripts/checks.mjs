// The checks, in the order they are run in: those of every day, which are all that `npm test` runs, and the slow ones, which CI runs as well.
//
// A slow check is one that a change seldom breaks, or whose everyday part is in another check. A check has `needs` (steps of set-up, and `package` for a built dist/) and `run(log)`, which throws when the check fails
// and may return a `{ remark }` for the table. If it runs tests, `count(output)` reads the runner's own summary, and
// `excerpt(output)` finds what the failed tests said.

import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { budgets } from "../tests/bench/sandbox.mjs";
import { moduleEnv } from "./build.mjs";
import { Failure, find, isUnreachable, root, run } from "./command.mjs";
import { buildNext, consume, consumeEveryday, countRows } from "./consumers.mjs";
import { withRelay } from "./relay.mjs";
import { buildSandbox, folder as sandboxPackage } from "./sandbox.mjs";
import { buildServerPackage, folder as serverPackage, nodeWithSqlite } from "./server-package.mjs";
import { checkServerTypes } from "./server-types.mjs";
import { buildServers, built, withHost, withSandbox } from "./servers.mjs";
import { schemathesisProgram } from "./setup.mjs";
import { target, wasmEnv } from "./wasm-target.mjs";

/** What end-to-end tests in a browser need: steps of set-up, its driver, and the program to run them in. */
const engines = {
  chromium: { needs: ["chromium"], driver: "chromedriver", wrapper: [] },
  firefox: { needs: ["firefox", "geckodriver"], driver: "geckodriver", wrapper: [] },
  // It has no headless mode of its own.
  webkit: { needs: ["webkit"], driver: "WebKitWebDriver", wrapper: ["xvfb-run", "--auto-servernum"] },
};

/** The rows of the fault table and the libraries that are alike in every engine: they are played in one. */
const alike = ["faults::alike::", "libraries::alike::"];

/** Journeys through everything, each of whose steps has tests of its own: every day in one engine, in the others before a change lands. */
const journeys = ["demo::", "people::"];

const otherEngines = Object.keys(engines).filter((engine) => engine !== "chromium");

const everyday = {
  format: {
    about: "Rust formatting",
    run: (log) => run("cargo", ["fmt", "--all", "--check", "--", "--color=never"], { log }),
  },

  native: {
    about: "Rust tests without a browser",
    // The corpora come as npm packages, and Node's URL parser is their oracle. The host is tested on SQLite and on Postgres.
    needs: ["c-compiler", "npm", "postgres"],
    async run(log) {
      // Most of them wait for a host, a database or a clock: four at once also on two cores.
      await run("cargo", ["test", "--workspace", "--no-fail-fast", "--", "--test-threads=4"], { log });
      // Which calls of which client passed against the sandbox, and how many scenarios were played.
      for (const name of ["client-calls.md", "scenarios.md"]) appendFileSync(join(root, log), readFileSync(join(cargoTarget, "tmp", name)));
    },
    count: rustSummary,
    excerpt: rustFailures,
  },

  openapi: {
    about: "the sandbox's control API and the host's, fuzzed along their OpenAPI descriptions",
    needs: ["c-compiler", "schemathesis"],
    async run(log) {
      await buildServers(log);
      const row = (...cells) => appendFileSync(join(root, log), `| ${cells.join(" | ")} |\n`);
      row("fuzzed", "operations", "calls");
      await withSandbox(log, async (sandbox) => {
        row("sandbox's control API", ...(await fuzz(`${sandbox.api}/_sandbox/openapi.json`, { HOST_SESSION: "", HOST_ADMIN_KEY: "" }, log)));
      });
      // Another one: what the fuzzer did to that sandbox is not the host's business.
      await withSandbox(log, (sandbox) => withHost(sandbox, log, async ({ base, cookie, adminKey }) => {
        row("host's API", ...(await fuzz(`${base}/openapi.json`, { HOST_SESSION: cookie.split("=")[1], HOST_ADMIN_KEY: adminKey }, log)));
      }));
    },
  },

  sandbox: {
    about: "the sandbox under load, from Playwright, and every screen past axe-core",
    needs: ["c-compiler", "chromium"],
    async run(log) {
      await buildServers(log);
      await run(built("examples/sessions"), ["200"], { log });
      for (const folder of ["examples/playwright", "tests/screens"]) {
        await withSandbox(log, ({ api }) => npmTest(`crates/sandbox/${folder}`, { SANDBOX: api, CHROMIUM: chromium() }, log));
      }
    },
    count: nodeSummary,
  },

  "sandbox-npm": {
    about: "the sandbox from npm: what the binary passes, in Node, from a tarball within its budget",
    needs: ["c-compiler", "wasm-target", "wasm-bindgen-cli", "npm", "chromium"],
    async run(log) {
      await buildSandbox();
      const [{ size, entryCount }] = JSON.parse(await run("npm", ["pack", "--json", "--dry-run"], { cwd: sandboxPackage, log }));
      appendFileSync(join(root, log), `| sandbox from npm | tarball of ${size} bytes | ${entryCount} files |\n`);
      if (size > budgets.tarballBytes) throw new Failure(`the tarball of flinks-sandbox has ${size} bytes; its budget is ${budgets.tarballBytes}`);
      const files = ["sandbox", "docs"].map((name) => `packages/sandbox/test/${name}.test.mjs`);
      await run("node", ["--test", "--test-reporter=spec", "--test-concurrency=1", ...files], { env: { CHROMIUM: chromium() }, log });
      // The model has no face.
      const args = ["test", "--workspace", "--test", "sandbox", "--no-fail-fast", "--", "--skip", "model::"];
      await run("cargo", args, { env: { FLINKS_SANDBOX_FACE: "npm" }, log });
    },
    count: (output) => sumOf(rustSummary(output), nodeSummary(output)),
    excerpt: rustFailures,
  },

  server: {
    about: "the server package in Node: its types and what its documents show, its stores, requests and crashes, on SQLite and Postgres",
    needs: ["c-compiler", "wasm-target", "wasm-bindgen-cli", "npm", "postgres", "server-tests"],
    async run(log) {
      await Promise.all([buildServerPackage(), buildSandbox()]);
      const folder = "target/test/server";
      rmSync(join(root, folder), { recursive: true, force: true });
      mkdirSync(join(root, folder), { recursive: true });
      const [{ filename, size, entryCount }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", join(root, folder)], { cwd: serverPackage, log }));
      appendFileSync(join(root, log), `| server from npm | tarball of ${size} bytes | ${entryCount} files |\n`);
      await run(join(root, "node_modules/.bin/publint"), ["run", "--strict", join(folder, filename)], { log });
      for (const row of await checkServerTypes(join(root, folder, filename), log)) appendFileSync(join(root, log), `| ${row.join(" | ")} |\n`);
      await run("node", ["packages/server/test/run.mjs"], { log });
    },
    count: nodeSummary,
  },

  sdk: {
    about: "the JavaScript of the package, in Node",
    // jsdom is among the libraries of tests/foreign.
    needs: ["package", "foreign"],
    run: async (log) => run("node", ["--test", "--test-reporter=spec", ...testFiles("tests/sdk")], { log }),
    count: nodeSummary,
  },

  scripts: {
    about: "the demo's reload, the list of checks and the counted lines of backends, in Node",
    needs: ["package"],
    run: (log) => run("node", ["--test", "--test-reporter=spec", ...testFiles("tests/scripts")], { log }),
    count: nodeSummary,
  },

  types: {
    about: "the package's TypeScript declarations",
    needs: ["package"],
    async run(log) {
      await run(join(root, "node_modules/.bin/tsc"), ["-p", "tests/types"], { log });
      const { version } = JSON.parse(readFileSync(join(root, "node_modules/typescript/package.json"), "utf8"));
      const wrong = readFileSync(join(root, "tests/types/invalid.ts"), "utf8").match(/^ *\/\/ @ts-expect-error /gm)?.length ?? 0;
      if (wrong === 0) throw new Failure("tests/types/invalid.ts expects no error");
      // Each of them was one, or the compiler would have complained.
      appendFileSync(join(root, log), `| types: without a framework, and React | tsc ${version} | valid.tsx compiles | ${wrong} of ${wrong} wrong lines refused |\n`);
    },
  },

  "wasm-chromium": wasmCheck("Chromium", ["chromium"], () => ["--chrome", "--chromedriver", find("chromedriver")]),
  "wasm-firefox": wasmCheck("Firefox", ["firefox", "geckodriver"], () => ["--firefox", "--geckodriver", find("geckodriver")]),

  clippy: {
    about: "Rust lints, native code and the wasm shell",
    needs: ["c-compiler", "wasm-target", "clippy"],
    async run(log) {
      await run("cargo", ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], { log });
      await run("cargo", ["clippy", "-p", "flinks-reconnect", "--target", target, "--lib", "--test", "web", "--", "-D", "warnings"], { env: wasmEnv(), log });
    },
  },

  "e2e-chromium": endToEndCheck("chromium"),
  "e2e-firefox": endToEndCheck("firefox"),
  "e2e-webkit": endToEndCheck("webkit"),

  package: {
    about: "npm would publish exactly what users need, and their tools find it",
    needs: ["package"],
    async run(log) {
      const folder = "target/test/package";
      rmSync(join(root, folder), { recursive: true, force: true });
      mkdirSync(join(root, folder), { recursive: true });
      const [{ files, filename }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder], { log }));
      const packed = files.map(({ path }) => path);
      const missing = published.filter((path) => !packed.includes(path));
      const extra = packed.filter((path) => !published.includes(path));
      if (missing.length) throw new Failure(`the package lacks ${missing.join(", ")}`);
      if (extra.length) throw new Failure(`the package has, but should not have, ${extra.join(", ")}`);
      const tarball = join(folder, filename);
      await run(join(root, "node_modules/.bin/publint"), ["run", "--strict", tarball], { log });
      // ESM only: Node 20 can `require` it all the same, which this tool does not know.
      await run(join(root, "node_modules/.bin/attw"), [tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"], { log });
    },
  },

  consumers: {
    about: "the packed package by script tag and in React: types, build, a reconnect in Chromium",
    needs: ["c-compiler", "package", "chromium"],
    run: consumeEveryday,
    count: countRows,
  },

  size: {
    about: "what each entry adds to a page, against its budget",
    needs: ["package"],
    run: (log) => run("node", ["scripts/size.mjs", "--own"], { log }),
  },

  core: {
    about: "the instructions that the core needs, against its baseline",
    needs: ["c-compiler", "valgrind"],
    run: (log) => run("node", ["scripts/bench.mjs", "core"], { log }),
  },

  deny: {
    about: "licences and sources of the crates, and known vulnerabilities of crates and npm packages",
    needs: ["cargo-deny", "npm"],
    async run(log) {
      await run("cargo", ["deny", "--workspace", "check", "licenses", "bans", "sources"], { log });
      const unchecked = [];
      const checkAdvisories = async (whose, program, args) => {
        try {
          await run(program, args, { log });
        } catch (error) {
          if (!isUnreachable(error)) throw error;
          unchecked.push(whose);
        }
      };
      await checkAdvisories("crates", "cargo", ["deny", "--workspace", "check", "advisories"]);
      // None of them is in the package, which has no dependencies: a small flaw of a tool must not stop everybody.
      await checkAdvisories("npm packages", "npm", ["audit", "--audit-level=high"]);
      if (unchecked.length) return { remark: `advisories of ${unchecked.join(" and of ")}: not checked, database unreachable` };
    },
  },
};

const slow = {
  journeys: {
    about: `what people do, in ${otherEngines.join(" and ")}, and there the demo with the sandbox from npm`,
    needs: ["c-compiler", "package", "foreign", "wasm-target", "wasm-bindgen-cli", "npm", ...otherEngines.flatMap((engine) => engines[engine].needs)],
    async run(log) {
      await buildSandbox();
      for (const engine of otherEngines) await playEndToEnd(engine, journeys, { env: { FLINKS_SANDBOX_FACE: "npm" }, log });
    },
    count: rustSummary,
    excerpt: rustFailures,
  },

  "lost-pages": {
    about: "a result survives its page in three engines, twenty times for each way to lose it",
    needs: ["c-compiler", "package", "chromium", "firefox", "geckodriver", "webkit"],
    async run(log) {
      const tests = ["faults::f13_", "faults::f14_"];
      for (const engine of Object.keys(engines)) await playEndToEnd(engine, tests, { env: { E2E_REPEATS: "20" }, log });
    },
    count: rustSummary,
    excerpt: rustFailures,
  },

  conformance: {
    about: "the check for backends, against the reference host with its demo and as a service, the examples in Express, Next and Python and a careless backend",
    needs: ["c-compiler", "package", "wasm-target", "wasm-bindgen-cli", "npm", "schemathesis", "server-tests"],
    async run(log) {
      await Promise.all([buildServers(log), buildSandbox(), buildServerPackage()]);
      const next = await buildNext(log);
      const python = join(root, "target/test/python");
      if (!existsSync(join(python, "bin/flask"))) {
        await run(join(dirname(schemathesisProgram), "python"), ["-m", "venv", python], { log });
        await run(join(python, "bin/pip"), ["install", "--quiet", "-r", "examples/python/requirements.txt"], { log });
      }
      const env = { HOST: built("flinks-host"), NODE: await nodeWithSqlite(), NEXT: next, PYTHON: join(python, "bin/python") };
      const files = ["tests/scripts/lines.test.mjs", ...["check", "backends"].map((name) => `packages/sandbox/test/${name}.test.mjs`)];
      await run("node", ["--test", "--test-reporter=spec", "--test-concurrency=1", ...files], { env, log });
    },
    count: nodeSummary,
  },

  newcomer: {
    about: "README's backend in an empty folder, with Node and the tarballs alone: a browser repairs a connection, the check passes",
    needs: ["package", "wasm-target", "wasm-bindgen-cli", "npm", "server-tests", "chromium"],
    async run(log) {
      await Promise.all([buildSandbox(), buildServerPackage()]);
      await run("node", ["--test", "--test-reporter=spec", "packages/server/test/newcomer.test.mjs"], { env: { NODE: await nodeWithSqlite() }, log });
    },
    count: nodeSummary,
  },

  runtimes: {
    about: "the server package in Bun and Deno: its stores' suite in their SQLite, and the check for backends against the servers that its README shows",
    needs: ["c-compiler", "wasm-target", "wasm-bindgen-cli", "npm"],
    async run(log) {
      await Promise.all([buildSandbox(), buildServerPackage()]);
      const folder = join(serverPackage, "test/runtimes");
      await run("npm", ["ci", "--prefer-offline"], { cwd: folder, log });
      await run("node", ["--test", "--test-reporter=spec", "packages/server/test/runtimes.test.mjs"], { env: { RUNTIMES: folder }, log });
    },
    count: nodeSummary,
  },

  service: {
    about: "the host as a service: an application in Python beside it, the steps of docs/service.md, and nginx in front, in Chromium",
    // Python comes with schemathesis. Whoever follows the guide compiles the host as it is released.
    needs: ["c-compiler", "package", "wasm-target", "wasm-bindgen-cli", "chromium", "schemathesis", "nginx"],
    async run(log) {
      await Promise.all([buildServers(log), buildSandbox()]);
      await run("node", ["--test", "--test-reporter=spec", "--test-concurrency=1", ...testFiles("tests/service")], { log, limitMinutes: 40 });
    },
    count: nodeSummary,
  },

  "server-crashes": {
    about: "the server package's processes, killed or stopped at every statement and every call, on a SQLite file and on Postgres; the scenarios on Postgres",
    needs: ["c-compiler", "wasm-target", "wasm-bindgen-cli", "npm", "postgres", "server-tests"],
    async run(log) {
      await Promise.all([buildServerPackage(), buildSandbox()]);
      await run("node", ["packages/server/test/run.mjs", "scenarios", "crashes"], { env: { WHOLE: "1" }, log });
    },
    count: nodeSummary,
  },

  "host-log": {
    about: "every scenario of the host, with everything logged: no id, token, secret or data in any line",
    needs: ["c-compiler"],
    run: (log) => run("cargo", ["test", "--workspace", "--test", "logs", "--", "--ignored"], { log }),
    count: rustSummary,
    excerpt: rustFailures,
  },

  "server-profile": {
    about: "the servers as they are released: a handler that panics costs its own request only; the Dockerfile's steps by hand",
    needs: ["c-compiler"],
    async run(log) {
      await run("cargo", ["build", "--profile", "server", "--workspace", "--example", "panic"], { log });
      const said = await run(built("examples/panic", "server"), [], { log });
      for (const line of said.trimEnd().split("\n")) appendFileSync(join(root, log), `| ${line} |\n`);
      await run("node", ["--test", "--test-reporter=spec", ...testFiles("tests/image")], { log, limitMinutes: 40 });
    },
  },

  reproducible: {
    about: "a second build, in another folder, is the same to the byte",
    needs: ["package", "wasm-target", "wasm-bindgen-cli"],
    run: buildAgain,
  },

  "all-consumers": {
    about: "the packed package in every framework: types, build, a reconnect in real browsers",
    needs: ["c-compiler", "package", "chromium", "firefox", "geckodriver", "webkit", "wasm-target", "wasm-bindgen-cli", "server-tests"],
    run: consume,
    count: countRows,
  },

  fuzz: {
    about: "the decoders and the session, fuzzed for a minute each",
    needs: ["c-compiler"],
    async run(log) {
      const said = await run("node", ["fuzz/run.mjs", "--seconds", "60"], { log });
      return { remark: /^fuzz: (skipped: .*)$/m.exec(said)?.[1] };
    },
  },

  mutations: {
    about: "the checks of the trust rules in files that changed: without one, a test fails",
    needs: ["c-compiler", "package", "clippy", "chromium"],
    async run(log) {
      const said = await run("node", ["tests/mutations/run.mjs", "--changed", "--minutes", "10"], { log, limitMinutes: 40 });
      return { remark: said.trimEnd().split("\n").at(-1).replace("mutations: ", "") };
    },
  },
};

/** Which checks there are to be asked for at once. */
export const sets = { everyday: Object.keys(everyday), slow: Object.keys(slow) };

/** What goes on side by side, in lanes: while tests of browsers and servers wait, which they do more than they work, compilers work. */
export const sideBySide = [
  [["e2e-chromium"], ["e2e-firefox"], ["e2e-webkit", "clippy"]],
  [["conformance", "newcomer", "runtimes", "server-crashes", "host-log"], ["server-profile", "service", "journeys", "lost-pages"]],
];

export const checks = { ...everyday, ...slow };

const cargoTarget = process.env.CARGO_TARGET_DIR || join(root, "target");
const chromium = () => find("chromium", "chromium-browser", "google-chrome");

/** Everything that may be in the published package, and must be. */
const published = [
  "package.json", "README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT",
  ...["index", "element", "react", "testing"].flatMap((name) => [`dist/${name}.js`, `dist/${name}.js.map`, `dist/${name}.d.ts`]),
  "dist/flinks-reconnect.global.js", "dist/flinks-reconnect.global.js.map", "dist/global.d.ts",
  ...["api", "error", "names", "words"].map((name) => `dist/${name}.d.ts`),
  ...["solid", "svelte", "vue"].map((name) => `dist/types/${name}.d.ts`),
  "dist/integrity.json",
  "docs/openapi.json", ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
  // For tools that read no `exports`: they take the subpath for a folder.
  ...["element", "react", "testing", "global"].map((name) => `${name}/package.json`),
];

/**
 * Builds once more, from a copy of the sources elsewhere (in a folder with a space in its name) with nothing built beside it, and compares with dist/.
 */
async function buildAgain(log) {
  const elsewhere = mkdtempSync(join(tmpdir(), "flinks reconnect "));
  try {
    const isSource = (path) => !["target", "dist", "node_modules", ".git"].includes(basename(path));
    cpSync(root, elsewhere, { recursive: true, filter: (path) => path === root || isSource(path) });
    symlinkSync(join(root, "node_modules"), join(elsewhere, "node_modules"));
    // Not as a script, which would set up first.
    const script = 'const { build } = await import("./scripts/build.mjs"); await build();';
    await run("node", ["--input-type=module", "--eval", script], { cwd: elsewhere, env: { CARGO_TARGET_DIR: join(elsewhere, "target") }, log });

    const hashes = (folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
        .map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")} ${relative(folder, path)}`);
    const [first, second] = [join(root, "dist"), join(elsewhere, "dist")].map(hashes);
    const different = first.filter((line) => !second.includes(line)).concat(second.filter((line) => !first.includes(line)));
    if (different.length) throw new Failure(`the second build differs:\n${different.join("\n")}`);
    appendFileSync(join(root, log), `| ${first.length} files built twice, in two folders | same SHA-256 |\n`);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
}

/** The shell's tests, compiled to WebAssembly as the package's module is, and run inside a browser. webdriver.json has the browsers' switches. */
function wasmCheck(title, needs, driver) {
  return {
    about: `the wasm shell, in ${title}`,
    needs: ["c-compiler", "wasm-target", "wasm-bindgen-cli", "wasm-pack", ...needs],
    run: (log) => playInBrowser(title, driver(), { log }),
    count: rustSummary,
    excerpt: rustFailures,
  };
}

/** Runs tests/web.rs in a browser; `cwd` is the checkout that it is compiled from. */
export const playInBrowser = (title, driver, { env, ...options } = {}) =>
  withRelay((port) => {
    const settings = join(root, "target/test", `webdriver-${title.toLowerCase()}.json`);
    mkdirSync(dirname(settings), { recursive: true });
    writeFileSync(settings, JSON.stringify(relayed(port)));
    // The default of 20 s is short for a browser's first start on a busy machine.
    const patience = { WASM_BINDGEN_TEST_TIMEOUT: "120", WASM_BINDGEN_TEST_DRIVER_TIMEOUT: "60", WASM_BINDGEN_TEST_WEBDRIVER_JSON: settings };
    const args = ["test", "--mode", "no-install", "--release", "--headless", ...driver, "--", "--test", "web"];
    return run("wasm-pack", args, { env: { ...moduleEnv(), ...patience, ...env }, ...options });
  });

/** The browsers' settings, with the relay on this port in front of everything; browsers would go to loopback directly. */
function relayed(port) {
  const settings = JSON.parse(readFileSync(join(root, "webdriver.json"), "utf8"));
  settings["goog:chromeOptions"].args.push(`--proxy-server=http://127.0.0.1:${port}`, "--proxy-bypass-list=<-loopback>");
  settings["moz:firefoxOptions"].prefs = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": port,
    "network.proxy.allow_hijacking_localhost": true,
  };
  return settings;
}

/** Users' journeys through widget, host and sandbox; one at a time, for each has the browser to itself. */
function endToEndCheck(engine) {
  const chosen = otherEngines.includes(engine) ? [...alike, ...journeys].flatMap((name) => ["--skip", name]) : [];
  return {
    about: `end to end, in ${engine}`,
    needs: ["c-compiler", "package", "foreign", ...engines[engine].needs],
    run: (log) => playEndToEnd(engine, chosen, { log }),
    count: rustSummary,
    excerpt: rustFailures,
  };
}

/** Runs the end-to-end tests that these arguments of the test runner choose. */
function playEndToEnd(engine, chosen, { env, log }) {
  const { driver, wrapper } = engines[engine];
  const [program, ...args] = [...wrapper, "cargo", "test", "--workspace", "--test", "e2e", "--", "--test-threads=1", ...chosen];
  // Beside another engine's, on a slow machine, Firefox's have taken nineteen minutes.
  return run(program, args, { env: { E2E_ENGINE: engine, E2E_DRIVER: find(driver), ...env }, log, limitMinutes: 45 });
}

/**
 * Calls what an OpenAPI description describes, with what fits it and what does not. A failure is any answer of 500 and above and any that is not
 * described: status, type, schema, a wrong request taken, a right one refused, a user's data without the session's cookie. `credentials` are what
 * scripts/schemathesis.toml speaks of. Resolves with how many operations were called, and how often.
 */
async function fuzz(description, credentials, log) {
  const cwd = join(root, "target/test/openapi");
  mkdirSync(cwd, { recursive: true });
  const settings = join(root, "scripts/schemathesis.toml");
  const args = ["--config-file", settings, "run", description, "--url", new URL(description).origin];
  const said = await run(schemathesisProgram, args, { cwd, env: credentials, log });
  const found = (pattern) => pattern.exec(said)?.[1] ?? "unknown";
  return [found(/^ *Tested: (\d+)/m), found(/^ *(\d+ generated, .*)/m)];
}

/** Runs the tests of a small npm package as a newcomer would: in a fresh folder, after `npm ci`. */
async function npmTest(folder, env, log) {
  const cwd = join(root, "target/test", folder);
  rmSync(cwd, { recursive: true, force: true });
  cpSync(join(root, folder), cwd, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd, log });
  await run("npm", ["test"], { cwd, env, log });
}

/** `test result: ok. 12 passed; 0 failed; 1 ignored; …`, once per test program. */
function rustSummary(output) {
  const count = { passed: 0, failed: 0, ignored: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    count.passed += Number(passed);
    count.failed += Number(failed);
    count.ignored += Number(ignored);
  }
  return count;
}

/** What failed tests printed: Rust collects it after the last test of each program, with much behind it. */
function rustFailures(output) {
  return [...output.matchAll(/^failures:\n\n([^]*?)\n\nfailures:\n/gm)].map(([, said]) => said).join("\n");
}

/** Two runners' summaries together. */
const sumOf = (one, other) => Object.fromEntries(Object.keys(one).map((name) => [name, one[name] + other[name]]));

/** `ℹ pass 12`, `ℹ fail 0`, …, once per run; the other reporter writes `#`. */
function nodeSummary(output) {
  const lines = [...output.matchAll(/^[ℹ#] (\w+) (\d+)$/gm)];
  const number = (...names) => lines.filter(([, name]) => names.includes(name)).reduce((sum, [, , count]) => sum + Number(count), 0);
  return { passed: number("pass"), failed: number("fail", "cancelled"), ignored: number("skipped", "todo") };
}

function testFiles(folder) {
  const files = existsSync(join(root, folder)) ? readdirSync(join(root, folder)).filter((name) => name.endsWith(".test.mjs")) : [];
  if (files.length === 0) throw new Failure(`there are no tests in ${folder}`);
  return files.map((name) => `${folder}/${name}`);
}

export const outputOf = (log) => {
  try {
    return readFileSync(join(root, log), "utf8");
  } catch {
    return "";
  }
};
