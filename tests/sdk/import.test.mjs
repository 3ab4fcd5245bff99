// The package in Node, where a server renders the pages that use it: importing does nothing, calling says why it cannot.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");

/** What each entry exports; a name more is a promise nobody meant to make. */
const entries = {
  "flinks-reconnect": ["EVENTS", "ReconnectError", "reconnect", "version"],
  "flinks-reconnect/element": ["FlinksReconnectElement"],
  "flinks-reconnect/react": ["FlinksReconnect", "useReconnect"],
  "flinks-reconnect/global": [],
};

/** Everything an import could do that a page or a server would notice. */
const effects = ["fetch", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "atob", "WebAssembly", "XMLHttpRequest"];

/** React's own module may do as it likes. */
await import("react");

/** What stands in the places that everybody shares. */
const names = () => [globalThis, Object.prototype, Array.prototype, EventTarget.prototype].map((shared) => Reflect.ownKeys(shared).map(String));

/** Imports with every effect trapped; says what was noticed. */
async function watched(name) {
  const noticed = [];
  const saved = effects.map((effect) => [effect, Object.getOwnPropertyDescriptor(globalThis, effect)]);
  const before = names();
  let module;
  for (const [effect, descriptor] of saved) {
    if (!descriptor) continue;
    const trap = () => {
      // Node's own loader uses some of them while it reads the file.
      if (new Error().stack.includes("/dist/")) noticed.push(effect);
      return descriptor.get ? descriptor.get.call(globalThis) : descriptor.value;
    };
    Object.defineProperty(globalThis, effect, { configurable: true, get: trap });
  }
  try {
    module = await import(name);
  } finally {
    for (const [effect, descriptor] of saved) if (descriptor) Object.defineProperty(globalThis, effect, descriptor);
  }
  assert.deepEqual(names(), before, `${name} added a global or changed a prototype`);
  assert.deepEqual(noticed, [], `${name} used ${noticed} while it was imported`);
  return module;
}

for (const [name, exported] of Object.entries(entries)) {
  test(`importing ${name} has no side effect and exports exactly ${exported.join(", ")}`, async () => {
    const module = await watched(name);
    assert.deepEqual(Object.keys(module).sort(), exported);
  });
}

test("the version is the package's", async () => {
  const { version } = await import("flinks-reconnect");
  assert.equal(version, JSON.parse(read("package.json")).version);
});

test("the list of events cannot mislead: every one is a string, once", async () => {
  const { EVENTS } = await import("flinks-reconnect");
  assert.ok(EVENTS.every((name) => typeof name === "string"));
  assert.equal(new Set(EVENTS).size, EVENTS.length);
});

function thrownBy(action) {
  try {
    action();
  } catch (error) {
    return error;
  }
  assert.fail("nothing was thrown");
}

test("a browser that compiles no module of this size at once is told which one does", async () => {
  const { reconnect } = await import("flinks-reconnect");
  const { Module } = WebAssembly;
  const browser = { document: {}, HTMLDialogElement: class { showModal() {} }, CSSStyleSheet: class { replaceSync() {} } };
  Object.assign(globalThis, browser);
  WebAssembly.Module = class {
    constructor() {
      throw new RangeError("WebAssembly.Compile is disallowed on the main thread, if the buffer size is larger than 4KB.");
    }
  };
  try {
    const error = thrownBy(() => reconnect(calls["good options"]));
    assert.equal(error.code, "UNSUPPORTED");
    assert.match(error.message, /Chromium 115 or later/);
    // Its twin: what a Content-Security-Policy refuses.
    WebAssembly.Module = class {
      constructor() {
        throw new WebAssembly.CompileError("Refused to compile or instantiate WebAssembly module");
      }
    };
    assert.match(thrownBy(() => reconnect(calls["good options"])).message, /wasm-unsafe-eval/);
  } finally {
    WebAssembly.Module = Module;
    for (const name of Object.keys(browser)) delete globalThis[name];
  }
});

const secret = "9022abc2-8a2e-4b06-a06e-c3e5449c4d10";
const calls = {
  "good options": { instance: "toolbox", requestId: secret },
  "bad options": { instance: "https://evil.test/", requestId: 5, nonsense: true },
  "no options": undefined,
  null: null,
};
for (const [title, options] of Object.entries(calls)) {
  test(`reconnect() with ${title} throws UNSUPPORTED in Node`, async () => {
    const { ReconnectError, reconnect } = await import("flinks-reconnect");
    const error = thrownBy(() => reconnect(options));
    assert.ok(error instanceof ReconnectError);
    assert.equal(error.code, "UNSUPPORTED");
  });
}

test("a ReconnectError has its fields and nothing that should stay out of a log", async () => {
  const { reconnect } = await import("flinks-reconnect");
  const error = thrownBy(() => reconnect(calls["good options"]));
  assert.ok(error instanceof Error);
  const { name, code, flinksCode, httpStatus, retryable, phase } = error;
  assert.deepEqual(
    { name, code, flinksCode, httpStatus, retryable, phase },
    { name: "ReconnectError", code: "UNSUPPORTED", flinksCode: null, httpStatus: null, retryable: false, phase: "starting" },
  );
  assert.match(error.message, /wasm-unsafe-eval/);
  assert.ok(!`${error.stack} ${JSON.stringify(error)}`.includes(secret));
});

test("the element's class exists without a DOM, and defines nothing", async () => {
  const { FlinksReconnectElement } = await import("flinks-reconnect/element");
  assert.equal(typeof FlinksReconnectElement, "function");
  assert.equal(globalThis.customElements, undefined);
});

test("a hook rendered on a server gives its closed state, and the component its empty box", async () => {
  const { createElement } = await import("react");
  const { renderToString } = await import("react-dom/server");
  const { FlinksReconnect, useReconnect } = await import("flinks-reconnect/react");
  const Button = () => createElement("button", null, String(useReconnect().phase));
  assert.equal(renderToString(createElement(Button)), "<button>null</button>");
  const options = { instance: "toolbox", requestId: secret };
  assert.equal(renderToString(createElement(FlinksReconnect, { options, className: "bank" })), '<div class="bank"></div>');
});
