// The sandbox and the host: built once, run on free ports for as long as a check needs them.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
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

/** Runs a sandbox while `work({ api, connect, secretKey, apiKey })` goes on. */
export async function withSandbox(log, work) {
  const [secretKey, apiKey] = [randomUUID(), randomUUID()];
  const anywhere = ["--connect", "127.0.0.1:0", "--api", "127.0.0.1:0"];
  const flags = [...anywhere, "--secret-key", secretKey, "--api-key", apiKey];
  return withServer("flinks-sandbox", flags, {}, log, (said) => {
    const address = (name) => new RegExp(`^ +${name} +(http://[^/\\s]+)`, "m").exec(said)?.[1];
    const [connect, api] = [address("Connect"), address("API")];
    return connect && api && { connect: `${connect}/v2/`, api, secretKey, apiKey };
  }, work);
}

/** Runs the demo's host on that sandbox while `work({ base, cookie, adminKey })` goes on; the cookie is a signed-in visitor's. */
export async function withHost(sandbox, log, work) {
  const env = {
    HOST_ADDR: "127.0.0.1:0",
    FLINKS_API_URL: sandbox.api,
    FLINKS_CONNECT_URL: sandbox.connect,
    FLINKS_SECRET_KEY: sandbox.secretKey,
    FLINKS_API_KEY: sandbox.apiKey,
    FLINKS_WEBHOOK_SECRET: randomUUID(),
    ADMIN_KEY: randomUUID(),
    RUST_LOG: "error",
  };
  return withServer("flinks-host", ["--demo"], env, log, (said) => /^flinks-host: (http:\/\/\S+)/m.exec(said)?.[1], async (base) => {
    const cookie = (await fetch(base)).headers.get("set-cookie")?.split(";")[0];
    if (!cookie) throw new Failure("flinks-host --demo signs its visitor in with no cookie");
    return work({ base, cookie, adminKey: env.ADMIN_KEY });
  });
}

/** Runs a server from when it has said where it is (`read` finds that in its output) until `work` has ended. */
async function withServer(name, flags, env, log, read, work) {
  const child = start(built(name), flags, { env, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
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
      closed.then(() => settle(reject, new Failure(`${name} ended by itself; its output is in ${log}`)), (error) => settle(reject, error));
    });
    return await work(place);
  } finally {
    end(child);
    await closed.catch(() => {});
    sink.end();
  }
}
