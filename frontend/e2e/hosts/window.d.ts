interface Window {
  /** Set by the test. */
  token: string;
  /** Read by the test. */
  deleted: string[];
}
