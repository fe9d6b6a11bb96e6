"""Appends on the express lane get the same responses as through FastAPI's route."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from chat_sessions.cache.keys import UserKeys
from chat_sessions.settings import Settings
from chat_sessions.web.middleware import FREE_BYTES
from tests.service import Caller, new_id, running

MESSAGE = {"role": "user", "content": "Ćao 🇺🇦", "id": "m1"}
BODY = json.dumps({"messages": [MESSAGE]}).encode()
EXPRESS = {"Content-Type": "application/json"}
# The same media type; only FastAPI's route accepts this spelling.
ROUTED = {"Content-Type": "Application/JSON"}


@pytest.fixture
async def session_id(ada: Caller) -> str:
    """A session of a user whose token is remembered."""
    created: str = (await ada.create())["id"]
    return created


def path_of(session_id: str) -> str:
    return f"/api/chat/sessions/{session_id}/messages"


async def post(
    caller: Caller, session_id: str, content: bytes | AsyncIterator[bytes], headers: dict[str, str]
) -> httpx.Response:
    response = await caller.http.post(path_of(session_id), content=content, headers=headers)
    del response.headers["x-request-id"]
    return response


async def test_a_valid_append_takes_the_express_lane_with_the_same_response(
    ada: Caller, session_id: str, routed_paths: list[str]
) -> None:
    express, routed = await post(ada, session_id, BODY, EXPRESS), await post(ada, session_id, BODY, ROUTED)
    assert routed_paths == ["/api/chat/sessions/{session_id}/messages"]
    assert express.status_code == routed.status_code == 201
    assert (express.content, express.headers) == (routed.content, routed.headers)
    assert await ada.contents(session_id) == [(0, MESSAGE["content"])]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8"])
async def test_a_body_may_name_its_charset(charset: str, ada: Caller, session_id: str, routed_paths: list[str]) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    assert (await post(ada, session_id, BODY, headers)).status_code == 201
    assert routed_paths == ([] if charset == "utf-8" else ["/api/chat/sessions/{session_id}/messages"])


CONFLICT = json.dumps({"messages": [{**MESSAGE, "content": "other"}]}).encode()
MOVED = json.dumps({"messages": [{"role": "user"}], "after_sequence": 7}).encode()


@pytest.mark.parametrize(("body", "status"), [(CONFLICT, 409), (MOVED, 412)], ids=["id_taken", "end_moved"])
async def test_a_refused_append_is_the_same_on_both_paths(
    body: bytes, status: int, ada: Caller, session_id: str, routed_paths: list[str]
) -> None:
    await post(ada, session_id, BODY, EXPRESS)
    express, routed = await post(ada, session_id, body, EXPRESS), await post(ada, session_id, body, ROUTED)
    assert len(routed_paths) == 1
    assert express.status_code == routed.status_code == status
    assert (express.content, express.headers) == (routed.content, routed.headers)


async def test_an_append_to_another_users_session_is_the_same_404_on_both_paths(
    ada: Caller, bob: Caller, session_id: str
) -> None:
    await bob.page()
    express, routed = await post(bob, session_id, BODY, EXPRESS), await post(bob, session_id, BODY, ROUTED)
    unknown = await post(bob, new_id(), BODY, EXPRESS)
    assert express.status_code == routed.status_code == unknown.status_code == 404
    assert express.content == routed.content == unknown.content
    assert await ada.contents(session_id) == []


UNUSUAL: list[Any] = [
    b"",
    b"null",
    b"{",
    b"\xff",
    b"\x00",
    b'{"messages":[]}',
    b'{"messages":[{"role":"user","role":"user"}]}',
    b'{"messages":[{"role":"User"}]}',
    b'{"messages":[{"role":"user"}],"x":1}',
    b'{"messages":[{"role":"user","content":"\\u0000"}]}',
    b'{"messages":[{"role":"user","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}]}",
    b'{"messages":[{"role":"user","x":[' + b"1," * 20_000 + b"1]}]}",
    b'{"messages":[{"role":"user","x":NaN}]}',
    BODY.decode().encode("utf-16"),
]


@pytest.mark.parametrize("body", UNUSUAL, ids=range(len(UNUSUAL)))
async def test_an_unusual_body_gets_the_same_response_on_both_paths(
    body: bytes, ada: Caller, session_id: str, routed_paths: list[str]
) -> None:
    express, routed = await post(ada, session_id, body, EXPRESS), await post(ada, session_id, body, ROUTED)
    assert len(routed_paths) == 2
    assert express.status_code == routed.status_code
    assert express.status_code == (201 if body == UNUSUAL[-1] else 422)
    assert express.content == routed.content


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Content-Type": "text/plain"}, "", 415),
        ({"Content-Encoding": "gzip"}, "", 415),
        ({"Authorization": "Bearer x"}, "", 401),
        ({}, "?x=1", 422),
    ],
    ids=["type", "encoding", "token", "query"],
)
async def test_an_invalid_append_is_rejected(
    headers: dict[str, str], query: str, status: int, ada: Caller, session_id: str
) -> None:
    url = path_of(session_id) + query
    response = await ada.http.post(url, content=BODY, headers={**EXPRESS, **headers})
    assert response.status_code == status
    assert await ada.contents(session_id) == []


@pytest.mark.parametrize("size", [FREE_BYTES, FREE_BYTES + 1])
async def test_a_large_body_takes_fastapis_route_and_its_budget(
    size: int, ada: Caller, session_id: str, routed_paths: list[str]
) -> None:
    assert (await post(ada, session_id, BODY.ljust(size), EXPRESS)).status_code == 201
    assert len(routed_paths) == size - FREE_BYTES


async def test_a_body_in_chunks_of_unknown_size_takes_fastapis_route(
    ada: Caller, session_id: str, routed_paths: list[str]
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for each in BODY:
            yield bytes([each])

    assert (await post(ada, session_id, chunks(), EXPRESS)).status_code == 201
    assert len(routed_paths) == 1


async def test_a_body_may_arrive_in_parts(ada: Caller, session_id: str, routed_paths: list[str]) -> None:
    async def parts(body: bytes) -> AsyncIterator[bytes]:
        for each in body:
            yield bytes([each])

    for body, status in ((BODY, 201), (BODY[:-1], 422)):
        headers = {**EXPRESS, "Content-Length": str(len(body))}
        assert (await post(ada, session_id, parts(body), headers)).status_code == status
    assert len(routed_paths) == 1


@pytest.mark.parametrize("body", [BODY, b"{"], ids=["valid", "invalid"])
async def test_an_append_is_counted_once(body: bytes, settings: Settings, redis: Redis) -> None:
    one_a_minute = settings.model_copy(update={"rate_limit": 1, "rate_burst": 3})
    async with running(one_a_minute) as limited, limited.client("ada") as client:
        ada = Caller(client)
        session_id = (await ada.create())["id"]
        statuses = [(await post(ada, session_id, body, EXPRESS)).status_code for _ in range(3)]
        assert statuses == [201 if body == BODY else 422] * 2 + [429]
    await redis.delete(UserKeys("ada").rate)


async def test_a_lower_body_limit_applies_on_the_express_lane(settings: Settings) -> None:
    lower = settings.model_copy(update={"max_body_bytes": 1024})
    async with running(lower) as worker, worker.client("ada") as client:
        ada = Caller(client)
        session_id = (await ada.create())["id"]
        sizes = {size: (await post(ada, session_id, BODY.ljust(size), EXPRESS)).status_code for size in (1024, 1025)}
        assert sizes == {1024: 201, 1025: 413}
