// Empty databases for tests, opened twice, as two processes would.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresStore } from "flinks-reconnect-server/postgres";
import { sqliteStore } from "flinks-reconnect-server/sqlite";

const imported = (name) => import(name).then((module) => module, () => undefined);
const builtIn = await imported("node:sqlite");
// Version 13 ends an older Node with a segmentation fault when it opens a database; 12 is the last one for Node 20.
const isOld = Number(process.versions.node.split(".")[0]) < 22;
const better = opening(await imported(isOld ? "better-sqlite3-12" : "better-sqlite3"));
const pg = await imported("pg");

/** The module, if it can open a database: version 12 has to be compiled for this Node, or its binary fetched. */
function opening(module) {
  try {
    new module.default(":memory:").close();
    return module;
  } catch {
    return undefined;
  }
}

function sqlite(open) {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "flinks-store-"));
    const path = join(folder, "bank.db");
    const files = [open(path), open(path)];
    const [one, other] = files.map(sqliteStore);
    const close = () => {
      for (const file of files) file.close();
      rmSync(folder, { recursive: true });
    };
    return { one, other, close, address: { sqlite: path } };
  };
}

export const sqliteDatabases = [
  { name: "node:sqlite", skip: !builtIn && `Node ${process.versions.node} has none`, open: sqlite((path) => new builtIn.DatabaseSync(path)) },
  { name: isOld ? "better-sqlite3 12" : "better-sqlite3", skip: !better && "it has no binary for this Node: `npm rebuild better-sqlite3-12 --ignore-scripts=false` in packages/server/test", open: sqlite((path) => new better.default(path)) },
];

let count = 0;

/** A schema of its own on the server that POSTGRES names: to make a database takes a hundred times as long. */
export async function postgresDatabase() {
  const name = `server_test_${process.pid}_${(count += 1)}`;
  const admin = new pg.default.Client({ connectionString: process.env.POSTGRES });
  await admin.connect();
  await admin.query(`CREATE SCHEMA ${name}`);
  await admin.end();
  const url = new URL(process.env.POSTGRES);
  url.searchParams.set("options", `-c search_path=${name}`);
  const pools = [0, 1].map(() => new pg.default.Pool({ connectionString: url.href, max: 8 }));
  const [one, other] = pools.map(postgresStore);
  return { one, other, pools, close: () => Promise.all(pools.map((pool) => pool.end())), address: { postgres: url.href } };
}
