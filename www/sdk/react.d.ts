import type { HTMLAttributes, ReactElement } from "react";
import type { Phase, ReconnectError, ReconnectEventMap, ReconnectOptions, ReconnectResult, ReconnectSession } from "./index.js";

/** Opens sessions; the component's unmounting closes the open one. */
export declare function useReconnect(): {
  open(options: ReconnectOptions): ReconnectSession;
  close(): void;
  /** The open session's phase, or null before the first. */
  phase: Phase | null;
};

export interface FlinksReconnectProps extends Omit<HTMLAttributes<HTMLDivElement>, "onError"> {
  /** Read once, when the component mounts. */
  options: ReconnectOptions;
  onResult?(result: ReconnectResult): void;
  onError?(error: ReconnectError): void;
  onEvent?(event: ReconnectEventMap[keyof ReconnectEventMap]): void;
}

/** Connect, inline, for as long as it is mounted. */
export declare function FlinksReconnect(props: FlinksReconnectProps): ReactElement;
