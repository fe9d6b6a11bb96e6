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

/** To be called when a menu may soon be wanted. What fails here is told when it is. */
export function preloadMenus(): void {
  load().catch(() => undefined);
}

interface Opened<Subject> {
  subject: Subject;
  button: HTMLElement;
  menus: Menus;
}

/** Which menu is open, on what and below which button; one for all rows, since a menu in each would slow scrolling. */
export function useMenu<Subject>() {
  const [opened, setOpened] = useState<Opened<Subject> | null>(null);
  const labels = useLabels();
  const { tellFailure } = useToasts();

  const toggle = async (subject: Subject, button: HTMLElement) => {
    try {
      const menus = await load();
      setOpened((before) => (before?.button === button ? null : { subject, button, menus }));
    } catch (error) {
      tellFailure({
        id: "menu",
        title: labels.menuFailed,
        error: unreachable(error),
        retry: () => toggle(subject, button),
      });
    }
  };
  return { opened, toggle, close: () => setOpened(null) };
}
