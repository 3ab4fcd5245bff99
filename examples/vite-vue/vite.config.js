import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  // The backend: `npm start` in the root of this repository.
  server: { proxy: { "/api": { target: "http://localhost:4200" } } },
});
