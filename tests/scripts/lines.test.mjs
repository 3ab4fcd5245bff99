// The lines that README.md says a backend takes are those that are counted.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { countedBackends, countLines } from "../../scripts/lines.mjs";

test("blank lines and comments do not count, code in a string does", () => {
  assert.equal(countLines("// one\n\n/* two\n three */\nfour(); // five\n  /** six */\n  seven();\n"), 2);
  assert.equal(countLines('"""One\n\ntwo"""\n\nimport three\n# four\nFIVE = """\nsix\n"""\ndef seven():\n    """Eight."""\n    return 9\n', true), 6);
});

test("README.md says how many lines a backend takes", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const [name, lines] of countedBackends()) {
    assert.ok(readme.includes(`| ${name} | ${lines} |`), `README.md: ${name} has ${lines}`);
    console.log(`| lines of server code | ${name.replace(/\[(.*)\]\(.*\)/, "$1")} | ${lines} |`);
  }
});
