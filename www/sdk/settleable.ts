// The promises of a session, which somebody else settles.

import type { ReconnectError } from "./error.js";

/** A promise and what settles it. A page that only listens to events must not be told of an unhandled rejection. */
export function settleable<Value>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: ReconnectError) => void;
  const promise = new Promise<Value>((...functions) => ([resolve, reject] = functions));
  promise.catch(() => {});
  return { promise, resolve, reject };
}
