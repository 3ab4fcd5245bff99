// docs/grafana.json asks for metrics, labels and values that docs/metrics.md has, in the way that their kind wants, and leaves none out.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { noFlinks, sharedSecrets, withService } from "../../scripts/servers.mjs";

const dashboard = JSON.parse(readFileSync(join(root, "docs/grafana.json"), "utf8"));
const words = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

/** name → `{ kind, isShared, labels, about }` */
const metrics = new Map([...readFileSync(join(root, "docs/metrics.md"), "utf8").matchAll(/^\| `(reconnect_\w+)` \| (\w+)([^|]*)\| ([^|]*)\| (.*) \|$/gm)]
  .map(([, name, kind, more, labels, about]) => [name, { kind, isShared: more.includes("database"), labels: words(labels), values: words(about) }]));

const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
const uses = queries.flatMap(({ title, expr }) => [...expr.matchAll(/(reconnect_\w+)\{([^}]*)\}/g)].map(([use, name, selector]) => ({ title, expr, use, name, selector })));

test("every metric of a query is one of the host's, asked for as its kind wants", () => {
  assert.ok(metrics.size >= 10 && queries.length >= 15);
  for (const { title, expr, use, name, selector } of uses) {
    const base = name.replace(/_bucket$/, "");
    const metric = metrics.get(base);
    assert.ok(metric, `${title}: the host has no ${base}`);
    assert.equal(name.endsWith("_bucket"), metric.kind === "histogram", `${title}: ${name} is a ${metric.kind}`);
    const isRate = new RegExp(`(?:rate|increase)\\(${use.replace(/[$|~{}()?!*.[\]\\]/g, "\\$&")}\\[`).test(expr);
    assert.equal(isRate, metric.kind !== "gauge", `${title}: ${name} is a ${metric.kind}`);
    if (metric.isShared) assert.match(expr, /max(?: by \([^)]*\))? \(|max\(/, `${title}: every host says the same ${name}`);

    for (const [, label, operator, value] of selector.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)) {
      if (label === "job") continue;
      assert.ok(metric.labels.includes(label), `${title}: ${base} has no label ${label}`);
      for (const one of operator.includes("~") ? value.split("|") : [value]) assert.ok(metric.values.includes(one), `${title}: ${label} of ${base} is never ${one}`);
    }
    for (const [, labels] of expr.matchAll(/by \(([^)]*)\)/g)) {
      for (const label of labels.split(/, ?/)) assert.ok(label === "le" || metric.labels.includes(label), `${title}: ${base} has no label ${label}`);
    }
  }
});

test("every metric of a query is declared by a running host", async () => {
  const { AUTH_JWT_SECRET, ADMIN_KEY } = sharedSecrets();
  await withService(noFlinks, { AUTH_JWT_SECRET, ADMIN_KEY }, "target/test/service.log", async (base) => {
    const answer = await fetch(`${base}/metrics`, { headers: { Authorization: `Bearer ${ADMIN_KEY}` } });
    assert.equal(answer.status, 200);
    const declared = new Map([...(await answer.text()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [kind === "counter" ? `${name}_total` : name, kind]));
    for (const { title, name } of uses) {
      const base = name.replace(/_bucket$/, "");
      assert.equal(declared.get(base), metrics.get(base)?.kind, `${title}: ${base}`);
    }
  });
});

test("every query is understood, and every metric is on the dashboard", () => {
  for (const { title, expr } of queries) {
    assert.ok(uses.some((use) => use.expr === expr), `${title}: ${expr}`);
    // Of every name of a metric in it.
    assert.equal(expr.match(/reconnect_\w+/g).length, expr.match(/reconnect_\w+\{job=~"\$job"/g)?.length, `${title}: ${expr}`);
    for (const [open, close] of ["()", "{}", "[]"]) assert.equal(expr.split(open).length, expr.split(close).length, `${title}: ${expr}`);
  }
  assert.deepEqual([...metrics.keys()].filter((name) => !uses.some((use) => use.name.replace(/_bucket$/, "") === name)), []);
});

test("it can be imported as it is: no two panels share an id or a place, and the data source is asked for", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const taken = new Set();
  for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column += 1) for (let line = y; line < y + h; line += 1) {
      assert.ok(!taken.has(`${column} ${line}`), `${title} covers another panel`);
      taken.add(`${column} ${line}`);
    }
  }
  for (const { type, targets = [] } of dashboard.panels) {
    assert.equal(targets.length > 0, type !== "row");
    for (const { datasource } of targets) assert.equal(datasource.uid, "${datasource}");
  }
  assert.ok(dashboard.templating.list.some(({ name, type }) => name === "datasource" && type === "datasource"));
});
