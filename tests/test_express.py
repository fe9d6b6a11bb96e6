"""Requests on the express lane get the same responses as through FastAPI's routes."""

from collections.abc import Sequence

import pytest

from chat_sessions.settings import Algorithm
from chat_sessions.web import dependencies
from chat_sessions.web.auth import tokens
from chat_sessions.web.auth.keys import Key, SharedSecret
from chat_sessions.web.auth.tokens import Authenticator
from tests.service import SECRET, Caller, Service, token


async def test_a_repeated_read_takes_the_express_lane_with_the_same_response(
    ada: Caller, routed_paths: list[str]
) -> None:
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
    assert routed_paths.count("/api/chat/sessions") == 2  # the creation, and the first list
    assert routed_paths.count("/api/chat/sessions/{session_id}") == 1


async def test_a_read_ignores_a_request_body_on_both_paths(ada: Caller, routed_paths: list[str]) -> None:
    claim = {"Content-Length": str(10**9)}
    for _ in range(2):
        assert (await ada.http.get("/api/chat/sessions?limit=13", headers=claim)).status_code == 200
    assert routed_paths == ["/api/chat/sessions"]


async def test_a_missing_session_is_the_same_404_on_both_paths(ada: Caller, bob: Caller) -> None:
    session_id = (await bob.create("Bob's"))["id"]
    first, second = await ada.get(session_id, limit=18), await ada.get(session_id, limit=18)
    assert first.status_code == second.status_code == 404
    assert first.content == second.content


async def test_a_deletion_takes_the_express_lane_with_the_same_response(ada: Caller, routed_paths: list[str]) -> None:
    ids = [(await ada.create())["id"] for _ in range(3)]
    routed_paths.clear()
    express, routed = await ada.delete(ids[0]), await ada.delete(ids[1], if_match="*")
    with_body = await ada.http.request("DELETE", f"/api/chat/sessions/{ids[2]}", content=b"{}")
    assert routed_paths == ["/api/chat/sessions/{session_id}"] * 2
    for each in (express, routed, with_body):
        del each.headers["x-request-id"]
        assert (each.status_code, each.content, each.headers) == (204, b"", express.headers)
    assert (await ada.page()).json()["total"] == 0


async def test_a_deletion_of_another_users_session_is_the_same_404_on_both_paths(ada: Caller, bob: Caller) -> None:
    session_id = (await bob.create("Bob's"))["id"]
    await ada.page()
    express, routed = await ada.delete(session_id), await ada.delete(session_id, if_match="*")
    assert express.status_code == routed.status_code == 404
    assert express.content == routed.content
    assert (await bob.get(session_id)).status_code == 200


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("?x=1", {}, 422),
        ("", {"If-Match": '"1"'}, 412),
        ("", {"Authorization": "Bearer x"}, 401),
    ],
    ids=["query", "if_match", "token"],
)
async def test_an_invalid_deletion_is_rejected(query: str, headers: dict[str, str], status: int, ada: Caller) -> None:
    created = await ada.create("Lisbon")
    response = await ada.http.delete(f"/api/chat/sessions/{created['id']}{query}", headers=headers)
    assert response.status_code == status
    assert await ada.titles() == ["Lisbon"]


async def test_a_remembered_token_is_accepted_only_after_its_scheme(ada: Caller, stranger: Caller) -> None:
    await ada.page(limit=19)
    await ada.page(limit=19)
    known = ada.http.headers["Authorization"].removeprefix("Bearer ")
    for given in (known, f"Basic {known}", f"Bearer{known}", f"Bearer  {known}x"):
        response = await stranger.http.get("/api/chat/sessions?limit=19", headers={"Authorization": given})
        assert response.status_code == 401, given


async def test_a_remembered_query_string_needs_its_token(ada: Caller, stranger: Caller) -> None:
    await ada.page(limit=20)
    assert (await stranger.page(limit=20)).status_code == 401


async def test_an_invalid_request_stays_invalid_when_repeated(ada: Caller) -> None:
    for _ in range(2):
        assert (await ada.http.get("/api/chat/sessions?limit=0")).status_code == 422
        assert (await ada.http.get("/api/chat/sessions?cursor=damaged")).status_code == 422


async def test_a_remembered_token_expires(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(service.settings, SharedSecret(SECRET))
    given = token("eve")
    user = await authenticator.user(given)
    assert authenticator.remembered(given) == user
    monkeypatch.setattr(tokens, "time", lambda: user.expires_at)
    assert authenticator.remembered(given) is None


async def test_the_number_of_remembered_tokens_is_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_CACHED_TOKENS", 2)
    authenticator = Authenticator(service.settings, SharedSecret(SECRET))
    given = [token(user) for user in ("ada", "bob", "eve")]
    for each in given:
        await authenticator.user(each)
    assert [authenticator.remembered(each) is not None for each in given] == [False, True, True]


async def test_a_remembered_token_is_dropped_with_its_keys(service: Service) -> None:
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

    algorithms: Sequence[Algorithm] = ("HS256",)

    def __init__(self) -> None:
        self.version: object | None = object()

    async def candidates(self, key_id: str | None, algorithm: str) -> list[Key]:  # noqa: ARG002  one key for all
        return [Key(SECRET, ("HS256",))]

    async def close(self) -> None:
        pass


async def test_the_number_of_remembered_query_strings_is_bounded(
    ada: Caller, routed_paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "MAX_PARSED_QUERIES", 1)
    routed = []
    for offset in (1001, 1001, 1002, 1001):
        assert (await ada.page(offset=offset)).status_code == 200
        routed.append(len(routed_paths))
    assert routed == [1, 1, 2, 3]


async def test_a_long_query_string_is_not_remembered(
    ada: Caller, routed_paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "MAX_PARSED_QUERY_BYTES", len("offset=1003"))
    for offset in (1003, 1003, 10030, 10030):
        assert (await ada.page(offset=offset)).status_code == 200
    assert len(routed_paths) == 3
