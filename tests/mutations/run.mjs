// Takes one check after the other out of a copy of the repository, and wants a test to fail each time.
//
//   npm run mutations                       every mutation; status 1 when one survives or no longer applies
//   npm run mutations -- --write            the same, and writes the table in docs/attacks.md
//   npm run mutations -- tag page           those whose name has one of these words; with --write only their rows are written
//   npm run mutations -- --changed          those of files that changed on this branch, or on main in the last commit
//   npm run mutations -- --changed v1.2.3   those of files that changed since then
//   npm run mutations -- --minutes 20       begins none after so many minutes, and says how many it left out
//
// A test that passes with and without a check proves nothing about it: this is the proof that ours do. What the core decides is caught by native
// tests, who posted a message by those of tests/web.rs in Chromium; what only a whole browser can show, by an end-to-end test in it against a package built with the mutation
// inside. The two go side by side, each in a copy of its own. The server's rules are caught by their own tests on a virtual clock, among the native ones, in two seconds each. The
// few that stand in the host's driver are caught by the host's tests: when one of them is tried, the host is compiled once more, which takes minutes and 1.3 GB.
//
// Invariants: the working tree is only read; a copy is restored before every mutation; all tests pass before the first; what does not compile has
// not been caught, for then no test said a word (a lint is a test of its own kind); a mutation that never ends is ended after a while, and counts as caught.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { CommandFailed, CommandHung, Failure, find, main, root, run, secondsSince } from "../../scripts/command.mjs";
import { build } from "../../scripts/build.mjs";
import { playInBrowser } from "../../scripts/checks.mjs";
import { setUp } from "../../scripts/setup.mjs";
import { target, wasmEnv } from "../../scripts/wasm-target.mjs";
import { mutations } from "./table.mjs";

const folder = join(root, "target/mutations");
const page = "docs/attacks.md";

/** How long one test may take: the slowest end-to-end one needs a minute on a busy machine. */
const limitMinutes = 2;

const inBrowser = (test) => test.startsWith("e2e ");
const inNode = (test) => test.startsWith("sdk ");

/** The server half's programs of tests: the package, and where the tests stand. */
const servers = { rules: { package: "flinks-backend", tests: "crates/backend/tests/rules" }, host: { package: "flinks-host", tests: "crates/host/tests" } };
const inServer = (test) => test.split(" ")[0] in servers;

await main(async () => {
  const { values, positionals } = parseArgs({
    options: { write: { type: "boolean" }, changed: { type: "boolean" }, minutes: { type: "string" } },
    allowPositionals: true,
  });
  const wanted = values.changed ? ofChangedFiles(positionals[0]) : named(positionals);
  if (wanted.length === 0) return;
  const minutes = values.minutes === undefined ? Infinity : Number(values.minutes);
  if (!(minutes > 0)) throw new Failure(`--minutes: expected a number above 0, got ${values.minutes}`);

  await setUp("build", "clippy", "chromium", "wasm-pack");
  const started = performance.now();
  const native = wanted.filter(({ test }) => !inBrowser(test));
  const browser = wanted.filter(({ test }) => inBrowser(test));
  const until = started + minutes * 60_000;
  const rows = (await Promise.all([inTurn(native, inCore, until), inTurn(browser, inPackage, until)])).flat();
  const survivors = rows.filter(({ caught }) => !caught);
  for (const { check, by } of survivors) console.log(`SURVIVED  ${check}: ${by}`);
  const untried = wanted.length - rows.length;
  const rest = untried ? `, ${untried} not tried within ${minutes} minutes` : "";
  console.log(`mutations: ${rows.length - survivors.length} caught, ${survivors.length} survived or no longer apply${rest}, ${secondsSince(started)}`);
  if (values.write && survivors.length) throw new Failure(`${page} is written only when all that were tried were caught`);
  if (values.write) write(rows);
  process.exitCode = survivors.length === 0 ? 0 : 1;
});

/** The mutations with one of these words in their name; without words, all. */
function named(words) {
  const wanted = mutations.filter(({ check }) => words.length === 0 || words.some((word) => check.includes(word)));
  if (wanted.length === 0) throw new Failure("no mutation has one of these words in its name");
  return wanted;
}

/** The mutations of files that differ from that commit; none, and it says why, when there is nothing to compare with. */
function ofChangedFiles(asked) {
  const base = asked ?? branchedOff();
  if (!base) {
    console.log("mutations: none tried: this checkout has no earlier commit to compare with");
    return [];
  }
  if (!hashOf(base)) throw new Failure(`--changed: there is no commit ${base}`);
  const changed = git("diff", "--name-only", "-z", base, "--").split("\0");
  const wanted = mutations.filter(({ file }) => changed.includes(file));
  console.log(`mutations: ${wanted.length} of ${mutations.length} are in files that changed since ${git("rev-parse", "--short", base).trim()}`);
  return wanted;
}

