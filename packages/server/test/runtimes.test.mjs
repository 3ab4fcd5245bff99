// The package from its tarball in Bun and in Deno: the servers that its README shows pass every row of the check, and their SQLite passes the suite of the stores.
//
// RUNTIMES is the folder of ./runtimes where they are installed.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { conforms, flinks, freePorts, withFolder, withServer } from "../../sandbox/test/backends/conforms.mjs";

const folder = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(folder, "README.md"), "utf8");
const installed = (...path) => join(process.env.RUNTIMES ?? "", "node_modules", ...path);

const runtimes = [
  { name: "Bun", part: "Bun.serve", program: installed("@oven/bun-linux-x64/bin/bun"), args: [], opens: 'import { Database } from "bun:sqlite"; const open = (path) => new Database(path);' },
  {
    name: "Deno", part: "Deno.serve", program: installed("@deno/linux-x64-glibc/deno"), args: ["run", "--quiet", "--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env"],
    opens: 'import { DatabaseSync } from "node:sqlite"; const open = (path) => new DatabaseSync(path);',
  },
];

/** An application's own part: its keys, who is signed in, and the connections of two users. */
const before = (connect, api) => {
  const { FLINKS_API_URL: apiUrl, FLINKS_CONNECT_URL: connectUrl, FLINKS_CUSTOMER_ID: customerId } = flinks(connect, api);
  return `const flinks = ${JSON.stringify({ apiUrl, connectUrl, customerId, secretKey: "secret", apiKey: "api", webhookSecret: "webhook" })};
const user = (request) => /(?:^|; )session=(\\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
`;
};
const after = (port) => `
setInterval(bank.tick, 100);
await bank.addConnection({ user: "alice", id: "bank", loginId: "0d5a3c10-0001-4000-8000-000000000004", selectedAccounts: ["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"] });
console.log("listening at http://127.0.0.1:${port}");
`;

/** Each test of the suite in turn, without a runner. */
const suite = (opens) => `${opens}
import { sqliteStore } from "flinks-reconnect-server/sqlite";
import { storeTests } from "flinks-reconnect-server/store-tests";
const tests = [];
let count = 0;
storeTests((name, run) => tests.push([name, run]), () => {
  const path = \`store-\${(count += 1)}.db\`;
  const files = [open(path), open(path)];
  const [one, other] = files.map(sqliteStore);
  return { one, other, close: () => files.forEach((file) => file.close()) };
});
for (const [name, run] of tests) {
  try {
    await run();
  } catch (error) {
    throw new Error(name, { cause: error });
  }
}
console.log(\`passed: \${tests.length}\`);
`;

/** The tests' Flinks, which keeps a live sign-in from its server: nobody listens there. A sign-in that was certainly not sent may be made again at once. */
const unreached = (port) => `
import { createReconnect } from "flinks-reconnect-server";
import { memoryStore } from "flinks-reconnect-server/memory";
import { access, Flinks } from "./flinks.mjs";
const flinks = new Flinks();
let signIns = 0;
const bank = createReconnect({
  flinks: access, store: memoryStore(), user: () => "alice", log: () => {},
  fetch(url, init) {
    if (!url.endsWith("/Authorize") || JSON.parse(init.body).MostRecentCached) return flinks.fetch(url, init);
    signIns += 1;
    return fetch("http://127.0.0.1:${port}/", init);
  },
});
await bank.addConnection({ user: "alice", id: "bank", loginId: "login-of-bank" });
for (const _ of [1, 2]) await bank.fetch(new Request("http://bank.example/api/connections/bank/reconnect", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }));
console.log(\`sign-ins tried: \${signIns}\`);
`;

/** Runs a script to its end, and answers what it printed. */
function printed(program, args, script, cwd) {
  const { status, stdout, stderr } = spawnSync(program, [...args, script], { cwd, encoding: "utf8", timeout: 120_000 });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

for (const { name, part, program, args, opens } of runtimes) {
  test(name, { timeout: 600_000, skip: !process.env.RUNTIMES && "RUNTIMES is not set" }, async () => {
    chmodSync(program, 0o755);
    const version = /\d+\.\d+\.\d+/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))[0];
    await withFolder(async (cwd) => {
      const packed = join(cwd, "node_modules/flinks-reconnect-server");
      mkdirSync(packed, { recursive: true });
      const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", cwd], { cwd: folder, encoding: "utf8" }));
      execFileSync("tar", ["-xzf", join(cwd, filename), "--strip-components=1", "-C", packed]);
      writeFileSync(join(cwd, "package.json"), '{ "type": "module", "dependencies": { "flinks-reconnect-server": "*" } }');

      writeFileSync(join(cwd, "suite.mjs"), suite(opens));
      const [, passed] = /^passed: (\d+)$/m.exec(printed(program, args, "suite.mjs", cwd));
      assert.ok(Number(passed) > 0);
      console.log(`| the suite of the stores in ${name} ${version} | its SQLite | ${passed} passed |`);

      const [connect, api, port, nobodys] = await freePorts(4);
      const double = readFileSync(new URL("flinks.mjs", import.meta.url), "utf8");
      writeFileSync(join(cwd, "flinks.mjs"), double.replace('import { pause } from "./world.mjs";', "const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));"));
      writeFileSync(join(cwd, "unreached.mjs"), unreached(nobodys));
      assert.match(printed(program, args, "unreached.mjs", cwd), /^sign-ins tried: 2$/m, "a sign-in that was not sent");

      const [code] = [...page.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code).filter((code) => code.includes(part));
      writeFileSync(join(cwd, "server.mjs"), before(connect, api) + code.replace("port: 3000", `port: ${port}`) + after(port));
      await withServer(program, [...args, "server.mjs"], { cwd, where: /^listening at (http:\/\/\S+)/m }, async (base) => {
        const [headers, others] = ["alice", "bob"].map((user) => `Cookie: session=${user}`);
        await conforms(`README's server in ${name} ${version}`, { connect, api, base, headers, others, path: "bank", untried: [] });
      });
    });
  });
}
