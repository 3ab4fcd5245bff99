// What runs a backend of whatever kind, and the check against it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../../scripts/ports.mjs";

const cli = fileURLToPath(new URL("../../cli.js", import.meta.url));
const CUSTOMER = "43387ca6-0391-4c82-857d-70d95f087ecb";

/** Ports that nobody has: a backend has to know its Flinks before the check begins. */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

/** What a backend is told about Flinks. */
export const flinks = (connect, api) => ({
  FLINKS_API_URL: `http://127.0.0.1:${api}`,
  FLINKS_CONNECT_URL: `http://127.0.0.1:${connect}/v2/`,
  FLINKS_CUSTOMER_ID: CUSTOMER,
  FLINKS_SECRET_KEY: "secret",
  FLINKS_API_KEY: "api",
  FLINKS_WEBHOOK_SECRET: "webhook",
});

/** Runs the check against a backend, and wants every row to pass but those of `untried`. */
export async function conforms(name, { connect, api, base, headers, others, path, untried }) {
  const otherUser = others ? ["--other-header", others] : [];
  const args = [
    "check", "--start", `${base}/api/connections/${path}/reconnect`, "--deliver", `${base}/api/reconnects`, "--webhook", `${base}/api/flinks/webhook`,
    "--webhook-secret", "webhook", "--header", headers, ...otherUser, "--json",
    "--connect", `127.0.0.1:${connect}`, "--api", `127.0.0.1:${api}`, "--secret-key", "secret", "--api-key", "api",
  ];
  const child = spawn(process.execPath, [cli, ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const begun = performance.now();
  const [status] = await once(child, "close");
  assert.equal(stderr, "");
  const { summary, rows } = JSON.parse(stdout);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  console.log(`| check against ${name} | ${summary.planned} rows in ${seconds} s | ${summary.ok} ok, ${summary.failed} failed, ${summary.notTried} not tried |`);
  assert.deepEqual(rows.filter(({ state }) => state === "FAIL"), []);
  assert.deepEqual(rows.filter(({ state }) => state === "not tried").map(({ id }) => id), untried);
  assert.equal(status, 0);
}

/** Runs a program while `work(base)` goes on; `where` finds the address of its server in what it prints. */
export async function withServer(program, args, { where, ...options }, work) {
  const server = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
  try {
    let said = "";
    await work(await new Promise((resolve, reject) => {
      server.once("error", reject);
      server.once("close", () => reject(new Error(`the server ended by itself: ${said}`)));
      server.stdout.setEncoding("utf8").on("data", (text) => {
        const found = where.exec((said += text));
        if (found) resolve(found[1]);
      });
    }));
  } finally {
    server.removeAllListeners("close");
    if (server.kill()) await once(server, "close");
  }
}

/** A folder for a test, empty. */
export async function withFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "flinks-backend-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
