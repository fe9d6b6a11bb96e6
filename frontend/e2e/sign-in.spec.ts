import { test as base } from "@playwright/test";
import { newUser, Service, tokenFor } from "./service";
import { expect, Sidebar, test, watch } from "./test";

base.describe("when nobody is signed in", () => {
  base(
    "in production the page waits for tokens from the embedding page, and does not store them",
    async ({ page, baseURL }) => {
      const errors = watch(page, baseURL ?? "");
      const user = newUser();
      const service = await Service.for(baseURL ?? "", user);
      await service.createAll(["Alpha"]);
      await page.route("**/config.json", (route) => route.fulfill({ json: { sign_in: "host" } }));
      await page.goto("/");
      await expect(page.getByText("Waiting for the app to sign you in…")).toBeVisible();

      const supply = (token: string) =>
        page.evaluate(
          (detail) => void dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token: detail } })),
          token,
        );
      await supply(await tokenFor(baseURL ?? "", user));
      await new Sidebar(page).expectTitles(["Alpha"]);

      await supply(await tokenFor(baseURL ?? "", newUser()));
      await expect(page.getByText("No chats yet")).toBeVisible();
      const stored = await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
      );
      expect(stored).not.toContain("eyJ");
      expect(errors).toEqual([]);
    },
  );

  base("in development any name signs in", async ({ page, baseURL }) => {
    const { sign_in } = (await (await fetch(`${baseURL}/config.json`)).json()) as { sign_in: string };
    base.skip(sign_in !== "dev", "this service requires real tokens");
    const errors = watch(page, baseURL ?? "");
    await page.goto("/");
    await page.getByRole("textbox", { name: "Username" }).fill(newUser());
    await page.keyboard.press("Enter");
    await expect(page.getByText("No chats yet")).toBeVisible();
    await page.reload();
    await expect(page.getByText("No chats yet")).toBeVisible();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("textbox", { name: "Username" })).toBeVisible();
    expect(errors).toEqual([]);
  });
});

test.describe("when a token is rejected", () => {
  test.use({ failuresExpected: true });

  test("the page fetches a new one without an error", async ({ page, sidebar, service }) => {
    await service.createAll(["Alpha"]);
    let requests = 0;
    await page.route("**/api/chat/sessions?*", (route) => {
      requests += 1;
      return requests === 1 ? route.fulfill({ status: 401 }) : route.continue();
    });
    await sidebar.open();
    await sidebar.expectTitles(["Alpha"]);
  });
});
