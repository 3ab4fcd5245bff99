// BENCHMARKS.md: each table stands between a pair of markers and is replaced as a whole by the script that measured it.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { Failure, root } from "./command.mjs";

const file = join(root, "BENCHMARKS.md");

/** Replaces a section of BENCHMARKS.md; says when, on what and by which command it was measured. */
export function publish(section, command, lines) {
  const [begin, end] = [`<!-- ${section}: begin -->`, `<!-- ${section}: end -->`];
  const text = readFileSync(file, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Failure(`BENCHMARKS.md has no section between ${begin} and ${end}`);
  const body = [`\`${command}\`, ${new Date().toISOString().slice(0, 10)}. ${machine()}.`, "", ...lines].join("\n");
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n${body}\n${text.slice(to)}`);
  console.log(`BENCHMARKS.md: ${section} written`);
}

/** The machine, as far as it bears on a figure. */
function machine() {
  const [{ model }] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${model.replace(/\s+/g, " ").trim()}, ${memory}, Node ${process.versions.node}, ${rustc()}`;
}

/** The compiler's own name and version, as `rustc 1.95.0`. */
export const rustc = () => execFileSync("rustc", ["--version"], { encoding: "utf8", cwd: root }).split(" ").slice(0, 2).join(" ");

/** Rows (of cells) as a Markdown table; columns of numbers stand to the right. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const isNumbers = (column) => rows.every((row) => NUMBER.test(row[column]));
  return [line(head), line(head.map((_, column) => (isNumbers(column) ? "---:" : "---"))), ...rows.map(line)];
}

const NUMBER = /^[+−]?[\d.,]+( ?(B|KiB|MiB|%|×|µs|ms|s))?$|^–$/;

/** A whole number for people: 26,624. */
export const grouped = (count) => count.toLocaleString("en");
