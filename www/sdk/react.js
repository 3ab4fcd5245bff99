// React 18 and 19: a hook that opens sessions, and a component that is the inline form.
//
// Latest callbacks without memo: they are read through a ref when something happens. A parent's re-render never touches the frame. Under
// StrictMode the effect runs twice: a session begins a microtask after it was made, so the first, closed at once, burns no token.

import { createElement, useCallback, useEffect, useRef, useState } from "react";
import { EVENTS, reconnect } from "./index.js";

/** Opens a session on `open(options)`; closes it when the component goes. */
export function useReconnect() {
  const session = useRef(null);
  const [phase, setPhase] = useState(null);

  useEffect(() => () => session.current?.close(), []);

  const open = useCallback((options) => {
    session.current?.close();
    const opened = reconnect(options);
    session.current = opened;
    setPhase(opened.phase);
    opened.addEventListener("phasechange", ({ detail }) => {
      if (session.current === opened) setPhase(detail.phase);
    });
    return opened;
  }, []);
  const close = useCallback(() => session.current?.close(), []);

  return { open, close, phase };
}

/** Connect, inline, for as long as it is mounted. */
export function FlinksReconnect({ options, onResult, onError, onEvent, ...rest }) {
  const container = useRef(null);
  const latest = useRef(null);
  latest.current = { options, onResult, onError, onEvent };

  useEffect(() => {
    let session;
    let isMounted = true;
    try {
      session = reconnect({ ...latest.current.options, container: container.current });
    } catch (error) {
      latest.current.onError?.(error);
      return undefined;
    }
    for (const name of EVENTS) {
      session.addEventListener(name, (event) => latest.current.onEvent?.(event));
    }
    session.result.then(
      (result) => latest.current.onResult?.(result),
      (error) => isMounted && latest.current.onError?.(error),
    );
    return () => {
      isMounted = false;
      session.close();
    };
  }, []);

  return createElement("div", { ...rest, ref: container });
}
