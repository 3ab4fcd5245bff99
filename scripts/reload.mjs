// The demo while somebody works on it: the page reloads when what it is made of has changed.
//
// A proxy in front of the host adds one script to HTML and answers two addresses of its own; all else passes untouched. So nothing that is shipped and
// no server knows of it, and the page keeps its strict policy: script and stream come from its own origin.

import { watch } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Failure, root, secondsSince } from "./command.mjs";
import { askOn, passBack } from "./relay.mjs";

const script = "/_reload.js";
const stream = "/_reload";

/** Serves the host's pages on `port`: what it returns makes every open page reload, or stops. */
export async function serveReloading(port, hostPort) {
  const pages = new Set();
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === script) {
      outgoing.writeHead(200, { "Content-Type": "text/javascript", "Cache-Control": "no-store" });
      outgoing.end(`new EventSource(${JSON.stringify(stream)}).onmessage = () => location.reload();\n`);
    } else if (incoming.url === stream) {
      outgoing.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      outgoing.flushHeaders();
      pages.add(outgoing);
      outgoing.once("close", () => pages.delete(outgoing));
    } else {
      pass(incoming, outgoing, hostPort);
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    reload: () => pages.forEach((page) => page.write("data: changed\n\n")),
    stop: () => (server.closeAllConnections(), server.close()),
  };
}

function pass(incoming, outgoing, port) {
  const { method, url: path } = incoming;
  // As the browser sent it, `Host` too: the host compares it with `Origin`.
  const headers = { ...incoming.headers };
  // HTML must be readable here.
  delete headers["accept-encoding"];
  askOn("flinks-host", { host: "127.0.0.1", port, path, headers }, incoming, outgoing, (answer) => {
    const isPage = /^text\/html\b/.test(answer.headers["content-type"] ?? "") && method === "GET" && answer.statusCode === 200;
    return isPage ? void addScript(answer, outgoing) : passBack(answer, outgoing);
  });
}

async function addScript(answer, outgoing) {
  let html = "";
  for await (const part of answer.setEncoding("utf8")) html += part;
  const { "content-length": _, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode, headers);
  outgoing.end(html.replace("</head>", `<script type="module" src="${script}"></script>\n</head>`));
}

/** What the demo is made of, and whether a change in it needs the package built. */
const sources = [
  { folder: "www/demo", isPackage: false },
  { folder: "www/sdk", isPackage: true },
  { folder: "src", isPackage: true },
];

/** An editor writes a file in several steps; they are over when nothing has changed for this long. */
const quietMs = 50;

/** Rebuilds and reloads on every change below `base`, until it is told to stop by the function it returns. */
export function watchSources(build, reload, base = root) {
  let changed = new Set();
  let timer;
  let work = Promise.resolve();

  const refresh = async () => {
    const folders = changed;
    if (folders.size === 0) return;
    changed = new Set();
    const started = performance.now();
    try {
      if (sources.some(({ folder, isPackage }) => isPackage && folders.has(folder))) await build();
      reload();
      console.log(`reloaded: ${[...folders].join(", ")} changed (${secondsSince(started)})`);
    } catch (error) {
      // A mistake is what editing is about: it is told, and the next change is another try.
      console.error(`not reloaded: ${error instanceof Failure ? error.message : error.stack}`);
    }
  };

  const watchers = sources.map(({ folder }) =>
    watch(join(base, folder), { recursive: true }, () => {
      changed.add(folder);
      clearTimeout(timer);
      timer = setTimeout(() => (work = work.then(refresh)), quietMs);
    }),
  );
  return () => watchers.forEach((watcher) => watcher.close());
}
