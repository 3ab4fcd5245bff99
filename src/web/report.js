// The names of what leaves for the host: Rust gives the values in this order. The names are the public ones of `www/sdk/index.d.ts`.

const FIELDS = {
  phasechange: ["phase", "previous"],
  step: ["step", "institution"],
  flinkscode: ["flinksCode"],
  fullflow: [],
  expiring: ["remainingMs"],
  retrying: ["attempt", "delayMs"],
  delivery: ["attemptId", "mode", "loginId", "requestId", "institution", "accountIds", "tag"],
  error: ["code", "loadProblem", "flinksCode", "httpStatus", "retryable", "phase"],
};

/** A plain object of these values. */
const named = (kind, values) => Object.fromEntries(FIELDS[kind].map((name, index) => [name, values[index]]));

/** What `page.rs` calls. */
export const report = { named };
