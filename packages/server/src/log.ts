// What the application may log of us. No id, no token, no key, no address and nothing of Flinks' data is in it.

export type Level = "info" | "warn" | "error";

/** Takes a line: what happened, and more about it as words and numbers. */
export type Log = (level: Level, message: string, more?: { [name: string]: string | number }) => void;

/** A log that cannot break what it reports. */
export function guarded(log: Log | undefined): Log {
  return (level, message, more) => {
    try {
      log?.(level, message, more);
    } catch {
      // A log that throws is the application's own trouble.
    }
  };
}

/** An error as words: its text may quote values, its name and code do not. */
export function kindOf(error: unknown): { error: string } {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return { error: [name, code].filter((word) => typeof word === "string" || typeof word === "number").join(" ") || typeof error };
}
