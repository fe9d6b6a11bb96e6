/** The conversation no longer ends where the user saw it end. */
export class ConversationChanged extends Error {
  constructor() {
    super("The conversation has changed.");
    this.name = "ConversationChanged";
  }
}
