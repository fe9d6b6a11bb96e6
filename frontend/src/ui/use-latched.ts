import { useState } from "react";

/** The last value that was not null: what a dialog goes on showing while it fades out. */
export function useLatched<T>(value: T | null): T | null {
  const [latched, setLatched] = useState(value);
  if (value !== null && value !== latched) {
    setLatched(value);
    return value;
  }
  return value ?? latched;
}
