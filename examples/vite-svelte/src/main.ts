import { mount } from "svelte";

import Bank from "./Bank.svelte";

mount(Bank, { target: document.querySelector("#app")!, props: { id: "nightly" } });
