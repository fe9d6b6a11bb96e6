import { useEffect, useState } from "react";
import { Button } from "../ui/button";
import { devIdentity, followHost, type Identity, type SignInMode, signInMode } from "./identity";
import { Notice, SignIn } from "./sign-in";
import { Workspace } from "./workspace";

// Holds the name of the development sign-in, so that a reload can fetch a new token. Tokens are never stored.
const USER = "chat-sessions:user";

export function App() {
  const [mode, setMode] = useState<SignInMode | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [identity, setIdentity] = useState<Identity | null>(null);

  const loadMode = () => {
    setFailure(null);
    signInMode().then(setMode, setFailure);
  };
  useEffect(loadMode, []);

  useEffect(() => {
    const name = sessionStorage.getItem(USER);
    if (mode === "dev" && name) {
      setIdentity(devIdentity(name));
    }
    return mode === "host" ? followHost(setIdentity) : undefined;
  }, [mode]);

  if (failure) {
    return (
      <Notice title="The service can’t be reached" text={failure.message}>
        <Button onClick={loadMode}>Retry</Button>
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
