// Takes one check after the other out of a copy of the repository, and wants a native test to fail each time.
//
//   node tests/mutations/run.mjs            every mutation; status 1 when one survives or no longer applies
//   node tests/mutations/run.mjs --write    the same, and writes docs/attacks.md
//   node tests/mutations/run.mjs tag url    those whose name has one of these words
//
// A test that passes with and without a check proves nothing about it: this is the proof that ours do. What only a browser can show has its
// positive twin in tests/e2e.
//
// Invariants: the working tree is only read; the copy is restored before every mutation; all tests pass before the first; what does not
// compile has not been caught, for then no test said a word.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "target/mutations");
const copy = join(folder, "source");
const limitMs = 5 * 60_000;

const gate = "src/session/machine.rs";
const machine = gate;
const redirect = "src/connect/redirect.rs";
const address = "src/connect/address.rs";
const id = "src/connect/id.rs";
const delivery = "src/session/delivery.rs";
const options = "src/session/options.rs";
const message = "src/connect/message.rs";
const parameters = "src/connect/parameters.rs";

/** Check, what becomes of it, file, exact text, replacement, the test that must fail. */
const mutations = [
  // The gate.
  ["isTrusted", "scripts may make messages", gate, "if !posted.is_trusted() {", "if false {", "gate"],
  ["source", "any window may speak", gate, "} else if !posted.is_from_frame() {", "} else if false {", "gate"],
  ["origin", "any origin may speak", gate, "} else if !posted.is_from_origin() {", "} else if false {", "gate"],
  ["phase", "a session that is over listens", gate, "} else if !matches!(self.phase, Phase::Loading | Phase::Active | Phase::Delivering) {", "} else if false {", "gate"],
  ["rate", "a runaway is read without end", gate, "} else if !self.rate.admits(now_ms) {", "} else if false {", "gate"],
  ["rate: cap", "quiet saves up an endless burst", gate, "self.tokens = (self.tokens + gained).min(RATE_BURST);", "self.tokens += gained;", "gate"],
  ["rate: strangers", "strangers use up the rate", gate, "let dropped = &mut self.dropped;", "self.rate.admits(now_ms);\n        let dropped = &mut self.dropped;", "gate"],
  ["order: data last", "the data is read before the checks", gate, "let dropped = &mut self.dropped;", "drop(posted.fields());\n        let dropped = &mut self.dropped;", "gate"],
  ["order: source before origin", "the origin is asked first", gate, "} else if !posted.is_from_frame() {", "} else if !posted.is_from_origin() {\n            &mut dropped.origin\n        } else if !posted.is_from_frame() {", "gate"],

  // The decoder.
  ["field and url agree", "the field wins over the url", redirect, "(Field::Text(text), Some(value)) if text == *value => Ok(Some(text)),", "(Field::Text(text), Some(_)) => Ok(Some(text)),", "messages"],
  ["duplicate loginId", "the first of two counts", redirect, "if values.next().is_some() {", "if false {", "messages"],
  ["tag compare", "any tag is ours", redirect, "returned != tag.as_str()", "returned.len() > tag.as_str().len() + 1_000", "messages"],
  ["tag of the session", "nothing is held against the tag that was set", machine, "tag: attempt.and_then(|attempt| attempt.tag.as_ref()),", "tag: None,", "scenarios"],
  ["redirectUrl place", "any place will do", redirect, "parse(asked).is_some_and(|asked| asked.place() == url.place())", "parse(asked).is_some_and(|asked| asked.place().len() > url.place().len() || url.is_http())", "messages"],
  ["redirectUrl of the session", "nothing is held against the place that was asked for", machine, "redirect_url: attempt.and_then(|attempt| param(attempt, parameters::REDIRECT_URL)),", "redirect_url: None,", "scenarios"],
  ["url on the web", "any scheme will do", redirect, "None => url.is_http(),", "None => true,", "messages"],
  ["credentials in url", "a url with credentials will do", redirect, "if url.has_credentials {", "if false {", "messages"],
  ["unusable url", "a url that is no text is passed over", redirect, "Field::Unusable => return Err(RedirectError::Conflict),", "Field::Unusable => None,", "messages"],
  ["id grammar: shortest", "seven characters are an id", id, "(8..=MAX_ID_LEN)", "(7..=MAX_ID_LEN)", "messages"],
  ["id grammar: longest", "129 characters are an id", id, "(8..=MAX_ID_LEN)", "(8..=MAX_ID_LEN + 1)", "messages"],
  ["id grammar: alphabet", "an id may have spaces", id, "matches!(byte, b'.' | b'_' | b'-')", "matches!(byte, b'.' | b'_' | b'-' | b' ')", "messages"],
  ["ids in debug output", "Debug tells the id", id, 'formatter.write_str(concat!(stringify!($name), "(***)"))', "formatter.write_str(&self.0)", "messages"],
  ["number of accounts", "as many as are sent", redirect, "if ids.len() < MAX_ACCOUNTS && ", "if ", "messages"],
  ["message with nothing in it", "any object is a message", message, "(step.is_some() || code.is_some()).then(", "true.then(", "messages"],

  // The result.
  ["first wins", "a later success takes over", machine, "if self.phase == Phase::Delivering {", "if false {", "scenarios"],
  ["a different login is a conflict", "a second login is taken for the first", machine, "redirect.login_id == result.login_id", "redirect.login_id.as_str().len() > 1", "scenarios"],
  ["a different session is a conflict", "a second session is taken for the first", machine, "(redirect.request_id.is_none() || redirect.request_id == result.request_id)", "redirect.login_id.as_str().len() > 1", "scenarios"],
  ["a contradiction is a conflict", "it is passed over", machine, "if redirect == Some(Err(RedirectError::Unreadable)) {", "if matches!(redirect, Some(Err(_))) {", "scenarios"],
  ["settled once", "closing settles again", machine, "Phase::Delivering | Phase::Done | Phase::Failed | Phase::Closed => self.hide(),\n            Phase::Starting", "Phase::Delivering => self.hide(),\n            Phase::Done | Phase::Failed | Phase::Closed | Phase::Starting", "transitions"],
  ["closing keeps the delivery", "closing gives it up", machine, "Phase::Delivering | Phase::Done | Phase::Failed | Phase::Closed => self.hide(),\n            Phase::Starting", "Phase::Done | Phase::Failed | Phase::Closed => self.hide(),\n            Phase::Delivering | Phase::Starting", "transitions"],
  ["answers of abandoned tries", "any answer counts", machine, "if try_number == self.tries && self.phase == Phase::Delivering", "if try_number <= self.tries && self.phase == Phase::Delivering", "scenarios"],
  ["answers of abandoned starts", "any answer counts", machine, "if call == self.calls && ", "if call <= self.calls && ", "scenarios"],
  ["one renewal", "a dead session is renewed without end", machine, "if self.can_start() && !self.renewals.session {", "if self.can_start() {", "scenarios"],
  ["one renewal of the token", "a refused token is renewed without end", machine, "if self.can_start() && !self.renewals.token {", "if self.can_start() {", "scenarios"],

  // The frame's address.
  ["instance grammar: alphabet", "a name may have dots", address, "byte.is_ascii_digit() || byte == b'-')", "byte.is_ascii_digit() || byte == b'-' || byte == b'.')", "addresses"],
  ["instance grammar: length", "a name may be too long for a DNS label", address, "(1..=56)", "(1..=57)", "addresses"],
  ["instance grammar: hyphens", "a name may begin with a hyphen", address, "&& !name.starts_with('-')", "", "addresses"],
  ["instance: the parsed origin", "the parser is not asked again", address, "if parsed.origin != origin {", "if false {", "addresses"],
  ["loopback http", "http everywhere", address, '!(parsed.scheme == "http:" && parsed.is_loopback())', 'parsed.scheme != "http:"', "addresses"],
  ["loopback: the host", "a name that ends so is this machine", address, 'self.host == "localhost"', 'self.host.ends_with("localhost")', "addresses"],
  ["connectUrl: credentials", "credentials will do", address, "if parsed.has_credentials || ", "if ", "addresses"],
  ["connectUrl: query and fragment", "they will do", address, " || parsed.place() != parsed.href {", " {", "addresses"],
  ["reserved params", "the page may set them", options, "reserved.eq_ignore_ascii_case(name)", "name.is_empty() && reserved.is_empty()", "options"],
  ["reserved params: casing", "in another casing it may", options, "reserved.eq_ignore_ascii_case(name)", "*reserved == name", "options"],
  ["percent-encoding", "an ampersand is left as it is", parameters, "b'-' | b'.' | b'_' | b'~'", "b'-' | b'.' | b'_' | b'~' | b'&'", "addresses"],

  // Delivery.
  ["retry classification: 503", "503 is final", delivery, "500 | 502 | 503 | 504", "500 | 502 | 504", "scenarios"],
  ["retry classification: 409", "409 is final", delivery, "408 | 409 | 425", "408 | 425", "scenarios"],
  ["retry classification: LOGIN_MISMATCH", "any code says so", delivery, 'if code == "LOGIN_MISMATCH"', "if !code.is_empty()", "scenarios"],
  ["Retry-After is honoured", "it is not", delivery, "retry_after_ms.unwrap_or(0)", "retry_after_ms.unwrap_or(0).min(1)", "scenarios"],
  ["Retry-After cap", "an hour is waited for", delivery, "retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS)", "retry_after_ms.unwrap_or(0)", "scenarios"],
  ["delay ceiling", "the wait doubles without end", delivery, ".min(BACKOFF_CAP_MS)", "", "scenarios"],
];

