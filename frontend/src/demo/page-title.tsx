import { english } from "../labels/english";
import { titleOf } from "../sessions/titles";
import { useSession } from "../sessions/use-session";
import { withoutBidiControls } from "../text/bidi";

export function PageTitle({ id }: { id: string | null }) {
  return id === null ? <title>Chats</title> : <ChatTitle id={id} />;
}

function ChatTitle({ id }: { id: string }) {
  const { session, isDeleted } = useSession(id);
  return <title>{session && !isDeleted ? `${withoutBidiControls(titleOf(session, english))} · Chats` : "Chats"}</title>;
}
