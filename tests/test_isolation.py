"""Users are isolated: no call, and no parameter in the OpenAPI document, reaches another user's data."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from starlette.routing import Route

from chat_sessions.app import create_app
from chat_sessions.cache.feed import Stream
from chat_sessions.contract.cursor import Cursor, SearchCursor
from chat_sessions.settings import Settings
from tests.caching import quiet
from tests.costs import commands, counted
from tests.service import Caller, Service, new_id, running, token

# Calls without parameters: they concern all of the caller's data.
ABOUT_EVERYTHING = {"exportSessions"}
PUBLIC = {"getLiveness", "getReadiness", "getMetrics"}
# Pages that a browser loads before it has a token.
PUBLIC_PAGES = {"/openapi.json", "/docs", "/docs/{name}", "/config.json"}
PATH = "/api/chat/sessions"
MESSAGE = {"role": "user", "content": "hers"}


class Values(NamedTuple):
    """Values that a request may name, of one user or of none."""

    session_id: str
    message_id: str
    etag: str
    cursor: str
    title: str
    event_id: str


@dataclass(frozen=True)
class Parts:
    """The parts of a request besides its operation."""

    session_id: str = ""
    message_id: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None


def search_cursor(values: Values) -> str:
    """Return a search cursor at the position of a list's cursor."""
    place = Cursor.decode(values.cursor, pinned_first=True)
    return SearchCursor(1, place.updated_at, place.id).encode()


