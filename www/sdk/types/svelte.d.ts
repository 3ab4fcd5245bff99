// <flinks-reconnect> in Svelte's templates. There is nothing to run here: `import type {} from "flinks-reconnect/types/svelte"`.

import type { HTMLAttributes } from "svelte/elements";
import type { FlinksReconnectElement, FlinksReconnectElementProps, FlinksReconnectListeners } from "../element.js";

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "flinks-reconnect": HTMLAttributes<FlinksReconnectElement> & FlinksReconnectElementProps & FlinksReconnectListeners<"on">;
  }
}
