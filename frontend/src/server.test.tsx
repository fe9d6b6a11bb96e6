// @vitest-environment node
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { ChatPane, ChatSessionsProvider, ChatSidebar } from ".";
import { StartPane } from "./pane/start-pane";

const connection = { baseUrl: "", getToken: () => "token" };
const ignore = () => undefined;

test("on a server the sidebar renders its loading state", () => {
  const html = renderToString(<ChatSidebar {...connection} onSelect={ignore} footer="Ada" />);
  expect(html).toContain('aria-label="Loading chats"');
  expect(html).toContain("Ada");
});

test.each([
  ["an open chat", <ChatPane key="open" id="1" onLeave={ignore} />, 'aria-label="Loading the chat"'],
  ["a new chat", <StartPane key="new" onStart={ignore} />, "What’s on your mind?"],
])("the pane renders on a server: %s", (_, pane, content) => {
  expect(renderToString(<ChatSessionsProvider {...connection}>{pane}</ChatSessionsProvider>)).toContain(content);
});
