// Set-up: whatever the machine still lacks for a goal gets installed; on a ready machine it does and says nothing.
//
//   node scripts/setup.mjs build     what building the package needs
//   node scripts/setup.mjs test      that, and what the tests need: browsers, drivers, more tools
//
// Tools that come neither from Debian nor from npm go to a cache of the user's, so that the next clone finds them.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure, find, isMain, main, prependPath, root, run, secondsSince } from "./command.mjs";
import { aptInstall, aptUnpack, asRoot } from "./debian.mjs";
import { cargoTools, schemathesisVersion } from "./versions.mjs";
import { clippyWorks, installClippy, installWasmTarget, wasmEnv } from "./wasm-target.mjs";

/** Where tools are installed. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "flinks-reconnect/tools");
/** One folder for building those from source: what they have in common is built once. */
const toolBuilds = join(root, "target/setup/build");

const schemathesisHome = join(cache, `schemathesis-${schemathesisVersion}`);

/** The path of a Python program; not on `PATH`, where its environment's Python would come with it. */
export const schemathesisProgram = join(schemathesisHome, "bin/schemathesis");

const nginxHome = join(cache, "nginx");

/** The path of nginx: the machine's, which Debian keeps off the `PATH` of ordinary users, or the one that was unpacked for the tests. */
export const nginxProgram = () => find("nginx") ?? ["/usr", join(nginxHome, "usr")].map((folder) => join(folder, "sbin/nginx")).find(existsSync);

/** These tools work for a second or two: what takes long is building them, so nothing is optimised. */
const quickBuild = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  CARGO_PROFILE_RELEASE_DEBUG: "0",
  CARGO_PROFILE_RELEASE_STRIP: "debuginfo",
};

// A step: `done()` looks, `work(log)` installs, `remedy` is for the person it failed for.
// Steps of one `lane` run one after the other, lanes side by side: two apts or two cargo builds only get in each other's way.

const steps = {
  "c-compiler": {
    title: "C compiler",
    lane: "system",
    done: () => find("cc"),
    work: (log) => debianPackages(["gcc", "libc6-dev"], log),
    remedy: "install a C compiler: Rust links with `cc`",
  },
  "c++-compiler": {
    title: "C++ compiler",
    lane: "system",
    // libFuzzer is C++.
    done: () => find("c++"),
    work: (log) => debianPackages(["g++"], log),
    remedy: "install a C++ compiler",
  },
  "wasm-target": {
    title: "Rust for WebAssembly",
    lane: "system",
    done: () => wasmEnv(),
    work: installWasmTarget,
    remedy: "run `rustup target add wasm32-unknown-unknown`",
  },
  clippy: {
    title: "clippy for WebAssembly",
    lane: "system",
    done: clippyWorks,
    work: installClippy,
    remedy: "run `rustup component add clippy`",
  },
  chromium: browser("Chromium", [["chromium", "chromium-browser", "google-chrome"], ["chromedriver"]], ["chromium", "chromium-driver"]),
  firefox: browser("Firefox", [["firefox-esr", "firefox"]], ["firefox-esr"]),
  webkit: browser("WebKit", [["WebKitWebDriver"], ["xvfb-run"], ["xauth"]], ["webkit2gtk-driver", "xvfb", "xauth"]),
  schemathesis: {
    title: `schemathesis ${schemathesisVersion}`,
    lane: "python",
    done: () => versionOf(schemathesisProgram) === schemathesisVersion,
    work: installSchemathesis,
    remedy: "install Python 3.10 or later with venv, check the network, then try again",
  },
  valgrind: {
    title: "valgrind",
    lane: "system",
    done: () => find("valgrind"),
    // Without the C library's debug symbols it cannot watch that library's memory functions, and refuses to start.
    work: (log) => debianPackages(["valgrind", "libc6-dbg"], log),
    remedy: "install valgrind",
  },
  postgres: {
    title: "Postgres",
    lane: "system",
    done: () => (find("initdb") && find("pg_ctl")) || debiansPostgres(),
    work: installPostgres,
    remedy: "install Postgres' server (Debian: apt-get install postgresql), or put its initdb and pg_ctl on PATH",
  },
  nginx: {
    title: "nginx",
    lane: "system",
    done: () => nginxProgram() && succeeds(nginxProgram(), "-v"),
    work: unpackNginx,
    remedy: "install nginx (Debian: apt-get install nginx), or put it on PATH",
  },
  npm: {
    title: "npm packages",
    lane: "npm",
    done: () => modified("node_modules/.package-lock.json") >= modified("package-lock.json"),
    work: (log) => run("npm", ["ci"], { log }),
    remedy: "check the network, then run `npm ci`",
  },
  foreign: {
    title: "libraries of other people's pages",
    lane: "npm",
    done: () => modified("tests/foreign/node_modules/.package-lock.json") >= modified("tests/foreign/package-lock.json"),
    work: (log) => run("npm", ["ci", "--prefer-offline"], { cwd: join(root, "tests/foreign"), log }),
    remedy: "check the network, then run `npm ci` in tests/foreign",
  },
  "server-tests": {
    title: "what the server package is tested with",
    lane: "npm",
    done: () => modified("packages/server/test/node_modules/.package-lock.json") >= modified("packages/server/test/package-lock.json"),
    work: (log) => run("npm", ["ci", "--prefer-offline"], { cwd: join(root, "packages/server/test"), log }),
    remedy: "check the network, then run `npm ci` in packages/server/test",
  },
  ...Object.fromEntries(Object.keys(cargoTools).map((crate) => [crate, cargoTool(crate)])),
};

