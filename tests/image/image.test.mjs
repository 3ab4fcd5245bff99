// The Dockerfile without an engine: its steps by hand, from a clean context.
//
// What is shown: what the context has, that the build command makes the program of it, and that this program, as the image's user, with the image's environment and nothing more, starts,
// answers the image's health check, and stops. What is not: the base images, what apt-get installs in them, and that an engine reads the file as this test does. Nothing is
// installed, and /usr/local/bin is not written: the program is copied to a folder instead.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, run } from "../../scripts/command.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { copyTree } from "../../scripts/tree.mjs";

const target = process.env.CARGO_TARGET_DIR || join(root, "target");

/** The instructions: `{ name, rest }`, lines joined and comments left out. */
const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
const instructions = dockerfile.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n").filter(Boolean)
  .map((line) => ({ name: line.split(" ")[0], rest: line.slice(line.indexOf(" ") + 1) }));
const all = (name) => instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest);
const [health] = all("HEALTHCHECK").map((rest) => rest.slice(rest.indexOf("CMD ") + "CMD ".length));
const [user, group] = all("USER")[0].split(":").map(Number);
const environment = Object.fromEntries(all("ENV").map((rest) => rest.split("=")));

/** Always the same place, so that cargo replaces what it compiled there before. */
const context = join(root, "target/test/image");
let folder;
let program;

before(() => {
  rmSync(context, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), "flinks-image-"));
  program = join(folder, "flinks-host");
  chmodSync(folder, 0o755);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const row = (...cells) => console.log(`| image | ${cells.join(" | ")} |`);

/** Whether .dockerignore leaves this path out: a pattern names a path from the root, and all below it; `**` is any number of folders. */
const ignored = (() => {
  const lines = readFileSync(join(root, ".dockerignore"), "utf8").split("\n").filter((line) => line && !line.startsWith("#"));
  const expression = (line) => new RegExp(`^${line.replaceAll(".", "\\.").replaceAll("**/", "(?:.*/)?").replaceAll(/(?<!\.)\*/g, "[^/]*")}(?:/|$)`);
  return (path) => lines.some((line) => expression(line).test(path));
})();

test("the guide says the commands that the file says", () => {
  const commands = [...dockerfile.matchAll(/^# {3}(docker .*)$/gm)].map(([, command]) => command);
  assert.equal(commands.length, 2);
  assert.ok(readFileSync(join(root, "docs/service.md"), "utf8").includes(`\`\`\`text\n${commands.join("\n")}\n\`\`\`\n`));
});

test("the context has the sources, and nothing that was built or is secret", async () => {
  for (const path of [".git/config", "dist/index.js", "node_modules/a/b.js", "examples/express/node_modules/a.js", "target/debug/x", "fuzz/target/x", "flinks-host.db", "examples/service/application.db", "secrets.env"]) {
    assert.ok(ignored(path), path);
  }
  for (const path of ["Cargo.lock", "crates/host/src/main.rs", "crates/host/migrations/0001_first.sql", ".gitignore", "scripts/environment.mjs"]) assert.ok(!ignored(path), path);

  const count = await copyTree(context, (path) => !ignored(path));
  row("context", `${count} files`, "from the working tree");
});

test("the build command makes the program", { timeout: 3_000_000 }, async () => {
  const [base] = all("FROM");
  const { "rust-version": rust } = Object.fromEntries([...readFileSync(join(root, "Cargo.toml"), "utf8").matchAll(/^(rust-version) = "(.*)"$/gm)].map(([, name, value]) => [name, value]));
  assert.equal(base, `rust:${rust}-bookworm AS build`);
  const [build] = all("RUN");
  const [, command, made] = /^(?:--mount=\S+ +)*(cargo build .*) && cp (\S+) \/usr\/local\/bin\/$/.exec(build);
  // The place of the cache, which the engine mounts there.
  symlinkSync(target, join(context, "target"));
  const started = performance.now();
  const { PATH, HOME, CARGO_HOME, RUSTUP_HOME } = process.env;
  const env = Object.fromEntries(Object.entries({ PATH, HOME, CARGO_HOME, RUSTUP_HOME }).filter(([, value]) => value));
  const child = spawn("bash", ["-c", command], { cwd: context, env, stdio: ["ignore", "inherit", "inherit"] });
  const [status] = await once(child, "close");
  assert.equal(status, 0);
  copyFileSync(join(context, made), program);
  chmodSync(program, 0o755);
  row("build", `\`${command}\``, `${Math.round((performance.now() - started) / 1_000)} s`);

  // What debian:bookworm-slim has without installing anything.
  const needs = [...new Set([...(await run("ldd", [program])).matchAll(/(\S+)\.so/g)].map(([, name]) => name.split("/").at(-1)))];
  for (const name of needs) assert.ok(["linux-vdso", "libgcc_s", "libm", "libc", "ld-linux-x86-64", "ld-linux-aarch64"].includes(name), `the image has no ${name}`);
  row("libraries", needs.join(", "), "all in the base image");
});

/** Runs it as the image does: its user, its folder, its environment, and these settings. As nobody but ourselves where we are not root. */
function start(settings) {
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  const isRoot = process.getuid() === 0;
  if (isRoot) chownSync(data, user, group);
  const identity = isRoot ? { uid: user, gid: group } : {};
  const child = spawn(program, [], { cwd: data, env: { ...environment, ...settings }, ...identity, stdio: ["ignore", "pipe", "pipe"] });
  const said = { text: "" };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said.text += text));
  return { child, closed: once(child, "close"), said, data, identity };
}

