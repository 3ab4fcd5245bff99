// Fuzzes each target for a while, from the corpus in `seeds/`: `npm run fuzz`.
//
//   npm run fuzz                                all targets, 60 seconds each
//   npm run fuzz -- --seconds 600 session       ten minutes of one
//
// On the stable compiler: what cargo-fuzz asks a nightly one for is the instrumentation that tells libFuzzer where it has been, and that is an LLVM
// pass which every compiler has. The address sanitizer is nightly's alone, but looks for what `forbid(unsafe_code)` has already excluded.
//
// Invariant: what was not fuzzed is never called fuzzed. A crash, a time-out and a fuzzer that is blind or did not run are failures; a crate or a
// compiler that no network brings is told as skipped.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CommandFailed, Failure, isMain, isUnreachable, main, root, run } from "../scripts/command.mjs";
import { setUp } from "../scripts/setup.mjs";

/** The longest input of each, a little beyond the longest that is read. */
const targets = { message: 17_000, redirect_url: 9_000, session: 513 };

/** Targets whose language the fuzzer is told. */
const dictionaries = ["message", "redirect_url"];

/** A counter for each edge of the control flow, where each stands, and the operands of comparisons, which the fuzzer then tries as input. */
const instrumentation = [
  "-Cpasses=sancov-module",
  ...["level=4", "inline-8bit-counters", "pc-table", "trace-compares"].map((part) => `-Cllvm-args=-sanitizer-coverage-${part}`),
  "--cfg=fuzzing",
];

/** The longest that is fuzzed at once: `run` takes what lasts longer for a program that hangs. */
const mostSeconds = 1_000;

const buildLog = "target/fuzz-build.log";

/** Fuzzes, and prints one line per target. Throws when something was found. */
async function fuzz(seconds, names) {
  const missing = await whatIsMissing();
  if (missing) return console.log(`fuzz: skipped: ${missing}; nothing was looked for`);
  const programs = join(root, "target/fuzz", host(), "release");
  for (const name of names) console.log(`fuzz: ${name}: ${await fuzzOne(name, join(programs, name), seconds)}`);
}

/** Builds the targets; resolves with the reason when the network keeps the machine from it. */
async function whatIsMissing() {
  try {
    await setUp("c-compiler", "c++-compiler");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.message;
  }
  rmSync(join(root, buildLog), { force: true });
  try {
    // With a `--target`, so that the flags are not for the build scripts, which have no fuzzer to report to.
    const where = ["--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz", "--target", host()];
    await run("cargo", ["build", "--release", "--locked", ...where], { env: { CARGO_ENCODED_RUSTFLAGS: instrumentation.join("\x1f") }, log: buildLog });
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return `the registry does not answer, and not all crates are here (see ${buildLog})`;
  }
}

/** The machine's own target. */
const host = () => /^host: (.*)$/m.exec(execFileSync("rustc", ["-vV"], { encoding: "utf8" }))[1];

async function fuzzOne(name, program, seconds) {
  // What the fuzzer finds interesting goes to the first folder, which is nobody's but its own; the seeds stay as they are.
  const [corpus, artifacts] = ["corpus", "artifacts"].map((kind) => `fuzz/${kind}/${name}/`);
  for (const folder of [corpus, artifacts]) mkdirSync(join(root, folder), { recursive: true });
  const options = [`-max_total_time=${seconds}`, `-max_len=${targets[name]}`, "-timeout=10", "-print_final_stats=1", `-artifact_prefix=${artifacts}`];
  if (dictionaries.includes(name)) options.push(`-dict=fuzz/${name}.dict`);
  const log = `target/fuzz-${name}.log`;
  rmSync(join(root, log), { force: true });
  try {
    await run(program, [...options, corpus, `fuzz/seeds/${name}`], { log });
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const artifact = /Test unit written to (\S+)/.exec(error.output)?.[1];
    const why = /panicked at [^\n]*\n[^\n]*/.exec(error.output)?.[0].replace("\n", " ") ?? error.message;
    throw new Failure(`${name} failed: ${why}${artifact ? `; the input is in ${artifact}` : ""}; the output is in ${log}`);
  }
  // libFuzzer speaks on standard error, which only the log has.
  const output = readFileSync(join(root, log), "utf8");
  const counters = /\((\d+) inline 8-bit counters\)/.exec(output)?.[1];
  const [, executions, reached, inputs] = /^#(\d+)\s+DONE\s+cov: (\d+) .*?corp: (\d+)\//m.exec(output) ?? [];
  if (!executions || !counters) throw new Failure(`the fuzzer of ${name} did not say how far it came; its output is in ${log}`);
  const [done, found, all, kept] = [executions, reached, counters, inputs].map((number) => Number(number).toLocaleString("en"));
  return `${done} executions in ${seconds} s, ${found} of ${all} coverage counters reached, ${kept} inputs in the corpus, no crash`;
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { seconds: { type: "string", default: "60" } } });
    const seconds = Number(values.seconds);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > mostSeconds) {
      throw new Failure(`--seconds: expected a whole number from 1 to ${mostSeconds}; fuzz/README.md tells how to go on for longer`);
    }
    const unknown = positionals.find((name) => !Object.hasOwn(targets, name));
    if (unknown) throw new Failure(`there is no target "${unknown}"; there are ${Object.keys(targets).join(", ")}`);
    await fuzz(seconds, positionals.length ? positionals : Object.keys(targets));
  });
}
