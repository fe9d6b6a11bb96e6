/** For getByText: a paragraph that says this, of whatever elements it is made. */
export function saying(text: string) {
  return (_: string, element: Element | null) => element?.tagName === "P" && element.textContent === text;
}
