// Runs before anything else on the lab's pages, so that whatever the widget does can be counted: listeners, timers, reads of `event.data`,
// frames as they get their address, console, violations. Also the naive listener, which takes every message: the twin of the gate.
//
// Invariant: nothing here changes what the page can do; each patch calls the original. The lab itself uses the originals, uncounted.
(() => {
  const prototype = EventTarget.prototype;
  const original = {
    add: prototype.addEventListener,
    remove: prototype.removeEventListener,
    setTimeout: window.setTimeout.bind(window),
    clearTimeout: window.clearTimeout.bind(window),
  };
  const lab = {
    original,
    /** Listeners that were added and not removed, as `Window message`. */
    listeners: () => live.map(({ target, type }) => `${target.constructor.name} ${type}`).sort(),
    /** Timers that were set and have neither fired nor been cleared. */
    timers: new Set(),
    /** How often anybody but the lab read the data of a message event. */
    dataReads: 0,
    /** What the naive listener took. */
    received: [],
    /** Set by a test that is about speed: the naive listener then takes nothing. */
    isDeaf: false,
    /** Milliseconds spent in each call of a counted `message` listener, or null while nobody measures. */
    handled: null,
    /** Every frame at the moment its address was set. */
    frames: [],
    console: [],
    errors: [],
    violations: [],
  };
  window.lab = lab;

  const live = [];
  const wrappers = new WeakMap();
  const captures = (options) => (typeof options === "boolean" ? options : Boolean(options?.capture));
  const same = (type, listener, options) => (entry) =>
    entry.type === type && entry.listener === listener && entry.capture === captures(options);

  /** A `message` listener whose time is measured. */
  function measured(listener) {
    if (typeof listener !== "function") return listener;
    if (!wrappers.has(listener)) {
      wrappers.set(listener, function (event) {
        if (!lab.handled) return listener.call(this, event);
        const started = performance.now();
        listener.call(this, event);
        lab.handled.push(performance.now() - started);
      });
    }
    return wrappers.get(listener);
  }

  prototype.addEventListener = function (type, listener, options) {
    const target = this ?? window;
    const isNew = !live.some((entry) => entry.target === target && same(type, listener, options)(entry));
    const { signal } = Object(options);
    if (listener && isNew && !signal?.aborted) {
      const entry = { target, type, listener, capture: captures(options) };
      live.push(entry);
      // The other way to take a listener off.
      if (signal) original.add.call(signal, "abort", () => live.splice(live.indexOf(entry), live.includes(entry) ? 1 : 0), { once: true });
    }
    const isMessage = target === window && type === "message";
    return original.add.call(target, type, isMessage ? measured(listener) : listener, options);
  };
  prototype.removeEventListener = function (type, listener, options) {
    const target = this ?? window;
    const at = live.findIndex((entry) => entry.target === target && same(type, listener, options)(entry));
    if (at >= 0) live.splice(at, 1);
    return original.remove.call(target, type, wrappers.get(listener) ?? listener, options);
  };

  const native = { setTimeout: window.setTimeout, clearTimeout: window.clearTimeout };
  /** For a test that is about speed: timers as the browser made them. */
  lab.stopCountingTimers = () => Object.assign(window, native);
  window.setTimeout = (callback, delay, ...parameters) => {
    const timer = original.setTimeout(() => {
      lab.timers.delete(timer);
      callback(...parameters);
    }, delay);
    lab.timers.add(timer);
    return timer;
  };
  window.clearTimeout = (timer) => {
    lab.timers.delete(timer);
    original.clearTimeout(timer);
  };

  const { get: readData } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data");
  Object.defineProperty(MessageEvent.prototype, "data", {
    configurable: true,
    enumerable: true,
    get() {
      lab.dataReads += 1;
      return readData.call(this);
    },
  });
  /** The data of a message event, uncounted. */
  lab.read = (event) => readData.call(event);

  original.add.call(window, "message", (event) => {
    if (lab.isDeaf) return;
    lab.received.push({ trusted: event.isTrusted, source: event.source, origin: event.origin, data: lab.read(event) });
  });

  const noteFrame = (frame, src) => {
    const attributes = Object.fromEntries([...frame.attributes].map(({ name, value }) => [name, value]));
    lab.frames.push({ src: String(src), attributes, isConnected: frame.isConnected });
  };
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (name, value) {
    if (this instanceof HTMLIFrameElement && name.toLowerCase() === "src") noteFrame(this, value);
    return setAttribute.call(this, name, value);
  };
  const source = Object.getOwnPropertyDescriptor(HTMLIFrameElement.prototype, "src");
  Object.defineProperty(HTMLIFrameElement.prototype, "src", {
    ...source,
    set(value) {
      noteFrame(this, value);
      source.set.call(this, value);
    },
  });

  for (const level of ["log", "info", "warn", "error", "debug", "trace", "dir", "table", "group", "assert"]) {
    const print = console[level].bind(console);
    console[level] = (...words) => {
      lab.console.push(words.map((word) => `${word} ${word?.stack ?? ""} ${text(word)}`).join(" "));
      print(...words);
    };
  }
  function text(value) {
    try {
      return JSON.stringify(value) ?? "";
    } catch {
      return "";
    }
  }
  original.add.call(window, "error", ({ message, error }) => lab.errors.push(`${message} ${error?.stack ?? ""}`));
  original.add.call(window, "unhandledrejection", ({ reason }) => lab.errors.push(`${reason} ${reason?.stack ?? ""}`));
  original.add.call(document, "securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    // The browser asks for it by itself, before there is a widget.
    if (blockedURI !== `${location.origin}/favicon.ico`) lab.violations.push(`${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
  });
})();
