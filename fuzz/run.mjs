// Fuzzes each target for a while: `node fuzz/run.mjs [seconds] [target …]`, 60 seconds and all targets unless told.
//
// It needs a nightly compiler and cargo-fuzz. Where they are missing it says so and ends well: nothing was found, because nothing was
// looked for, and nobody should have to install a second compiler to run the tests.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CommandFailed, Failure, find, isMain, main, prependPath, root, run } from "../scripts/command.mjs";

/** The longest input of each, a little beyond the longest that is read. */
const targets = { message: 17_000, redirect_url: 9_000, session: 513 };

/** Targets whose language the fuzzer is told. */
const dictionaries = ["message", "redirect_url"];

/** Fuzzes and resolves with one line per target, or with the reason why it could not. Throws when something was found. */
export async function fuzz({ seconds = 60, names = Object.keys(targets), log } = {}) {
  const missing = whatIsMissing();
  if (missing) return { ran: false, remark: `did not run: ${missing}` };
  const lines = [];
  for (const name of names) lines.push(await fuzzOne(name, seconds, log));
  return { ran: true, remark: lines.join("; ") };
}

async function fuzzOne(name, seconds, log) {
  // What the fuzzer finds interesting goes to the first folder, which is nobody's but its own; the seeds stay as they are.
  const corpus = `fuzz/corpus/${name}`;
  mkdirSync(join(root, corpus), { recursive: true });
  const cargoFuzz = ["+nightly", "fuzz"];
  const where = ["--fuzz-dir", "fuzz", "--target-dir", "target/fuzz"];
  // Building is not fuzzing: it has a run of its own, so that the seconds are all the fuzzer's.
  await run("cargo", [...cargoFuzz, "build", ...where, name], { log });
  const options = [`-max_total_time=${seconds}`, `-max_len=${targets[name]}`, "-timeout=10", "-print_final_stats=1"];
  if (dictionaries.includes(name)) options.push(`-dict=fuzz/${name}.dict`);
  // cargo-fuzz and libFuzzer speak on standard error, which `run` keeps only in the log.
  const file = log ?? `target/fuzz-${name}.log`;
  if (!log) rmSync(join(root, file), { force: true });
  const output = await outputOf(() => run("cargo", [...cargoFuzz, "run", ...where, name, corpus, `fuzz/seeds/${name}`, "--", ...options], { log: file }), name, file);
  const executions = [...output.matchAll(/^stat::number_of_executed_units:\s*(\d+)/gm)].at(-1)?.[1];
  if (!executions) throw new Failure(`the fuzzer of ${name} did not say how often it ran; its output is in ${file}`);
  return `${name}: ${Number(executions).toLocaleString("en")} executions in ${seconds} s, no crash`;
}

async function outputOf(action, name, file) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const artifact = /Test unit written to (\S+)/.exec(error.output)?.[1];
    const why = /panicked at [^\n]*\n[^\n]*/.exec(error.output)?.[0].replace("\n", " ") ?? error.message;
    throw new Failure(`${name} failed: ${why}${artifact ? `; the input is in ${artifact}` : ""}; the output is in ${file}`);
  }
  return readFileSync(join(root, file), "utf8");
}

function whatIsMissing() {
  if (!find("rustup") || !/^nightly/m.test(execFileSync("rustup", ["toolchain", "list"], { encoding: "utf8" }))) {
    return "no nightly compiler (`rustup toolchain install nightly`)";
  }
  if (!find("cargo-fuzz")) cachedTool("cargo-fuzz");
  return find("cargo-fuzz") ? undefined : "no cargo-fuzz (`cargo install cargo-fuzz`)";
}

/** Set-up keeps its tools in a cache of the user's, a folder for each version. */
function cachedTool(name) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "flinks-reconnect/tools");
  try {
    const newest = readdirSync(cache).filter((folder) => folder.startsWith(`${name}-`)).sort().at(-1);
    if (newest) prependPath(join(cache, newest, "bin"));
  } catch {
    // There is no cache.
  }
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const [first, ...rest] = process.argv.slice(2);
    const seconds = first === undefined ? 60 : Number(first);
    if (!Number.isInteger(seconds) || seconds < 1) throw new Failure("expected a whole number of seconds first");
    const unknown = rest.find((name) => !Object.hasOwn(targets, name));
    if (unknown) throw new Failure(`there is no target "${unknown}"; there are ${Object.keys(targets).join(", ")}`);
    const { remark } = await fuzz({ seconds, names: rest.length ? rest : undefined });
    for (const line of remark.split("; ")) console.log(`fuzz: ${line}`);
  });
}
