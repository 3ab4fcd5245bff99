// The package as its users meet it: packed, installed into a copy of each example, built with that framework's own tools, type-checked with
// its own checker, and then driven in real browsers through a whole reconnect (tests/e2e/src/bin/consumers.rs).
//
// The copies stand in target/consumers/examples/, and target/consumers/ is the unpacked tarball, with the server package's in packages/server/: so the examples'
// `file:../..` and `file:../../packages/server` mean the tarballs. Where README.md shows a file of an example, the copy has what README.md shows.

import { appendFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { Failure, find, root, run } from "./command.mjs";
import { buildServerPackage, folder as serverPackage, nodeWithSqlite } from "./server-package.mjs";

const work = join(root, "target/consumers");

/**
 * `tools` are the packages whose versions name the consumer. `served` and `out` are for consumers.rs; a framework that makes HTML out of text cannot be
 * served by the host, under its strict policy, and what is served by `itself` has the server package and a Node with SQLite. `types` are the type tests to be
 * held by `checker`. `instead` replaces what the lock file says.
 * Those that are `everyday` stand for the rest when not all are asked for: one that bundles nothing, and one with a framework and its types.
 */
const consumers = [
  { example: "script-tag", title: "script tag with SRI", served: "host", out: "dist", inEveryEngine: true, everyday: true },
  { example: "esbuild", tools: ["esbuild"], served: "host", out: "dist" },
  { example: "webpack", tools: ["webpack"], served: "host", out: "dist" },
  { example: "vite-react", tools: ["vite", "react"], served: "host", out: "dist", types: "react", checker: "tsc", inEveryEngine: true, everyday: true },
  {
    example: "vite-react",
    folder: "vite-react-18",
    instead: ["react@18.3.1", "react-dom@18.3.1", "@types/react@18.3.28", "@types/react-dom@18.3.7"],
    tools: ["vite", "react"],
    served: "host",
    out: "dist",
    types: "react",
    checker: "tsc",
  },
  { example: "vite-vue", tools: ["vite", "vue"], served: "host", out: "dist", types: "vue", checker: "vue-tsc" },
  { example: "vite-svelte", tools: ["vite", "svelte"], served: "beside", out: "dist", types: "svelte", checker: "svelte-check" },
  { example: "vite-solid", tools: ["vite", "solid-js"], served: "beside", out: "dist", types: "solid", checker: "tsc" },
  { example: "angular", tools: ["@angular/core"], served: "host", out: "dist" },
  { example: "next", tools: ["next", "react"], served: "itself", out: "." },
];

/** The engines beside Chromium: their drivers, and what a program that has no headless mode needs around it. */
const engines = [
  { engine: "chromium", driver: "chromedriver", wrapper: [] },
  { engine: "firefox", driver: "geckodriver", wrapper: [] },
  { engine: "webkit", driver: "WebKitWebDriver", wrapper: ["xvfb-run", "--auto-servernum"] },
];

const columns = ["consumer", "engine", "bundle bytes", "result"];

/** How many of the rows in the log are good, and how many are not. */
export function countRows(output) {
  const rows = output.match(/^\| .* \|$/gm)?.filter((row) => row !== `| ${columns.join(" | ")} |`) ?? [];
  const failed = rows.filter((row) => row.endsWith("| FAILED |")).length;
  return { passed: rows.length - failed, failed, ignored: 0 };
}

/** The files of examples that README.md shows, by their paths: a comment with the paths stands above each. */
export function quickStarts() {
  const shown = new Map();
  const readme = readFileSync(join(root, "README.md"), "utf8");
  for (const [, paths, code] of readme.matchAll(/^<!-- (examples\/[^>]+) -->\n```\w+\n([^]*?)^```$/gm)) {
    for (const path of paths.split(" ")) shown.set(path, code);
  }
  if (shown.size === 0) throw new Failure("README.md no longer shows a file of an example");
  return shown;
}

/** Packs, installs, builds, checks and drives every example, in every engine that it is for; one row each in the log. */
export const consume = (log) => play(log, consumers, engines);

/** The same with the everyday ones, in Chromium. */
export const consumeEveryday = (log) => play(log, consumers.filter(({ everyday }) => everyday), engines.slice(0, 1));

/** Builds the example in Next for production, on the packed packages; resolves with its folder. The package must have been built. */
export async function buildNext(log) {
  const work = join(root, "target/test/next");
  const consumer = consumers.find(({ example }) => example === "next");
  await unpack(work, [consumer], log);
  return (await buildConsumer(consumer, { work, shown: new Map(), row() {}, log })).folder;
}

/** Puts the contents of the tarballs where the dependencies of these consumers' examples are looked for. */
async function unpack(work, consumers, log) {
  rmSync(work, { recursive: true, force: true });
  await unpackOne(root, work, log);
  if (consumers.some(({ served }) => served === "itself")) {
    await buildServerPackage();
    await unpackOne(serverPackage, join(work, "packages/server"), log);
  }
}

async function unpackOne(source, folder, log) {
  mkdirSync(folder, { recursive: true });
  const [{ filename }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: source, log }));
  await run("tar", ["-xzf", filename, "--strip-components=1"], { cwd: folder, log });
}

