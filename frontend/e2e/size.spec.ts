import { gzipSync } from "node:zlib";
import { expect, test } from "./test";

const MAX_BYTES = 150_000;

test("the first load of the page is less than 150 kB, gzipped", async ({ sidebar, page }) => {
  const files: Promise<Buffer>[] = [];
  page.on("response", (response) => {
    if (["document", "script", "stylesheet", "image", "font"].includes(response.request().resourceType())) {
      files.push(response.body());
    }
  });
  await sidebar.open();
  await expect(sidebar.root.getByText("No chats yet")).toBeVisible();
  const sizes = (await Promise.all(files)).map((body) => gzipSync(body, { level: 9 }).length);
  expect(sizes.length).toBeGreaterThanOrEqual(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_BYTES);
});
