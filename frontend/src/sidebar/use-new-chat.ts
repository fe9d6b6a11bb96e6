import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";
import { mintId } from "../sessions/mint-id";
import { useCreateSession } from "../sessions/use-create-session";

/** Makes a chat; a retry has the same id, so it makes no second one. */
export function useNewChat(onMade: (id: string) => void) {
  const labels = useLabels();
  const creation = useCreateSession();
  const { tellFailure } = useToasts();

  const make = async (id = mintId()) => {
    try {
      await creation.mutateAsync({ id });
      onMade(id);
    } catch (error) {
      tellFailure({ id: "create", title: labels.newChatFailed, error: error as Error, retry: () => make(id) });
    }
  };
  return { make: () => make(), busy: creation.isPending };
}
