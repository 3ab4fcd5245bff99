// "A repaired connection in ten minutes" in docs/service.md, followed as it stands: a bash for each terminal, into which the blocks are typed; a fresh folder; a browser.
//
// What a newcomer has from elsewhere is served from here, so that this version is what they meet: a registry for npm with the two packages, and the repository, which git is told to
// clone from a copy of the working tree. cargo has the target folder of the project, where the crates from elsewhere are compiled once.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { end, root, run, start } from "../../scripts/command.mjs";
import { requireFree } from "../../scripts/ports.mjs";
import { folder as sandboxPackage } from "../../scripts/sandbox.mjs";
import { copyTree } from "../../scripts/tree.mjs";
import { repair, signIn, untilBankIs, withPage } from "./browser.mjs";
import { blocks, chapter, excerpts } from "./guide.mjs";

const tutorial = chapter("A repaired connection in ten minutes");

/** Outside of the repository, where npm would find a package above it; and always the same for this one, so that cargo replaces what it compiled there before. */
const folder = join(tmpdir(), `flinks-newcomer-${createHash("sha256").update(root).digest("hex").slice(0, 8)}`);

/** Each step: its title, and what is typed in which terminal, with what it is said to answer. */
const steps = tutorial.split(/^### /m).slice(1).map((text) => ({
  title: text.split("\n")[0],
  text,
  typed: [...text.matchAll(/^In terminal (\d):\n\n```sh\n([^]*?)^```$([^]*?)(?=^In terminal|$(?![^]))/gm)].map(([, terminal, code, rest]) => ({
    terminal, code, says: blocks(rest, "text")[0], answers: blocks(rest, "json")[0],
  })),
}));

test("the excerpts are what the example has", () => {
  assert.ok(excerpts.length >= 4);
  for (const { path, code } of excerpts) assert.ok(readFileSync(join(root, path), "utf8").includes(code), `${path} has no\n${code}`);
});

test("every block of the tutorial is typed somewhere", () => {
  assert.equal(steps.flatMap(({ typed }) => typed).length, blocks(tutorial, "sh").length);
  assert.equal(steps.length, 7);
});

test("a newcomer follows it", { timeout: 1_800_000 }, async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const registry = await serveRegistry();
  const terminals = new Map();
  try {
    for (const port of [4200, 4201, 4202, 8000]) await requireFree(port, "the tutorial needs it: end what listens there");
    const repository = await copyRepository();
    const home = join(folder, "home");
    mkdirSync(home);
    const env = {
      ...process.env,
      PATH: `${join(folder, "cargo/bin")}:${process.env.PATH}`,
      CARGO_INSTALL_ROOT: join(folder, "cargo"),
      CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR || join(root, "target"),
      npm_config_registry: registry.url,
      npm_config_cache: join(folder, "npm"),
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.file://${repository}.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/flinks-reconnect/flinks-reconnect.git",
    };
    const terminal = (number) => {
      if (!terminals.has(number)) terminals.set(number, new Terminal(number, home, env));
      return terminals.get(number);
    };
    const begun = performance.now();
    for (const { title, text, typed } of steps) {
      const started = performance.now();
      for (const { terminal: number, code, says, answers } of typed) {
        const output = await terminal(number).type(code, says);
        if (answers) assertLike(JSON.parse(output), JSON.parse(answers));
      }
      if (title.startsWith("6.")) await followInBrowser(text, terminal("3"));
      row(title, typed.map(({ terminal: number }) => `terminal ${number}`).join(", ") || "browser", `${((performance.now() - started) / 1_000).toFixed(1)} s`);
    }
    row("from nothing to a repaired connection", "", `${((performance.now() - begun) / 60_000).toFixed(1)} min`);
  } finally {
    await Promise.all([...terminals.values()].map((terminal) => terminal.close()));
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

/** Step 6, by the words that stand in it. */
async function followInBrowser(text, application) {
  const [, url] = /<(http:\S+)>/.exec(text);
  const words = [...text.matchAll(/\*([^*]+)\*/g)].map(([, word]) => word);
  assert.deepEqual(words, ["anna", "anna's", "needs attention", "Reconnect", "Montreal", "Canada", "Triangle", "connected again"], "browser.mjs does just these");
  await withPage(async (page) => {
    await signIn(page, url);
    await untilBankIs(page, "needs attention");
    const before = eventsTaken(application);
    await repair(page);
    await untilBankIs(page, "connected again");
    assert.ok(eventsTaken(application) > before, "an event came in between");
    row("events that the application took", "terminal 3", `${before} before the repair, ${eventsTaken(application)} after it`);
  });
}

/** How often the application says in its terminal that it took an event. */
const eventsTaken = ({ output }) => output.match(/"POST \/events HTTP\/1\.1" 204/g)?.length ?? 0;

/** Two objects with the same keys and values, but for times. */
function assertLike(actual, expected) {
  const times = (value) => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? "a time" : value);
  const plain = (object) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, times(value)]));
  assert.deepEqual(plain(actual), plain(expected));
}

