import { Fragment, type ReactNode } from "react";
import { withoutBidiControls } from "../text/bidi";

// From a private use area, so no label contains it.
const PLACEHOLDER = "\ue000";

/** A sentence around a user's text, which keeps its own text direction. */
export function sentence(around: (text: string) => string, text: string): ReactNode {
  const [first, ...others] = around(PLACEHOLDER).split(PLACEHOLDER);
  const own = <bdi>{withoutBidiControls(text)}</bdi>;
  return (
    <>
      {first}
      {others.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence keep their places
        <Fragment key={index}>
          {own}
          {part}
        </Fragment>
      ))}
    </>
  );
}
