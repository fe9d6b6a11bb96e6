/** Touch screens; keep in step with session-row.module.css. */
export const TOUCH = "(pointer: coarse), (hover: none)";
