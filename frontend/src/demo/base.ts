/** The path prefix of the page, without a trailing slash; empty unless a proxy strips one. */
export const base = new URL(".", document.baseURI).pathname.replace(/\/$/, "");
