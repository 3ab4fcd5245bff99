"use client";

// React 18 and 19: a hook that opens sessions, and a component that is the inline form.
//
// Invariants: a parent's render never touches the frame; functions are called as the latest render has them; after unmounting, nothing is heard but
// a result that was still on its way. Under StrictMode the effect runs twice: a session begins a microtask after it was made, so the first,
// closed at once, burns no token.

import {
  type DetailedHTMLProps, type HTMLAttributes, type RefAttributes, type RefObject, type ForwardRefExoticComponent, createElement, forwardRef, useCallback, useEffect,
  useImperativeHandle, useInsertionEffect, useRef, useState,
} from "react";
import type { ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./api.js";
import type { FlinksReconnectElement, FlinksReconnectElementProps, FlinksReconnectListeners } from "./element.js";
import { EVENTS, ReconnectError, reconnect } from "./index.js";
import type { Phase } from "./names.js";

/** What the last session came to, as far as it is known. */
interface Progress {
  /** Its phase, or null before the first. */
  phase: Phase | null;
  /** Why it failed: the end, or, while `phase` is `failed` and a retry is offered, what the user can still cure. */
  error: ReconnectError | null;
  result: ReconnectResult | null;
}

const NOTHING_YET: Progress = { phase: null, error: null, result: null };

/** Opens sessions, in a dialog unless the options have a container; the component's unmounting closes the open one. */
export function useReconnect(): Progress & {
  /**
   * Closes the session that is open, and begins another. Throws a ReconnectError `INVALID_OPTIONS` or `UNSUPPORTED`. After unmounting nothing is opened:
   * the session that it returns is closed.
   */
  open(options: ReconnectOptions): ReconnectSession;
  close(): void;
  /** Another attempt while one is offered; whether one was. */
  retry(): boolean;
} {
  const session = useRef<ReconnectSession>(null);
  const isGone = useRef(false);
  const [progress, setProgress] = useState(NOTHING_YET);

  const close = useCallback(() => session.current?.close(), []);
  const retry = useCallback(() => session.current?.retry() ?? false, []);
  // Before the effects of its children, which may open; and StrictMode, which takes effects back and runs them again, leaves this kind alone.
  useInsertionEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  useEffect(() => close, []);

  const open = useCallback((options: ReconnectOptions) => {
    close();
    const opened = reconnect(options);
    session.current = opened;
    const goes = (news: Partial<Progress>) => {
      if (session.current === opened) setProgress((before) => ({ ...before, ...news }));
    };
    setProgress({ ...NOTHING_YET, phase: opened.phase });
    opened.addEventListener("phasechange", ({ detail: { phase } }) => goes(phase === "failed" ? { phase } : { phase, error: null }));
    opened.addEventListener("attemptfailed", ({ detail }) => goes(detail));
    opened.result.then(
      (result) => goes({ result }),
      (error: ReconnectError) => goes({ error }),
    );
    // A session begins after this: closed at once, it asks nobody for anything.
    if (isGone.current) opened.close();
    return opened;
  }, []);

  return { open, close, retry, ...progress };
}

export interface FlinksReconnectProps extends Omit<HTMLAttributes<HTMLDivElement>, "children" | "dangerouslySetInnerHTML" | "onError"> {
  /**
   * Read once, when the component mounts: a later change is for the next mounting, so give another connection another `key`. The functions among
   * them are called as the latest render has them; one that it no longer has is as if it returned nothing. There is no `container`: the component's
   * own `<div>` is it.
   */
  options: ReconnectOptions & { container?: undefined };
  /** Also after unmounting, when the result was on its way. */
  onResult?: ((result: ReconnectResult) => void) | undefined;
  onError?: ((error: ReconnectError) => void) | undefined;
  onEvent?: ((event: ReconnectEventMap[keyof ReconnectEventMap]) => void) | undefined;
}

/** What a `ref` of the component holds. */
export interface FlinksReconnectHandle {
  /** Another attempt while one is offered; whether one was. */
  retry(): boolean;
  /** Ends the session; the component stays, empty. */
  close(): void;
}

type Latest = Pick<FlinksReconnectProps, "options" | "onResult" | "onError" | "onEvent">;

/** Connect, inline, for as long as it is mounted. Further props are the surrounding `<div>`'s. */
export const FlinksReconnect: ForwardRefExoticComponent<FlinksReconnectProps & RefAttributes<FlinksReconnectHandle>> = /* @__PURE__ */ forwardRef<
  FlinksReconnectHandle,
  FlinksReconnectProps
>(function FlinksReconnect({ options, onResult, onError, onEvent, ...rest }, handle) {
  const container = useRef<HTMLDivElement>(null);
  const mounted = useRef<ReconnectSession>(undefined);
  const latest = useRef<Latest>({ options });
  // Before every other effect, and not while rendering: a render may be thrown away.
  useInsertionEffect(() => {
    latest.current = { options, onResult, onError, onEvent };
  });

  useImperativeHandle(handle, () => ({ retry: () => mounted.current?.retry() ?? false, close: () => mounted.current?.close() }), []);

  useEffect(() => {
    let isMounted = true;
    // React takes the container off the page, which ends the session, and empties its ref before this effect is told.
    const whileMounted = (report: () => void) => isMounted && container.current && report();
    let session: ReconnectSession | undefined;
    try {
      const given = latestFunctions(latest);
      if (given.container !== undefined) throw new ReconnectError({ code: "INVALID_OPTIONS" }, "Option `container`: expected none, for the component's own <div> is it.");
      session = mounted.current = reconnect(container.current ? { ...given, container: container.current } : given);
      for (const name of EVENTS) session.addEventListener(name, (event) => whileMounted(() => latest.current.onEvent?.(event)));
      session.result.then(
        (result) => latest.current.onResult?.(result),
        (error: ReconnectError) => whileMounted(() => latest.current.onError?.(error)),
      );
    } catch (error) {
      // Later, when StrictMode has given its first mounting up.
      queueMicrotask(() => whileMounted(() => latest.current.onError?.(error as ReconnectError)));
    }
    return () => {
      isMounted = false;
      session?.close();
    };
  }, []);

  return createElement("div", { ...rest, ref: container });
});

/**
 * The options, their functions replaced by ones that call what the latest render has under that name: nothing where it has nothing, and the function
 * that was there on mounting where it has something else, which is for the next mounting.
 */
function latestFunctions(latest: RefObject<Latest>): ReconnectOptions {
  const call = (name: string, first: Function, given: unknown[]) => {
    const [, now] = Object.entries(latest.current.options ?? {}).find(([own]) => own === name) ?? [];
    if (now === undefined) return undefined;
    return (typeof now === "function" ? now : first)(...given);
  };
  const entries = Object.entries(latest.current.options ?? {}).map(([name, value]) => [
    name,
    typeof value === "function" ? (...given: unknown[]) => call(name, value, given) : value,
  ]);
  return Object.fromEntries(entries);
}

/** What a template can say about `<flinks-reconnect>`: React 19 sets properties and listeners; React 18 attributes only. */
export type FlinksReconnectInReact = DetailedHTMLProps<HTMLAttributes<FlinksReconnectElement>, FlinksReconnectElement> &
  FlinksReconnectElementProps &
  FlinksReconnectListeners<"on">;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "flinks-reconnect": FlinksReconnectInReact;
    }
  }
}
