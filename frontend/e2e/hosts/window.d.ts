interface Window {
  /** From the test. */
  token: string;
  /** For the test. */
  deleted: string[];
}
