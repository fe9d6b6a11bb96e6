"""A Chainlit data layer that stores threads as chat sessions and steps as their messages."""

from asyncio import Lock
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import Any, Final
from weakref import WeakValueDictionary

import httpx2
from chainlit.context import ChainlitContextException, context
from chainlit.data.base import BaseDataLayer
from chainlit.data.utils import queue_until_user_message
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, FeedbackDict, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User
from typing_extensions import override

from chat_sessions_client.chainlit_steps import REMOVED, is_removed, message_of, steps_of
from chat_sessions_client.client import ChatSessions
from chat_sessions_client.connection import open_http
from chat_sessions_client.conversation import Conversation, as_sent
from chat_sessions_client.errors import Conflict, NotFound, PreconditionFailed
from chat_sessions_client.schemas import Changes, Summary

MAX_TITLE: Final = 200
MAX_PAGE: Final = 50
SEPARATOR: Final = ":"
# Chainlit requests a thread without its user, but has identified the user earlier in the same task.
_identified: ContextVar[str] = ContextVar("identified")


class ChatSessionsDataLayer(BaseDataLayer):
    """Stores each user's threads as that user's chat sessions. `mint` returns a token for a user."""

    def __init__(
        self,
        url: str,
        mint: Callable[[str], str | Awaitable[str]],
        *,
        http: Callable[[], httpx2.AsyncClient] = open_http,
    ) -> None:
        self._mint = mint
        self._anyone = ChatSessions(url, "", http=http)
        self._locks = WeakValueDictionary[str, Lock]()

    def _chats(self, user: str | None = None) -> ChatSessions:
        """Return the client of a user, by default of the current one."""
        return self._anyone.with_token(partial(self._mint, user or _current_user()))

    @override
    async def get_user(self, identifier: str) -> PersistedUser | None:
        # Chainlit then calls create_user with the user from its own token.
        return None

    @override
    async def create_user(self, user: User) -> PersistedUser:
        _identified.set(user.identifier)
        return PersistedUser(
            id=user.identifier,
            identifier=user.identifier,
            display_name=user.display_name,
            metadata=user.metadata,
            createdAt=datetime.now(UTC).isoformat(),
        )

    @override
    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        found, cursor = await _page(self._chats(filters.userId), pagination, filters.search)
        threads = [_thread(session, []) for session in found]
        return PaginatedResponse(PageInfo(cursor is not None, pagination.cursor, cursor), threads)

    @override
    async def get_thread_author(self, thread_id: str) -> str:
        try:
            return (await self._chats().get(thread_id, limit=1))["user_id"]
        except NotFound:
            return ""

    @override
    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        chats = self._chats()
        try:
            return _thread(await chats.get(thread_id, limit=1), steps_of(thread_id, await chats.newest(thread_id)))
        except NotFound:
            return None

    @override
    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        chats = self._chats(user_id)
        changes = Changes(metadata={**(metadata or {}), **({} if tags is None else {"tags": tags})})
        if title := (name or "").strip()[:MAX_TITLE]:
            changes["title"] = title
        try:
            await chats.change(thread_id, **changes)
        except NotFound:
            # A Conflict means that the thread was deleted: closing a page that shows it must not bring it back.
            with suppress(Conflict):
                await chats.create(id=thread_id)
                await chats.change(thread_id, **changes)

    @override
    async def delete_thread(self, thread_id: str) -> None:
        with suppress(NotFound):
            await self._chats().delete(thread_id)

    @override
    @queue_until_user_message()
    async def create_step(self, step_dict: StepDict) -> None:
        async with self._in_order(step_dict["threadId"]):
            await Conversation(step_dict["threadId"], self._chats()).add([message_of(step_dict)])

    @override
    @queue_until_user_message()
    async def update_step(self, step_dict: StepDict) -> None:
        chats, thread_id, message = self._chats(), step_dict["threadId"], message_of(step_dict)
        async with self._in_order(thread_id):
            try:
                await chats.replace(thread_id, step_dict["id"], message)
            except NotFound:
                await Conversation(thread_id, chats).add([message])

    @override
    @queue_until_user_message()
    async def delete_step(self, step_id: str) -> None:
        chats, thread_id = self._chats(), context.session.thread_id
        async with self._in_order(thread_id):
            with suppress(NotFound):
                await chats.replace(thread_id, step_id, REMOVED)
                await _cut_removed(chats, thread_id)

    def _in_order(self, thread_id: str) -> Lock:
        """Return the lock of a thread, since Chainlit does not wait for one change of a step before the next."""
        return self._locks.setdefault(thread_id, Lock())

    @override
    async def upsert_feedback(self, feedback: Feedback) -> str:
        if feedback.threadId is None:
            raise ValueError("Feedback needs a threadId to find its step.")
        feedback_id = f"{feedback.threadId}{SEPARATOR}{feedback.forId}"
        given = FeedbackDict(id=feedback_id, forId=feedback.forId, value=feedback.value, comment=feedback.comment)
        await self._set_feedback(feedback_id, given)
        return feedback_id

    @override
    async def delete_feedback(self, feedback_id: str) -> bool:
        await self._set_feedback(feedback_id, None)
        return True

    async def _set_feedback(self, feedback_id: str, feedback: FeedbackDict | None) -> None:
        chats, (thread_id, _, step_id) = self._chats(), feedback_id.partition(SEPARATOR)
        for message in await chats.newest(thread_id):
            if message["id"] == step_id:
                await chats.replace(thread_id, step_id, {**as_sent(message), "feedback": feedback})

    @override
    async def create_element(self, element: Element) -> None:
        """Do nothing: the service stores no files."""

    @override
    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        return None

    @override
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        """Do nothing: no elements are stored."""

    @override
    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        return []

    @override
    async def build_debug_url(self) -> str:
        return ""

    @override
    async def close(self) -> None:
        await self._anyone.close()


def _current_user() -> str:
    with suppress(ChainlitContextException):
        if user := context.session.user:
            identifier: str = user.identifier
            return identifier
    if identified := _identified.get(None):
        return identified
    raise LookupError("Nobody is signed in. Threads belong to users, so set up a Chainlit authentication callback.")


def _thread(session: Summary, steps: list[StepDict]) -> ThreadDict:
    return ThreadDict(
        id=session["id"],
        createdAt=session["created_at"],
        name=session["title"],
        userId=session["user_id"],
        userIdentifier=session["user_id"],
        tags=session["metadata"].get("tags"),
        metadata=session["metadata"],
        steps=steps,
        elements=[],
    )


async def _page(chats: ChatSessions, pagination: Pagination, search: str | None) -> tuple[list[Summary], str | None]:
    """Return a page of sessions, and the cursor of the next one."""
    limit, cursor = min(pagination.first, MAX_PAGE), pagination.cursor
    if not search:
        page = await anext(chats.pages(limit=limit, cursor=cursor, pinned_first=False))
        return page["sessions"], page["next_cursor"]
    async for found in chats.search(search, limit=limit, cursor=cursor):
        # In large accounts a page of results may be empty without being the last.
        if found["results"] or found["next_cursor"] is None:
            return [result["session"] for result in found["results"]], found["next_cursor"]
    return [], None


async def _cut_removed(chats: ChatSessions, thread_id: str) -> None:
    """Cut off removed messages at the end. Elsewhere they stay, so that the others keep their sequence."""
    while True:
        session = await chats.get(thread_id)
        removed = [*takewhile(is_removed, reversed(session["messages"]))]
        if not removed:
            return
        with suppress(PreconditionFailed):
            await chats.cut(thread_id, removed[-1]["sequence"], if_match=session["etag"])
