// Unpacks Chromium, with the libraries and fonts that it needs, into TMPDIR.
import { copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Only on AWS Lambda does the package unpack these libraries.
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs22.x";
const { default: chromium } = await import("@sparticuz/chromium");
await chromium.executablePath();
copyFileSync(join(import.meta.dirname, "fonts.conf"), join(tmpdir(), "fonts/fonts.conf"));
