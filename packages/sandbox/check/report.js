// What the check says: lines for people, JSON for programs, JUnit for whoever collects tests.

/** Where the paragraphs are. */
const PAGE = "https://github.com/flinks-reconnect/flinks-reconnect/blob/main/docs/backend.md";
const link = (see) => `${PAGE}#${see}`;

/** The layout of the JSON. */
const SCHEMA_VERSION = 1;

export function lineOf(result) {
  const line = `${result.state.padEnd(9)} ${result.id.padEnd(28)} ${result.says}`;
  if (result.state === "not tried") return `${line}\n${" ".repeat(10)}why: ${result.reason}`;
  if (result.state !== "FAIL") return line;
  const lines = [`expected: ${result.expected}`, `got:      ${result.got}`, `change:   ${result.change}`, `see:      ${link(result.see)}`, `again:    npx flinks-sandbox check --only ${result.id} …`];
  return [line, ...lines.map((text) => " ".repeat(10) + text)].join("\n");
}

function count({ results }) {
  const of = (state) => results.filter((result) => result.state === state).length;
  return { planned: results.length, tried: results.length - of("not tried"), ok: of("ok"), failed: of("FAIL"), notTried: of("not tried") };
}

export function asText(outcome) {
  const { planned, tried, ok, failed, notTried } = count(outcome);
  return outcome.reason ? "" : `\n${planned} planned, ${tried} tried, ${ok} ok, ${failed} failed, ${notTried} not tried\n`;
}

export function asJson(outcome) {
  const results = outcome.results.map((result) => ({ ...result, see: link(result.see) }));
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, couldRun: !outcome.reason, reason: outcome.reason ?? null, summary: count(outcome), rows: results }, null, 2)}\n`;
}

export function asJunit(outcome) {
  const { planned, failed, notTried } = count(outcome);
  const escaped = (text) => String(text).replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]).replace(/[^\t\n\r -\uFFFD]/g, "?");
  const inside = (result) => {
    if (result.state === "FAIL") return `<failure message="${escaped(`expected ${result.expected}; got ${result.got}`)}">${escaped(`${result.change}\n${link(result.see)}`)}</failure>`;
    return result.state === "not tried" ? `<skipped message="${escaped(result.reason)}"/>` : "";
  };
  const cases = outcome.results.map((result) => `  <testcase classname="flinks-sandbox check" name="${escaped(result.id)}" time="${result.ms / 1_000}">${inside(result)}</testcase>\n`);
  const error = outcome.reason ? `  <testcase classname="flinks-sandbox check" name="preflight"><error message="${escaped(outcome.reason)}"/></testcase>\n` : "";
  const errors = outcome.reason ? 1 : 0;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="flinks-sandbox check" tests="${planned + errors}" failures="${failed}" errors="${errors}" skipped="${notTried}">\n${error}${cases.join("")}</testsuite>\n`;
}

export function helpOf(rows) {
  return `Tries the rules of docs/backend.md against a backend that uses this sandbox as its Flinks.

Usage: npx flinks-sandbox check --start URL --deliver URL [OPTIONS] [the sandbox's own flags]

Options:
  --start URL              The start endpoint of a stored connection, as http://127.0.0.1:3000/api/connections/42/reconnect
  --deliver URL            The deliver endpoint
  --webhook URL            The webhook endpoint, with --webhook-secret SECRET
  --header "Name: value"   What signs a user in; can be repeated
  --other-header "…"       What signs another user in
  --only ID[,ID]           Only these rows, or those below a word, as deliver
  --json                   The result as JSON, and nothing else
  --junit FILE             The result as JUnit, too
  --require-all            A row that could not be tried counts as failed

Exit status: 0 nothing failed, 1 a row failed, 2 it could not run.

Rows:
${rows.map(({ id, says }) => `  ${id.padEnd(28)} ${says}\n`).join("")}`;
}