const words = process.argv.slice(2).filter((word) => word !== "--write");
const wanted = mutations.filter(([check]) => words.length === 0 || words.some((word) => check.includes(word)));

mirror();
const tests = [...new Set(wanted.map(([, , , , , test]) => test))];
const whole = cargo(tests);
if (!whole.passed) fail(`without any mutation the tests fail already:\n${whole.output.slice(-2_000)}`);

const rows = [];
for (const [check, change, file, text, replacement, test] of wanted) {
  const verdict = judge(file, text, replacement, test);
  rows.push({ check, change, file, test, ...verdict });
  console.log(`${verdict.caught ? "caught  " : "SURVIVED"}  ${check.padEnd(38)} ${verdict.by}`);
}

const survivors = rows.filter(({ caught }) => !caught);
console.log(`\n${rows.length - survivors.length} caught, ${survivors.length} survived or no longer apply`);
if (process.argv.includes("--write")) {
  if (words.length || survivors.length) fail("docs/attacks.md is written only when every mutation was tried and caught");
  write(rows);
}
process.exitCode = survivors.length === 0 ? 0 : 1;

function fail(problem) {
  console.error(problem);
  process.exit(1);
}

/** Brings the copy up to the working tree, touching only what differs, so that cargo compiles only that. */
function mirror() {
  const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  if (listed.status !== 0) fail(`git ls-files: ${listed.stderr}`);
  const files = listed.stdout.split("\0").filter((name) => name && existsSync(join(root, name)));
  // A file that is gone here must be gone there.
  const before = join(folder, "files.json");
  for (const name of existsSync(before) ? JSON.parse(readFileSync(before, "utf8")) : []) if (!files.includes(name)) rmSync(join(copy, name), { force: true });
  for (const name of files) restore(name);
  writeFileSync(before, JSON.stringify(files));
}

