import { Fragment, type ReactNode } from "react";
import { withoutBidiControls } from "../text/bidi";

// For private use, so in nobody's words.
const PLACE = "\ue000";

/** A sentence of ours around a text of the user's, whose direction is its own affair. */
export function sentence(around: (text: string) => string, text: string): ReactNode {
  const [first, ...others] = around(PLACE).split(PLACE);
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
