import { defineConfig } from "rolldown";
import { dts } from "rolldown-plugin-dts";

/** One file of types, with what the exports need and nothing else. */
export default defineConfig({
  input: "./src/index.ts",
  external: /^[^./]|\.css$/,
  plugins: [dts({ tsconfig: "tsconfig.library.json", dtsOnly: true })],
  output: { dir: "dist-lib" },
});
