"use client";

// React 18 and 19: a hook that opens sessions, and a component that is the inline form.
//
// Invariants: a parent's render never touches the frame; functions are called as the latest render has them; after unmounting, nothing is heard but
// a result that was still on its way. Under StrictMode the effect runs twice: a session begins a microtask after it was made, so the first,
// closed at once, burns no token.

import { createElement, useCallback, useEffect, useInsertionEffect, useRef, useState } from "react";
import { EVENTS, reconnect } from "./index.js";
import { follow } from "./endings.js";

/** Opens a session on `open(options)`; closes it when the component goes. */
export function useReconnect() {
  const session = useRef(null);
  const [phase, setPhase] = useState(null);

  const close = useCallback(() => session.current?.close(), []);
  useEffect(() => close, []);

  const open = useCallback((options) => {
    close();
    const opened = reconnect(options);
    session.current = opened;
    setPhase(opened.phase);
    opened.addEventListener("phasechange", ({ detail }) => {
      if (session.current === opened) setPhase(detail.phase);
    });
    return opened;
  }, []);

  return { open, close, phase };
}

/** Connect, inline, for as long as it is mounted. `options` are read when it mounts; another `key` makes another session. */
export function FlinksReconnect({ options, onResult, onError, onEvent, ...rest }) {
  const container = useRef(null);
  const latest = useRef(null);
  // Before every other effect, and not while rendering: a render may be thrown away.
  useInsertionEffect(() => {
    latest.current = { options, onResult, onError, onEvent };
  });

  useEffect(() => {
    let isMounted = true;
    const report = (name, detail) => isMounted && latest.current[name]?.(detail);
    let session;
    try {
      session = reconnect({ ...latestFunctions(latest), container: container.current });
      for (const name of EVENTS) session.addEventListener(name, (event) => report("onEvent", event));
      follow(
        session,
        (result) => latest.current.onResult?.(result),
        (error) => report("onError", error),
      );
    } catch (error) {
      // Later, when StrictMode has given its first mounting up.
      queueMicrotask(() => report("onError", error));
    }
    return () => {
      isMounted = false;
      session?.close();
    };
  }, []);

  return createElement("div", { ...rest, ref: container });
}

/** The options, their functions replaced by ones that call what the latest render has under that name. */
function latestFunctions(latest) {
  const entries = Object.entries(latest.current.options ?? {}).map(([name, value]) => [
    name,
    typeof value === "function" ? (...given) => latest.current.options[name](...given) : value,
  ]);
  return Object.fromEntries(entries);
}
