// `npm run size`: what the package adds to a page, against the budget and beside what a user would pick instead.
//
//   npm run size                 ours and theirs (installed from npm into target/size)
//   npm run size -- --write      the same, and into BENCHMARKS.md
//   npm run size -- --own        ours only, without a network
//
// Every figure is what a user's bundler makes of a one-line consumer: bundled and minified, React outside. tests/size has the consumers, the
// versions of the others, and the budget, in bytes after brotli.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { own, rivals } from "../tests/size/entries.mjs";
import { grouped, publish, table } from "./benchmarks.mjs";
import { build } from "./build.mjs";
import { Failure, main, root } from "./command.mjs";
import { installRivals, store } from "./rivals.mjs";
import { setUp } from "./setup.mjs";

/** Ten packets, and then twenty. */
const aim = 43_800;

/** The sizes of our entries as a table, and what is above its budget. */
async function weighOurs() {
  const budget = JSON.parse(readFileSync(join(root, "tests/size/budget.json"), "utf8"));
  const rows = [];
  const problems = [];
  for (const [name, entry] of Object.entries(own)) {
    const size = weigh(entry.file ? readFileSync(join(root, entry.file)) : await bundle(entry, root));
    const limit = budget[name];
    if (!limit) throw new Failure(`tests/size/budget.json has no "${name}"`);
    const excess = size.brotli - limit;
    if (excess > 0) problems.push(`${name} has ${grouped(size.brotli)} B, ${grouped(excess)} B more than its budget`);
    rows.push([name, ...figures(size), grouped(limit), excess > 0 ? `**${grouped(excess)} B above**` : "kept"]);
  }
  return { lines: table(["entry", "raw", "gzip -9", "brotli 11", "budget", ""], rows), problems };
}

/** The same for the others. What is said of them is looked up in what was installed. */
async function weighTheirs() {
  await installRivals();
  const rows = [];
  for (const [name, { consumer, not, proof }] of Object.entries(rivals)) {
    const folder = join(store, "node_modules", name);
    for (const [file, pattern, isThere] of proof) {
      if (pattern.test(readFileSync(join(folder, file), "utf8")) !== isThere) {
        throw new Failure(`tests/size/entries.mjs says that ${name} has${isThere ? "" : " no"} ${pattern} in ${file}; look again, and at "${not}"`);
      }
    }
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    rows.push([`${name} ${version}`, ...figures(weigh(await bundle({ consumer }, store))), not]);
  }
  return table(["instead", "raw", "gzip -9", "brotli 11", "not in it"], rows);
}

/** What a bundler puts into a page for this consumer, which finds packages from `folder`. */
async function bundle({ consumer, charset = "utf8" }, folder) {
  const { build: esbuild } = await import("esbuild");
  const { outputFiles: [{ contents }] } = await esbuild({
    stdin: { contents: consumer, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    charset,
    external: ["react", "react/*", "react-dom", "react-dom/*"],
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
    logLevel: "error",
  });
  return contents;
}

function weigh(contents) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: contents.length };
  return { raw: contents.length, gzip: gzipSync(contents, { level: 9 }).length, brotli: brotliCompressSync(contents, { params }).length };
}

const figures = ({ raw, gzip, brotli }) => [raw, gzip, brotli].map(grouped);

await main(async () => {
  const { values: { own: isOwn, write } } = parseArgs({ options: { own: { type: "boolean" }, write: { type: "boolean" } } });
  await setUp("build");
  await build();
  const { lines, problems } = await weighOurs();
  if (!isOwn) {
    lines.push("", `The aim for the first is ${grouped(aim)} B: what a server sends in the first two round trips.`, "", ...(await weighTheirs()));
  }
  console.log(lines.join("\n"));
  if (write) publish("size", "npm run size", lines);
  if (problems.length) throw new Failure(problems.join("; "));
});
