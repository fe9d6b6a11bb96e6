"""Everyday calls, one at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import consumes, rule

from tests.service import Caller, new_id
from tests.stateful.model import Modelled, ModelSession, titles, users, workers

# A page holds at most 4 MiB of messages, plus the session's own fields.
MOST_PAGE_BYTES = 4 * 1024 * 1024 + 4096


patches = st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 2), max_size=3)
filters = st.fixed_dictionaries(
    {},
    optional={
        "pinned": st.booleans(),
        "archived": st.booleans(),
        "metadata": st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), min_size=1, max_size=2),
    },
)


class UsualCalls(Modelled):
    """Each response follows from the model alone, whichever worker sends it."""

    @rule(target=Modelled.sessions, user=users, worker=workers, title=titles, own_id=st.booleans())
    def create(self, user: str, worker: int, title: str, own_id: bool) -> str:
        body = {"title": title, **({"id": new_id()} if own_id else {})}
        response = self.run(self.caller(user, worker).http.post("/api/chat/sessions", json=body))
        assert response.status_code == 201
        session_id: str = response.json()["id"]
        self.alive[session_id] = ModelSession(user, title.strip())
        return session_id

    @rule(session_id=Modelled.sessions, user=users, worker=workers, text=titles)
    def append(self, session_id: str, user: str, worker: int, text: str) -> None:
        response = self.run(self.caller(user, worker).append(session_id, text))
        expected = self.of(user, session_id)
        assert response.status_code == (201 if expected else 404)
        if expected:
            assert response.json()["messages"][0]["sequence"] == len(expected.messages)
            expected.messages.append(text)
            expected.etag = None

    @rule(session_id=Modelled.sessions, user=users, worker=workers, title=titles)
    def rename(self, session_id: str, user: str, worker: int, title: str) -> None:
        response = self.run(self.caller(user, worker).change(session_id, title=title))
        expected = self.of(user, session_id)
        assert response.status_code == (200 if expected else 404)
        if expected:
            expected.title, expected.etag = title.strip(), None

    @rule(session_id=Modelled.sessions, user=users, worker=workers, is_pinned=st.booleans())
    def pin(self, session_id: str, user: str, worker: int, is_pinned: bool) -> None:
        response = self.run(self.caller(user, worker).change(session_id, is_pinned=is_pinned))
        expected = self.of(user, session_id)
        assert response.status_code == (200 if expected else 404)
        if expected:
            expected.is_pinned, expected.etag = is_pinned, None

    @rule(session_id=Modelled.sessions, user=users, worker=workers, is_archived=st.booleans())
    def archive(self, session_id: str, user: str, worker: int, is_archived: bool) -> None:
        response = self.run(self.caller(user, worker).change(session_id, is_archived=is_archived))
        expected = self.of(user, session_id)
        assert response.status_code == (200 if expected else 404)
        if expected:
            expected.is_archived, expected.etag = is_archived, None

    @rule(session_id=Modelled.sessions, user=users, worker=workers, patch=patches)
    def patch_metadata(self, session_id: str, user: str, worker: int, patch: dict[str, int | None]) -> None:
        response = self.run(self.caller(user, worker).change(session_id, metadata=patch))
        expected = self.of(user, session_id)
        assert response.status_code == (200 if expected else 404)
        if expected:
            left = {name: value for name, value in expected.metadata.items() if name not in patch}
            expected.metadata = left | {name: value for name, value in patch.items() if value is not None}
            expected.etag = None
            assert response.json()["metadata"] == expected.metadata

    @rule(session_id=Modelled.sessions, user=users, worker=workers)
    def open(self, session_id: str, user: str, worker: int) -> None:
        caller, expected = self.caller(user, worker), self.of(user, session_id)
        response = self.run(caller.get(session_id))
        assert response.status_code == (200 if expected else 404)
        if expected:
            opened = response.json()
            assert (opened["title"], opened["is_pinned"]) == (expected.title, expected.is_pinned)
            assert (opened["is_archived"], opened["metadata"]) == (expected.is_archived, expected.metadata)
            assert len(response.content) <= MOST_PAGE_BYTES or len(opened["messages"]) == 1
            assert self.run(contents(caller, response)) == expected.messages
            expected.etag = response.headers["ETag"]

    @rule(session_id=Modelled.sessions, worker=workers)
    def open_if_changed(self, session_id: str, worker: int) -> None:
        expected = self.alive.get(session_id)
        if expected and expected.etag:
            caller = self.caller(expected.owner, worker)
            headers = {"If-None-Match": expected.etag}
            response = self.run(caller.http.get(f"/api/chat/sessions/{session_id}", headers=headers))
            assert (response.status_code, response.content) == (304, b"")

    @rule(user=users, worker=workers, archived=st.sampled_from(["false", "true", "any"]))
    def show_list(self, user: str, worker: int, archived: str) -> None:
        page = self.run(self.caller(user, worker).page(limit=100, archived=archived)).json()
        shown = {each["id"]: (each["title"], each["is_pinned"], each["metadata"]) for each in page["sessions"]}
        expected = {key: self.alive[key] for key in self.all_of(user)}
        if archived != "any":
            expected = {key: each for key, each in expected.items() if each.is_archived is (archived == "true")}
        assert shown == {key: (each.title, each.is_pinned, each.metadata) for key, each in expected.items()}
        assert page["total"] == len(shown)
        order = [(each["is_pinned"], each["updated_at"], each["id"]) for each in page["sessions"]]
        assert order == sorted(order, reverse=True)

    @rule(target=Modelled.deleted_ids, session_id=consumes(Modelled.sessions), worker=workers)
    def delete(self, session_id: str, worker: int) -> str:
        expected = self.alive.pop(session_id, None)
        owner = expected.owner if expected else "ada"
        stranger = "bob" if owner == "ada" else "ada"
        if expected:
            assert self.run(self.caller(stranger, worker).delete(session_id)).status_code == 404
        response = self.run(self.caller(owner, worker).delete(session_id))
        assert response.status_code == (204 if expected else 404)
        return session_id

    @rule(user=users, worker=workers, only=filters)
    def delete_all(self, user: str, worker: int, only: dict[str, Any]) -> None:
        deleted = self.run(deleted_by(self.caller(user, worker), **only))
        doomed = {key for key in self.all_of(user) if matches(self.alive[key], only)}
        assert set(deleted["deleted"]) == doomed
        for session_id in doomed:
            del self.alive[session_id]

    @rule(session_id=Modelled.deleted_ids, user=users, worker=workers)
    def use_a_deleted_id(self, session_id: str, user: str, worker: int) -> None:
        caller = self.caller(user, worker)
        assert self.run(caller.append(session_id, "late")).status_code == 404
        assert self.run(caller.change(session_id, title="late")).status_code == 404
        assert self.run(caller.get(session_id)).status_code == 404


def matches(session: ModelSession, only: dict[str, Any]) -> bool:
    return (
        only.get("pinned", session.is_pinned) is session.is_pinned
        and only.get("archived", session.is_archived) is session.is_archived
        and only.get("metadata", {}).items() <= session.metadata.items()
    )


async def contents(caller: Caller, newest: httpx.Response) -> list[str]:
    """Page back from the newest messages to the first, and return all their contents."""
    page = newest.json()
    messages = page["messages"]
    while page["has_more_messages"]:
        page = (await caller.get(page["id"], before_sequence=messages[0]["sequence"])).json()
        messages = page["messages"] + messages
    return [each["content"] for each in messages]


async def deleted_by(caller: Caller, **condition: object) -> dict[str, Any]:
    """Delete all sessions that match a filter."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    body = {"filter": {"updated_before": tomorrow.isoformat(), **condition}}
    response = await caller.http.post("/api/chat/sessions/batch-delete", json=body)
    assert response.status_code == 200, response.text
    deleted: dict[str, Any] = response.json()
    return deleted
