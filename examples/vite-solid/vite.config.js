import solid from "vite-plugin-solid";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [solid()],
  // The backend: `npm start` in the root of this repository.
  server: { proxy: { "/api": { target: "http://localhost:4200" } } },
});
