import { defineConfig } from "vite";

/** The configuration of `npm create vite`, plus a proxy to the service on the same origin. */
export default defineConfig({ preview: { proxy: { "/api": process.env.SERVICE ?? "" } } });
