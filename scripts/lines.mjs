// How many lines of server code an integrator writes: by hand, and on flinks-reconnect-server. Blank lines and comments do not count; an application's own sign-in does.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";

/** By the name that README.md's table has: the files, or the text itself. */
const backends = {
  "by hand, [examples/python](examples/python)": ["examples/python/backend.py"],
  "[examples/express](examples/express/server.mjs)": ["examples/express/server.mjs"],
  "[examples/next](examples/next/server/application.js)": ["examples/next/server/application.js", "examples/next/instrumentation.js", "examples/next/app/api/[...path]/route.js"],
};

/** The lines that are neither blank nor a comment. A string that is a statement by itself is one of Python's. */
export function countLines(code, isPython = false) {
  const withoutBlocks = isPython
    ? code.replace(/^([^\S\n]*|.*?)"""[^]*?"""/gm, (all, before) => (before.trim() === "" ? "" : all))
    : code.replace(/^[^\S\n]*\/\*[^]*?\*\/[^\S\n]*$/gm, "");
  return withoutBlocks.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith(isPython ? "#" : "//")).length;
}

/** `[name, lines]` for each. */
export function countedBackends() {
  const read = (path) => readFileSync(join(root, path), "utf8");
  const readme = read("README.md");
  const chapter = readme.slice(readme.indexOf("\n## Your backend\n"));
  const server = /^```js\n([^]*?)^```$/m.exec(chapter)[1];
  const counted = Object.entries(backends).map(([name, paths]) => [name, paths.map((path) => countLines(read(path), path.endsWith(".py"))).reduce((sum, lines) => sum + lines)]);
  return [...counted, ["the lines above", countLines(server)]];
}
