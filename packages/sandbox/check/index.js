// `npx flinks-sandbox check`: the rules of docs/backend.md against anybody's backend, which uses this sandbox as its Flinks.
//
// It ends with 0 when nothing failed, 1 when a row failed, and 2 when it could not run: nothing reachable, nobody signed in, another sandbox.

import { writeFileSync } from "node:fs";
import { Sandbox, SandboxError } from "../index.js";
import { asJson, asJunit, asText, helpOf, lineOf } from "./report.js";
import { rows } from "./rows.js";
import { Run } from "./run.js";
import { Broken, CannotRun, NotTried } from "./verdict.js";

/** Runs the check with this command line; `readFlags` reads the sandbox's own flags. Resolves with the exit status. */
export async function check(args, readFlags) {
  let options;
  try {
    options = parse(args);
    if (options.help) return process.stdout.write(helpOf(rows)), 0;
    // Data is there at once, unless somebody asks for less: no row is about how long it takes, and after each the backend must be done with it.
    const isAsked = options.rest.some((flag) => flag.startsWith("--processing-ms"));
    const { run, refuse } = readFlags(isAsked ? options.rest : [...options.rest, "--processing-ms", "0"]);
    if (refuse !== undefined) throw new CannotRun(refuse);
    if (!run) throw new CannotRun("check takes the sandbox's flags, and no other command");
    const secret = run.webhook?.secret;
    const sandbox = await Sandbox.start(run);
    try {
      return await report(options, await tryAll(sandbox, { ...options, webhookSecret: options.webhookSecret ?? secret }));
    } finally {
      await sandbox.stop();
    }
  } catch (error) {
    if (!(error instanceof CannotRun) && !(error instanceof SandboxError)) throw error;
    return report(options ?? { json: args.includes("--json") }, { reason: error.message, results: [] });
  }
}

/** Our own flags; what is left is the sandbox's. */
function parse(args) {
  const options = { headers: {}, otherHeaders: {}, only: [], rest: [] };
  const header = (into, text) => {
    const at = text.indexOf(":");
    if (at < 1) throw new CannotRun('--header: expected "Name: value"');
    into[text.slice(0, at).trim()] = text.slice(at + 1).trim();
  };
  const url = (flag, text) => {
    if (!URL.canParse(text) || !/^https?:/.test(text)) throw new CannotRun(`${flag}: expected an http or https address`);
    return text;
  };
  const flags = {
    "--start": (value) => (options.start = url("--start", value)),
    "--deliver": (value) => (options.deliver = url("--deliver", value)),
    "--webhook": (value) => (options.webhook = url("--webhook", value)),
    "--header": (value) => header(options.headers, value),
    "--other-header": (value) => header(options.otherHeaders, value),
    "--only": (value) => options.only.push(...value.split(",")),
    "--junit": (value) => (options.junit = value),
    "--webhook-secret": (value) => (options.webhookSecret = value),
  };
  for (let at = 0; at < args.length; at += 1) {
    const [name, inline] = args[at].split(/=(.*)/s, 2);
    if (name === "--json" || name === "--help") options[name.slice(2)] = true;
    else if (name === "--require-all") options.requireAll = true;
    else if (Object.hasOwn(flags, name)) {
      const value = inline ?? args[(at += 1)];
      if (value === undefined) throw new CannotRun(`${name}: a value is missing`);
      flags[name](value);
    } else options.rest.push(args[at]);
  }
  if (options.help) return options;
  for (const needed of ["start", "deliver"]) if (!options[needed]) throw new CannotRun(`--${needed}: the address of the backend's ${needed} endpoint is missing`);
  return options;
}

async function tryAll(sandbox, options) {
  const isWanted = ({ id }) => options.only.length === 0 || options.only.some((only) => id === only || id.startsWith(`${only}.`));
  const planned = rows.filter(isWanted);
  if (planned.length === 0) throw new CannotRun(`--only: no row is called ${options.only.join(" or ")}; --help lists them`);
  const login = await preflight(sandbox, options);
  const results = [];
  for (const row of planned) {
    results.push(await tryRow(row, sandbox, login, options));
    if (!options.json) process.stdout.write(`${lineOf(results.at(-1))}\n`);
  }
  return { results };
}

/** Nothing must be green, or red, because nothing could be tried. Resolves with the login that the connection belongs to. */
async function preflight(sandbox, options) {
  await sandbox.reset();
  const run = new Run(sandbox, options);
  const reply = await run.start().catch((error) => {
    throw error instanceof Broken ? new CannotRun(`start: ${error.message}`) : error;
  });
  const calls = await run.calls();
  if ([401, 403].includes(reply.status) && calls.length === 0) throw new CannotRun(`start answers ${reply.status}: give what signs a user in by --header "Name: value"`);
  if (reply.status === 404) throw new CannotRun("start answers 404: is the address right, and does the connection exist?");
  if (calls.length === 0) {
    const isBusy = reply.body?.status === "upToDate";
    const more = isBusy ? "; or it still waits for the data of a result from before: begin with an empty database" : "";
    throw new CannotRun(`start answers ${isBusy ? "upToDate" : reply.status}, and no call reached this sandbox: point the backend's Flinks at ${sandbox.apiUrl}${more}`);
  }
  const refused = calls.filter(({ code }) => code === "UNAUTHORIZED");
  if (refused.length === calls.length) throw new CannotRun("the sandbox refused the backend's keys: give both the same (--secret-key, --api-key, --customer-id)");
  const asked = calls.find(({ body }) => body?.LoginId);
  if (!asked) throw new CannotRun("start did not ask Flinks about a stored login: the connection needs one that the sandbox knows, as 0d5a3c10-0001-4000-8000-000000000001");
  return asked.body.LoginId;
}

async function tryRow(row, sandbox, login, options) {
  const run = new Run(sandbox, options);
  run.login = login;
  const begun = performance.now();
  const result = (state, more = {}) => ({ id: row.id, says: row.says, see: row.see, state, ms: Math.round(performance.now() - begun), ...more });
  try {
    await sandbox.reset();
    await row.try(run);
    return result("ok");
  } catch (error) {
    if (error instanceof NotTried) return result("not tried", { reason: error.message });
    if (error instanceof Broken) return result("FAIL", { expected: error.expected, got: error.got, change: error.change, exchange: run.exchange });
    throw error;
  } finally {
    await sandbox.faults({});
    await run.settle();
  }
}

/** Prints what came of it; the exit status. */
function report(options, outcome) {
  const text = options.json ? asJson(outcome, rows) : asText(outcome);
  process.stdout.write(text);
  if (outcome.reason && !options.json) process.stderr.write(`flinks-sandbox check: ${outcome.reason}\n`);
  if (options.junit) writeFileSync(options.junit, asJunit(outcome));
  if (outcome.reason) return 2;
  const isBad = ({ state }) => state === "FAIL" || (options.requireAll && state === "not tried");
  return outcome.results.some(isBad) ? 1 : 0;
}
