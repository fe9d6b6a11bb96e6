import { act, render, screen } from "@testing-library/react";
import { useRef, useState } from "react";
import { expect, test, vi } from "vitest";
import { useFocusKeeper } from "./use-focus-keeper";

const [OUTSIDE, FALLBACK] = ["outside", "fallback"];

let setButtons: (names: string[]) => void = () => undefined;

function Box() {
  const box = useRef<HTMLElement>(null);
  const fallback = useRef<HTMLButtonElement>(null);
  const [names, setNames] = useState(["one", "two"]);
  setButtons = setNames;
  useFocusKeeper(box, () => fallback.current?.focus());
  return (
    <>
      <button type="button">{OUTSIDE}</button>
      <section ref={box}>
        {names.map((name) => (
          <button key={name} type="button">
            {name}
          </button>
        ))}
        <button type="button" ref={fallback}>
          {FALLBACK}
        </button>
      </section>
    </>
  );
}

const button = (name = "") => screen.getByRole("button", { name });
const rearrange = (...names: string[]) => act(async () => setButtons(names));

test("when the focused element is removed, the fallback gets the focus", async () => {
  render(<Box />);
  button("two").focus();
  await rearrange("one");
  expect(button(FALLBACK)).toHaveFocus();
});

test("focus outside the container, or removed by a click, is left alone", async () => {
  render(<Box />);
  button(OUTSIDE).focus();
  await rearrange("one");
  expect(button(OUTSIDE)).toHaveFocus();

  button("one").focus();
  document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
  button("one").blur();
  await rearrange("two");
  expect(document.body).toHaveFocus();
});

test("after unmounting, the focus is left alone", async () => {
  const { unmount } = render(<Box />);
  button("one").focus();
  const frame = vi.spyOn(globalThis, "requestAnimationFrame").mockImplementation(() => 0);
  await rearrange("one");
  unmount();
  const active = vi.spyOn(document, "activeElement", "get");
  frame.mock.lastCall?.[0](0);
  await new Promise((resolve) => setTimeout(resolve));
  expect(active).not.toHaveBeenCalled();
});
