// The sites of the benchmarks: the host's page, Connect's stand-in and a stranger, each an origin of its own on localhost.
//
// Ports make origins, and all ports of `localhost` are one site: browsers then run the three on one thread. What a frame posts in one go is
// therefore complete before the page hears the first of it, and no measured time contains waiting for another process.
//
// `/NAME.html` is an empty page with the script `pages/NAME.js`, bundled as a user's bundler does it; `/v2/` is Connect. `/start` and
// `/deliver` are the host's backend. Invariants: every answer says `no-store`; when a request came is noted before anything else.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createListener } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync } from "node:zlib";
import { Failure, root } from "../../scripts/command.mjs";
import { store } from "../../scripts/rivals.mjs";

const pages = join(root, "tests/bench/pages");

/** Milliseconds on the clock that pages have too: `performance.timeOrigin + performance.now()`. */
const now = () => performance.timeOrigin + performance.now();

/** Starts the sites. dist/ must have been built, and the rivals installed. */
export async function startSites() {
  const scripts = await bundle();
  // Compressed now, for it takes longer than sending.
  const sizes = new Map(Object.entries(scripts).map(([name, script]) => [`/${name}.js`, brotliCompressSync(script).length]));
  /** Bytes on the way; what is no script is next to nothing. */
  const transferred = (path) => sizes.get(path) ?? 0;
  const arrivals = [];
  const waiting = new Set();
  let network = null;

  const answer = async (request, response) => {
    const at = now();
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    arrivals.push({ at, path: pathname, query: searchParams, body: request.method === "POST" ? await text(request) : "" });
    waiting.forEach((wake) => wake());
    const [type, content] = reply(pathname);
    if (network) await sleep(network.latencyMs + (transferred(pathname) * 8) / network.kilobitsPerSecond);
    response.writeHead(content === undefined ? 404 : 200, { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-store", "Origin-Agent-Cluster": "?0" });
    response.end(content);
  };

  const reply = (path) => {
    if (path === "/deliver") return ["application/json", "{}"];
    if (path === "/start") return ["application/json", JSON.stringify({ status: "challenge", mode: "refresh", attemptId: randomUUID(), requestId: randomUUID() })];
    const [, name, kind] = /^\/([\w-]+)\.(html|js)$/.exec(path) ?? (path === "/v2/" ? [path, "connect", "html"] : []);
    const script = scripts[name];
    if (kind === "html" && script) return ["text/html", `<!doctype html><html lang="en"><title>${name}</title><div id="place"></div><script type="module" src="/${name}.js"></script>`];
    return ["text/javascript", kind === "js" ? script : undefined];
  };

  const servers = await Promise.all(["host", "connect", "stranger"].map(async (name) => {
    const server = createServer((request, response) => void answer(request, response));
    // A connection that ends while the browser uses it would count as the widget's slowness.
    server.keepAliveTimeout = 60_000;
    // A server that does not listen itself knows none of its connections.
    const sockets = new Set();
    const connections = { count: 0, close: () => sockets.forEach((socket) => socket.destroy()) };
    // A new connection takes a round trip, too.
    const listener = createListener(async (socket) => {
      connections.count += 1;
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
      if (network) await sleep(network.latencyMs);
      server.emit("connection", socket);
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return [name, listener, connections];
  }));
  const origins = Object.fromEntries(servers.map(([name, listener]) => [name, `http://localhost:${listener.address().port}`]));

  return {
    connect: origins.connect,
    /** The address of a page; it finds the other sites in its query. */
    page: (name, query = {}) => `${origins.host}/${name}.html?${new URLSearchParams({ connect: origins.connect, stranger: origins.stranger, ...query })}`,
    /** How the connection to the sites is: `{ latencyMs, kilobitsPerSecond }`, or null for none to speak of. */
    set network(given) {
      network = given;
    },
    /** `close()`, and the next request to Connect needs another; `count`: how many there have been. */
    connectionsToConnect: servers.find(([name]) => name === "connect")[2],
    /** The first arrival that fits, now or within 20 s; it is forgotten with all before it. */
    async arrival(what, fits) {
      const deadline = now() + 20_000;
      for (;;) {
        const index = arrivals.findIndex(fits);
        if (index >= 0) return arrivals.splice(0, index + 1).at(-1);
        if (now() > deadline) throw new Failure(`the browser did not ask for ${what} within 20 s`);
        let wake;
        await Promise.race([new Promise((resolve) => waiting.add((wake = resolve))), sleep(1_000)]);
        waiting.delete(wake);
      }
    },
    stop() {
      for (const [, listener, connections] of servers) {
        connections.close();
        listener.close();
      }
    },
  };
}

/** Every page's script with what it imports, by name. */
async function bundle() {
  const { build } = await import("esbuild");
  const names = readdirSync(pages).map((name) => name.replace(/\.js$/, ""));
  const { outputFiles } = await build({
    entryPoints: names.map((name) => join(pages, `${name}.js`)),
    outdir: pages,
    bundle: true,
    minify: true,
    format: "esm",
    charset: "utf8",
    define: { "process.env.NODE_ENV": '"production"' },
    nodePaths: [join(store, "node_modules")],
    // One React for the page and for the hook it calls.
    alias: Object.fromEntries(["react", "react-dom"].map((name) => [name, join(store, "node_modules", name)])),
    write: false,
    logLevel: "error",
  });
  return Object.fromEntries(outputFiles.map(({ path, text }) => [path.split("/").at(-1).replace(/\.js$/, ""), text]));
}

async function text(request) {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  return body;
}
