// The application, the host and the sandbox, each on a free port of this machine, with secrets made up for this run:
//
//   node examples/service/start.mjs
//
// Sets up and builds what is missing. Ctrl-C ends all three, and nothing of them is left.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../scripts/build.mjs";
import { main, root } from "../../scripts/command.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { buildServers, sharedSecrets, withApplication, withSandbox, withService } from "../../scripts/servers.mjs";
import { setUp } from "../../scripts/setup.mjs";

const folder = "target/service";
const log = join(folder, "servers.log");

await main(async () => {
  await setUp("build");
  console.log("build: servers …");
  await Promise.all([buildServers("target/setup/servers.log"), build()]);

  rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, folder), { recursive: true });
  const secrets = sharedSecrets();
  const port = await freePort();
  const application = { ...secrets, PORT: String(port), DATABASE: join(root, folder, "application.db") };
  const service = {
    ...secrets,
    ALLOWED_ORIGINS: `http://localhost:${port}`,
    EVENTS_URL: `http://127.0.0.1:${port}/events`,
    // An hour is long for somebody who watches.
    NIGHTLY_INTERVAL_MS: "5000",
    POLL_INTERVAL_MS: "500",
  };
  await withSandbox(log, (sandbox) => withService(sandbox, service, log, (host) => withApplication(host, application, log, async (url) => {
    console.log(`\nReady: ${url}   (sign in as anna with the password anna's; Ctrl-C ends it; what the servers say is in ${log})`);
    await new Promise(() => {});
  })));
});