/** Where this branch left main; on main itself, the commit before this one. Undefined when history does not go back so far. */
function branchedOff() {
  const bases = ["origin/main", "main"].map((main) => attempt("merge-base", "HEAD", main));
  return bases.find((base) => base && base !== hashOf("HEAD")) ?? hashOf("HEAD~1");
}

function hashOf(commit) {
  return attempt("rev-parse", "--verify", "--quiet", `${commit}^{commit}`);
}

/** What git says, or undefined when it refuses. */
function attempt(...args) {
  try {
    return git(...args).trim();
  } catch {
    return undefined;
  }
}

function git(...args) {
  return execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] });
}

/** Tries the mutations one after the other, in the lane that knows how; begins none after that time. */
async function inTurn(wanted, lane, until) {
  if (wanted.length === 0) return [];
  const { copy, fails } = await lane([...new Set(wanted.map(({ test }) => test))]);
  const rows = [];
  for (const mutation of wanted) {
    const started = performance.now();
    if (started > until) break;
    const verdict = await judge(copy, mutation, fails);
    rows.push({ ...mutation, ...verdict });
    console.log(`${verdict.caught ? "caught  " : "SURVIVED"}  ${mutation.check.padEnd(40)} ${verdict.by.split("\n")[0]}, ${secondsSince(started)}`);
  }
  return rows;
}

/** Whether the test fails without the check. */
async function judge(copy, { file, text, replacement, test }, fails) {
  // From the copy: the working tree may change meanwhile.
  const path = join(copy, file);
  const original = readFileSync(path, "utf8");
  const places = original.split(text).length - 1;
  if (places !== 1) return { caught: false, by: `the text stands ${places} times in ${file}` };
  try {
    writeFileSync(path, original.replace(text, () => replacement));
    return await fails(test);
  } finally {
    writeFileSync(path, original);
  }
}

// ---- the core, by native tests ----

async function inCore(tests) {
  const copy = mirror("core");
  const env = { CARGO_TARGET_DIR: join(folder, "core-build"), CARGO_PROFILE_DEV_DEBUG: "0", CARGO_TERM_COLOR: "never", RUST_BACKTRACE: "0" };
  const cargo = (command, args, options) => run("cargo", [command, "--locked", ...args], { cwd: copy, ...options, env: { ...env, ...options?.env } });
  /** The tests of one program, or those of a module in it. */
  const core = (modules, options) => cargo("test", ["-p", "flinks-reconnect", "--no-fail-fast", "--test", "core", "--", ...modules.map((name) => `${name}::`)], options);
  const beside = (options) => cargo("test", ["-p", "flinks-reconnect", "-p", "flinks-connect", "--no-fail-fast", "--lib"], options);
  // For WebAssembly, because the shell is compiled for nothing else.
  const lint = (options) => cargo("clippy", ["-p", "flinks-reconnect", "-p", "flinks-connect", "--lib", "--target", target], { ...options, env: wasmEnv() });
  /** One test of the server half, or those of a module. Where no test has that name, none fails, and the mutation survives. */
  const server = ([program, module, name = ""], options) => {
    const which = module === "lib" ? ["--lib", "--", name] : ["--test", program, "--", `${module}::${name}`];
    return cargo("test", ["-p", servers[program].package, ...which], options);
  };
  const node = (script, options) => run("node", ["--test", "--test-reporter=tap", script], { cwd: copy, ...options });
  const web = (options) => playInBrowser("Chromium", ["--chrome", "--chromedriver", find("chromedriver")], { cwd: copy, ...options, env: { CARGO_TARGET_DIR: env.CARGO_TARGET_DIR } });
  /** Where a test stands, and how it is run. */
  const runner = (name) => {
    if (name === "clippy") return { where: "the lints of `Cargo.toml`", play: lint };
    if (name === "lib") return { where: "beside the code", play: beside };
    const script = `tests/${name.replace(" ", "/")}.test.mjs`;
    if (inServer(name)) {
      const [program, module] = name.split(" ");
      const where = module === "lib" ? "beside the code" : `\`${servers[program].tests}/${module}.rs\``;
      return { where, play: (options) => server(name.split(" "), options) };
    }
    if (name === "web") return { where: "`tests/web.rs`", play: web };
    if (inNode(name)) return { where: `\`${script}\``, play: (options) => node(script, options) };
    return { where: `\`tests/core/${name}.rs\``, play: (options) => core([name], options) };
  };
  const isInCore = (name) => !["clippy", "lib", "web"].includes(name) && !inNode(name) && !inServer(name);
  // The modules of one program in one go.
  const modules = tests.filter(isInCore);
  if (modules.length) await core(modules);
  for (const name of tests.filter((name) => !isInCore(name) && !inServer(name))) await runner(name).play();
  for (const module of new Set(tests.filter(inServer).map((name) => name.split(" ", 2).join(" ")))) await runner(module).play();
  const fails = (name) => {
    const { where, play } = runner(name);
    return verdict(() => play({ limitMinutes }), where);
  };
  return { copy, fails };
}

// ---- the package, by end-to-end tests ----

