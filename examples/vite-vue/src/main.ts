import { createApp } from "vue";

import Bank from "./Bank.vue";

createApp(Bank, { id: "nightly" }).mount("#app");