async function play(log, consumers, engines) {
  await unpack(work, consumers, log);
  const problems = [];
  const row = (...cells) => appendFileSync(join(root, log), `| ${cells.join(" | ")} |\n`);
  const shown = quickStarts();
  const built = [];
  await inTwoLanes(consumers, async (consumer) => {
    try {
      built.push(await buildConsumer(consumer, { work, shown, row, log }));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      row(consumer.folder ?? consumer.example, "–", "–", "FAILED");
      problems.push(error.message);
    }
  });
  row(...columns);
  await importInNode({ row, log }).catch((error) => problems.push(error.message));
  // In the order they are listed in, whichever was ready first.
  built.sort((one, other) => consumers.indexOf(one.consumer) - consumers.indexOf(other.consumer));

  await run("cargo", ["build", "--workspace", "--bin", "consumers", "--example", "sessions"], { log });
  const program = join(process.env.CARGO_TARGET_DIR || join(root, "target"), "debug/consumers");
  for (const { engine, driver, wrapper } of engines) {
    const plan = join(work, `${engine}.json`);
    const driven = built.filter(({ consumer }) => engine === "chromium" || consumer.inEveryEngine);
    writeFileSync(plan, JSON.stringify(driven.map(({ consumer, ...rest }) => ({ served: consumer.served, ...rest }))));
    const [command, ...args] = [...wrapper, program, plan];
    const env = Object.assign({}, ...(await Promise.all(driven.map(({ consumer }) => envOf(consumer)))));
    await run(command, args, { env: { ...env, E2E_ENGINE: engine, E2E_DRIVER: find(driver) }, log }).catch((error) => problems.push(error.message));
  }
  if (problems.length) throw new Failure(problems.join("\n"));
}

/** Two at a time: one downloads while the other builds. */
async function inTwoLanes(all, work) {
  const waiting = [...all];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await work(next);
  };
  await Promise.all([lane(), lane()]);
}

/** The environment of a consumer's programs: one that runs its own server needs a Node with SQLite. */
const envOf = async ({ served }) => (served === "itself" ? { PATH: `${dirname(await nodeWithSqlite())}${delimiter}${process.env.PATH}` } : {});

