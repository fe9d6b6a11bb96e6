import {
  Menu,
  MenuButton,
  MenuItem,
  type MenuItemProps,
  type MenuProps,
  MenuProvider,
  MenuSeparator,
} from "@ariakit/react";
import { Ellipsis } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "./button";
import styles from "./menu.module.css";

/** A button with three dots, and the menu below it. */
export function ActionMenu({ label, children }: { label: string; children: ReactNode }) {
  return (
    <MenuProvider placement="bottom-end">
      <MenuButton render={<IconButton label={label} />}>
        <Ellipsis aria-hidden />
      </MenuButton>
      <MenuPopup>{children}</MenuPopup>
    </MenuProvider>
  );
}

export function MenuPopup(props: MenuProps) {
  return <Menu className={styles.popup} gutter={4} portal preserveTabOrder={false} unmountOnHide {...props} />;
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
