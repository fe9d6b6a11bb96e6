import { startTransition, useEffect, useState } from "react";

/** False until the first paint while `isShown`. What is invisible at first can wait until then. */
export function useHasPainted(isShown: boolean): boolean {
  const [hasPainted, setPainted] = useState(false);
  const isDue = isShown && !hasPainted;
  useEffect(() => {
    if (!isDue) {
      return;
    }
    let task: ReturnType<typeof setTimeout> | undefined;
    // A task queued during a frame starts after its paint.
    const frame = requestAnimationFrame(() => {
      task = setTimeout(() => startTransition(() => setPainted(true)));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(task);
    };
  }, [isDue]);
  return hasPainted;
}
