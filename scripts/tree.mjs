// The working tree: what git has of it, changed or not, and what it would take.

import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, run } from "./command.mjs";

/** Copies it into a folder, but for the paths that `isWanted` does not want; resolves with how many files there are. */
export async function copyTree(folder, isWanted = () => true) {
  const listed = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  // A file that was deleted, and not committed yet, is listed all the same.
  const files = listed.split("\0").filter((path) => path && existsSync(join(root, path)) && isWanted(path));
  for (const path of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // With their times, by which cargo knows what it has compiled.
    cpSync(join(root, path), join(folder, path), { preserveTimestamps: true });
  }
  return files.length;
}