Recipe = Callable[[Values, str], Parts]
CHANGE, APPEND = {"title": "changed"}, {"messages": [MESSAGE]}
CUT = {"from_sequence": "0"}
# For each place that can name another user's data: a request that does, given the values and an own session's id.
RECIPES: dict[str, list[Recipe]] = {
    "listSessions query cursor": [
        lambda values, _: Parts(params={"cursor": values.cursor}),
        lambda values, _: Parts(params={"cursor": values.cursor, "limit": "1"}),
    ],
    "listSessions query metadata": [lambda values, _: Parts(params={"metadata": json.dumps({"a": values.title})})],
    "listSessions query q": [lambda values, _: Parts(params={"q": values.title})],
    "listSessions header if-none-match": [lambda values, _: Parts(headers={"If-None-Match": values.etag})],
    "searchSessions query q": [lambda values, _: Parts(params={"q": values.title})],
    "searchSessions query cursor": [
        lambda values, _: Parts(params={"q": MESSAGE["content"], "cursor": search_cursor(values)}),
    ],
    "createSession body id": [
        lambda values, _: Parts(json={"id": values.session_id}),
        lambda values, _: Parts(json={"id": values.session_id, "title": "mine now", **APPEND}),
    ],
    "createSession body messages.id": [
        lambda values, _: Parts(json={"messages": [{**MESSAGE, "id": values.message_id}]}),
    ],
    "batchDeleteSessions body ids": [
        lambda values, _: Parts(json={"ids": [values.session_id]}),
        lambda values, _: Parts(json={"ids": [values.session_id], "dry_run": True}),
    ],
    "batchDeleteSessions body filter.q": [
        lambda values, _: Parts(json={"filter": {"q": values.title}}),
        lambda values, _: Parts(json={"filter": {"q": values.title}, "dry_run": True}),
    ],
    "getSession path session_id": [
        lambda values, _: Parts(values.session_id),
        lambda values, _: Parts(values.session_id, params={"limit": "1", "before_sequence": "1"}),
        lambda values, _: Parts(values.session_id, headers={"If-None-Match": "*"}),
        lambda values, _: Parts(values.session_id, headers={"If-None-Match": values.etag}),
    ],
    "getSession header if-none-match": [lambda values, own: Parts(own, headers={"If-None-Match": values.etag})],
    "changeSession path session_id": [
        lambda values, _: Parts(values.session_id, json=CHANGE),
        lambda values, _: Parts(values.session_id, json={"is_pinned": True}),
        lambda values, _: Parts(values.session_id, json=CHANGE, headers={"If-Match": "*"}),
        lambda values, _: Parts(values.session_id, json=CHANGE, headers={"If-Match": values.etag}),
    ],
    "changeSession header if-match": [
        lambda values, own: Parts(own, json=CHANGE, headers={"If-Match": values.etag}),
    ],
    "deleteSession path session_id": [
        lambda values, _: Parts(values.session_id),
        lambda values, _: Parts(values.session_id, headers={"If-Match": "*"}),
        lambda values, _: Parts(values.session_id, headers={"If-Match": values.etag}),
    ],
    "deleteSession header if-match": [lambda values, own: Parts(own, headers={"If-Match": values.etag})],
    "appendMessages path session_id": [
        lambda values, _: Parts(values.session_id, json=APPEND),
        lambda values, _: Parts(values.session_id, json={"messages": [{**MESSAGE, "id": values.message_id}]}),
        lambda values, _: Parts(values.session_id, json={**APPEND, "after_sequence": 0}),
    ],
    "appendMessages body messages.id": [
        lambda values, own: Parts(own, json={"messages": [{**MESSAGE, "id": values.message_id}]}),
    ],
    "replaceMessage path session_id": [
        lambda values, _: Parts(values.session_id, values.message_id, json=MESSAGE),
        lambda values, _: Parts(values.session_id, values.message_id, json=MESSAGE, headers={"If-Match": values.etag}),
    ],
    "replaceMessage path message_id": [lambda values, own: Parts(own, values.message_id, json=MESSAGE)],
    "replaceMessage header if-match": [
        lambda values, own: Parts(own, values.message_id, json=MESSAGE, headers={"If-Match": values.etag}),
        lambda values, own: Parts(own, "hers", json=MESSAGE, headers={"If-Match": values.etag}),
    ],
    "replaceMessage body id": [
        lambda values, own: Parts(own, values.message_id, json={**MESSAGE, "id": values.message_id}),
        lambda values, own: Parts(own, "hers", json={**MESSAGE, "id": values.message_id}),
    ],
    "cutMessages path session_id": [
        lambda values, _: Parts(values.session_id, params=CUT),
        lambda values, _: Parts(values.session_id, params=CUT, headers={"If-Match": "*"}),
        lambda values, _: Parts(values.session_id, params=CUT, headers={"If-Match": values.etag}),
    ],
    "cutMessages header if-match": [lambda values, own: Parts(own, params=CUT, headers={"If-Match": values.etag})],
    "followSessions header last-event-id": [lambda values, _: Parts(headers={"Last-Event-ID": values.event_id})],
}
MESSAGE_FIELDS = ("role", "content", "name", "tool_call_id", "refusal", "tool_calls", "function_call", "metadata")
NAMES_NOTHING = {
    "searchSessions query limit",
    *(f"listSessions query {name}" for name in ("limit", "offset", "pinned_first", "archived")),
    *(f"getSession query {name}" for name in ("limit", "before_sequence", "whole_turns")),
    *(f"createSession body {name}" for name in ("title", "metadata", "messages")),
    *(f"createSession body messages.{name}" for name in MESSAGE_FIELDS),
    *(f"changeSession body {name}" for name in ("title", "is_pinned", "is_archived", "metadata")),
    *(f"appendMessages body {name}" for name in ("messages", "after_sequence")),
    *(f"appendMessages body messages.{name}" for name in MESSAGE_FIELDS),
    *(f"replaceMessage body {name}" for name in MESSAGE_FIELDS),
    "cutMessages query from_sequence",
    *(f"batchDeleteSessions body {name}" for name in ("filter", "dry_run")),
    *(
        f"batchDeleteSessions body filter.{name}"
        for name in ("updated_before", "pinned", "archived", "metadata", "all")
    ),
}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def places(document: dict[str, Any]) -> Iterator[str]:
    """Yield every place in a request that a client can fill."""
    for _, _, operation in operations(document):
        name = operation["operationId"]
        for parameter in operation.get("parameters", []):
            yield f"{name} {parameter['in']} {parameter['name'].lower()}"
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield from (f"{name} body {each}" for each in _fields(content["schema"], document))


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    # Alternatives may share a field.
    yield from dict.fromkeys(name for each in schema.get("anyOf", []) for name in _fields(each, document))
    if "items" in schema:
        yield from _fields(schema["items"], document)
    for name, described in schema.get("properties", {}).items():
        yield name
        yield from (f"{name}.{inner}" for inner in _fields(described, document))


