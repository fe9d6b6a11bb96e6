import { type RefObject, useRef, useState } from "react";
import { useDebounced } from "./use-debounced";

const TYPING_PAUSE = 180;

export interface Search {
  field: RefObject<HTMLInputElement | null>;
  isOpen: boolean;
  typed: string;
  /** The typed text, debounced. */
  search: string;
  type: (text: string) => void;
  open: () => void;
  leave: () => void;
}

/** The search field, which replaces the sidebar's title while it is open. */
export function useSearch(): Search {
  const field = useRef<HTMLInputElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [typed, type] = useState("");
  return {
    field,
    isOpen,
    typed,
    search: useDebounced(typed.trim(), TYPING_PAUSE),
    type,
    open: () => {
      setOpen(true);
      field.current?.focus();
      field.current?.select();
    },
    leave: () => {
      setOpen(false);
      type("");
    },
  };
}
