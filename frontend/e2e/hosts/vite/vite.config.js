import { defineConfig } from "vite";

/** As `npm create vite` makes it, and with the service behind the same origin. */
export default defineConfig({ preview: { proxy: { "/api": process.env.SERVICE ?? "" } } });
