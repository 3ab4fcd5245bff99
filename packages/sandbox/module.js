// The WebAssembly module: compiled once, when the first sandbox needs it. It has no clock and no randomness of its own; both are told here.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import * as glue from "./module/dist/flinks_sandbox_module.js";

let isReady = false;

/** The module's functions, at the present time. */
export function module() {
  if (!isReady) {
    const bytes = readFileSync(new URL("./module/dist/flinks_sandbox_module_bg.wasm", import.meta.url));
    glue.initSync({ module: new WebAssembly.Module(bytes) });
    glue.seed(randomBytes(32));
    isReady = true;
  }
  // Not `Date.now()`, which goes back when somebody sets the machine's clock.
  glue.tell_time(performance.timeOrigin + performance.now());
  return glue;
}
