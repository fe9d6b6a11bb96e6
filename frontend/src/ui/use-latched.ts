import { useState } from "react";

/** The last non-null value, which a dialog keeps showing while it fades out. */
export function useLatched<T>(value: T | null): T | null {
  const [latched, setLatched] = useState(value);
  if (value !== null && value !== latched) {
    setLatched(value);
    return value;
  }
  return value ?? latched;
}
