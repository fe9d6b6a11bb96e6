/** Menus, and what only they open. Loaded when the user comes near a menu: this is a fifth of all the code. */
export { ChatMenu } from "../pane/chat-menu";
export { RowMenu } from "../sidebar/row-menu";
export { ShortcutsDialog } from "../sidebar/shortcuts-dialog";
export { SidebarMenu } from "../sidebar/sidebar-menu";
