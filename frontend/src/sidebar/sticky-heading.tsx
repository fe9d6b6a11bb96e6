import { useLayoutEffect, useRef } from "react";
import styles from "./session-list.module.css";

interface StickyHeadingProps {
  label: string;
  /** The offset of the next heading, which pushes this one out of view. */
  nextStart: number;
}

/** Repeats the heading of the topmost row while the original is out of view. Its parent must be the scroller. */
export function StickyHeading({ label, nextStart }: StickyHeadingProps) {
  const sticky = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const scroller = sticky.current?.parentElement;
    const place = () => {
      if (heading.current && scroller) {
        const room = nextStart - scroller.scrollTop - heading.current.offsetHeight;
        heading.current.style.translate = `0 ${Math.min(0, room)}px`;
      }
    };
    place();
    scroller?.addEventListener("scroll", place, { passive: true });
    return () => scroller?.removeEventListener("scroll", place);
  }, [nextStart]);
  return (
    <div ref={sticky} className={styles.sticky} aria-hidden>
      <div ref={heading} className={styles.heading}>
        {label}
      </div>
    </div>
  );
}
