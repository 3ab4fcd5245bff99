// <flinks-reconnect> in Solid's JSX. There is nothing to run here: `import type {} from "flinks-reconnect/types/solid"`.

import type { JSX } from "solid-js";
import type { FlinksReconnectElement, FlinksReconnectElementProps, FlinksReconnectListeners, FlinksReconnectProperties } from "../element.js";

/** For those who say outright that they mean a property. */
type Properties = {
  [Name in keyof FlinksReconnectProperties as `prop:${Name}`]?: FlinksReconnectProperties[Name] | undefined;
};

declare module "solid-js" {
  namespace JSX {
    interface IntrinsicElements {
      "flinks-reconnect": JSX.HTMLAttributes<FlinksReconnectElement> & FlinksReconnectElementProps & Properties & FlinksReconnectListeners<"on:">;
    }
  }
}
