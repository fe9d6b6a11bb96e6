import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Chats } from "./chats";

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <Chats />
  </StrictMode>,
);