class TestPlaces:
    def test_every_place_of_every_call_is_covered(self, service: Service) -> None:
        found = list(places(service.app.openapi()))
        assert len(found) == len(set(found))
        assert set(found) == RECIPES.keys() | NAMES_NOTHING

    def test_every_call_without_a_place_is_public_or_about_all_of_the_users_data(self, service: Service) -> None:
        placed = {each.split()[0] for each in RECIPES}
        assert {
            each["operationId"] for *_, each in operations(service.app.openapi())
        } == placed | ABOUT_EVERYTHING | PUBLIC

    async def test_an_uncovered_route_makes_these_tests_fail(self, settings: Settings) -> None:
        app = create_app(settings)

        @app.post("/api/chat/sessions/{session_id}/copies")
        async def copy_session(session_id: str, into: str) -> None: ...

        new = set(places(app.openapi())) - (RECIPES.keys() | NAMES_NOTHING)
        assert {each.partition(" ")[2] for each in new} == {"path session_id", "query into"}


class TestToken:
    async def test_every_call_but_the_public_ones_requires_a_token(self, service: Service, stranger: Caller) -> None:
        for method, path, operation in operations(service.app.openapi()):
            response = await stranger.http.request(method, path.replace("{session_id}", new_id()))
            if operation["operationId"] in PUBLIC:
                assert response.status_code == 200, path
            else:
                assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer"), path

    def test_undocumented_routes_are_covered(self, service: Service) -> None:
        documented = set(service.app.openapi()["paths"])
        served = set(paths_of(service.app.routes))
        assert served - documented == PUBLIC_PAGES


def paths_of(routes: list[Any]) -> Iterator[str]:
    """Yield the paths of an app's routes, including those of its routers."""
    for route in routes:
        if isinstance(route, Route):
            yield route.path_format
        else:
            yield from paths_of(route.original_router.routes)


@pytest.fixture(scope="module")
async def passive(settings: Settings) -> AsyncIterator[Service]:
    """A worker that leaves sweeping to the other one, so that every statement belongs to a request."""
    async with running(settings.model_copy(update={"sweep_interval": 3600})) as worker:
        yield worker


@pytest.fixture
async def own(service: Service) -> str:
    """Ada's session, created on the worker that sweeps."""
    async with service.client("ada") as client:
        session_id: str = (await Caller(client).create("hers", messages=[{**MESSAGE, "id": "hers"}]))["id"]
    return session_id


@pytest.fixture
async def theirs(service: Service, database: asyncpg.Pool, redis: Redis) -> Values:
    """Bob's data: a pinned session and a list in the cache, and a job that holds the session's lock."""
    async with service.client("bob") as client:
        bob = Caller(client)
        session_id = (await bob.create("Bob's plans", messages=[{**MESSAGE, "id": "bobs-message"}]))["id"]
        await bob.create("another")
        etag = (await bob.change(session_id, is_pinned=True)).headers["ETag"]
        await quiet(database, redis)
        cursor = (await bob.page(limit=1)).json()["next_cursor"]
        await bob.get(session_id)
    await redis.set(f"chat:{{bob}}:lock:{session_id}", "held by a job", ex=60)
    assert await redis.exists(f"chat:{{bob}}:session:{session_id}", "chat:{bob}:list", "chat:{bob}:events") == 3
    events: Any = await redis.xrevrange("chat:{bob}:events", count=1)
    event_id = events[0][0].decode()
    return Values(session_id, "bobs-message", etag, cursor, "Bob's plans", event_id)


@pytest.fixture
def unknown(theirs: Values) -> list[Values]:
    """Values of the same shape that name nothing."""
    values = []
    for number in range(3):
        place = Cursor.decode(theirs.cursor, pinned_first=True)
        cursor = Cursor(place.pinned, place.updated_at, new_id()).encode()
        event_id = f"{int(theirs.event_id.split('-')[0]) - 1 - number}-0"
        etag = f'"{int(theirs.etag[1:-1], 16) + 1000 + number:x}"'
        title = f"Eve's plan{number}"
        values.append(Values(new_id(), f"eves-message{number}", etag, cursor, title, event_id))
    return values


