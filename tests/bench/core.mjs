// How many instructions the core needs: the one figure that a busy machine does not change, so the one that small steps backwards show in.
//
// Counted under valgrind's callgrind in the core's native build, with the optimisation that the widget has. core/baseline.json is what it was; 2 % more
// fails. What compiles and what is linked decides the count, so it is compared only where both are those of the baseline; elsewhere this says so.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { grouped, table } from "../../scripts/benchmarks.mjs";
import { Failure, root, run } from "../../scripts/command.mjs";

const kinds = {
  message: "a message is decoded",
  redirect: "a result is read from REDIRECT, ids in fields and in `url`",
  session: "a whole session: options, start, frame, questions, result, delivery",
};

const tolerance = 0.02;
const baselineFile = join(root, "tests/bench/core/baseline.json");
const log = "target/bench/core.log";

export async function measureCore({ rebase = false }) {
  await run("cargo", ["build", "--release", "-p", "flinks-bench"], { log });
  const counted = {};
  for (const kind of Object.keys(kinds)) counted[kind] = await instructionsOf(kind);

  const setting = { compiler: compiler(), library: library() };
  if (rebase) writeFileSync(baselineFile, `${JSON.stringify({ ...setting, instructions: counted }, null, 2)}\n`);
  const baseline = JSON.parse(readFileSync(baselineFile, "utf8"));

  const other = Object.keys(setting).filter((name) => setting[name] !== baseline[name]);
  const lines = table(
    ["", "instructions", "baseline", "difference"],
    Object.entries(kinds).map(([kind, title]) => {
      const before = baseline.instructions[kind];
      const difference = other.length ? "not compared" : `${(((counted[kind] - before) / before) * 100).toFixed(1).replace("-", "−")} %`;
      return [title, grouped(counted[kind]), grouped(before), difference];
    }),
  );
  lines.push("", `Counted with ${setting.compiler} and ${setting.library}.`);
  if (other.length) {
    lines.push(`Not compared: the baseline was counted with ${baseline.compiler} and ${baseline.library}; \`npm run bench -- core --rebase\` counts it anew.`);
    return { lines, problems: [] };
  }
  const problems = Object.keys(kinds)
    .filter((kind) => counted[kind] > baseline.instructions[kind] * (1 + tolerance))
    .map((kind) => `${kinds[kind]}: ${grouped(counted[kind])} instructions instead of ${grouped(baseline.instructions[kind])}; ` +
      "if they are worth it, `npm run bench -- core --rebase` makes them the baseline");
  return { lines, problems };
}

/** Instructions for one time: the difference between many times and few, so that starting and ending count for nothing. */
async function instructionsOf(kind) {
  const [few, many] = [100, 1_100];
  return Math.round((await count(kind, many) - await count(kind, few)) / (many - few));
}

async function count(kind, times) {
  const program = join(process.env.CARGO_TARGET_DIR || join(root, "target"), "release/flinks-bench");
  // Of the C library's several ways to copy memory the processor chooses one, unless it is told: the oldest, which all have.
  const tunables = `glibc.cpu.hwcaps=${["AVX512F", "AVX512VL", "AVX512BW", "AVX2", "ERMS", "FSRM", "SSE4_2", "SSE4_1", "SSSE3"].map((name) => `-${name}`).join(",")}`;
  const output = "target/bench/callgrind.out";
  // It speaks on standard error, which only the log has.
  await run("valgrind", ["--tool=callgrind", `--callgrind-out-file=${output}`, program, kind, `${times}`], { env: { GLIBC_TUNABLES: tunables }, log });
  const total = /^(?:summary|totals): (\d+)$/m.exec(readFileSync(join(root, output), "utf8"))?.[1];
  if (!total) throw new Failure(`callgrind left no total in ${output}`);
  return Number(total);
}

/** Its release, commit and target. */
function compiler() {
  const said = execFileSync("rustc", ["-vV"], { encoding: "utf8", cwd: root });
  const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(said)?.[1];
  return `rustc ${field("release")} (${field("commit-hash")?.slice(0, 9)}) for ${field("host")}`;
}

function library() {
  const { glibcVersionRuntime } = process.report.getReport().header;
  return glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : "another C library than glibc";
}
