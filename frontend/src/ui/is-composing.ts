import type { KeyboardEvent } from "react";

/** The key belongs to an input method. Safari says so of the Enter that ends a composition by its code only. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}
