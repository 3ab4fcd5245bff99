// Programs: find one, run one, and end them all when we end.
//
// What a program prints goes to a log file, so that the terminal stays readable while nothing is lost.

import { spawn } from "node:child_process";
import { accessSync, constants, createWriteStream, mkdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root: every script works from there, wherever it was called from. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** A failure with its own remedy: it is printed as one line, without a stack. */
export class Failure extends Error {}

/** A program that ended badly. `output` is for the caller that knows what to look for in it. */
export class CommandFailed extends Failure {
  constructor(command, { code, signal, output, log }) {
    const how = signal ? `was ended by ${signal}` : `ended with status ${code}`;
    super(`\`${command}\` ${how}${log ? `; its output is in ${log}` : ""}`);
    Object.assign(this, { code, output, log });
  }
}

/** A program that did not end in time, and was ended. */
export class CommandHung extends Failure {}

/** Whether a program failed because a registry (of crates, of npm packages, of advisories) did not answer. */
export const isUnreachable = (error) => error instanceof CommandFailed && unreachable.test(error.output);

const unreachable = new RegExp(
  [
    // cargo and cargo-deny
    "failed to download|failed to (?:fetch|load|open|acquire)[^\\n]*advisory[- ]d",
    // npm
    "\\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\\b|audit endpoint returned an error",
  ].join("|"),
  "i",
);

/** No program that we run to its end takes this long, except one that hangs. */
const longestMinutes = 20;

const running = new Set();
process.on("exit", () => running.forEach(end));

/** Ends a program with all that it started: a test runner has drivers below it, and those have browsers. */
export function end(child) {
  try {
    process.kill(child.spawnargs[0] === "sudo" ? child.pid : -child.pid);
  } catch {
    // It has ended by itself, or is root's.
  }
}

// Without these handlers a signal would end Node before the `exit` handler above.
for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]]) {
  process.on(signal, () => process.exit(status));
}

/** Starts a program from the project's root; it is ended when we end. */
export function start(program, args, { env = {}, stdio = "inherit", cwd = root } = {}) {
  // A process group of its own, so that it can be ended as a whole; but sudo asks for its password on our terminal.
  const detached = program !== "sudo";
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio, detached });
  if (child.pid) running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/**
 * Runs a program to its end and resolves with what it printed on standard output.
 * `log` (a path below the root) keeps all its output; what takes longer than `limitMinutes` hangs.
 */
export function run(program, args, { env, cwd, log, limitMinutes = longestMinutes } = {}) {
  const child = start(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let late = false;
  const limit = setTimeout(() => ((late = true), end(child)), limitMinutes * 60_000);

  const sink = log && logFile(log);
  let stdout = "";
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => ((stdout += text), (output += text), sink?.write(text)));
  child.stderr.setEncoding("utf8").on("data", (text) => ((output += text), sink?.write(text)));

  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      clearTimeout(limit);
      reject(error.code === "ENOENT" ? new Failure(`\`${program}\` is not installed`) : error);
    });
    child.once("close", (code, signal) => {
      clearTimeout(limit);
      const command = [program, ...args].join(" ");
      const settle = () => {
        if (late) reject(new CommandHung(`\`${command}\` hangs: it was ended after ${limitMinutes} minutes${log ? `; its output is in ${log}` : ""}`));
        else if (code !== 0) reject(new CommandFailed(command, { code, signal, output, log }));
        else resolve(stdout);
      };
      if (sink) sink.end(settle);
      else settle();
    });
  });
}

function logFile(path) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  // Appended to: one step may run several programs. The step's owner empties it.
  return createWriteStream(join(root, path), { flags: "a" });
}

/** The path of the first of these programs that is on `PATH`, or undefined. */
export function find(...programs) {
  for (const program of programs) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, program);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
}

/** Puts a folder first on `PATH`, for us and for every program we start. */
export function prependPath(folder) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  if (!folders.includes(folder)) process.env.PATH = [folder, ...folders].join(delimiter);
}

export const secondsSince = (start) => {
  const seconds = (performance.now() - start) / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
};

/** True when this module (`import.meta.url`) is the script that Node was asked to run, not imported by another. */
export const isMain = (url) => process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);

/** Runs a script's main function; a `Failure` is one line on standard error, and status 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Failure ? `error: ${error.message}` : error);
    process.exit(1);
  }
}
