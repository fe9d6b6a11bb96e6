import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../ui/tokens.css";
import "./page.css";
import { ErrorBoundary } from "../ui/error-boundary";
import { App } from "./app";
import { Crashed } from "./crashed";
import { signInMode } from "./identity";
import { preloadPane } from "./lazy-chat-pane";
import { openChatId } from "./route";

if (openChatId() !== null) {
  preloadPane();
}
const firstMode = signInMode();
// The app shows a failure once it has rendered.
firstMode.catch(() => undefined);
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary fallback={() => <Crashed />}>
        <App firstMode={firstMode} />
      </ErrorBoundary>
    </StrictMode>,
  );
}
