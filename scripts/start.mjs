// `npm start`: from a fresh clone to the demo in a browser.
//
// Sets up, builds the package and both servers, runs them, and says where the demo is once both answer. From then on a change in www/demo, www/sdk
// or src is built and the page reloads; a change of the servers needs another start. With `--site FOLDER` the host serves that folder instead of the
// demo: a built example, say.

import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { Failure, main, root, secondsSince, start } from "./command.mjs";
import { freePort, requireFree } from "./ports.mjs";
import { serveReloading, watchSources } from "./reload.mjs";
import { buildServers, built } from "./servers.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const started = performance.now();
  const { ports, site } = parseOptions();
  // Before anything that takes minutes.
  await Promise.all(Object.entries(ports).map(([name, port]) => requireFree(port, `choose another one with \`npm start -- --${name}-port N\``)));

  await Promise.all([compileServers(), setUp("build").then(build)]);

  // The host itself stands behind the port that people use.
  const hostPort = await freePort();
  const children = runServers({ ...ports, host: hostPort }, site);
  const someoneDied = Promise.race(Object.entries(children).map(async ([name, child]) => {
    const [code, signal] = await once(child, "exit");
    throw new Failure(`${name} ended by itself (${signal ?? `status ${code}`})`);
  }));
  await Promise.race([someoneDied, Promise.all([healthy("flinks-host", hostPort), healthy("flinks-sandbox", ports.api)])]);

  const { reload } = await serveReloading(ports.host, hostPort);
  watchSources(build, reload);

  console.log(`\nReady: http://localhost:${ports.host}   (after ${secondsSince(started)}; Ctrl-C ends it)`);
  await someoneDied;
});

/** The ports of the host, of the sandbox's Connect page and of its API; and the folder of the site. */
function parseOptions() {
  const options = { "host-port": 4200, "connect-port": 4201, "api-port": 4202 };
  let values;
  try {
    ({ values } = parseArgs({ options: Object.fromEntries([...Object.keys(options), "site"].map((name) => [name, { type: "string" }])) }));
  } catch (error) {
    throw new Failure(`${error.message}; the options are ${Object.keys(options).map((name) => `--${name} N`).join(", ")}, --site FOLDER`);
  }
  const site = resolve(root, values.site ?? "www/demo");
  if (!existsSync(join(site, "index.html"))) throw new Failure("--site takes a folder with an index.html; is the example built?");
  const ports = Object.entries(options).map(([option, usual]) => {
    const port = Number(values[option] ?? usual);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Failure(`--${option} takes a port number from 1 to 65535`);
    return [option.replace("-port", ""), port];
  });
  if (new Set(ports.map(([, port]) => port)).size < ports.length) throw new Failure("--host-port, --connect-port and --api-port must differ");
  return { ports: Object.fromEntries(ports), site };
}

async function compileServers() {
  const log = "target/setup/servers.log";
  const started = performance.now();
  console.log("build: servers …");
  await buildServers(log);
  console.log(`build: servers … ${secondsSince(started)}`);
}

/** Runs the sandbox and, pointed at it, the host; secrets are made up anew for every run. */
function runServers({ host, connect, api }, site) {
  const secretKey = randomUUID();
  const apiKey = randomBytes(16).toString("hex");
  const customerId = "43387ca6-0391-4c82-857d-70d95f087ecb";

  const sandbox = start(built("flinks-sandbox"), [
    "--connect", `127.0.0.1:${connect}`,
    "--api", `127.0.0.1:${api}`,
    "--secret-key", secretKey,
    "--api-key", apiKey,
    "--customer-id", customerId,
  ]);
  const reference = start(built("flinks-host"), ["--demo", "--site", site], {
    env: {
      HOST_ADDR: `127.0.0.1:${host}`,
      FLINKS_API_URL: `http://127.0.0.1:${api}`,
      FLINKS_CONNECT_URL: `http://127.0.0.1:${connect}/v2/`,
      FLINKS_CUSTOMER_ID: customerId,
      FLINKS_SECRET_KEY: secretKey,
      FLINKS_API_KEY: apiKey,
    },
  });
  return { "flinks-sandbox": sandbox, "flinks-host": reference };
}

/** Resolves once the server says that it is healthy. */
async function healthy(name, port) {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(50);
  }
  throw new Failure(`${name} does not answer http://127.0.0.1:${port}/healthz`);
}
