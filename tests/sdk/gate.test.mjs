// The gate's first three questions, as the page asks them: made by the browser, from our frame's window, from our frame's origin. Real windows are
// in tests/e2e; here is every combination, in every order, and what is asked of an event.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate } from "../../src/web/gate.js";

const ORIGIN = "https://toolbox-iframe.private.fin.ag";
const ours = { name: "our frame's window" };

const trusts = [true, false];
const sources = [ours, { name: "another window" }, null];
const origins = [
  ORIGIN, "null", "", "https://toolbox-iframe.private.fin.ag.", "https://toolbox-iframe.private.fin.ag:8443", "http://toolbox-iframe.private.fin.ag",
  "https://toolbox-iframe.private.fin.ag.attacker.test", "https://other-iframe.private.fin.ag", "https://private.fin.ag",
];
const everyLetter = trusts.flatMap((isTrusted) => sources.flatMap((source) => origins.map((origin) => ({ isTrusted, source, origin }))));
const isGenuine = ({ isTrusted, source, origin }) => isTrusted && source === ours && origin === ORIGIN;

/** An event that writes down what it is asked; whoever asks for its data is told off. */
function witness(letter, asked = []) {
  const event = Object.create(null, { data: { get: () => assert.fail("a message was read before its sender was known") } });
  for (const name of Object.keys(letter)) Object.defineProperty(event, name, { get: () => (asked.includes(name) || asked.push(name), letter[name]) });
  return event;
}

test("of all combinations of senders the genuine one alone is let in, and the first no is the last question and is counted", () => {
  for (const letter of everyLetter) {
    const gate = new Gate({ contentWindow: ours }, ORIGIN);
    const asked = [];
    assert.equal(gate.admits(witness(letter, asked)), isGenuine(letter), JSON.stringify(letter));
    const questions = ["isTrusted", "source", "origin"];
    const answers = [letter.isTrusted, letter.source === ours, letter.origin === ORIGIN];
    const first = answers.indexOf(false);
    assert.deepEqual(asked, first < 0 ? questions : questions.slice(0, first + 1), JSON.stringify(letter));
    const none = { isTrusted: 0, source: 0, origin: 0 };
    assert.deepEqual(gate.dropped, first < 0 ? none : { ...none, [questions[first]]: 1 }, JSON.stringify(letter));
  }
});

test("a frame that is gone hears nobody, for its window is null and so is a vanished sender", () => {
  for (const letter of everyLetter) assert.equal(new Gate({ contentWindow: null }, ORIGIN).admits(witness(letter)), false, JSON.stringify(letter));
});

test("whatever the sequence, what was let in is what was genuine, while frames are taken away and put up again", () => {
  // A generator of numbers that is the same in every run.
  let state = 20_261_126;
  const upTo = (bound) => {
    for (const shift of [(x) => x << 13, (x) => x >>> 17, (x) => x << 5]) state ^= shift(state);
    return (state >>> 0) % bound;
  };
  const frame = { contentWindow: ours };
  const gate = new Gate(frame, ORIGIN);
  const counted = { in: 0, out: 0 };
  for (let step = 0; step < 100_000; step += 1) {
    if (upTo(50) === 0) frame.contentWindow = frame.contentWindow ? null : ours;
    // Genuine ones would be rare among all that can be wrong.
    const letter = upTo(4) === 0 ? { isTrusted: true, source: ours, origin: ORIGIN } : everyLetter[upTo(everyLetter.length)];
    const isIn = gate.admits(witness(letter));
    assert.equal(isIn, frame.contentWindow === ours && isGenuine(letter), `${step}: ${JSON.stringify(letter)}`);
    counted[isIn ? "in" : "out"] += 1;
  }
  assert.ok(counted.in > 10_000, `${counted.in} were let in`);
  assert.equal(gate.dropped.isTrusted + gate.dropped.source + gate.dropped.origin, counted.out);
});
