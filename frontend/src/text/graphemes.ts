/** What readers see as one character: an emoji with its parts, a letter with its accents. */
export function graphemesOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
