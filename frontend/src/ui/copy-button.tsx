import { Check, Copy } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { IconButton } from "./button";
import { copyText } from "./copy-text";

const LONG_ENOUGH_TO_SEE = 2_000;

interface CopyButtonProps {
  label: string;
  text: string | (() => string);
  icon?: ReactNode;
}

export function CopyButton({ label, text, icon = <Copy aria-hidden /> }: CopyButtonProps) {
  const labels = useLabels();
  const announce = useAnnounce();
  const { notify } = useToasts();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied ? setTimeout(() => setCopied(false), LONG_ENOUGH_TO_SEE) : undefined;
    return () => clearTimeout(timer);
  }, [isCopied]);

  const copy = async () => {
    if (await copyText(typeof text === "string" ? text : text())) {
      setCopied(true);
      announce(labels.copied);
    } else {
      notify("copy", labels.copyFailed);
    }
  };
  return (
    <IconButton label={label} onClick={copy}>
      {isCopied ? <Check aria-hidden /> : icon}
    </IconButton>
  );
}