async function inPackage(tests) {
  await build();
  const copy = mirror("package");
  if (!existsSync(join(copy, "node_modules"))) symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  // The module of the same sources needs no second building; `build` looks whether they are the same.
  cpSync(join(root, "target/wasm"), join(copy, "target/wasm"), { recursive: true });
  // What stands there may have the last run's mutation inside.
  rmSync(join(copy, "dist"), { recursive: true, force: true });
  const program = await compiled();
  const env = { E2E_ENGINE: "chromium", E2E_DRIVER: find("chromedriver"), E2E_DIST: join(copy, "dist"), RUST_BACKTRACE: "0" };
  const script = 'const { build } = await import("./scripts/build.mjs"); await build();';
  const rebuild = () => run("node", ["--input-type=module", "--eval", script], { cwd: copy, env: { CARGO_TARGET_DIR: join(folder, "package-build") } });
  const play = (test, options) => {
    const [, module, name] = test.split(" ");
    return run(program, [`${module}::${name}`, "--test-threads=1"], { cwd: join(root, "tests/e2e"), env, ...options });
  };
  await rebuild();
  for (const test of tests) {
    const said = await play(test).catch((error) => {
      throw error instanceof CommandFailed ? new Failure(`without any mutation ${test} fails already:\n${error.output.slice(-2_000)}`) : error;
    });
    if (!/^test result: ok\. [1-9]/m.test(said)) throw new Failure(`no test is called ${test}`);
  }
  const fails = async (test) => {
    try {
      await rebuild();
    } catch (error) {
      if (error instanceof CommandFailed) return { caught: false, by: `it cannot be built:\n${error.output.slice(-2_000)}` };
      throw error;
    }
    const where = `\`tests/e2e/tests/${test.split(" ")[1]}.rs\``;
    const first = await verdict(() => play(test, { limitMinutes }), where);
    // A busy machine can fail a browser's test once: that would be mistaken for a catch.
    return first.caught && !first.hung ? verdict(() => play(test, { limitMinutes }), where) : first;
  };
  return { copy, fails };
}

/** The end-to-end tests' program: the mutation is in what they test, not in them. */
async function compiled() {
  const said = await run("cargo", ["test", "--locked", "--workspace", "--no-run", "--message-format=json", "--test", "e2e"]);
  const artifacts = said.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return artifacts.find(({ target, executable }) => executable && target.name === "e2e").executable;
}

// ---- both ----

async function verdict(test, where) {
  try {
    await test();
    return { caught: false, by: `${where} passes` };
  } catch (error) {
    if (error instanceof CommandHung) return { caught: true, hung: true, by: `${where}: it never ends` };
    if (!(error instanceof CommandFailed)) throw error;
    // A test's name in the runner's summary, or the lint that cargo was told of by the configuration.
    const names = [/^failures:\n\n? {4}(?:web::)?(\S+)$/m, /^not ok \d+ - (.+)$/m, /requested on the command line with `-[DF] ([\w:-]+)`/];
    const [failed] = names.flatMap((pattern) => pattern.exec(error.output)?.[1] ?? []);
    // A module of one of the programs has the name of its file, which is told already.
    const name = failed?.replace(/^(\w+)::(?=\w+$)/, "");
    return failed ? { caught: true, by: `${where}: \`${name}\`` } : { caught: false, by: `it does not compile:\n${error.output.slice(-2_000)}` };
  }
}

/** Brings a copy up to the working tree, touching only what differs, so that cargo compiles only that. */
function mirror(name) {
  const copy = join(folder, name);
  const files = tracked();
  // A file that is gone here must be gone there.
  const before = join(folder, `${name}.json`);
  for (const file of existsSync(before) ? JSON.parse(readFileSync(before, "utf8")) : []) if (!files.includes(file)) rmSync(join(copy, file), { force: true });
  for (const file of files) {
    const [from, to] = [join(root, file), join(copy, file)];
    if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) continue;
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
  writeFileSync(before, JSON.stringify(files));
  return copy;
}

/** The files of the repository, and those that will be. */
function tracked() {
  return git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0").filter((name) => name && existsSync(join(root, name)));
}

/** Replaces the rows of these mutations in docs/attacks.md. Those of other mutations stay; those of mutations that are no more go. */
function write(rows) {
  const [begin, end] = ["<!-- mutations: begin -->", "<!-- mutations: end -->"];
  const text = readFileSync(join(root, page), "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Failure(`${page} has no section between ${begin} and ${end}`);
  const cell = (words) => words.replaceAll("|", "\\|");
  const start = ({ check, change, file }) => `| ${[check, change, `\`${file}\``].map(cell).join(" | ")} | `;
  const before = text.slice(from, to).split("\n");
  const written = new Map(rows.map((row) => [start(row), `${start(row)}${cell(row.by)} |`]));
  const lines = mutations.map(start).flatMap((row) => written.get(row) ?? before.find((line) => line.startsWith(row)) ?? []);
  const table = ["| check | without it | file | caught by |", "|---|---|---|---|", ...lines].join("\n");
  writeFileSync(join(root, page), `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`);
  console.log(`${page} is written`);
}
