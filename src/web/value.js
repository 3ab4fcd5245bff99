// Reading values: hostile messages, the host's objects, URLs. Each function here is one crossing for what would be dozens.
//
// Invariants: no function throws, and of an object only own properties are seen.

/** The host's own property as it is (a polluted `Object.prototype` must not choose where a login goes); a getter that throws is none. */
export function raw(object, name) {
  try {
    return typeof object === "object" && object && Object.hasOwn(object, name) ? object[name] : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the host's properties. */
function names(object) {
  try {
    return object instanceof Object ? Object.keys(object) : [];
  } catch {
    return [];
  }
}

// The kinds of `Property`; `value.rs` has the same numbers.
const ABSENT = 0;
const NULL = 1;
const TEXT = 2;
const NUMBER = 3;
const TEXTS = 4;
const PAIRS = 5;
const FUNCTION = 6;
const ELEMENT = 7;
const SIGNAL = 8;
const OTHER = 9;

/** The host's property as a list: its kind, then its content. */
function property(object, name) {
  const value = raw(object, name);
  if (value === undefined) return [ABSENT];
  if (value === null) return [NULL];
  const simple = { string: TEXT, number: NUMBER, function: FUNCTION }[typeof value];
  if (simple) return [simple, value];
  try {
    if (value instanceof Element) return [ELEMENT];
    if (value instanceof AbortSignal) return [SIGNAL];
    if (Array.isArray(value)) {
      const items = Array.from(value);
      return items.every((item) => typeof item === "string") ? [TEXTS, ...items] : [OTHER];
    }
    return value instanceof Object ? pairs(value) : [OTHER];
  } catch {
    return [OTHER];
  }
}

/** Names and values in turn, each as text. */
function pairs(object) {
  const list = [PAIRS];
  for (const [name, value] of Object.entries(object)) {
    // `undefined` is how JavaScript leaves a value out.
    if (value === undefined) continue;
    if (!/^(string|number|boolean)$/.test(typeof value)) return [OTHER];
    list.push(name, String(value));
  }
  return list;
}

/** The object a message carries, or whose JSON text it carries. */
function fields({ data }, maxLength) {
  try {
    const value = typeof data !== "string" ? data : data.length <= maxLength ? JSON.parse(data) : undefined;
    return value instanceof Object ? value : undefined;
  } catch {
    return undefined;
  }
}

function own(object, name) {
  try {
    // Not the object's own `hasOwnProperty`: the sender chooses that.
    return Object.hasOwn(object, name) ? object[name] : undefined;
  } catch {
    return undefined;
  }
}

/** The own property when it is a short string; undefined when it says nothing, null when it is something else. */
function ownText(object, name, maxLength) {
  const value = own(object, name) ?? "";
  if (value === "") return undefined;
  return isText(value, maxLength) ? value : null;
}

/** The short strings in the own property: in an array, or alone. */
function ownTexts(object, name, maxItems, maxLength) {
  const value = own(object, name);
  const items = Array.isArray(value) ? value : [value];
  const texts = [];
  // By index: a sparse array can claim four billion elements, and the sender chooses what the array's methods are.
  for (let index = 0; index < items.length && index < maxItems; index += 1) {
    if (isText(items[index], maxLength)) texts.push(items[index]);
  }
  return texts;
}

/** The own property when it is a finite number. */
function ownNumber(object, name) {
  const value = own(object, name);
  return Number.isFinite(value) ? value : undefined;
}

const isText = (value, maxLength) => typeof value === "string" && value.length <= maxLength;

/** The parts of a URL by the parser that will load it, then its query's names and values in turn. */
function urlParts(text) {
  try {
    const { href, protocol, hostname, pathname, origin, username, password, searchParams } = new URL(text);
    return [href, protocol, hostname, pathname, origin, username + password, ...[...searchParams].flat()];
  } catch {
    return undefined;
  }
}

/** 128 random bits in hexadecimal. */
function randomName() {
  try {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return undefined;
  }
}

/** The page's own language. */
const language = () => document.documentElement?.getAttribute("lang") ?? "";

/** The page's window. */
const itself = () => window;

/** Milliseconds on a clock that nobody sets. */
const monotonicMs = () => performance.now();

/** What `page.rs` calls. */
export const value = { names, property, fields, ownText, ownTexts, ownNumber, urlParts, randomName, language, itself, monotonicMs };
