// <flinks-reconnect> in Vue's templates. There is nothing to run here: `import type {} from "flinks-reconnect/types/vue"`.

import type { HTMLAttributes, PublicProps } from "vue";
import type { FlinksReconnectElementEventMap, FlinksReconnectElementProps } from "../element.js";

type Listeners = {
  [Name in keyof FlinksReconnectElementEventMap as `on${Capitalize<Name>}`]?: ((event: FlinksReconnectElementEventMap[Name]) => void) | undefined;
};

declare module "vue" {
  interface GlobalComponents {
    "flinks-reconnect": new () => { $props: PublicProps & HTMLAttributes & FlinksReconnectElementProps & Listeners };
  }
}
