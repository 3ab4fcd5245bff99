// The sandbox and the host: built once, run on free ports for as long as a check needs them.

import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { basename, join } from "node:path";
import { end, Failure, root, run, start } from "./command.mjs";

/**
 * Builds both servers, and the example that puts the sandbox under load.
 *
 * Every cargo command of ours selects the whole workspace, and says which targets of it it wants: the features of a shared dependency follow from the
 * selection, so with another one cargo would compile tokio, and all that stands on it, once more. The example is here for the same reason: it brings in
 * the features that the tests need.
 */
export const buildServers = (log) => run("cargo", ["build", "--workspace", "--bin", "flinks-sandbox", "--bin", "flinks-host", "--example", "sessions"], { log });

/** The path of something that cargo built, by default for debugging: `flinks-sandbox`, `examples/sessions`. */
export const built = (name, profile = "debug") => join(process.env.CARGO_TARGET_DIR || join(root, "target"), profile, name);

/** Runs a sandbox while `work({ api, connect, customerId, secretKey, apiKey })` goes on. */
export async function withSandbox(log, work) {
  const [customerId, secretKey, apiKey] = [randomUUID(), randomUUID(), randomUUID()];
  const anywhere = ["--connect", "127.0.0.1:0", "--api", "127.0.0.1:0"];
  const flags = [...anywhere, "--customer-id", customerId, "--secret-key", secretKey, "--api-key", apiKey];
  return withServer(built("flinks-sandbox"), flags, {}, log, (said) => {
    const address = (name) => new RegExp(`^ +${name} +(http://[^/\\s]+)`, "m").exec(said)?.[1];
    const [connect, api] = [address("Connect"), address("API")];
    return connect && api && { connect: `${connect}/v2/`, api, customerId, secretKey, apiKey };
  }, work);
}

/** Runs the demo's host on that sandbox while `work({ base, cookie, adminKey })` goes on; the cookie is a signed-in visitor's. */
export async function withHost(sandbox, log, work) {
  const env = { ...flinksSettings(sandbox), FLINKS_WEBHOOK_SECRET: randomUUID(), ADMIN_KEY: randomUUID(), RUST_LOG: "error" };
  return withServer(built("flinks-host"), ["--demo"], env, log, hostAddress, async (base) => {
    const cookie = (await fetch(base)).headers.get("set-cookie")?.split(";")[0];
    if (!cookie) throw new Failure("flinks-host --demo signs its visitor in with no cookie");
    return work({ base, cookie, adminKey: env.ADMIN_KEY });
  });
}

/** What the host as a service shares with its application, made up anew. */
export const sharedSecrets = () => ({
  AUTH_JWT_SECRET: randomBytes(32).toString("hex"),
  ADMIN_KEY: randomBytes(32).toString("hex"),
  EVENTS_SECRET: `whsec_${randomBytes(32).toString("base64")}`,
});

/** Runs the host as a service on that sandbox, with these settings more, while `work(base)` goes on. Its database is in memory. */
export const withService = (sandbox, settings, log, work) =>
  withServer(built("flinks-host"), [], { ...flinksSettings(sandbox), DATABASE_URL: "sqlite::memory:", ...settings }, log, hostAddress, work);

/** Runs the application of examples/service beside the host at `hostUrl` while `work(base)` goes on. */
export const withApplication = (hostUrl, settings, log, work) =>
  withServer("python3", [join(root, "examples/service/app.py")], { HOST_URL: hostUrl, ...settings }, log, (said) => /^http:\S+/m.exec(said)?.[0], work);

/** Stands for a sandbox where none is called: nobody listens there. */
export const noFlinks = { api: "http://127.0.0.1:1", connect: "http://127.0.0.1:1/v2/", customerId: "none", secretKey: "none", apiKey: "none" };

/** What the host is told about Flinks. */
const flinksSettings = (sandbox) => ({
  HOST_ADDR: "127.0.0.1:0",
  FLINKS_API_URL: sandbox.api,
  FLINKS_CONNECT_URL: sandbox.connect,
  FLINKS_CUSTOMER_ID: sandbox.customerId,
  FLINKS_SECRET_KEY: sandbox.secretKey,
  FLINKS_API_KEY: sandbox.apiKey,
});

const hostAddress = (said) => /^flinks-host: (http:\/\/\S+)/m.exec(said)?.[1];

/** Runs a server from when it has said where it is (`read` finds that in its output) until `work` has ended. */
async function withServer(program, flags, env, log, read, work) {
  const name = basename(program);
  const child = start(program, flags, { env, stdio: ["ignore", "pipe", "pipe"] });
  const died = once(child, "close").then(() => {
    throw new Failure(`${name} ended by itself; its output is in ${log}`);
  });
  const sink = createWriteStream(join(root, log), { flags: "a" });
  child.stdout.setEncoding("utf8");
  child.stderr.setEncoding("utf8").on("data", (text) => sink.write(text));
  try {
    const place = await new Promise((resolve, reject) => {
      let said = "";
      const limit = setTimeout(() => reject(new Failure(`${name} does not say where it is`)), 30_000);
      const settle = (finish, value) => (clearTimeout(limit), finish(value));
      child.stdout.on("data", (text) => {
        sink.write(text);
        const found = read((said += text));
        if (found) settle(resolve, found);
      });
      died.catch((error) => settle(reject, error));
    });
    return await Promise.race([work(place), died]);
  } finally {
    end(child);
    await died.catch(() => {});
    sink.end();
  }
}
