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

/** A port that nobody has. */
export const freePort = () => occupy(0);

/** Takes a port, lets go of it and says which one it was. */
async function occupy(port) {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: taken } = server.address();
  server.close();
  await once(server, "close");
  return taken;
}
