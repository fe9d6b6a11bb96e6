/** Loaded when somebody comes near a menu, for it is a fifth of all the code. */
export { ChatMenu } from "../pane/chat-menu";
export { RowMenu } from "../sidebar/row-menu";
export { SidebarMenu } from "../sidebar/sidebar-menu";
