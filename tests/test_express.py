"""Reads that were asked before take a shorter way; nobody can tell by the answer which way it was."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from fastapi.routing import APIRoute

from chat_sessions.web import dependencies
from chat_sessions.web.auth import tokens
from chat_sessions.web.auth.keys import Key, SharedSecret
from chat_sessions.web.auth.tokens import Authenticator
from tests.service import SECRET, Caller, Service, token


@pytest.fixture
def solved() -> Iterator[list[str]]:
    """The paths of the requests that FastAPI has routed."""
    paths: list[str] = []
    handle = APIRoute.handle

    async def noted(route: APIRoute, *args: object) -> None:
        paths.append(route.path)
        await handle(route, *args)  # type: ignore[arg-type]

    with patch.object(APIRoute, "handle", noted):
        yield paths


async def test_both_ways_give_the_same_answer(ada: Caller, solved: list[str]) -> None:
    session_id = (await ada.create("Lisbon", messages=[{"role": "user", "content": "hi"}]))["id"]
    for path in ("/api/chat/sessions?limit=17", f"/api/chat/sessions/{session_id}?limit=17"):
        first, second = await ada.http.get(path), await ada.http.get(path)
        assert (first.status_code, first.content) == (second.status_code, second.content)
        ours = [
            {name: each.headers[name] for name in each.headers if name != "x-request-id"} for each in (first, second)
        ]
        assert ours[0] == ours[1]
        again = await ada.http.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert solved.count("/api/chat/sessions") == 2  # the creation, and the first list
    assert solved.count("/api/chat/sessions/{session_id}") == 1


async def test_a_body_that_a_read_claims_to_have_is_ignored_on_both_ways(ada: Caller, solved: list[str]) -> None:
    claim = {"Content-Length": str(10**9)}
    for _ in range(2):
        assert (await ada.http.get("/api/chat/sessions?limit=13", headers=claim)).status_code == 200
    assert solved == ["/api/chat/sessions"]


async def test_a_missing_session_is_the_same_404_on_both_ways(ada: Caller, bob: Caller) -> None:
    session_id = (await bob.create("Bob's"))["id"]
    first, second = await ada.get(session_id, limit=18), await ada.get(session_id, limit=18)
    assert first.status_code == second.status_code == 404
    assert first.content == second.content


async def test_a_known_token_counts_behind_its_scheme_only(ada: Caller, stranger: Caller) -> None:
    await ada.page(limit=19)
    await ada.page(limit=19)
    known = ada.http.headers["Authorization"].removeprefix("Bearer ")
    for given in (known, f"Basic {known}", f"Bearer{known}", f"Bearer  {known}x"):
        answer = await stranger.http.get("/api/chat/sessions?limit=19", headers={"Authorization": given})
        assert answer.status_code == 401, given


async def test_a_known_query_string_gives_nobody_a_token(ada: Caller, stranger: Caller) -> None:
    await ada.page(limit=20)
    assert (await stranger.page(limit=20)).status_code == 401


async def test_what_is_wrong_stays_wrong_however_often_it_is_asked(ada: Caller) -> None:
    for _ in range(2):
        assert (await ada.http.get("/api/chat/sessions?limit=0")).status_code == 422
        assert (await ada.http.get("/api/chat/sessions?cursor=damaged")).status_code == 422


async def test_a_remembered_token_ends_when_it_expires(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(service.settings, SharedSecret(SECRET))
    given = token("eve")
    user = await authenticator.user(given)
    assert authenticator.remembered(given) == user
    monkeypatch.setattr(tokens, "time", lambda: user.expires_at)
    assert authenticator.remembered(given) is None


async def test_remembered_tokens_are_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_CACHED_TOKENS", 2)
    authenticator = Authenticator(service.settings, SharedSecret(SECRET))
    given = [token(user) for user in ("ada", "bob", "eve")]
    for each in given:
        await authenticator.user(each)
    assert [authenticator.remembered(each) is not None for each in given] == [False, True, True]


async def test_a_remembered_token_ends_with_the_keys_that_it_was_verified_with(service: Service) -> None:
    keys = Rotating()
    authenticator = Authenticator(service.settings, keys)
    given = token("eve")
    user = await authenticator.user(given)
    assert authenticator.remembered(given) == user
    keys.version = object()
    assert authenticator.remembered(given) is None
    keys.version = None
    assert await authenticator.user(given) == user
    assert authenticator.remembered(given) is None


class Rotating:
    """Keys that a test can change."""

    def __init__(self) -> None:
        self.version: object | None = object()

    async def candidates(self, key_id: str | None, algorithm: str) -> list[Key]:  # noqa: ARG002  one key for all
        return [Key(SECRET, ("HS256",))]


async def test_the_memory_of_query_strings_is_bounded(
    ada: Caller, solved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "MAX_KNOWN", 1)
    routed = []
    for offset in (1001, 1001, 1002, 1001):
        assert (await ada.page(offset=offset)).status_code == 200
        routed.append(len(solved))
    assert routed == [1, 1, 2, 3]


async def test_a_long_query_string_is_not_remembered(
    ada: Caller, solved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "MAX_KNOWN_BYTES", len("offset=1003"))
    for offset in (1003, 1003, 10030, 10030):
        assert (await ada.page(offset=offset)).status_code == 200
    assert len(solved) == 3
