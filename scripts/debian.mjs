// Debian packages.

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

/** Installs packages. apt works for one caller at a time, so calls wait for each other. */
export function aptInstall(packages, log) {
  queue = queue.catch(() => {}).then(async () => {
    // Another apt (unattended upgrades, say) may hold the lock for a while: wait for it instead of failing.
    const patient = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    if (!updated) await asRoot(["apt-get", "update", ...patient], log, env);
    updated = true;
    await asRoot(["apt-get", "install", "--yes", "--no-install-recommends", ...patient, ...packages], log, env);
  });
  return queue;
}