/** A bash that reads what is typed, and stops at the first command that fails. */
class Terminal {
  output = "";
  #child;
  #closed;
  #heard = () => {};
  #lines = 0;

  constructor(number, cwd, env) {
    this.number = number;
    this.#child = start("bash", ["-e"], { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    this.#closed = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.output += text;
        this.#heard();
      });
    }
    this.#closed.then(() => (this.isClosed = true, this.#heard()));
  }

  /** Types this, and resolves with its output once it has ended, or has said all these lines. */
  async type(code, says) {
    const from = this.output.length;
    const mark = `typed ${this.#lines++} in terminal ${this.number}`;
    this.#child.stdin.write(says ? code : `${code}\nprintf "\\n${mark}\\n"\n`);
    const lines = says?.trimEnd().split("\n") ?? [mark];
    const isSaid = () => lines.every((line) => this.output.slice(from).split("\n").includes(line));
    // What ends may have to be compiled first.
    const limit = performance.now() + (says ? 120_000 : 1_500_000);
    while (!isSaid()) {
      assert.ok(!this.isClosed && performance.now() < limit, `terminal ${this.number} ${this.isClosed ? "ended" : "stands still"} at\n${code}\nIt says\n${this.output}`);
      await new Promise((resolve) => {
        this.#heard = resolve;
        setTimeout(resolve, 1_000);
      });
    }
    return this.output.slice(from).replace(`${mark}\n`, "");
  }

  async close() {
    end(this.#child);
    await this.#closed;
  }
}

/** A registry with the two packages, packed from here. */
async function serveRegistry() {
  const pack = async (cwd) => JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd }))[0].filename;
  const packages = new Map();
  const tarballs = new Map();
  const server = createServer((request, response) => {
    const found = packages.get(request.url.slice(1)) ?? tarballs.get(request.url);
    response.writeHead(found ? 200 : 404).end(found instanceof Buffer ? found : JSON.stringify(found ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  for (const source of [root, sandboxPackage]) {
    const tarball = readFileSync(join(folder, await pack(source)));
    const description = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
    const { name, version } = description;
    const path = `/${name}/-/${name}-${version}.tgz`;
    tarballs.set(path, tarball);
    const dist = { tarball: url + path, integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}` };
    packages.set(name, { name, "dist-tags": { latest: version }, versions: { [version]: { ...description, dist } } });
  }
  return { url, close: () => (server.closeAllConnections(), server.close()) };
}

/** A repository of what the working tree has, changes that nobody has committed among it. */
async function copyRepository() {
  const copy = join(folder, "repository");
  await copyTree(copy);
  const git = (...args) => run("git", ["-c", "user.name=tests", "-c", "user.email=tests@localhost", ...args], { cwd: copy });
  await git("init", "--quiet");
  await git("add", "--all", "--force");
  await git("commit", "--quiet", "--message", "the working tree");
  return copy;
}
