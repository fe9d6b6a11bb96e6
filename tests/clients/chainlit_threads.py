"""Chainlit keeps its threads in the service: a real Chainlit, and pages that talk to it."""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self
from uuid import uuid4

os.environ["CHAINLIT_AUTH_SECRET"] = "a secret of Chainlit, long enough for HS256"  # noqa: S105  it protects nothing

import chainlit as cl
import httpx2
import socketio
import uvicorn
from chainlit.context import init_http_context
from chainlit.server import app
from chainlit.step import StepDict

# The example of the documentation, which sets the data layer.
from example import data_layer, mint

from chat_sessions_client import ChatSessions

LIMIT_SECONDS = 60


@cl.password_auth_callback
async def sign_in(name: str, password: str) -> cl.User:
    return cl.User(identifier=name, metadata={"plan": password})


@cl.step(type="tool")
async def weather(city: str) -> str:
    return f"Sunny in {city}."


@cl.on_message
async def answer(message: cl.Message) -> None:
    thinking = await cl.Message("Let me look.").send()
    report = await weather(message.content)
    await thinking.remove()
    reply = await cl.Message(report).send()
    reply.content += f" Plan: {cl.user_session.get('user').metadata['plan']}."
    await reply.update()


@cl.on_chat_resume
async def resume(_: cl.types.ThreadDict) -> None:
    """Allow threads to be resumed."""


class Page:
    """A user's page: HTTP requests and a web socket."""

    def __init__(self, url: str, user: str) -> None:
        self.url = url
        self.user = user
        self.http = httpx2.AsyncClient(base_url=url)
        self.socket = socketio.AsyncClient()
        self.received: list[str] = []

    async def __aenter__(self) -> Self:
        signed_in = await self.http.post("/login", data={"username": self.user, "password": "large"})
        signed_in.raise_for_status()
        self.socket.on("*", self._receive)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.disconnect()
        await self.http.aclose()

    async def _receive(self, event: str, *_: object) -> None:
        self.received.append(event)

    async def open(self, thread_id: str | None = None) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        auth = {"sessionId": str(uuid4()), "clientType": "webapp", "userEnv": "{}", "threadId": thread_id}
        await self.socket.connect(self.url, headers={"Cookie": cookies}, auth=auth, socketio_path="/ws/socket.io")
        await self.socket.emit("connection_successful")

    async def say(self, text: str) -> str:
        message = {"id": str(uuid4()), "name": self.user, "type": "user_message", "output": text, "createdAt": ""}
        await self.socket.emit("client_message", {"message": message, "fileReferences": None})
        return message["id"]

    async def edit(self, message_id: str, text: str) -> None:
        await self.socket.emit("edit_message", {"message": {"id": message_id, "output": text}})

    async def has_received(self, event: str) -> bool:
        return event in self.received

    async def threads(self, **filters: str) -> list[dict[str, Any]]:
        response = await self.http.post("/project/threads", json={"pagination": {"first": 20}, "filter": filters})
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    async def thread(self, thread_id: str) -> httpx2.Response:
        return await self.http.get(f"/project/thread/{thread_id}")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"not so after {LIMIT_SECONDS} s"
        await asyncio.sleep(0.05)


async def outputs(page: Page, thread_id: str) -> list[tuple[str, str]]:
    """Return the messages and the results of tools."""
    response = await page.thread(thread_id)
    steps = response.json()["steps"] if response.is_success else []
    return [(step["type"], step["output"]) for step in steps if step["type"] != "run"]


def conversation(city: str) -> list[tuple[str, str]]:
    sunny = f"Sunny in {city}."
    return [("user_message", city), ("tool", sunny), ("assistant_message", f"{sunny} Plan: large.")]


async def shows(page: Page, thread_id: str, expected: list[tuple[str, str]]) -> None:
    """Wait until a thread has these messages and results."""
    found: list[tuple[str, str]] = []

    async def matches() -> bool:
        found[:] = await outputs(page, thread_id)
        return found == expected

    try:
        await until(matches)
    except AssertionError as error:
        raise AssertionError(found) from error


