import { test as base } from "@playwright/test";
import { newUser, Service, tokenFor } from "./service";
import { expect, Sidebar, test, watch } from "./test";

base.describe("nobody is signed in", () => {
  base(
    "in production the page waits for the page around it, and takes only what that says",
    async ({ page, baseURL }) => {
      const complaints = watch(page, baseURL ?? "");
      const user = newUser();
      const service = await Service.for(baseURL ?? "", user);
      await service.createAll(["Alpha"]);
      await page.route("**/config.json", (route) => route.fulfill({ json: { sign_in: "host" } }));
      await page.goto("/");
      await expect(page.getByText("Waiting for you to be signed in…")).toBeVisible();

      const say = (token: string) =>
        page.evaluate(
          (detail) => void dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token: detail } })),
          token,
        );
      await say(await tokenFor(baseURL ?? "", user));
      await new Sidebar(page).expectTitles(["Alpha"]);

      await say(await tokenFor(baseURL ?? "", newUser()));
      await expect(page.getByText("No chats yet")).toBeVisible();
      const kept = await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
      );
      expect(kept).not.toContain("eyJ");
      expect(complaints).toEqual([]);
    },
  );

  base("in development a name is enough", async ({ page, baseURL }) => {
    const { sign_in } = (await (await fetch(`${baseURL}/config.json`)).json()) as { sign_in: string };
    base.skip(sign_in !== "dev", "this service wants real tokens");
    const complaints = watch(page, baseURL ?? "");
    await page.goto("/");
    await page.getByRole("textbox", { name: "User name" }).fill(newUser());
    await page.keyboard.press("Enter");
    await expect(page.getByText("No chats yet")).toBeVisible();
    await page.reload();
    await expect(page.getByText("No chats yet")).toBeVisible();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("textbox", { name: "User name" })).toBeVisible();
    expect(complaints).toEqual([]);
  });
});

test.describe("when a token is refused", () => {
  test.use({ failuresExpected: true });

  test("a new one is asked for, and nobody notices", async ({ page, sidebar, service }) => {
    await service.createAll(["Alpha"]);
    let refusals = 0;
    await page.route("**/api/chat/sessions?*", (route) => {
      refusals += 1;
      return refusals === 1 ? route.fulfill({ status: 401 }) : route.continue();
    });
    await sidebar.open();
    await sidebar.expectTitles(["Alpha"]);
  });
});
