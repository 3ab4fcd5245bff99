// `npm test`: the checks of every day, or the named ones.
//
//   npm test                     those of every day
//   npm test -- native sdk       these two
//   npm test -- everyday slow    all there are, as CI does
//   npm test -- --list           what there is
//
// Each check runs once: a test that passes at the second try is a broken test. Nothing is skipped: a check that cannot
// run has failed. They run one after the other, but for those that are named below.
//
// Each check has an allowance of seconds, and so has all of an everyday run: tests/allowance.json. What takes longer is told and no failure, because
// a machine may be slow.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { checks, outputOf, sets, sideBySide } from "./checks.mjs";
import { Failure, main, root } from "./command.mjs";
import { setUp } from "./setup.mjs";

const shownLines = 60;

/** What the tests print for people: rows of a table (attack, engine, outcome …) and the sizes of the corpora. */
const evidence = /^(\| .* \||corpus: )/;

const allowance = JSON.parse(readFileSync(join(root, "tests/allowance.json"), "utf8"));

await main(async () => {
  const asked = process.argv.slice(2);
  if (asked.includes("--list")) {
    for (const [set, names] of Object.entries(sets)) for (const name of names) console.log(`${name.padEnd(15)}${set.padEnd(10)}${checks[name].about}`);
    return;
  }
  const names = (asked.length ? asked : ["everyday"]).flatMap((name) => sets[name] ?? name);
  for (const name of names) {
    if (!Object.hasOwn(checks, name)) throw new Failure(`there is no check "${name}"; \`npm test -- --list\` lists them`);
  }
  const wanted = Object.keys(checks).filter((name) => names.includes(name));
  const needs = new Set(wanted.flatMap((name) => checks[name].needs ?? []));

  const needsPackage = needs.delete("package");
  await setUp(...needs, ...(needsPackage ? ["build"] : []));
  if (needsPackage) await build();

  const results = {};
  const started = performance.now();
  for (const name of wanted) {
    // The first of the lanes has begun them all.
    if (name in results) continue;
    const lanes = sideBySide.find((lanes) => lanes.flat().includes(name)) ?? [[name]];
    await Promise.all(lanes.map((lane) => performInTurn(lane.filter((name) => wanted.includes(name)), results)));
  }
  const all = wanted.map((name) => results[name]);
  summarise(all, secondsFrom(started));
  process.exitCode = all.every(({ ok }) => ok) ? 0 : 1;
});

function secondsFrom(started) {
  return Math.round((performance.now() - started) / 1_000);
}

async function performInTurn(names, results) {
  for (const name of names) results[name] = await perform(name, checks[name]);
}

async function perform(name, check) {
  const log = `target/test/${name}.log`;
  rmSync(join(root, log), { force: true });
  console.log(`test: ${name} …`);
  const started = performance.now();

  let problem;
  let result;
  try {
    result = await check.run(log);
  } catch (error) {
    problem = error;
  }
  const seconds = secondsFrom(started);
  // What is no test runner counts as one test.
  const count = check.count?.(outputOf(log)) ?? { passed: problem ? 0 : 1, failed: 0, ignored: 0 };
  // A runner that fails without a failed test (it did not compile, say) is a failure all the same, and so is one that ran nothing.
  if (check.count && !problem && count.passed + count.failed === 0) problem = new Failure("it ran no tests");
  if (problem && count.failed === 0) count.failed = 1;

  const ok = count.failed === 0;
  console.log(`test: ${name} … ${ok ? "ok" : "FAILED"}, ${seconds} s`);
  for (const line of outputOf(log).split("\n").filter((line) => evidence.test(line))) console.log(`    ${line}`);
  const failure = problem && explain(name, problem, check.excerpt?.(outputOf(log)) || outputOf(log));
  if (failure) console.log(failure);
  return { name, ok, seconds, count, counts: Boolean(check.count), remark: result?.remark, failure };
}

function explain(name, problem, said) {
  const lines = said.trimEnd().split("\n").slice(-shownLines).map((line) => `    ${line}`);
  return [...lines, `  ${name} failed: ${problem instanceof Failure ? problem.message : problem.stack}`].join("\n");
}

/**
 * What failed, once more: of a long run often only the end is kept. Then a table of all checks, what they took together, and as the last line how
 * many tests passed and failed.
 */
function summarise(results, together) {
  for (const { failure } of results) if (failure) console.log(`\n${failure}`);
  console.log(`\n${"check".padEnd(15)}${"result".padEnd(8)}${"time".padStart(7)}${"allowed".padStart(9)}  tests`);
  for (const { name, ok, seconds, count, counts, remark } of results) {
    const allowed = allowance.checks[name];
    const tests = counts ? `${count.passed + count.failed}` : "–";
    const late = seconds > allowed && `${seconds - allowed} s over its allowance`;
    const notes = [count.failed && counts && `${count.failed} failed`, count.ignored && `${count.ignored} ignored`, remark, late].filter(Boolean);
    console.log(`${name.padEnd(15)}${(ok ? "ok" : "FAILED").padEnd(8)}${`${seconds} s`.padStart(7)}${`${allowed} s`.padStart(9)}  ${[tests, ...notes].join(", ")}`);
  }
  const isEveryday = results.length === sets.everyday.length && results.every(({ name }) => sets.everyday.includes(name));
  const late = isEveryday && together > allowance.everyday ? `, ${together - allowance.everyday} s over` : "";
  console.log(`\nchecks: ${together} s${isEveryday ? ` of ${allowance.everyday} s allowed${late}` : ""}`);
  const total = (key) => results.reduce((sum, { count }) => sum + count[key], 0);
  console.log(`${total("passed")} passed, ${total("failed")} failed`);
}