async def use(ada: Page, bob: Page, chats: ChatSessions) -> None:
    await ada.open()
    message_id = await ada.say("Lisbon")
    # Then the thread has a name.
    await until(lambda: ada.has_received("first_interaction"))
    [thread] = await ada.threads()
    assert (thread["name"], thread["userIdentifier"]) == ("Lisbon", "ada")
    await shows(ada, thread["id"], conversation("Lisbon"))

    # Other clients see the same chat.
    roles = [message["role"] for message in await chats.newest(thread["id"])]
    assert [role for role in roles if role not in {"step", "removed"}] == ["user", "tool", "assistant"], roles

    # Other users do not.
    assert (await bob.thread(thread["id"])).status_code == 404
    assert await bob.threads() == []
    assert (await bob.http.request("DELETE", "/project/thread", json={"threadId": thread["id"]})).status_code == 404

    # A thread can be renamed and found.
    renamed = {"threadId": thread["id"], "name": "Trip to Lisbon"}
    (await ada.http.put("/project/thread", json=renamed)).raise_for_status()
    assert [found["name"] for found in await ada.threads(search="sunny")] == ["Trip to Lisbon"]
    assert await ada.threads(search="porto") == []

    # Feedback is stored and withdrawn.
    feedback = {"forId": message_id, "value": 1, "comment": "Good."}
    body = {"feedback": {**feedback, "threadId": thread["id"]}, "sessionId": "none"}
    given = await ada.http.put("/feedback", json=body)
    feedback_id = given.json()["feedbackId"]
    assert await feedback_of(ada, thread["id"], message_id) == {**feedback, "id": feedback_id}
    (await ada.http.request("DELETE", "/feedback", json={"feedbackId": feedback_id})).raise_for_status()
    assert await feedback_of(ada, thread["id"], message_id) is None


async def feedback_of(page: Page, thread_id: str, step_id: str) -> dict[str, object] | None:
    steps = (await page.thread(thread_id)).json()["steps"]
    [feedback] = [step["feedback"] for step in steps if step["id"] == step_id]
    return feedback  # type: ignore[no-any-return]


async def continue_and_delete(ada: Page) -> None:
    [thread] = await ada.threads()
    await ada.open(thread["id"])
    await until(lambda: ada.has_received("resume_thread"))
    message_id = await ada.say("Porto")
    await shows(ada, thread["id"], conversation("Lisbon") + conversation("Porto"))

    # Chainlit removes the messages after an edited one, but not the results of tools.
    await ada.edit(message_id, "Faro")
    user, *answer = conversation("Faro")
    await shows(ada, thread["id"], [*conversation("Lisbon"), user, conversation("Porto")[1], *answer])

    # A deleted thread stays deleted, whatever a page adds to it.
    (await ada.http.request("DELETE", "/project/thread", json={"threadId": thread["id"]})).raise_for_status()
    ada.received.clear()
    await ada.say("Braga")
    await until(lambda: ada.has_received("task_end"))
    assert await ada.threads() == []
    assert (await ada.thread(thread["id"])).status_code == 404


async def change_at_once(chats: ChatSessions) -> None:
    """Chainlit does not wait for one change of a step before the next."""
    init_http_context(thread_id="changed-at-once", user=cl.User(identifier="ada"))
    layer = data_layer()
    step = StepDict(id=str(uuid4()), threadId="changed-at-once", type="assistant_message", name="guide", output="Hm.")
    await asyncio.gather(
        layer.create_step(step), layer.update_step({**step, "output": "Lisbon."}), layer.delete_step(step["id"])
    )
    assert await chats.newest("changed-at-once") == []
    await chats.delete("changed-at-once")
    await layer.close()


async def main() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        # The end of Chainlit's own lifespan exits the process.
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        serving = asyncio.create_task(server.serve([listening]))
        async with (
            Page(url, "ada") as ada,
            Page(url, "bob") as bob,
            ChatSessions(os.environ["API"], mint("ada")) as chats,
        ):
            await use(ada, bob, chats)
        async with Page(url, "ada") as ada:
            await continue_and_delete(ada)
        async with ChatSessions(os.environ["API"], mint("ada")) as chats:
            await change_at_once(chats)
        server.should_exit = True
        await serving


asyncio.run(main())
