/** The menus and the dialog that only they open: a fifth of all the code, so it loads on demand. */
export { ChatMenu } from "../pane/chat-menu";
export { RowMenu } from "../sidebar/row-menu";
export { ShortcutsDialog } from "../sidebar/shortcuts-dialog";
export { SidebarMenu } from "../sidebar/sidebar-menu";
