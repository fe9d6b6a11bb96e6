import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

test.each([
  ["ai-sdk", ["ai-sdk/index"]],
  [
    "assistant-ui",
    [
      "assistant-ui/branches",
      "assistant-ui/codecs",
      "assistant-ui/history",
      "assistant-ui/index",
      "assistant-ui/merge-patch",
    ],
  ],
])("the package %s contains its license, README, code and public types", (name, own) => {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--workspace", name], {
    cwd: root,
    encoding: "utf8",
  });
  const [pack] = Object.values(JSON.parse(output)) as { files: { path: string }[] }[];
  const shared = ["client", "connection", "conversation", "fields"].map((module) => `shared/${module}`);
  expect(pack?.files.map(({ path }) => path).sort()).toEqual(
    [
      "LICENSE",
      "README.md",
      "package.json",
      `dist/${name}/index.d.ts`,
      "dist/shared/connection.d.ts",
      ...[...own, ...shared].map((module) => `dist/${module}.js`),
    ].sort(),
  );
});

test.each([
  ["ai-sdk", "ts", "route.ts"],
  ["assistant-ui", "tsx", "chats.tsx"],
])("the README of %s shows the tested example", (name, language, file) => {
  expect(read(`${name}/README.md`)).toContain(`\`\`\`${language}\n${read(`${name}/example/${file}`)}\`\`\`\n`);
});

test.each(["ai-sdk", "assistant-ui"])("the package %s declares every package that it imports", (name) => {
  const files = globSync(`${name}/dist/**/*.{js,d.ts}`, { cwd: root }).map(read);
  const imported = files.flatMap((code) => [...code.matchAll(/from "([^".][^"]*)"/g)].map(([, from]) => from));
  const { dependencies, peerDependencies } = JSON.parse(read(`${name}/package.json`));
  expect([...new Set(imported)].sort()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort());
});
