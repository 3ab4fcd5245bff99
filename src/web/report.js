// What a session tells, in words: from WebAssembly it comes as a list of which report it is and its values. `report.rs` has the same reports,
// and the enums it names have their words, in the same order.

import { CODES } from "../../www/sdk/error.js";

const PHASES = ["starting", "loading", "active", "delivering", "done", "failed", "closed"];
const MODES = ["resume", "refresh", "connect"];
const PROBLEMS = ["unknown", "policy", "isolation", "offline"];

/** Each report's name and the names of its values: with the words that the numbers stand for, or as it comes. */
export const REPORTS = [
  ["phasechange", { phase: PHASES, previous: PHASES }],
  ["step", { step: 0, institution: 0 }],
  ["flinkscode", { flinksCode: 0 }],
  ["fullflow", {}],
  ["expiring", { remainingMs: 0 }],
  ["retrying", { attempt: 0, delayMs: 0 }],
  ["failed", { code: CODES, loadProblem: PROBLEMS, flinksCode: 0, httpStatus: 0, retryable: [false, true], phase: PHASES }],
  ["upToDate", {}],
  ["reconnected", { attemptId: 0, mode: MODES, loginId: 0, requestId: 0, institution: 0, accountIds: 0, tag: 0 }],
];

/** A report's name and its detail. */
export function inWords([kind, ...values]) {
  const [name, fields] = REPORTS[kind];
  return [name, Object.fromEntries(Object.entries(fields).map(([field, words], index) => [field, words ? words[values[index]] : values[index]]))];
}
