/** A matcher for getByText: a paragraph with this text, across its child elements. */
export function saying(text: string) {
  return (_: string, element: Element | null) => element?.tagName === "P" && element.textContent === text;
}
