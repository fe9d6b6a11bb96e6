/**
 * Every word that the components show. What stands for a number comes twice: the number itself, to choose between
 * singular and plural, and the way the locale writes it.
 */
export const english = {
  // Shared
  retry: "Retry",
  cancel: "Cancel",
  close: "Close",
  done: "Done",
  dismiss: "Dismiss",
  more: "More",
  untitled: "New chat",

  // The sidebar
  chats: "Chats",
  newChat: "New chat",
  reconnecting: "Reconnecting…",
  reconnectingDetail: "Changes from other devices may not show up yet.",
  searchChats: "Search chats",
  searchPlaceholder: "Search",
  clearSearch: "Clear search",
  selectChats: "Select chats",
  deleteAll: "Delete all…",
  deleteAllFound: "Delete all found…",

  // The list
  loadingChats: "Loading chats",
  listFailed: "Couldn’t load your chats",
  moreFailed: "Couldn’t load more chats.",
  listEmpty: "No chats yet",
  listEmptyDetail: "Chats you start will appear here.",
  nothingFound: "Nothing found",
  nothingFoundDetail: (search: string) => `No title contains “${search}”.`,
  pinned: "Pinned",
  today: "Today",
  yesterday: "Yesterday",
  previousSevenDays: "Previous 7 days",
  older: "Older",

  // A row and its menu
  menuFailed: "Couldn’t open the menu",
  moreFor: (title: string) => `More for “${title}”`,
  rename: "Rename",
  newTitle: (title: string) => `New title for “${title}”`,
  pin: "Pin",
  unpin: "Unpin",
  select: "Select",
  deleteChat: (title: string) => `Delete “${title}”`,
  deleteHint: (key: string) => `Delete (${key})`,
  deleteWithDialog: "Delete…",
  renameFailed: (title: string) => `Couldn’t rename “${title}”`,
  pinFailed: (title: string) => `Couldn’t pin “${title}”`,
  unpinFailed: (title: string) => `Couldn’t unpin “${title}”`,
  newChatFailed: "Couldn’t create a new chat",

  // Selecting several
  selection: "Selected chats",
  selected: (_count: number, shown: string) => `${shown} selected`,

  // Deleting
  delete: "Delete",
  deleting: "Deleting…",
  deleteQuestion: (title: string) => `Delete “${title}”?`,
  deleteDetail: "Its messages will be deleted too, on all your devices. This can’t be undone.",
  deleteSeveralQuestion: (count: number, shown: string) => (count === 1 ? "Delete 1 chat?" : `Delete ${shown} chats?`),
  deleteSeveralDetail: "Their messages will be deleted too, on all your devices. This can’t be undone.",
  deleteAllQuestion: (count: number, shown: string) =>
    count === 1 ? "Delete your only chat?" : `Delete all ${shown} chats?`,
  deleteFoundQuestion: (count: number, shown: string, search: string) =>
    `Delete ${count === 1 ? "1 chat" : `${shown} chats`} found for “${search}”?`,
  deleteCounted: (count: number, shown: string) => (count === 1 ? "Delete 1 chat" : `Delete ${shown} chats`),
  countingAll: "Delete all chats?",
  countingFound: (search: string) => `Delete all chats found for “${search}”?`,
  countFailed: "Couldn’t count them.",
  confirmationWord: "delete",
  typeToConfirm: (word: string) => `Type “${word}” to confirm`,
  deleted: (title: string) => `Deleted “${title}”.`,
  deletedSeveral: (count: number, shown: string) => (count === 1 ? "Deleted 1 chat." : `Deleted ${shown} chats.`),
  alreadyDeleted: (title: string) => `“${title}” was already deleted.`,
  deleteFailed: (title: string) => `Couldn’t delete “${title}”`,
  deleteSeveralFailed: "Couldn’t delete the chats",

  // Keyboard shortcuts
  keyboardShortcuts: "Keyboard shortcuts",
  shortcutSearch: "Search",
  shortcutMove: "Previous or next chat",
  shortcutEnds: "First or last chat",
  shortcutOpen: "Open",
  shortcutPin: "Pin or unpin",
  shortcutSelect: "Select several",
  shortcutLeave: "Leave the selection or the search",
  slashEverywhere: "Use / to search from anywhere",
  keyDelete: "Del",
  keyEnd: "End",
  keyEnter: "Enter",
  keyEscape: "Esc",
  keyHome: "Home",

  // The open chat
  chat: "Chat",
  loadingChat: "Loading the chat",
  chatFailed: "Couldn’t load this chat",
  chatDeleted: "This chat was deleted",
  chatDeletedDetail: (title: string) => `“${title}” was deleted in another tab or on another device.`,
  untitledChatDeletedDetail: "It was deleted in another tab or on another device.",
  chatDeletedHere: "You deleted it.",
  closeChat: "Close chat",
  chatNotFound: "Chat not found",
  chatNotFoundDetail: "It may have been deleted.",
  startOver: "Start a new chat",
  messages: "Messages",
  noMessages: "No messages yet. Write the first one below.",
  loadOlder: "Load older messages",
  olderFailed: "Couldn’t load older messages.",
  message: "Message",
  messagePlaceholder: "Write a message",
  send: "Send",
  sendHint: (key: string) => `Send (${key})`,
  sendFailed: "Couldn’t send your message",
  notSent: "Not sent.",
  edit: "Edit",
  yourDraft: "What you typed",
  copyDraft: "Copy my draft",
  copied: "Copied",
  broken: "Something went wrong here",
  brokenDetail: "Try again, or reload the page. What you typed is kept.",
  startQuestion: "What’s on your mind?",
  startFailed: "Couldn’t start the chat",

  // Who speaks
  you: "You",
  assistant: "Assistant",
  system: "System",
  developer: "Developer",
  tool: "Tool",
  function: "Function",

  // Feedback
  notifications: "Notifications",
  unreachable: "The service can’t be reached. Check your connection and try again.",
  signedOut: "You’re not signed in, or you have been signed out.",
  conflict: "It’s being changed somewhere else. Try again in a moment.",
  gone: "It no longer exists.",
  tooLarge: "It’s too large.",
  rejected: "The service didn’t accept it.",
  tooManyRequests: (seconds: number, shown: string) =>
    `Too many requests. Try again in ${seconds === 1 ? "1 second" : `${shown} seconds`}.`,
  unavailable: "The service is unavailable right now. Try again in a moment.",
  unexpected: "Something went wrong. Try again in a moment.",
};

export type Labels = typeof english;
