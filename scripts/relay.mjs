// Proxies: what a browser asks is asked on, of a server behind.

import { Agent, createServer, request } from "node:http";

/** Asks on, at `to` (options of `request`), and gives what `server` answers to `reply`, which passes it back as it is unless it is told otherwise. */
export function askOn(server, to, incoming, outgoing, reply = passBack) {
  const { method, headers } = incoming;
  const onwards = request({ method, headers, ...to }, (answer) => reply(answer, outgoing));
  onwards.on("error", () => {
    if (!outgoing.headersSent) outgoing.writeHead(502, { "Content-Type": "text/plain" });
    outgoing.end(`${server} does not answer\n`);
  });
  outgoing.once("close", () => onwards.destroy());
  incoming.pipe(onwards);
}

export function passBack(answer, outgoing) {
  outgoing.writeHead(answer.statusCode, answer.headers);
  answer.pipe(outgoing);
}

/**
 * Calls `use(port)` while a proxy for the browsers that run the wasm tests listens there, and resolves with what it resolves with: one request at a
 * time, each on a connection of its own.
 *
 * The test runner's server has a race: of connections that come in at the same moment it may leave one to wait for a thread until another
 * connection ends, and browsers keep theirs for minutes. The tests' modules are a dozen files that a browser asks for at once, so now and
 * then a page never loaded, or after two minutes. Here a connection ends with its answer.
 */
export async function withRelay(use) {
  const agent = new Agent({ keepAlive: false, maxSockets: 1 });
  const relay = createServer((incoming, outgoing) => {
    const { pathname, search, hostname, port } = new URL(incoming.url);
    if (hostname !== "127.0.0.1") return outgoing.writeHead(403).end();
    askOn("the test runner", { agent, hostname, port, path: pathname + search }, incoming, outgoing);
  });
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
  try {
    return await use(relay.address().port);
  } finally {
    relay.closeAllConnections();
    relay.close();
    agent.destroy();
  }
}
