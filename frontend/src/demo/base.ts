/** The path below which the page is served, without a slash at its end: empty, or the prefix that a proxy strips. */
export const base = new URL(".", document.baseURI).pathname.replace(/\/$/, "");
