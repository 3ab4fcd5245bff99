// `npm run bench`: how fast and how frugal it is, beside hand-written code and beside others.
//
//   npm run bench                      every part
//   npm run bench -- browser core      these two
//   npm run bench -- --quick           with fewer runs: within five minutes, once everything is built
//   npm run bench -- --write           and into BENCHMARKS.md
//   npm run bench -- core --rebase     makes today's instruction counts the baseline
//
// Fails when a budget is missed. Nothing else should be at work on the machine meanwhile.

import { parseArgs } from "node:util";
import { needsOf } from "../tests/bench/webdriver.mjs";
import { publish } from "./benchmarks.mjs";
import { build } from "./build.mjs";
import { Failure, main, secondsSince } from "./command.mjs";
import { installRivals } from "./rivals.mjs";
import { buildSandbox } from "./sandbox.mjs";
import { buildServerPackage } from "./server-package.mjs";
import { setUp } from "./setup.mjs";

/** Each measures something and gives `{ lines, problems }`: Markdown, and which budgets were missed. */
const parts = {
  core: {
    needs: ["c-compiler", "valgrind"],
    async sections({ rebase }) {
      const { measureCore } = await import("../tests/bench/core.mjs");
      return { core: () => measureCore({ rebase }) };
    },
  },

  browser: {
    needs: ["build", ...["chromium", "firefox", "webkit"].flatMap(needsOf)],
    async sections({ quick }) {
      await build();
      await installRivals();
      const [{ startSites }, { measureStart }, { measureQuestion }, { measureDelivery }, { measureMessages }, { measureMany, measureCycles }] = await Promise.all(
        ["sites", "start", "question", "deliver", "messages", "widgets"].map((name) => import(`../tests/bench/${name}.mjs`)),
      );
      const sites = await startSites();
      process.on("exit", () => sites.stop());
      return {
        start: () => measureStart(sites, quick ? { rounds: 30, slowRounds: 3 } : { rounds: 40, slowRounds: 30 }),
        question: () => measureQuestion(sites, { rounds: quick ? 10 : 40 }),
        delivery: () => measureDelivery(sites, { rounds: quick ? 10 : 40 }),
        messages: () => measureMessages(sites, { rounds: quick ? 10 : 40, engines: ["chromium", "firefox", "webkit"] }),
        many: () => measureMany(sites, { rounds: quick ? 1 : 10 }),
        cycles: () => measureCycles(sites, { cycles: quick ? 1_000 : 10_000 }),
      };
    },
  },

  servers: {
    needs: ["c-compiler", "postgres", "wasm-target", "wasm-bindgen-cli", "npm"],
    async sections({ quick }) {
      const { buildServers, measureHost, measureSandbox } = await import("../tests/bench/servers.mjs");
      const { measureFaces } = await import("../tests/bench/sandbox.mjs");
      await buildServers();
      await buildSandbox();
      return {
        faces: () => measureFaces({ starts: quick ? 5 : 25 }),
        host: () => measureHost(quick ? { results: 150, stored: [1_000, 100_000] } : { results: 2_000, stored: [1_000, 10_000, 100_000] }),
        sandbox: () => measureSandbox(quick ? { sessions: 300, stored: [1_000] } : { sessions: 2_000, stored: [1_000, 10_000] }),
      };
    },
  },

  node: {
    needs: ["wasm-target", "wasm-bindgen-cli", "npm", "server-tests"],
    async sections({ quick }) {
      const { measurePackage } = await import("../tests/bench/server-package.mjs");
      await buildServerPackage();
      return { package: () => measurePackage(quick ? { starts: 5, count: 200 } : { starts: 25, count: 2_000 }) };
    },
  },

  builds: {
    needs: ["build", "chromium"],
    async sections({ quick }) {
      const { measureBuilds } = await import("../tests/bench/builds.mjs");
      await build();
      return { builds: () => measureBuilds({ rounds: quick ? 1 : 5, ofCore: !quick }) };
    },
  },
};

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(["quick", "write", "rebase"].map((name) => [name, { type: "boolean" }])),
  });
  for (const name of positionals) {
    if (!Object.hasOwn(parts, name)) throw new Failure(`there is no part "${name}"; the parts are ${Object.keys(parts).join(", ")}`);
  }
  const wanted = Object.keys(parts).filter((name) => positionals.length === 0 || positionals.includes(name));
  await setUp(...wanted.flatMap((name) => parts[name].needs));

  const problems = [];
  for (const part of wanted) {
    for (const [section, measure] of Object.entries(await parts[part].sections(values))) {
      const started = performance.now();
      console.log(`bench: ${part}, ${section} …`);
      const found = await measure();
      console.log(`${found.lines.join("\n")}\nbench: ${part}, ${section} … ${secondsSince(started)}\n`);
      problems.push(...found.problems);
      if (values.write) publish(section, `npm run bench -- ${part}${values.quick ? " --quick" : ""}`, found.lines);
    }
  }
  if (problems.length) throw new Failure(`a budget is missed: ${problems.join("; ")}`);
  process.exit(0);
});
