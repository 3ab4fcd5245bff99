import type { DetailedHTMLProps, HTMLAttributes, ReactElement } from "react";
import type { FlinksReconnectElement, FlinksReconnectElementProps, FlinksReconnectListeners } from "./element.js";
import type { Phase, ReconnectError, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./index.js";

/** Opens sessions, in a dialog unless the options have a container; the component's unmounting closes the open one. */
export declare function useReconnect(): {
  /** Closes the session that is open, and begins another. Throws a ReconnectError `INVALID_OPTIONS` or `UNSUPPORTED`. */
  open(options: ReconnectOptions): ReconnectSession;
  close(): void;
  /** The last session's phase, or null before the first. */
  phase: Phase | null;
};

export interface FlinksReconnectProps extends Omit<HTMLAttributes<HTMLDivElement>, "children" | "dangerouslySetInnerHTML" | "onError"> {
  /**
   * Read once, when the component mounts: a later change is for the next mounting, so give another connection another `key`. The functions among
   * them are called as the latest render has them.
   */
  options: ReconnectOptions;
  /** Also after unmounting, when the result was on its way. */
  onResult?: ((result: ReconnectResult) => void) | undefined;
  onError?: ((error: ReconnectError) => void) | undefined;
  onEvent?: ((event: ReconnectEventMap[keyof ReconnectEventMap]) => void) | undefined;
}

/** Connect, inline, for as long as it is mounted. Further props are the surrounding `<div>`'s. */
export declare function FlinksReconnect(props: FlinksReconnectProps): ReactElement;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      /** React 19 sets properties and listeners; React 18 attributes only. */
      "flinks-reconnect": DetailedHTMLProps<HTMLAttributes<FlinksReconnectElement>, FlinksReconnectElement> &
        FlinksReconnectElementProps &
        FlinksReconnectListeners<"on">;
    }
  }
}
