import { useEffect, useState } from "react";
import { Button } from "../ui/button";
import { devIdentity, followHost, type Identity, type SignInMode, signInMode } from "./identity";
import { Notice, SignIn } from "./sign-in";
import { Workspace } from "./workspace";

// The name only, and only of the development sign-in: a reload then asks for a new token by itself.
const USER = "chat-sessions:user";

export function App() {
  const [mode, setMode] = useState<SignInMode | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const [identity, setIdentity] = useState<Identity | null>(null);

  const ask = () => {
    setFailure(null);
    signInMode().then(setMode, setFailure);
  };
  useEffect(ask, []);

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
        <Button onClick={ask}>Retry</Button>
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
  return mode === "host" ? <Notice title="Chats" text="Waiting for you to be signed in…" /> : null;
}
