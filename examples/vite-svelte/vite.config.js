import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  // The backend: `npm start` in the root of this repository.
  server: { proxy: { "/api": { target: "http://localhost:4200" } } },
});
