import { Button } from "../ui/button";
import { Notice } from "./sign-in";

/** Shown for an error that no other error boundary caught. */
export function Crashed() {
  return (
    <Notice title="Something went wrong" text="Reload the page. Your drafts are saved.">
      <Button onClick={() => location.reload()}>Reload</Button>
    </Notice>
  );
}
