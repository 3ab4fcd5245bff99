import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The backend: `npm start` in the root of this repository.
  server: { proxy: { "/api": { target: "http://localhost:4200" } } },
});
