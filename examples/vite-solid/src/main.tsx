import { render } from "solid-js/web";

import { Bank } from "./Bank";

render(() => <Bank id="nightly" />, document.querySelector("#app")!);
