import { Menu, MenuItem, type MenuItemProps, MenuSeparator, useMenuStore } from "@ariakit/react";
import { type ReactNode, useLayoutEffect } from "react";
import styles from "./menu.module.css";
import { ROOT, useThemeFromSource } from "./theme";

interface ActionMenuProps {
  label: string;
  /** The button that opened the menu; null while it is closed. */
  anchor: HTMLElement | null;
  onClose: () => void;
  children: ReactNode;
}

/** A menu below the button that opened it. */
export function ActionMenu({ label, anchor, onClose, children }: ActionMenuProps) {
  const theme = useThemeFromSource();
  const store = useMenuStore({
    placement: "bottom-end",
    open: anchor !== null,
    setOpen: (open) => !open && onClose(),
  });
  useLayoutEffect(() => {
    if (anchor) {
      store.setDisclosureElement(anchor);
      store.setAnchorElement(anchor);
      store.setInitialFocus("first");
      store.setAutoFocusOnShow(true);
    }
  }, [store, anchor]);
  return (
    <Menu
      {...ROOT}
      ref={theme}
      store={store}
      aria-label={label}
      className={styles.popup}
      gutter={4}
      portal
      preserveTabOrder={false}
      unmountOnHide
    >
      {children}
    </Menu>
  );
}

interface ActionProps extends MenuItemProps {
  icon: ReactNode;
  shortcut?: string;
  look?: "danger";
}

export function Action({ icon, shortcut, look, children, ...props }: ActionProps) {
  return (
    <MenuItem className={styles.item} data-look={look} {...props}>
      {icon}
      {children}
      {shortcut && <kbd aria-hidden>{shortcut}</kbd>}
    </MenuItem>
  );
}

export function ActionSeparator() {
  return <MenuSeparator className={styles.separator} />;
}
