// A proxy for the browsers that run the wasm tests: one request at a time, each on a connection of its own.
//
// The test runner's server has a race: of connections that come in at the same moment it may leave one to wait for a thread until another
// connection ends, and browsers keep theirs for minutes. The tests' modules are a dozen files that a browser asks for at once, so now and
// then a page never loaded, or after two minutes. Here a connection ends with its answer.

import { Agent, createServer, request } from "node:http";

/** Calls `use(port)` while the proxy listens there, and resolves with what it resolves with. */
export async function withRelay(use) {
  const agent = new Agent({ keepAlive: false, maxSockets: 1 });
  const relay = createServer((asked, answer) => {
    const { pathname, search, hostname, port } = new URL(asked.url);
    if (hostname !== "127.0.0.1") return answer.writeHead(403).end();
    const onward = request({ agent, hostname, port, method: asked.method, path: pathname + search, headers: asked.headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    // The browser then fails as it would without us.
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
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
