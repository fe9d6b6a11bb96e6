import { useMutation } from "@tanstack/react-query";
import { exportSessions } from "../api/export-sessions";
import { unreachable } from "../api/problem";
import { useAnnounce } from "../feedback/announcer";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { useChatSessions } from "../sessions/context";

/** Downloads all of the user's chats as a file. */
export function useExport() {
  const { api, keys } = useChatSessions();
  const labels = useLabels();
  const announce = useAnnounce();
  const { notify, notifyFailure, dismiss } = useToasts();
  const exporting = useMutation({ mutationKey: keys.all, mutationFn: () => exportSessions(api) });

  const start = async () => {
    dismiss("export failed");
    notify("export", labels.exporting);
    try {
      download(await exporting.mutateAsync(), `chats-${new Date().toISOString().slice(0, 10)}.jsonl`);
      announce(labels.exported);
    } catch (error) {
      // A download that breaks off throws a TypeError.
      const failure = error instanceof TypeError ? unreachable(error) : (error as Error);
      notifyFailure({ id: "export failed", title: labels.exportFailed, error: failure, retry: start });
    }
    dismiss("export");
  };
  return { start, isBusy: exporting.isPending };
}

function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // The download starts after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
