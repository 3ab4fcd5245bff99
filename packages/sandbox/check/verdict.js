/** A rule that the backend does not keep. */
export class Broken extends Error {
  constructor(expected, got, change) {
    super(`expected ${expected}; got ${got}`);
    Object.assign(this, { expected, got, change });
  }
}

/** A rule that could not be tried, and why. */
export class NotTried extends Error {}

/** The check cannot run at all. */
export class CannotRun extends Error {}