test("without settings it says what it wants, and is no root", async () => {
  assert.ok(user >= 10_000 && group >= 10_000);
  assert.deepEqual(JSON.parse(all("ENTRYPOINT")[0]), ["flinks-host"]);
  const { closed, said } = start({});
  const [status] = await closed;
  assert.equal(status, 1);
  assert.match(said.text, /^flinks-host: [A-Z_]+: expected .*\n$/);
  row("without settings", said.text.trim(), `status ${status}`);
});

test("with settings it is healthy, stores what it has in /data, and stops when it is told to", { timeout: 120_000 }, async () => {
  assert.deepEqual([environment.HOST_ADDR, all("EXPOSE")[0], all("WORKDIR").at(-1), all("VOLUME")[0]], ["0.0.0.0:4200", "4200", "/data", "/data"]);
  const settings = {
    // Not for everybody on this network.
    HOST_ADDR: `127.0.0.1:${await freePort()}`,
    FLINKS_INSTANCE: "toolbox", FLINKS_CUSTOMER_ID: "customer", FLINKS_SECRET_KEY: "secret", FLINKS_API_KEY: "api",
    // No call leaves this machine.
    HTTPS_PROXY: "http://127.0.0.1:9",
    AUTH_JWT_SECRET: "the-secret-of-application-and-host", SHUTDOWN_GRACE_MS: "2000",
  };
  const { child, closed, said, data, identity } = start(settings);
  const isHealthy = () => spawnSync("/bin/sh", ["-c", health], { env: { ...environment, ...settings, PATH: "/usr/bin:/bin" }, ...identity, stdio: "ignore", timeout: 3_000 }).status === 0;
  assert.equal(isHealthy(), false, "before it listens");
  const limit = performance.now() + 30_000;
  while (!isHealthy()) {
    assert.ok(performance.now() < limit && child.exitCode === null, said.text);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const owner = readFileSync(`/proc/${child.pid}/status`, "utf8").match(/^Uid:\t(\d+)/m)[1];
  if (process.getuid() === 0) assert.equal(Number(owner), user);
  assert.ok(readdirSync(data).includes("flinks-host.db"));
  const started = performance.now();
  child.kill("SIGTERM");
  const [status] = await closed;
  assert.equal(status, 0);
  assert.equal(isHealthy(), false, "after it has stopped");
  row("as user " + owner, "healthy", `SIGTERM: status 0 after ${Math.round(performance.now() - started)} ms`);
  row("not shown: no engine built it", "the base images, ca-certificates", "an engine's own reading of the file");
});
