// `npm test`: every check, or the named ones.
//
//   npm test                     all of them
//   npm test -- native sdk       these two
//   npm test -- --list           what there is
//
// Each check runs once: a test that passes at the second try is a broken test. Nothing is skipped: a check that cannot
// run has failed. They run one after the other, but for the browsers.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { checks, outputOf } from "./checks.mjs";
import { Failure, main, root, secondsSince } from "./command.mjs";
import { setUp } from "./setup.mjs";

const shownLines = 60;

/** Side by side: Firefox needs as long as the other two in turn, and all of them wait more than they work. */
const lanes = [["e2e-chromium", "e2e-webkit"], ["e2e-firefox"]];

/** What the tests print for people: rows of a table (attack, engine, outcome …) and the sizes of the corpora. */
const evidence = /^(\| .* \||corpus: )/;

await main(async () => {
  const names = process.argv.slice(2);
  if (names.includes("--list")) {
    for (const [name, { about }] of Object.entries(checks)) console.log(`${name.padEnd(15)}${about}`);
    return;
  }
  for (const name of names) {
    if (!Object.hasOwn(checks, name)) throw new Failure(`there is no check "${name}"; \`npm test -- --list\` lists them`);
  }
  const wanted = Object.keys(checks).filter((name) => names.length === 0 || names.includes(name));
  const needs = new Set(wanted.flatMap((name) => checks[name].needs ?? []));

  const needsPackage = needs.delete("package");
  await setUp(...needs, ...(needsPackage ? ["build"] : []));
  if (needsPackage) await build();

  const results = {};
  for (const name of wanted) {
    // The first of a lane has begun them all.
    if (name in results) continue;
    const together = lanes.flat().includes(name) ? lanes : [[name]];
    await Promise.all(together.map((lane) => performInTurn(lane.filter((name) => wanted.includes(name)), results)));
  }
  const all = wanted.map((name) => results[name]);
  summarise(all);
  process.exitCode = all.every(({ ok }) => ok) ? 0 : 1;
});

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
  const time = secondsSince(started);
  // What is no test runner counts as one test.
  const count = check.count?.(outputOf(log)) ?? { passed: problem ? 0 : 1, failed: 0, ignored: 0 };
  // A runner that fails without a failed test (it did not compile, say) is a failure all the same, and so is one that ran nothing.
  if (check.count && !problem && count.passed + count.failed === 0) problem = new Failure("it ran no tests");
  if (problem && count.failed === 0) count.failed = 1;

  const ok = count.failed === 0;
  console.log(`test: ${name} … ${ok ? "ok" : "FAILED"}, ${time}`);
  for (const line of outputOf(log).split("\n").filter((line) => evidence.test(line))) console.log(`    ${line}`);
  if (problem) {
    const output = outputOf(log);
    const lines = (check.excerpt?.(output) || output).trimEnd().split("\n");
    console.log(lines.slice(-shownLines).map((line) => `    ${line}`).join("\n"));
    console.log(`  ${name} failed: ${problem instanceof Failure ? problem.message : problem.stack}`);
  }
  return { name, ok, time, count, counts: Boolean(check.count), remark: result?.remark };
}

function summarise(results) {
  console.log(`\n${"check".padEnd(15)}${"result".padEnd(8)}${"time".padStart(7)}  tests`);
  for (const { name, ok, time, count, counts, remark } of results) {
    const tests = counts ? `${count.passed + count.failed}` : "–";
    const notes = [count.failed && counts && `${count.failed} failed`, count.ignored && `${count.ignored} ignored`, remark].filter(Boolean);
    console.log(`${name.padEnd(15)}${(ok ? "ok" : "FAILED").padEnd(8)}${time.padStart(7)}  ${[tests, ...notes].join(", ")}`);
  }
  const total = (key) => results.reduce((sum, { count }) => sum + count[key], 0);
  console.log(`\n${total("passed")} passed, ${total("failed")} failed`);
}
