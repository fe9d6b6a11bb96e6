import { MessagesSquare } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button } from "../ui/button";
import styles from "./sign-in.module.css";

export function Notice({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <MessagesSquare className={styles.logo} aria-hidden />
        <h1 className={styles.title}>{title}</h1>
        <p className={styles.text} role="status">
          {text}
        </p>
        {children}
      </div>
    </main>
  );
}

/** For development only: any name signs in. */
export function SignIn({ onSignIn }: { onSignIn: (name: string) => Promise<void> }) {
  const [name, setName] = useState("demo");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);

  const submit = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await onSignIn(name.trim());
    } catch (error) {
      setFailure((error as Error).message);
      setBusy(false);
    }
  };

  return (
    <main className={styles.page}>
      <form
        className={styles.card}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <MessagesSquare className={styles.logo} aria-hidden />
        <h1 className={styles.title}>Chats</h1>
        <p className={styles.text}>This is a development server. Sign in with any name.</p>
        <label className={styles.label}>
          Username
          <input
            className={styles.field}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        {failure && (
          <p className={styles.failure} role="alert">
            {failure}
          </p>
        )}
        <Button type="submit" look="accent" busy={busy} disabled={name.trim() === ""}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
