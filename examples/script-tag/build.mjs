// Puts the page, the script and its hash together in dist/. By hand: copy the script, and its hash from integrity.json.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const script = "flinks-reconnect.global.js";
const shipped = "node_modules/flinks-reconnect/dist";
const hash = JSON.parse(readFileSync(`${shipped}/integrity.json`, "utf8"))[script];

mkdirSync("dist", { recursive: true });
copyFileSync(`${shipped}/${script}`, `dist/${script}`);
copyFileSync("page.js", "dist/page.js");
writeFileSync("dist/index.html", readFileSync("index.html", "utf8").replace("sha384-…", hash));
