// An HTTP listener that hands each request on as a whole, and sends what it is given.

import { createServer } from "node:http";
import { SandboxError } from "./error.js";

/** One byte more than the sandbox takes: then it knows that a body is too long. */
const MAX_KEPT = 64 * 1024 + 1;
/** A longer body is still read to its end, because a client that is cut off while it sends never sees the answer; up to this. */
const MAX_READ = 16 * 1024 * 1024;

/**
 * Listens on `address` ("127.0.0.1:4201"). `answer({ method, target, headers, body, isGone })` resolves with `{ status, headers, body }`, or null for a
 * connection that is closed without an answer. Resolves with `{ address, close }`.
 */
export async function listen(flag, address, answer) {
  // As large as the binary's.
  const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    handle(request, response, answer).catch(() => request.socket.destroy());
  });
  // A client that keeps a connection finds it open, however long it pauses.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise((resolve, reject) => {
    const refuse = (error) => reject(new SandboxError(`${flag}: ${reason(error, address)}`));
    server.once("error", refuse);
    server.listen(placeOf(address), () => (server.off("error", refuse), resolve()));
  });
  const { address: host, port, family } = server.address();
  return {
    address: family === "IPv6" ? `[${host}]:${port}` : `${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function placeOf(address) {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)), exclusive: true };
}

/** In the binary's words. */
function reason({ code, message }, address) {
  if (code === "EADDRINUSE") return `${address} is in use already`;
  if (code === "EADDRNOTAVAIL") return `${address} is no address of this machine`;
  if (code === "EACCES" || code === "EPERM") return `listening on ${address} is not permitted`;
  return `cannot listen on ${address}: ${message}`;
}

async function handle(request, response, answer) {
  const body = await read(request);
  if (!body) return request.socket.destroy();
  const headers = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) headers.push([request.rawHeaders[at], request.rawHeaders[at + 1]]);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const said = await answer({ method: request.method, target: request.url, headers, body, gone: gone.signal });
  if (gone.signal.aborted) return undefined;
  if (!said) return request.socket.destroy();
  response.statusCode = said.status;
  for (const [name, value] of said.headers) response.appendHeader(name, value);
  if (request.method !== "HEAD") response.setHeader("content-length", said.body.length);
  response.end(said.body);
  return undefined;
}

/** What fits of the body; undefined when it is endless, or broke off. */
async function read(request) {
  const parts = [];
  let [kept, length] = [0, 0];
  try {
    for await (const part of request) {
      length += part.length;
      if (length > MAX_READ) return undefined;
      if (kept < MAX_KEPT) parts.push(part.subarray(0, MAX_KEPT - kept));
      kept = Math.min(length, MAX_KEPT);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(parts);
}
