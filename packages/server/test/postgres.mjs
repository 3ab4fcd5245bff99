// A Postgres of the tests' own, started from the machine's own programs.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../../../scripts/ports.mjs";

const isRoot = process.getuid?.() === 0;

/** The folder of `initdb`: on the path, or where Debian puts it. */
function programs() {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : [];
  const folder = [...(process.env.PATH ?? "").split(delimiter), ...versions].find((folder) => ["initdb", "pg_ctl"].every((program) => existsSync(join(folder, program))));
  if (!folder) throw new Error("this machine has no Postgres (initdb and pg_ctl): `npm run setup -- test` installs it");
  return folder;
}

/** Runs `work` with the address of a server whose user may create schemas. */
export async function withPostgres(work) {
  const [bin, port] = [programs(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), "flinks-postgres-"));
  const data = join(folder, "data");
  const run = (program, ...args) => {
    const command = [join(bin, program), ...args];
    // Postgres refuses to run as root.
    const [first, ...rest] = isRoot ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", ...command] : command;
    execFileSync(first, rest, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  };
  try {
    if (isRoot) execFileSync("chown", ["nobody", folder]);
    run("initdb", "-D", data, "-U", "bank", "-A", "trust", "-E", "UTF8", "--no-sync");
    run("pg_ctl", "-D", data, "-w", "-l", join(folder, "log"), "-o", `-c listen_addresses=127.0.0.1 -p ${port} -k ${folder} -c fsync=off -c max_connections=300`, "start");
    try {
      return await work(`postgres://bank@127.0.0.1:${port}/postgres`);
    } finally {
      run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
