/** Loaded when somebody comes near a menu, for it is a fifth of all the code. */
export { RowMenu } from "./row-menu";
export { SidebarMenu } from "./sidebar-menu";
