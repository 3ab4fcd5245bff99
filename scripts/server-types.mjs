// The types of flinks-reconnect-server from its tarball, under `strict` and `exactOptionalPropertyTypes`: the JavaScript that the documents show compiles, and so
// does valid.mts; each line of invalid.mts that should be refused is; and so is each wrong copy of what README.md shows.

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root, run } from "./command.mjs";
import { folder as serverPackage } from "./server-package.mjs";

const work = join(root, "target/test/server-types");
const pages = ["README.md", "packages/server/README.md", "docs/backend.md"];
/** For Bun and Deno, which have types of their own: those blocks are run instead. */
const isElsewhere = (code) => /\b(Bun|Deno)\.|from "bun:/.test(code);

/** What a slip of the hand makes of README's server, each a line that must not compile. */
const slips = [
  ['secretKey: "secret", ', ""],
  ["bank.deliver", "bank.delivery"],
  ["loginId: ", "login: "],
  ['new DatabaseSync("bank.db")', '"bank.db"'],
  ['=> "alice"', "=> 42"],
  ["flinks-reconnect-server/sqlite", "flinks-reconnect-server/sqlite3"],
];

/** The JavaScript blocks of a page; of README.md those about the backend. */
function snippetsOf(page) {
  const text = readFileSync(join(root, page), "utf8");
  const part = page === "README.md" ? text.slice(text.indexOf("\n## Your backend\n"), text.indexOf("\n## Security\n")) : text;
  return [...part.matchAll(/^```(?:js|ts)\n([^]*?)^```$/gm)].map(([, code]) => code).filter((code) => !isElsewhere(code));
}

/** Compiles everything against this tarball; resolves with what came of it, as rows of a table. */
export async function checkServerTypes(tarball, log) {
  rmSync(work, { recursive: true, force: true });
  const packed = join(work, "node_modules/flinks-reconnect-server");
  mkdirSync(packed, { recursive: true });
  await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", packed], { log });
  // The databases and servers that are used with it.
  const others = join(serverPackage, "test/node_modules");
  for (const name of readdirSync(others)) if (!/^\.|^flinks-reconnect-server$/.test(name)) symlinkSync(join(others, name), join(work, "node_modules", name));
  cpSync(join(serverPackage, "test/types"), work, { recursive: true });

  const shown = pages.map((page) => {
    const snippets = snippetsOf(page);
    snippets.forEach((code, index) => writeFileSync(join(work, `shown-${page.replaceAll("/", "-")}-${index + 1}.mts`), code));
    return { page, count: snippets.length };
  });
  const [server] = snippetsOf("README.md");
  if (!snippetsOf("packages/server/README.md").includes(server)) throw new Failure("packages/server/README.md shows another server than README.md");
  slips.forEach(([right, wrong], index) => {
    if (!server.includes(right)) throw new Failure(`README.md's server has no longer ${right}`);
    writeFileSync(join(work, `slip-${index + 1}.mts`), server.replace(right, wrong));
  });
  const compilerOptions = {
    target: "es2023", module: "nodenext", moduleResolution: "nodenext", moduleDetection: "force", lib: ["es2023", "dom", "dom.iterable"], strict: true, exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true, noEmit: true, skipLibCheck: false, types: ["node"],
  };
  writeFileSync(join(work, "package.json"), '{ "type": "module" }');
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts", "*.d.ts"] }));

  // It has to fail, because there are slips.
  const output = await run(join(root, "node_modules/.bin/tsc"), ["-p", work, "--pretty", "false"], { log }).catch((error) => error.output ?? Promise.reject(error));
  const errors = output.split("\n").filter((line) => /: error TS\d+/.test(line));
  const unexpected = errors.filter((line) => !/\bslip-\d+\.mts\(/.test(line));
  if (unexpected.length) throw new Failure(`what the documents show, or valid.mts, does not compile, or a line of invalid.mts does:\n${unexpected.join("\n")}`);
  const taken = slips.filter((_, index) => !errors.some((line) => line.includes(`slip-${index + 1}.mts(`)));
  if (taken.length) throw new Failure(`these slips compile: ${taken.map(([right, wrong]) => `${right} → ${wrong}`).join("; ")}`);
  const wrong = readFileSync(join(work, "invalid.mts"), "utf8").match(/^ *\/\/ @ts-expect-error /gm)?.length ?? 0;
  if (wrong === 0) throw new Failure("invalid.mts expects no error");
  return [
    ["types of the server package: valid.mts compiles", `${wrong} of ${wrong} wrong lines refused`],
    [`JavaScript of ${shown.filter(({ count }) => count > 0).map(({ page, count }) => `${page} (${count} blocks)`).join(" and ")} compiles under strict`, `${slips.length} of ${slips.length} slips in README's server refused`],
  ];
}
