import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { IconButton } from "./button";
import { copyText } from "./copy-text";

const LONG_ENOUGH_TO_SEE = 2_000;

export function CopyButton({ label, text }: { label: string; text: string }) {
  const labels = useLabels();
  const announce = useAnnounce();
  const { tell } = useToasts();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied ? setTimeout(() => setCopied(false), LONG_ENOUGH_TO_SEE) : undefined;
    return () => clearTimeout(timer);
  }, [isCopied]);

  const copy = async () => {
    if (await copyText(text)) {
      setCopied(true);
      announce(labels.copied);
    } else {
      tell("copy", labels.copyFailed);
    }
  };
  return (
    <IconButton label={label} onClick={copy}>
      {isCopied ? <Check aria-hidden /> : <Copy aria-hidden />}
    </IconButton>
  );
}