class TestForeignValues:
    @pytest.fixture(autouse=True)
    def _short_streams(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """End each event stream when it is idle, because its response is read to the end."""

        async def end(stream: Stream) -> bool:
            stream.close()
            return False

        monkeypatch.setattr(Stream, "_was_woken", end)

    @pytest.fixture
    async def client(self, passive: Service) -> AsyncIterator[httpx.AsyncClient]:
        async with passive.client(None) as client:
            yield client

    @pytest.mark.parametrize(
        ("place", "recipe"),
        [(place, recipe) for place, recipes in RECIPES.items() for recipe in recipes],
        ids=[f"{place} {number}" for place, recipes in RECIPES.items() for number in range(len(recipes))],
    )
    async def test_another_users_values_get_the_same_response_as_unknown_ones(
        self,
        place: str,
        recipe: Recipe,
        passive: Service,
        client: httpx.AsyncClient,
        database: asyncpg.Pool,
        redis: Redis,
        own: str,
        theirs: Values,
        unknown: list[Values],
    ) -> None:
        await quiet(database, redis)
        requester = Requester(place.split(maxsplit=1)[0], passive, client, redis)
        before = await holdings(database, redis)
        # The first request fills the caches, and the second one may take the express lane.
        for values in unknown[:2]:
            await requester.send(recipe(values, own), values)
        missing = [await requester.send(recipe(unknown[2], own), unknown[2]) for _ in range(2)]
        foreign = [await requester.send(recipe(theirs, own), theirs) for _ in range(2)]
        assert foreign == missing
        assert await holdings(database, redis) == before


class Outcome(NamedTuple):
    """The response to a request, and its cost."""

    status: int
    headers: dict[str, str]
    body: str
    statements: list[str]
    commands: int


@dataclass
class Requester:
    """Ada, calling one operation."""

    operation: str
    worker: Service
    client: httpx.AsyncClient
    redis: Redis

    async def send(self, what: Parts, values: Values) -> Outcome:
        """Send a request; the outcome is without its own values and anything that differs each time."""
        ((method, path),) = (
            (method, path)
            for method, path, each in operations(self.worker.app.openapi())
            if each["operationId"] == self.operation
        )
        statements = counted(self.worker)
        async with commands(self.redis) as sent:
            response = await self.client.request(
                method,
                path.replace("{session_id}", what.session_id).replace("{message_id}", what.message_id),
                params=what.params,
                headers={"Authorization": f"Bearer {token()}", **what.headers},
                json=what.json,
            )
            sent_commands = await sent()
        assert not [each for each in sent_commands if "{bob}" in each]
        body = _plain(response.text, values)
        return Outcome(response.status_code, _headers(response, values), body, statements(), len(sent_commands))


def _headers(response: httpx.Response, values: Values) -> dict[str, str]:
    changing = {"x-request-id", "content-length"}
    if "location" in response.headers:
        changing.add("etag")
    return {name: _plain(value, values) for name, value in response.headers.items() if name not in changing}


def _plain(text: str, values: Values) -> str:
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "<given>")
    # Appended to the same session one after the other.
    text = re.sub(r'"sequence":\d+', '"sequence":<n>', text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>", text)


async def holdings(database: asyncpg.Pool, redis: Redis) -> tuple[list[str], dict[bytes, bytes | None]]:
    """Return all of Bob's data: his rows, and his keys in Redis including his lock and his feed."""
    found = await database.fetch(
        """
        SELECT "ChatSession"::text AS "row" FROM "ChatSession" WHERE "userId" = 'bob'
        UNION ALL
        SELECT "ChatMessage"::text FROM "ChatMessage" WHERE "userId" = 'bob'
        UNION ALL
        SELECT "Outbox"::text FROM "Outbox" WHERE "userId" = 'bob'
        UNION ALL
        SELECT "Tombstone"::text FROM "Tombstone" WHERE "userId" = 'bob'
        """
    )
    keys = [key async for key in redis.scan_iter("chat:{bob}:*")]
    return sorted(row["row"] for row in found), {key: await redis.dump(key) for key in sorted(keys)}
