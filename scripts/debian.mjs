// Debian packages.

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure, find, run } from "./command.mjs";

/** Runs a command as root: as it is when we are, else through sudo. */
export function asRoot([program, ...args], log, env = {}) {
  if (process.getuid() === 0) return run(program, args, { log, env });
  if (!find("sudo")) throw new Failure(`this needs root: run \`${[program, ...args].join(" ")}\` as root, then try again`);
  // sudo forgets the environment, so what must be in it goes through `env`.
  return run("sudo", ["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`), program, ...args], { log });
}

let queue = Promise.resolve();
let updated = false;

/** apt works for one caller at a time, so calls wait for each other. */
const inTurn = (work) => (queue = queue.catch(() => {}).then(work));

// Another apt (unattended upgrades, say) may hold the lock for a while: wait for it instead of failing.
const patient = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
const env = { DEBIAN_FRONTEND: "noninteractive" };

async function update(log) {
  if (!updated) await asRoot(["apt-get", "update", ...patient], log, env);
  updated = true;
}

/** Installs packages. */
export const aptInstall = (packages, log) => inTurn(async () => {
  await update(log);
  await asRoot(["apt-get", "install", "--yes", "--no-install-recommends", ...patient, ...packages], log, env);
});

/** Unpacks a package into a folder of ours: nothing of it is set up or started, as an installation of a server would. */
export const aptUnpack = (name, folder, log) => inTurn(async () => {
  await update(log);
  mkdirSync(folder, { recursive: true });
  await run("apt-get", ["download", ...patient, name], { cwd: folder, log });
  for (const file of readdirSync(folder).filter((file) => file.startsWith(`${name}_`) && file.endsWith(".deb"))) {
    await run("dpkg-deb", ["--extract", file, "."], { cwd: folder, log });
    rmSync(join(folder, file));
  }
});
