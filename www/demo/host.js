// What the page asks its own backend. The widget talks to the backend by itself: `start` and `deliver` are just addresses to us.

/** The backend said no, or could not be reached (`status` 0). */
export class HostError extends Error {
  constructor(status) {
    super(`The host answered ${status}`);
    this.name = "HostError";
    this.status = status;
  }
}

const REQUEST_LIMIT_MS = 10_000;

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(REQUEST_LIMIT_MS), ...options });
  } catch {
    throw new HostError(0);
  }
  if (!response.ok) throw new HostError(response.status);
  return response;
}

async function askJson(path) {
  const response = await ask(path);
  try {
    return await response.json();
  } catch {
    throw new HostError(0);
  }
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const connectionPath = (id) => `/api/connections/${encodeURIComponent(id)}`;

export const startPath = (id) => `${connectionPath(id)}/reconnect`;
export const deliverPath = "/api/reconnects";

export const loadConnections = async () => (await askJson("/api/connections")).connections;
export const loadAccounts = (id) => askJson(`${connectionPath(id)}/accounts`);

// From here on there is nothing to copy: the demo's own host plays with the sandbox and the network.

/** What an application would have in its database from when the bank was connected. */
export const loadAccountsBefore = (id) => askJson(`/demo/connections/${encodeURIComponent(id)}/before`);

export const loadSandboxClock = () => askJson("/demo/sandbox/clock");
export const loadSandboxFaults = () => askJson("/demo/sandbox/faults");
export const loadNetwork = () => askJson("/demo/network");
export const advanceSandboxClock = (advanceMs) => post("/demo/sandbox/clock", { advanceMs });
export const setSandboxFaults = (faults) => post("/demo/sandbox/faults", faults);
export const setNetwork = (network) => post("/demo/network", network);
export const resetSandbox = () => post("/demo/sandbox/reset", {});
