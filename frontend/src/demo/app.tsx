import { useCallback, useEffect, useState } from "react";
import { Button } from "../ui/button";
import { devIdentity, followHost, type Identity, type SignInMode, signInMode } from "./identity";
import { Notice, SignIn } from "./sign-in";
import { Workspace } from "./workspace";

// Holds the name of the development sign-in, so that a reload can fetch a new token. Tokens are never stored.
const USER = "chat-sessions:user";

/** `firstMode` is requested before anything renders. */
export function App({ firstMode }: { firstMode: Promise<SignInMode> }) {
  const [mode, setMode] = useState<SignInMode | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [identity, setIdentity] = useState<Identity | null>(null);

  const start = useCallback((found: SignInMode) => {
    const name = sessionStorage.getItem(USER);
    if (found === "dev" && name) {
      setIdentity(devIdentity(name));
    }
    setMode(found);
  }, []);
  useEffect(() => void firstMode.then(start, setFailure), [firstMode, start]);
  const retry = () => {
    setFailure(null);
    signInMode().then(start, setFailure);
  };

  useEffect(() => (mode === "host" ? followHost(setIdentity) : undefined), [mode]);

  if (failure) {
    return (
      <Notice title="The service can’t be reached" text={failure.message}>
        <Button onClick={retry}>Retry</Button>
      </Notice>
    );
  }
  if (identity) {
    const signOut = () => {
      sessionStorage.removeItem(USER);
      setIdentity(null);
    };
    return <Workspace key={identity.user} identity={identity} onSignOut={mode === "dev" ? signOut : undefined} />;
  }
  if (mode === "dev") {
    return (
      <SignIn
        onSignIn={async (name) => {
          const next = devIdentity(name);
          await next.getToken({ refresh: false });
          sessionStorage.setItem(USER, name);
          setIdentity(next);
        }}
      />
    );
  }
  return mode === "host" ? <Notice title="Chats" text="Waiting for the app to sign you in…" /> : null;
}