const goals = {
  build: ["c-compiler", "wasm-target", "wasm-bindgen-cli", "npm"],
  test: Object.keys(steps),
};

/** Brings the machine to where it can do the named goals or steps. */
export async function setUp(...names) {
  if (!find("cargo")) throw new Failure("Rust is not installed; get it from https://rustup.rs");
  const wanted = [...new Set(names.flatMap((name) => goals[name] ?? [name]))];
  const lanes = new Set(wanted.map((name) => steps[name].lane));
  await Promise.all([...lanes].map(async (lane) => {
    for (const name of wanted.filter((name) => steps[name].lane === lane)) await take(name, steps[name]);
  }));
  rmSync(toolBuilds, { recursive: true, force: true });
}

async function take(name, step) {
  if (step.done()) return;
  const log = `target/setup/${name}.log`;
  rmSync(join(root, log), { force: true });
  const started = performance.now();
  console.log(`set-up: ${step.title} …`);
  try {
    await step.work(log);
    if (!step.done()) throw new Failure(`it still does not work; the output is in ${log}`);
    console.log(`set-up: ${step.title} … ${secondsSince(started)}`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`set-up of ${step.title} failed: ${error.message}. Remedy: ${step.remedy}`);
  }
}

/** A browser and its driver: `programs` lists what must be there, each by its possible names. */
function browser(title, programs, packages) {
  return {
    title,
    lane: "system",
    done: () => programs.every((names) => find(...names)),
    work: (log) => debianPackages(packages, log),
    remedy: `install ${programs.map(([name]) => name).join(", ")} (Debian: apt-get install ${packages.join(" ")})`,
  };
}

function debianPackages(packages, log) {
  if (!find("apt-get")) throw new Failure("this system has no apt-get");
  return aptInstall(packages, log);
}

/** A tool that cargo builds from source: used from `PATH` if it has the right version, else from our cache. */
function cargoTool(crate) {
  const { version, programs } = cargoTools[crate];
  const home = join(cache, `${crate}-${version}`);
  return {
    title: `${crate} ${version}`,
    lane: "tools",
    done() {
      if (programs.every((program) => existsSync(join(home, "bin", program)))) prependPath(join(home, "bin"));
      return programs.every((program) => find(program)) && versionOf(programs[0]) === version;
    },
    // Not `--locked`: wasm-bindgen-cli's own lock file names a crate version that has been withdrawn.
    work: (log) => run(
      "cargo",
      ["install", crate, "--version", `=${version}`, "--root", home, ...programs.flatMap((program) => ["--bin", program])],
      { log, env: { ...quickBuild, CARGO_TARGET_DIR: toolBuilds } },
    ),
    remedy: `check the network, then run \`cargo install ${crate} --version ${version}\``,
  };
}

/** The folder of Postgres' server programs, which Debian keeps off `PATH`. */
function debiansPostgres() {
  const versions = "/usr/lib/postgresql";
  const folders = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, "bin")) : [];
  return folders.find((folder) => ["initdb", "pg_ctl"].every((program) => existsSync(join(folder, program))));
}

/** The programs alone: the tests start servers of their own, and the machine needs none, which Debian would set up and start. */
async function installPostgres(log) {
  await debianPackages(["postgresql-common"], log);
  const settings = "/etc/postgresql-common/createcluster.d";
  const setting = `${settings}/flinks-reconnect.conf`;
  await asRoot(["sh", "-c", `mkdir -p ${settings} && echo "create_main_cluster = false" > ${setting}`], log);
  try {
    await debianPackages(["postgresql"], log);
  } finally {
    await asRoot(["rm", setting], log);
  }
}

/** The program alone: the tests start servers of their own, and an installation would start one on port 80. */
function unpackNginx(log) {
  if (!find("apt-get")) throw new Failure("this system has no apt-get");
  return aptUnpack("nginx", nginxHome, log);
}

async function installSchemathesis(log) {
  const environment = (python) => run(python, ["-m", "venv", "--clear", schemathesisHome], { log });
  try {
    await environment("python3");
  } catch (error) {
    // There is no Python, or Debian's without the part that makes environments.
    if (!(error instanceof Failure)) throw error;
    await debianPackages(["python3", "python3-venv"], log);
    await environment("/usr/bin/python3");
  }
  await run(join(schemathesisHome, "bin/pip"), ["install", "--disable-pip-version-check", "--requirement", "scripts/schemathesis.txt"], { log });
}

function versionOf(program) {
  try {
    return /\d+\.\d+\.\d+\S*/.exec(execFileSync(program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }))?.[0];
  } catch {
    // Broken, or built for another machine: as good as absent.
    return undefined;
  }
}

function succeeds(program, ...args) {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const modified = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (isMain(import.meta.url)) {
  await main(() => {
    const goal = process.argv[2] ?? "build";
    if (!Object.hasOwn(goals, goal)) throw new Failure(`set-up knows the goals ${Object.keys(goals).join(" and ")}, not "${goal}"`);
    return setUp(goal);
  });
}
