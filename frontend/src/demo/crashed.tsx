import { Button } from "../ui/button";
import { Notice } from "./sign-in";

/** An error that no part of the page could keep to itself. */
export function Crashed() {
  return (
    <Notice title="Something went wrong" text="The page can’t be shown. What you typed is kept.">
      <Button onClick={() => location.reload()}>Reload</Button>
    </Notice>
  );
}
