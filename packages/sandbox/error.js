/** Why a sandbox did not start, or did not do as it was told: one line that names what has to change. Never holds a key. */
export class SandboxError extends Error {
  name = "SandboxError";
}

/** Does `work`; the module's own complaints, which are lines of text, become errors. */
export function complaining(work) {
  try {
    return work();
  } catch (error) {
    throw typeof error === "string" ? new SandboxError(error) : error;
  }
}
