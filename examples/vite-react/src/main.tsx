import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Bank } from "./Bank";

const root = createRoot(document.querySelector("#app")!);
root.render(<StrictMode><Bank id="nightly" /></StrictMode>);
