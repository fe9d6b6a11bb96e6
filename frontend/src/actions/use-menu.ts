import { useState } from "react";
import { unreachable } from "../api/problem";
import { useToasts } from "../feedback/toasts";
import { useLabels } from "../labels/context";

type Menus = typeof import("./menus");

let loaded: Menus | null = null;

async function load(): Promise<Menus> {
  loaded ??= await import("./menus");
  return loaded;
}

/** Call it when a menu may be opened soon. A failure shows when one is opened. */
export function preloadMenus(): void {
  load().catch(() => undefined);
}

interface Opened<Subject> {
  subject: Subject;
  button: HTMLElement;
  menus: Menus;
}

/** The open menu, its subject and its button. All rows share one menu, since a menu per row would slow scrolling down. */
export function useMenu<Subject>() {
  const [opened, setOpened] = useState<Opened<Subject> | null>(null);
  const labels = useLabels();
  const { notifyFailure } = useToasts();

  const toggle = async (subject: Subject, button: HTMLElement) => {
    try {
      const menus = await load();
      setOpened((before) => (before?.button === button ? null : { subject, button, menus }));
    } catch (error) {
      notifyFailure({
        id: "menu",
        title: labels.menuFailed,
        error: unreachable(error),
        retry: () => toggle(subject, button),
      });
    }
  };
  return { opened, toggle, close: () => setOpened(null) };
}
