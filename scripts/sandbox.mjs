// The npm package flinks-sandbox: crates/sandbox as WebAssembly, with the glue that Node needs, in packages/sandbox/module/dist.

import { join } from "node:path";
import { isMain, main, root } from "./command.mjs";
import { buildNodeModule } from "./node-module.mjs";
import { setUp } from "./setup.mjs";

/** The package's folder. */
export const folder = join(root, "packages/sandbox");
const dist = join(folder, "module/dist");
const module = "flinks-sandbox-module";

/** Builds the module, unless it is what the inputs make. The machine must have been set up. */
export const buildSandbox = () =>
  buildNodeModule({
    name: "flinks-sandbox",
    folder,
    module,
    dist,
    inputs: ["crates/sandbox", "crates/connect", "packages/sandbox/module/src", "packages/sandbox/module/Cargo.toml", "scripts/sandbox.mjs"],
    outputs: ["flinks_sandbox_module.js", "flinks_sandbox_module_bg.wasm"].map((file) => join(dist, file)),
  });

if (isMain(import.meta.url)) {
  await main(async () => {
    await setUp("build");
    await buildSandbox();
  });
}