function restore(name) {
  const [from, to] = [join(root, name), join(copy, name)];
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** Whether the test fails without the check. */
function judge(file, text, replacement, test) {
  // From the copy: the working tree may change meanwhile.
  const path = join(copy, file);
  const original = readFileSync(path, "utf8");
  const places = original.split(text).length - 1;
  if (places !== 1) return { caught: false, by: `the text stands ${places} times in ${file}` };
  try {
    writeFileSync(path, original.replace(text, () => replacement));
    const { passed, output, hung } = cargo([test]);
    if (hung) return { caught: true, by: "never ended" };
    const [, failed] = output.match(/^test (\S+) \.\.\. FAILED$/m) ?? [];
    if (passed) return { caught: false, by: `tests/${test}.rs passes` };
    if (!failed) return { caught: false, by: `it does not compile:\n${output.slice(-2_000)}` };
    return { caught: true, by: failed };
  } finally {
    writeFileSync(path, original);
  }
}

/** Runs tests of the core in the copy. */
function cargo(names) {
  const args = ["test", "--locked", "-p", "flinks-reconnect", "--no-fail-fast", ...names.flatMap((name) => ["--test", name])];
  const env = { ...process.env, CARGO_TARGET_DIR: join(folder, "build"), RUST_BACKTRACE: "0", PROPTEST_CASES: "64", CARGO_TERM_COLOR: "never" };
  const { status, stdout, stderr, error } = spawnSync("cargo", args, { cwd: copy, env, encoding: "utf8", timeout: limitMs, maxBuffer: 1 << 28 });
  if (error && error.code !== "ETIMEDOUT") fail(`cargo: ${error.message}`);
  return { passed: status === 0, output: `${stderr}\n${stdout}`, hung: error?.code === "ETIMEDOUT" };
}

function write(rows) {
  const line = ({ check, change, file, test, by }) => `| ${check} | ${change} | \`${file}\` | \`tests/${test}.rs\`: \`${by}\` |`;
  const text = `# What is attacked, and what proves that the checks are there

Written by \`node tests/mutations/run.mjs --write\`; do not edit.

The rules of trust are proved twice.

**In real browsers** (\`tests/e2e/tests/attacks.rs\`, \`policies.rs\`, \`leaks.rs\`) every attack is carried out against the shipped package, under Flinks' own
host names, in Chromium, Firefox and WebKit. Each has a positive twin: what shows on the same page that the attack would have worked without
the check, or that the same message is accepted when it is genuine. \`E2E_ENGINE=firefox cargo test -p flinks-e2e\` prints the table: attack, engine, where
it was dropped, twin.

**In the core** each check is taken out of a copy of the repository, and a test must fail. All of these were caught:

| check | without it | file | caught by |
|---|---|---|---|
${rows.map(line).join("\n")}
`;
  mkdirSync(join(root, "docs"), { recursive: true });
  writeFileSync(join(root, "docs/attacks.md"), text);
  console.log("docs/attacks.md is written");
}
