// Banks in processes of their own, and a relay before Flinks that a test can hold.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { until } from "./world.mjs";

const program = fileURLToPath(new URL("bank-process.mjs", import.meta.url));

/** A process that has died; whoever waits for its answer gets none. */
export class Died extends Error {}

/** Starts one; it answers as a bank does (`fetch`, `tick`), until it dies. */
export async function launch(settings) {
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "inherit", "inherit", "ipc"], env: { ...process.env, BANK: JSON.stringify(settings) } });
  const waiting = new Map();
  let isDead = false;
  const ask = (id, message) => new Promise((resolve, reject) => {
    if (isDead) return reject(new Died("it is dead"));
    waiting.set(id, { resolve, reject });
    if (message) child.send(message, () => {});
  });
  const died = new Promise((resolve) => child.on("exit", (code, signal) => {
    isDead = true;
    for (const { reject } of waiting.values()) reject(new Died("it died"));
    resolve(signal ?? code);
  }));
  child.on("message", ({ id, value }) => (waiting.get(id)?.resolve(value), waiting.delete(id)));
  let count = 0;
  const call = (what, given) => ask((count += 1), { id: count, what, given });
  await ask("ready");
  return {
    pid: child.pid,
    died,
    isDead: () => isDead,
    kill: (signal = "SIGKILL") => child.kill(signal),
    async fetch(request) {
      const { status, body } = await call("fetch", { path: new URL(request.url).pathname, headers: Object.fromEntries(request.headers), body: await request.text() });
      return new Response(body, { status });
    },
    tick: () => call("tick"),
    points: () => call("points"),
    /** Until it stands still by SIGSTOP. */
    stopped: (seconds) => until("it is stopped", () => /^\d+ \(.*\) T /.test(readFileSync(`/proc/${child.pid}/stat`, "utf8")), seconds),
    async end() {
      child.kill("SIGKILL");
      await died;
    },
  };
}

/**
 * A server before Flinks' API. `onCall(path, forward, number)` decides what becomes of a call: `forward()` passes it on and gives its answer, and what
 * `onCall` gives is answered; `null` breaks the connection off.
 */
export async function relay(apiUrl, onCall) {
  let count = 0;
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const forward = async () => {
      const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
      const answer = await fetch(`${apiUrl}${request.url}`, { method: request.method, headers, ...(request.method === "POST" ? { body: Buffer.concat(pieces) } : {}) });
      return { status: answer.status, body: await answer.text() };
    };
    const answer = await onCall(request.url, forward, (count += 1));
    if (answer === null) return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    count: () => count,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Works on all of them, so many at a time. */
export async function inTurns(all, most, work) {
  const rest = [...all];
  await Promise.all(Array.from({ length: most }, async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one);
  }));
}

