#!/usr/bin/env node
// `npx flinks-sandbox`: the binary's command line, read by the same code, and `check`.

import { Sandbox, SandboxError } from "./index.js";
import { module } from "./module.js";

const args = process.argv.slice(2);

function refuse(line) {
  process.stderr.write(`flinks-sandbox: ${line}\n`);
  process.exitCode = 2;
}

async function run(options) {
  const sandbox = await Sandbox.start(options);
  process.stdout.write(module().announcement(JSON.stringify(sandbox.options)));
  await new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, resolve);
  });
  await sandbox.stop();
}

const readFlags = (given) => JSON.parse(module().read_flags(given));

if (args[0] === "check") {
  const { check } = await import("./check/index.js");
  process.exitCode = await check(args.slice(1), readFlags);
} else {
  const { run: options, print, refuse: line } = readFlags(args);
  if (line !== undefined) refuse(line);
  else if (print !== undefined) process.stdout.write(print);
  else {
    try {
      await run(options);
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      refuse(error.message);
    }
  }
}
