/** Where nothing hovers, or fingers need room: the same as in session-row.module.css. */
export const TOUCH = "(pointer: coarse), (hover: none)";
