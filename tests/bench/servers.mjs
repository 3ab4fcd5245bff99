// The host and the sandbox under load, and with much stored: every row is a process of its own, which is the example that does the work.

import { grouped, table } from "../../scripts/benchmarks.mjs";
import { Failure, run } from "../../scripts/command.mjs";
import { built } from "../../scripts/servers.mjs";

const log = "target/bench/servers.log";

const example = (name, args) => run(built(`examples/${name}`, "server"), args.map(String), { log });

/** Builds both, so that building is no part of anything measured. */
export async function buildServers() {
  await run("cargo", ["build", "--profile", "server", "--workspace", "--bin", "flinks-sandbox", "--example", "load", "--example", "sessions"], { log });
}

/** Reconnects on the reference backend, whole: start, MFA, delivery, data. */
export async function measureHost({ results, stored }) {
  const rows = [];
  for (const database of ["sqlite", "postgres"]) {
    for (const atOnce of [1, 32, 256]) {
      // One at a time is slow by nature.
      const count = atOnce === 1 ? Math.ceil(results / 5) : results;
      rows.push(...rowsOf(await example("load", ["--database", database, "--results", count, "--at-once", atOnce])));
    }
    for (const count of stored) {
      rows.push(...rowsOf(await example("load", ["--database", database, "--results", results, "--at-once", 32, "--stored", count])));
    }
  }
  if (rows.length === 0) throw new Failure(`the host's load printed no rows; its output is in ${log}`);
  const head = ["database", "stored before", "at once", "reconnects/s", "start, median", "p99", "deliver, median", "p99", "memory at most"];
  return { lines: table(head, rows), problems: [] };
}

/** Sessions on the sandbox: token, credentials, three questions, data. */
export async function measureSandbox({ sessions, stored }) {
  const rows = [];
  let head;
  for (const [atOnce, before] of [[1, 0], [32, 0], [256, 0], ...stored.map((count) => [32, count])]) {
    const count = atOnce === 1 ? Math.ceil(sessions / 5) : sessions;
    const output = await example("sessions", [count, "--at-once", atOnce, "--processing-ms", 1, "--stored", before]);
    const [first, ...rest] = rowsOf(output);
    head = first;
    rows.push(...rest);
  }
  return { lines: table(head, rows), problems: [] };
}

const rowsOf = (output) =>
  output.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.slice(2, -2).split(" | ").map((cell) => (/^\d+$/.test(cell) ? grouped(Number(cell)) : cell)));
