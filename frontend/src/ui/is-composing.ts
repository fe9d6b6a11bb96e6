import type { KeyboardEvent } from "react";

/** Whether the key belongs to an input method. In Safari, only the key code tells so for the Enter that ends one. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}