async function buildConsumer(consumer, { work, shown, row, log }) {
  const folder = join(work, "examples", consumer.folder ?? consumer.example);
  const source = join(root, "examples", consumer.example);
  const isSource = (path) => !/^(node_modules|dist|\.next|bank\.db.*)$/.test(basename(path));
  cpSync(source, folder, { recursive: true, filter: isSource });
  for (const [path, code] of shown) {
    const inExample = path.slice("examples/".length);
    if (inExample.startsWith(`${consumer.example}/`)) writeFileSync(join(folder, inExample.slice(consumer.example.length + 1)), code);
  }

  const env = { ...(await envOf(consumer)), CI: "1", NEXT_TELEMETRY_DISABLED: "1" };
  const npm = (...args) => run("npm", [...args, "--loglevel=error"], { cwd: folder, log, env });
  await npm("ci", "--prefer-offline");
  if (consumer.instead) await npm("install", "--no-save", "--prefer-offline", ...consumer.instead);
  const version = (name) => JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;
  const title = consumer.title ?? consumer.tools.map((name) => `${name} ${version(name)}`).join(" + ");

  if (consumer.types) {
    const { files, wrong } = await checkTypes(consumer, folder, log);
    row(`types: ${title}`, `${consumer.checker} ${version(consumer.checker === "tsc" ? "typescript" : consumer.checker)}`, `${files} compiles`, `${wrong} of ${wrong} wrong lines refused`);
  }
  await npm("run", "build");
  const out = join(folder, consumer.out);
  return { consumer, name: title, folder: out, bytes: javascriptBytes(consumer.served === "itself" ? join(out, ".next/static") : out) };
}

/** What the page could load, in bytes as they are sent without compression. */
const javascriptBytes = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
    .reduce((sum, { parentPath, name }) => sum + readFileSync(join(parentPath, name)).length, 0);

/** How each checker says what it refuses: file and line. */
const checkers = {
  tsc: { args: ["--pretty", "false"], refused: /^(\S+)\((\d+),\d+\): error/gm },
  "vue-tsc": { args: ["--pretty", "false"], refused: /^(\S+)\((\d+),\d+\): error/gm },
  "svelte-check": { args: ["--output", "machine"], refused: /^\d+ (?:ERROR|WARNING) "([^"]+)" (\d+):/gm },
};

/** Runs the framework's own checker over the example and the type tests: it must refuse each line after a "wrong:", and no other. */
async function checkTypes({ types, checker }, folder, log) {
  const tests = join(root, "tests/types", types);
  cpSync(tests, join(folder, "src"), { recursive: true });
  const expected = readdirSync(tests).flatMap((name) =>
    readFileSync(join(tests, name), "utf8")
      .split("\n")
      .flatMap((line, index) => (/(\/\/|<!--) wrong: /.test(line) ? [`src/${name}:${index + 2}`] : [])),
  );
  const { args, refused } = checkers[checker];
  // It has to fail, because there are wrong lines.
  const output = await run(join(folder, "node_modules/.bin", checker), args, { cwd: folder, log }).catch((error) => error.output ?? Promise.reject(error));
  const found = [...output.matchAll(refused)].map(([, file, line]) => `${file}:${line}`);
  const passed = expected.filter((place) => !found.includes(place));
  const others = found.filter((place) => !expected.includes(place));
  if (expected.length === 0) throw new Failure(`${tests} has no wrong lines`);
  if (passed.length) throw new Failure(`${checker} takes what is wrong: ${passed.join(", ")}`);
  if (others.length) throw new Failure(`${checker} refuses what is right: ${others.join(", ")}`);
  return { files: readdirSync(tests).filter((name) => name.startsWith("Valid")).join(", "), wrong: expected.length };
}

/** Every entry in Node, as a server that renders pages has it. */
async function importInNode({ row, log }) {
  const { exports } = JSON.parse(readFileSync(join(work, "package.json"), "utf8"));
  const names = Object.entries(exports)
    .filter(([, target]) => target.default)
    .map(([path]) => path.replace(/^\./, "flinks-reconnect"));
  // In a consumer with React, which one of the entries imports.
  const evaluate = (...args) => run("node", ["--no-warnings", ...args], { cwd: join(work, "examples/vite-react"), log });
  await evaluate("--input-type=module", "--eval", names.map((name) => `await import(${JSON.stringify(name)});`).join(" "));
  await evaluate("--input-type=commonjs", "--eval", names.map((name) => `require(${JSON.stringify(name)});`).join(" "));
  row(`import and require of ${names.length} entries`, `node ${process.versions.node}`, "–", "no error");
}
