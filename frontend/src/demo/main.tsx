import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../ui/tokens.css";
import "./page.css";
import { ErrorBoundary } from "../ui/error-boundary";
import { App } from "./app";
import { Crashed } from "./crashed";
import { preloadPane } from "./lazy-chat-pane";
import { openChatId } from "./route";

if (openChatId() !== null) {
  preloadPane();
}
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary fallback={() => <Crashed />}>
        <App />
      </ErrorBoundary>
    </StrictMode>,
  );
}
