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

/** An object of the host's: name, kind and content of each property, one behind the other. */
function properties(object) {
  try {
    return typeof object === "object" && object ? Object.keys(object).flatMap((name) => [name, ...kind(raw(object, name))]) : [];
  } catch {
    return [];
  }
}

/** What a value is, and what of it is asked for. */
function kind(value) {
  switch (typeof value) {
    case "undefined":
      return [ABSENT, value];
    case "string":
      return [TEXT, value];
    case "number":
      return [NUMBER, value];
    case "function":
      return [FUNCTION, value];
  }
  if (value === null) return [NULL, value];
  try {
    if (value instanceof Element) return [ELEMENT, value];
    if (value instanceof AbortSignal) return [SIGNAL, value];
    if (Array.isArray(value)) {
      const items = Array.from(value);
      return [items.every((item) => typeof item === "string") ? TEXTS : OTHER, items];
    }
    // `undefined` is how JavaScript leaves a value out.
    const pairs = Object.entries(value).filter(([, item]) => item !== undefined);
    const isPlain = value instanceof Object && pairs.every(([, item]) => /^(string|number|boolean)$/.test(typeof item));
    return isPlain ? [PAIRS, pairs.flat().map(String)] : [OTHER, value];
  } catch {
    return [OTHER, value];
  }
}

/** What a message carries, or what its JSON text says. It may be no object: nothing is found in it then. */
function fields({ data }, maxLength) {
  try {
    return typeof data !== "string" ? data : data.length <= maxLength ? JSON.parse(data) : undefined;
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
    const { href, protocol, hostname, origin, username, password, searchParams } = new URL(text);
    const place = href.replace(/[?#].*/, "");
    return [place, protocol, hostname, origin, href.slice(place.length), username + password, ...[...searchParams].flat()];
  } catch {
    return undefined;
  }
}

/** The page's own language, and 128 random bits in hexadecimal where the browser has any. */
function surroundings() {
  const language = document.documentElement?.getAttribute("lang") ?? "";
  try {
    return [language, Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("")];
  } catch {
    return [language];
  }
}

/** Milliseconds on a clock that nobody sets. */
const monotonicMs = () => performance.now();

/** What `page.rs` calls. */
export const value = { properties, fields, ownText, ownTexts, ownNumber, urlParts, surroundings, monotonicMs };
