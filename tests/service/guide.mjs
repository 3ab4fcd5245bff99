// docs/service.md, read by the tests that follow it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "../../scripts/command.mjs";

export const guide = readFileSync(join(root, "docs/service.md"), "utf8");

/** What stands below a heading, down to the next one of its level. */
export function chapter(title) {
  const [, level, text] = new RegExp(`^(#+) ${title}\\n([^]*)`, "m").exec(guide) ?? [];
  if (!text) throw new Failure(`docs/service.md has no chapter "${title}"`);
  return text.split(new RegExp(`^${level} `, "m"))[0];
}

/** The blocks of code in one of these languages. */
export const blocks = (text, ...languages) =>
  [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter(([, language]) => languages.includes(language)).map(([, , code]) => code);

/** The excerpts of files: a comment with the path stands above each. */
export const excerpts = [...guide.matchAll(/^<!-- (\S+) -->\n```\w+\n([^]*?)^```$/gm)].map(([, path, code]) => ({ path, code }));
