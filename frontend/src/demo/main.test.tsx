import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

vi.mock("./app", () => ({
  App: () => {
    throw new Error("A bug.");
  },
}));

test("an error while rendering shows a message and a Reload button instead of a blank page", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const reload = vi.fn();
  vi.stubGlobal("location", { ...location, reload });
  const root = document.createElement("div");
  root.id = "root";
  document.body.append(root);
  await import("./main");
  expect(await screen.findByRole("heading", { name: "Something went wrong" })).toBeInTheDocument();
  expect(screen.getByRole("status")).toHaveTextContent("Your drafts are saved.");
  fireEvent.click(screen.getByRole("button", { name: "Reload" }));
  expect(reload).toHaveBeenCalledOnce();
});
