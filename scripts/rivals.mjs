// The packages a user would pick instead: their pinned versions, from npm, into target/size.

import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./command.mjs";

/** Where a bundler finds them. */
export const store = join(root, "target/size");

const manifests = ["package.json", "package-lock.json"];
const pinned = join(root, "tests/size");

/** Installs them, unless they are there. */
export async function installRivals() {
  const read = (folder, name) => readFileSync(join(folder, name), "utf8");
  const isSame = (name) => existsSync(join(store, name)) && read(store, name) === read(pinned, name);
  if (existsSync(join(store, "node_modules/.package-lock.json")) && manifests.every(isSame)) return;
  mkdirSync(store, { recursive: true });
  for (const name of manifests) copyFileSync(join(pinned, name), join(store, name));
  console.log("set-up: what a user would pick instead …");
  // Without the peers that a consumer in a browser does not need (a server's database client, say).
  const options = ["--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", ["ci", ...options], { cwd: store, log: "target/size/install.log" });
}
