// The package where component tests run: in jsdom, whose window has neither what the widget needs nor, as in Jest, a TextDecoder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { build } from "esbuild";

const root = new URL("../../", import.meta.url);
const require = createRequire(new URL("tests/foreign/package.json", root));
const { JSDOM } = require("jsdom");

/** Runs this in a window of jsdom, which has the package's entries by their names. */
async function inWindow(script) {
  const entries = ["flinks-reconnect", "flinks-reconnect/element", "flinks-reconnect/testing"];
  const contents = entries.map((name, index) => `import * as entry${index} from ${JSON.stringify(name)};`).join("\n");
  const names = entries.map((name, index) => `${JSON.stringify(name)}: entry${index}`).join();
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: `${contents}\nwindow.entries = { ${names} };`, resolveDir: fileURLToPath(root) },
    bundle: true, write: false, format: "iife", logLevel: "error",
  });
  const { window } = new JSDOM("<!doctype html><html lang=en><body></body></html>", { runScripts: "outside-only", url: "https://host.test/" });
  window.eval(text);
  return window.eval(`(async () => { ${script} })()`);
}

test("it can be imported, and reconnect() says what a component test can do instead", async () => {
  const [hasDecoder, code, message] = await inWindow(`
    try {
      entries["flinks-reconnect"].reconnect({ instance: "toolbox", requestId: "9022abc2-8a2e-4b06-a06e-c3e5449c4d10" });
    } catch (error) {
      return [typeof TextDecoder !== "undefined", error.code, error.message];
    }`);
  assert.equal(hasDecoder, false, "jsdom has a TextDecoder now: the test no longer shows that importing works without");
  assert.equal(code, "UNSUPPORTED");
  assert.match(message, /imports `flinks-reconnect\/testing` instead/);
});

test("the element says the same", async () => {
  const code = await inWindow(`
    const element = document.createElement("flinks-reconnect");
    element.setAttribute("start", "/start");
    const failed = new Promise((resolve) => element.addEventListener("failed", ({ detail }) => resolve(detail.code)));
    document.body.append(element);
    return failed;`);
  assert.equal(code, "UNSUPPORTED");
});

test("a test drives a session through phases, failures and results", async () => {
  const said = await inWindow(`
    const { reconnect, sessions, ReconnectError, EVENTS } = entries["flinks-reconnect/testing"];
    const told = [];
    const endings = [];
    // As an application has it.
    const open = () => {
      const session = reconnect({ start: "/start", deliver: "/deliver" });
      for (const name of EVENTS) session.addEventListener(name, ({ detail }) => told.push(name + " " + (detail.phase ?? detail.step)));
      return session;
    };
    const first = open();
    const [session] = sessions;
    session.enter("loading").enter("active").emit("step", { step: "COMPONENT_LOAD_MFA", institution: null });
    let error;
    first.addEventListener("attemptfailed", ({ detail }) => ({ error } = detail));
    session.fail("LOAD_TIMEOUT", { retryable: true });
    endings.push([error instanceof ReconnectError, error.code, error.phase, error.retryable], first.retry(), first.retry());
    session.enter("active").succeed({ loginId: "login-0001" });
    session.fail("INTERNAL");
    endings.push(await first.result);
    const second = open();
    sessions.at(-1).cancel();
    endings.push(await second.result.catch(({ code }) => code));
    const third = reconnect({ start: "/start", signal: AbortSignal.abort() });
    endings.push(await third.result.catch(({ code }) => code), third.phase, first === session, sessions.length);
    return JSON.stringify({ told, endings });`);
  const { told, endings } = JSON.parse(said);
  assert.deepEqual(told, [
    "phasechange loading", "phasechange active", "step COMPONENT_LOAD_MFA", "phasechange failed", "attemptfailed undefined", "phasechange starting", "phasechange active", "phasechange done",
    "phasechange closed",
  ]);
  const [failed, isOffered, isOfferedAgain, done, ...rest] = endings;
  assert.deepEqual([isOffered, isOfferedAgain], [true, false]);
  assert.deepEqual(failed, [true, "LOAD_TIMEOUT", "active", true]);
  assert.equal(done.status, "reconnected");
  assert.equal(done.loginId, "login-0001");
  assert.deepEqual(rest, ["CANCELLED", "CLOSED", "closed", true, 3]);
});

test("dismissed waits while a failure is shown, and comes with what takes it away", async () => {
  const said = await inWindow(`
    const { reconnect } = entries["flinks-reconnect/testing"];
    const ways = {
      "closed by the page": (session) => session.close(), "closed by the user": (session) => session.cancel(), "a success": (session) => (session.retry(), session.succeed()),
    };
    const found = {};
    for (const [name, leave] of Object.entries(ways)) {
      const session = reconnect({ start: "/start" });
      let isDismissed = false;
      session.dismissed.then(() => (isDismissed = true));
      session.fail("LOAD_TIMEOUT", { retryable: true });
      await null;
      const early = isDismissed;
      leave(session);
      await session.dismissed;
      found[name] = [early, await session.result.then(({ status }) => status, ({ code }) => code)];
    }
    return JSON.stringify(found);`);
  assert.deepEqual(JSON.parse(said), {
    "closed by the page": [false, "LOAD_TIMEOUT"], "closed by the user": [false, "LOAD_TIMEOUT"], "a success": [false, "reconnected"],
  });
});

test("a test makes errors of its own", async () => {
  const said = await inWindow(`
    const { ReconnectError } = entries["flinks-reconnect"];
    const error = new ReconnectError({ code: "BUSY", retryable: true });
    return JSON.stringify([error instanceof Error, error.name, error.code, error.retryable, error.flinksCode, error.phase, error.message.length > 0, new ReconnectError({ code: "BUSY" }, "mine").message]);`);
  assert.deepEqual(JSON.parse(said), [true, "ReconnectError", "BUSY", true, null, "starting", true, "mine"]);
});

test("it brings no WebAssembly", () => {
  const text = readFileSync(new URL("dist/testing.js", root), "utf8");
  assert.ok(text.length < 8000, `${text.length} characters`);
  assert.doesNotMatch(text, /WebAssembly\.[A-Z]|initSync/);
});

test("tools that read no `exports` find every entry", () => {
  const { exports, files, typesVersions } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const entries = Object.entries(exports).filter(([path]) => path !== "." && path !== "./package.json");
  for (const [path, target] of entries) {
    assert.deepEqual(typesVersions["*"][path.slice(2)], [target.types], path);
    if (!target.default) continue;
    assert.ok(files.includes(path.slice(2)), path);
    const { main, types } = JSON.parse(readFileSync(new URL(`${path}/package.json`, root), "utf8"));
    assert.deepEqual([main, types], [`.${target.default}`, `.${target.types}`], path);
  }
});
