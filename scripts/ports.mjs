// Ports of this machine's loopback.

import { once } from "node:events";
import { createServer } from "node:net";
import { Failure } from "./command.mjs";

/** Fails, with what to do about it, when somebody else has the port. */
export async function requireFree(port, remedy) {
  try {
    await occupy(port);
  } catch {
    throw new Failure(`port ${port} is in use; ${remedy}`);
  }
}

/** Below the ports that systems give to connections (from 32768 on Linux): one of those may be gone before a server takes it. */
const ofServers = { first: 20_000, count: 12_000 };
const given = new Set();

/** A port that nobody has, for a server that has to be told which. */
export async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const port = ofServers.first + Math.floor(Math.random() * ofServers.count);
    if (given.has(port)) continue;
    given.add(port);
    if (await occupy(port).catch(() => null)) return port;
  }
  throw new Failure(`found no free port from ${ofServers.first} on, in a hundred tries`);
}

/** Takes a port, lets go of it and says which one it was. */
async function occupy(port) {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: taken } = server.address();
  server.close();
  await once(server, "close");
  return taken;
}
