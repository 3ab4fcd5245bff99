// README's “Your backend” as a newcomer follows it: an empty folder, Node alone, the packages from their tarballs, the blocks as they stand, a browser.
//
// NODE is a Node with SQLite. Only the ports are others than README's, for these may be in use.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { find } from "../../../scripts/command.mjs";
import { freePort } from "../../../scripts/ports.mjs";
import { withBrowser } from "../../../tests/bench/webdriver.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const skip = !process.env.NODE && "NODE is not set";
const questions = [["city", "Montreal"], ["country", "Canada"], ["shape", "Triangle"]];
const readme = readFileSync(join(root, "README.md"), "utf8");
const chapter = readme.slice(readme.indexOf("\n## Your backend\n"), readme.indexOf("\n## Security\n"));

/** The first block of a language that contains this. */
const block = (text, language, part) => [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(([, code]) => code).find((code) => code.includes(part));
const [install, server, sandbox, check] = [["sh", "npm install"], ["js", "createReconnect"], ["sh", "npx flinks-sandbox --"], ["sh", "npx flinks-sandbox check"]].map(([language, part]) => block(chapter, language, part));

let [folder, env, ports] = [];

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "flinks-newcomer-"));
  // All the programs there are: what npm needs to run a command is a shell.
  const programs = join(folder, "programs");
  mkdirSync(programs);
  for (const [name, path] of [["node", process.env.NODE], ["npm", find("npm")], ["npx", find("npx")], ["sh", "/bin/sh"]]) symlinkSync(realpathSync(path), join(programs, name));
  env = { ...process.env, PATH: programs };
  for (const program of ["cargo", "rustc", "cc", "python3"]) assert.equal(spawnSync(program, ["--version"], { env }).error?.code, "ENOENT", `there is ${program}`);
  const [connect, api, http] = [await freePort(), await freePort(), await freePort()];
  ports = { 4201: connect, 4202: api, 3000: http };
});

after(() => folder && rmSync(folder, { recursive: true }));

/** A block with the ports of this test. */
const onPorts = (code) => code.replace(/\b(4201|4202|3000)\b/g, (port) => ports[port]);

/** Runs a line of README to its end; what it printed. */
function runs(line, ...more) {
  const [program, ...args] = line.trim().split(" ");
  const { status, stdout, stderr } = spawnSync(program, [...args, ...more], { cwd: join(folder, "app"), env, encoding: "utf8", timeout: 580_000 });
  assert.equal(status, 0, `${line}: ${stdout}${stderr}`);
  return stdout;
}

/** Starts a line of README, and waits until its server answers. */
async function begins(line, port, ...more) {
  const [program, ...args] = line.trim().split(" ");
  const child = spawn(join(env.PATH, program), [...args, ...more], { cwd: join(folder, "app"), env, stdio: ["ignore", "ignore", "inherit"], detached: true });
  const deadline = Date.now() + 30_000;
  while (!(await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false))) {
    assert.ok(Date.now() < deadline && child.exitCode === null, `${line} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    async stop() {
      // npx has the command below it.
      process.kill(-child.pid);
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
    },
  };
}

test("npm installs the packed packages, and nothing of them needs a script", { skip, timeout: 300_000 }, () => {
  const app = join(folder, "app");
  mkdirSync(join(app, "public"), { recursive: true });
  const tarballs = {};
  for (const source of [root, join(root, "packages/server"), join(root, "packages/sandbox")]) {
    const [{ name, filename, size }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: source, encoding: "utf8" }));
    tarballs[name] = join(folder, filename);
    const { scripts = {}, dependencies = {} } = JSON.parse(execFileSync("tar", ["-xzOf", tarballs[name], "package/package.json"], { encoding: "utf8" }));
    for (const hook of ["preinstall", "install", "postinstall", "prepare"]) assert.ok(!(hook in scripts), `${name}: ${hook}`);
    assert.deepEqual(dependencies, {}, name);
    console.log(`| newcomer: ${name} from its tarball | ${size} bytes | no script, no dependency |`);
  }
  // The names of our own packages stand for the tarballs.
  const packages = install.trim().split(" ").slice(2);
  runs("npm install", ...packages.map((name) => tarballs[name] ?? `${name}@5.3.0`), tarballs["flinks-sandbox"]);
  // As README says by the script tag.
  const shipped = join(app, "node_modules/flinks-reconnect/dist");
  const name = "flinks-reconnect.global.js";
  copyFileSync(join(shipped, name), join(app, "public", name));
  const hash = JSON.parse(readFileSync(join(shipped, "integrity.json"), "utf8"))[name];
  writeFileSync(join(app, "public/index.html"), block(readme, "html", "<flinks-reconnect").replace("sha384-…", hash));
  writeFileSync(join(app, "public/page.js"), block(readme, "js", '"reconnected", ({ detail'));
  writeFileSync(join(app, "server.mjs"), onPorts(server));
});

test("the server's lines repair a connection in a browser", { skip, timeout: 300_000 }, async () => {
  const api = `http://127.0.0.1:${ports[4202]}`;
  const flinks = await begins(sandbox, ports[4202], "--connect", `127.0.0.1:${ports[4201]}`, "--api", `127.0.0.1:${ports[4202]}`);
  const backend = await begins("node server.mjs", ports[3000]);
  try {
    await withBrowser("chromium", async (browser) => {
      await browser.goto(`http://127.0.0.1:${ports[3000]}/`);
      await browser.enterFrame();
      for (const [question, answer] of questions) {
        await browser.eventually(question, `return document.body.innerText.includes(${JSON.stringify(question)})`);
        await browser.type('input[name="answer"]', answer);
        await browser.click('button[type="submit"]');
      }
      await browser.leaveFrame();
      assert.equal(await browser.eventually("the page tells the outcome", "return document.querySelector('output').value"), "reconnected");
      const hasData = ({ entries }) => entries.some(({ kind, endpoint, status }) => kind === "apiCall" && endpoint.startsWith("GetAccountsDetail") && status === 200);
      const deadline = Date.now() + 60_000;
      while (!hasData(await (await fetch(`${api}/_sandbox/log`)).json())) {
        assert.ok(Date.now() < deadline, "the server fetches the data");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      console.log(`| newcomer: README's server on Node ${runs("node --version").trim()} | ${browser.name} | reconnected, data fetched |`);
    });
    // It can be started again.
    await backend.stop();
    await (await begins("node server.mjs", ports[3000])).stop();
  } finally {
    await Promise.allSettled([backend.stop(), flinks.stop()]);
  }
});

test("the check passes every row that can be tried on it", { skip, timeout: 600_000 }, async () => {
  const backend = await begins("node server.mjs", ports[3000]);
  try {
    const said = runs(onPorts(check), "--json", "--connect", `127.0.0.1:${ports[4201]}`, "--api", `127.0.0.1:${ports[4202]}`);
    const { summary, rows } = JSON.parse(said);
    const untried = rows.filter(({ state }) => state === "not tried").map(({ id }) => id);
    console.log(`| newcomer: check against README's server | ${summary.planned} rows | ${summary.ok} ok, ${summary.failed} failed, ${summary.notTried} not tried |`);
    // It has one user and no sign-in, no secret of webhooks, and its connection was made without the account selector.
    assert.deepEqual(untried, ["start.origin", "start.signed-out", "deliver.other-user", "deliver.picked-accounts", "webhook.signed", "webhook.unsigned", "lost.webhook"]);
    assert.equal(summary.failed, 0);
  } finally {
    await backend.stop();
  }
});
