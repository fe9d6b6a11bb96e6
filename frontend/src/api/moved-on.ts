/** The conversation no longer ends where the user saw it end. */
export class MovedOn extends Error {
  constructor() {
    super("The conversation has moved on.");
    this.name = "MovedOn";
  }
}
