// What docs/service.md says, held against what it is about: the host's settings and routes, and the signature in three languages.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "../../scripts/command.mjs";
import { built, noFlinks, sharedSecrets, withService } from "../../scripts/servers.mjs";
import { blocks, chapter } from "./guide.mjs";

const log = "target/test/service.log";

/** The rows of the first table in a text: their cells. */
const rows = (text) => [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row.split(" | ")).slice(1);

test("every setting of the host is in the table, with its default, and no other", () => {
  const help = execFileSync(built("flinks-host"), ["--help"], { encoding: "utf8" });
  // What --demo is for is not for a service.
  const known = [...help.matchAll(/\[env: (\w+)/g)].map(([, name]) => name);
  const table = rows(chapter("Settings"));
  const shown = table.flatMap(([names]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  assert.ok(known.length > 20);
  assert.deepEqual([...shown].sort(), [...known, "RUST_LOG"].sort());

  const defaults = new Map([...help.matchAll(/\[env: (\w+)[^[]*\[default: ([^\]\n]+)\]/g)].map(([, name, value]) => [name, value]));
  for (const [, text, name] of help.matchAll(/\[default: ([^\]]*)\]\s+\[env: (\w+)/g)) defaults.set(name, text.replace(/, with --demo .*/, ""));
  let compared = 0;
  for (const [names, shownDefault] of table) {
    const [first] = /\w+/.exec(names);
    const value = /^`?(\d+|[\d.]+:\d+|sqlite:[^`,]+|[a-z-]+)`?(?:,|$)/.exec(defaults.get(first) ?? "")?.[1];
    if (!value || !/\d|:/.test(value)) continue;
    assert.ok(shownDefault.includes(value), `${first}: ${value} is not in "${shownDefault}"`);
    compared += 1;
  }
  assert.ok(compared >= 9, `${compared} defaults were compared`);
});

test("every admin route of the host is in the table, and no other", async () => {
  const { AUTH_JWT_SECRET, ADMIN_KEY } = sharedSecrets();
  await withService(noFlinks, { AUTH_JWT_SECRET, ADMIN_KEY }, log, async (base) => {
    const { paths } = await (await fetch(`${base}/openapi.json`)).json();
    const general = (path) => path.replace(/\{[^}]+\}/g, "{}");
    const known = Object.entries(paths).filter(([path]) => path.startsWith("/admin")).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${general(path)}`));
    let last;
    const shown = rows(chapter("Admin routes")).flatMap(([calls]) => calls.split(", ").map((call) => {
      const [, method, path] = /^`(\w+)(?: (\/\S+))?`/.exec(call);
      return `${method} ${general((last = path ?? last))}`;
    }));
    assert.ok(known.length >= 7);
    assert.deepEqual(shown.sort(), known.sort());
  });
});

test("every reason of an event is in the table, and no other", () => {
  const source = readFileSync(join(root, "crates/backend/src/reason.rs"), "utf8");
  const known = [...source.matchAll(/Reason::\w+,\s+"([a-z_]+)",/g)].map(([, word]) => word);
  const shown = rows(chapter("Events").slice(chapter("Events").indexOf("| reason |"))).flatMap(([reasons]) => [...reasons.matchAll(/`(\w+)`/g)].map(([, word]) => word));
  assert.ok(known.length >= 10);
  assert.deepEqual(shown.sort(), known.sort());
});

test("the signature is checked in three languages", async () => {
  const text = chapter("Events");
  const [secret, id, sentAt, body] = /secret `(\S+)`, id `(\S+)`, timestamp `(\d+)` and body `(\S+)`/.exec(text).slice(1);
  const [, signature] = /^`(v1,\S+)`\.$/m.exec(text);
  // The vector of the specification's own libraries.
  assert.equal(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
  const other = `v1,${Buffer.alloc(32).toString("base64")}`;
  const folder = mkdtempSync(join(tmpdir(), "flinks-signature-"));
  try {
    const cases = [[signature, 0, true], [`${other} ${signature}`, 299, true], [other, 0, false], [signature, 301, false], [signature, -301, false], [signature.slice(3), 0, false], ["", 0, false]];

    const [python] = blocks(text, "python");
    const given = JSON.stringify(cases.map(([signature, late]) => [signature, Number(sentAt) + late]));
    const program = `import base64, hmac, json, os, time\nos.environ["EVENTS_SECRET"] = ${JSON.stringify(secret)}\n${python}
def check(signature, now):
    time.time = lambda: now
    return is_signed({"webhook-id": ${JSON.stringify(id)}, "webhook-timestamp": "${sentAt}", "webhook-signature": signature}, ${JSON.stringify(body)}.encode())
print(json.dumps([check(*one) for one in json.loads(${JSON.stringify(given)})]))`;
    assert.deepEqual(JSON.parse(execFileSync("python3", ["-c", program], { encoding: "utf8" })), cases.map(([, , fits]) => fits), "Python");

    writeFileSync(join(folder, "signed.mjs"), blocks(text, "js")[0]);
    const { isSigned } = await import(pathToFileURL(join(folder, "signed.mjs")));
    for (const [signature, late, fits] of cases) {
      const headers = { "webhook-id": id, "webhook-timestamp": sentAt, "webhook-signature": signature };
      assert.equal(isSigned(headers, Buffer.from(body), secret, Number(sentAt) + late), fits, `JavaScript: ${signature} ${late}`);
    }

    writeFileSync(join(folder, "body.json"), body);
    const said = execFileSync("bash", ["-c", blocks(text, "bash")[0]], { cwd: folder, env: { ...process.env, SECRET: secret, ID: id, SENT_AT: sentAt }, encoding: "utf8" });
    assert.equal(said.trim(), signature, "shell");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
