"""Nobody gets at what is somebody else's: by no call, and in no place of it that the OpenAPI document knows."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from starlette.routing import Route

from chat_sessions.app import create_app
from chat_sessions.contract.cursor import Cursor
from chat_sessions.settings import Settings
from tests.caching import quiet
from tests.costs import commands, counted
from tests.service import Caller, Service, new_id, running, token

PUBLIC = {"alive", "ready", "metrics"}
# What a browser needs before it has a token.
PUBLIC_PAGES = {"/openapi.json", "/docs", "/docs/{name}", "/config.json"}
PATH = "/api/chat/sessions"
MESSAGE = {"role": "user", "content": "hers"}


class Values(NamedTuple):
    """What a request may name, of one user or of nobody."""

    session_id: str
    message_id: str
    etag: str
    cursor: str
    title: str
    event_id: str


@dataclass(frozen=True)
class Ask:
    """What a request has beside its operation."""

    session_id: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None


Recipe = Callable[[Values, str], Ask]
CHANGE, APPEND = {"title": "changed"}, {"messages": [MESSAGE]}
# For each place that can name what is somebody else's: a request that does, given the values and an own session's id.
RECIPES: dict[str, list[Recipe]] = {
    "listSessions query cursor": [
        lambda values, _: Ask(params={"cursor": values.cursor}),
        lambda values, _: Ask(params={"cursor": values.cursor, "limit": "1"}),
    ],
    "listSessions query metadata": [lambda values, _: Ask(params={"metadata": json.dumps({"a": values.title})})],
    "listSessions query q": [lambda values, _: Ask(params={"q": values.title})],
    "listSessions header if-none-match": [lambda values, _: Ask(headers={"If-None-Match": values.etag})],
    "createSession body id": [
        lambda values, _: Ask(json={"id": values.session_id}),
        lambda values, _: Ask(json={"id": values.session_id, "title": "mine now", **APPEND}),
    ],
    "createSession body messages.id": [
        lambda values, _: Ask(json={"messages": [{**MESSAGE, "id": values.message_id}]}),
    ],
    "deleteSessions body ids": [
        lambda values, _: Ask(json={"ids": [values.session_id]}),
        lambda values, _: Ask(json={"ids": [values.session_id], "dry_run": True}),
    ],
    "deleteSessions body filter.q": [
        lambda values, _: Ask(json={"filter": {"q": values.title}}),
        lambda values, _: Ask(json={"filter": {"q": values.title}, "dry_run": True}),
    ],
    "getSession path session_id": [
        lambda values, _: Ask(values.session_id),
        lambda values, _: Ask(values.session_id, params={"limit": "1", "before_sequence": "1"}),
        lambda values, _: Ask(values.session_id, headers={"If-None-Match": "*"}),
        lambda values, _: Ask(values.session_id, headers={"If-None-Match": values.etag}),
    ],
    "getSession header if-none-match": [lambda values, own: Ask(own, headers={"If-None-Match": values.etag})],
    "changeSession path session_id": [
        lambda values, _: Ask(values.session_id, json=CHANGE),
        lambda values, _: Ask(values.session_id, json={"is_pinned": True}),
        lambda values, _: Ask(values.session_id, json=CHANGE, headers={"If-Match": "*"}),
        lambda values, _: Ask(values.session_id, json=CHANGE, headers={"If-Match": values.etag}),
    ],
    "changeSession header if-match": [
        lambda values, own: Ask(own, json=CHANGE, headers={"If-Match": values.etag}),
    ],
    "deleteSession path session_id": [
        lambda values, _: Ask(values.session_id),
        lambda values, _: Ask(values.session_id, headers={"If-Match": "*"}),
        lambda values, _: Ask(values.session_id, headers={"If-Match": values.etag}),
    ],
    "deleteSession header if-match": [lambda values, own: Ask(own, headers={"If-Match": values.etag})],
    "appendMessages path session_id": [
        lambda values, _: Ask(values.session_id, json=APPEND),
        lambda values, _: Ask(values.session_id, json={"messages": [{**MESSAGE, "id": values.message_id}]}),
    ],
    "appendMessages body messages.id": [
        lambda values, own: Ask(own, json={"messages": [{**MESSAGE, "id": values.message_id}]}),
    ],
    "followSessions header last-event-id": [lambda values, _: Ask(headers={"Last-Event-ID": values.event_id})],
}
MESSAGE_FIELDS = ("role", "content", "name", "tool_call_id", "refusal", "tool_calls", "function_call", "metadata")
NAMES_NOTHING = {
    *(f"listSessions query {name}" for name in ("limit", "offset", "pinned_first")),
    *(f"getSession query {name}" for name in ("limit", "before_sequence")),
    *(f"createSession body {name}" for name in ("title", "metadata", "messages")),
    *(f"createSession body messages.{name}" for name in MESSAGE_FIELDS),
    *(f"changeSession body {name}" for name in ("title", "is_pinned")),
    "appendMessages body messages",
    *(f"appendMessages body messages.{name}" for name in MESSAGE_FIELDS),
    *(f"deleteSessions body {name}" for name in ("filter", "filter.updated_before", "filter.pinned", "dry_run")),
}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def places(document: dict[str, Any]) -> Iterator[str]:
    """Walk through every place in a request where a client can say something."""
    for _, _, operation in operations(document):
        name = operation["operationId"]
        for parameter in operation.get("parameters", []):
            yield f"{name} {parameter['in']} {parameter['name']}"
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield from (f"{name} body {each}" for each in _fields(content["schema"], document))


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for each in (*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])):
        yield from _fields(each, document)
    for name, described in schema.get("properties", {}).items():
        yield name
        yield from (f"{name}.{inner}" for inner in _fields(described, document))


class TestPlaces:
    def test_every_place_of_every_call_is_known_to_these_tests(self, service: Service) -> None:
        found = list(places(service.app.openapi()))
        assert len(found) == len(set(found))
        assert set(found) == RECIPES.keys() | NAMES_NOTHING

    def test_every_call_without_a_place_is_public_or_about_all_that_is_the_users(self, service: Service) -> None:
        placed = {each.split()[0] for each in RECIPES}
        assert {each["operationId"] for *_, each in operations(service.app.openapi())} == placed | PUBLIC

    async def test_a_route_that_these_tests_do_not_know_makes_them_fail(self, settings: Settings) -> None:
        app = create_app(settings)

        @app.post("/api/chat/sessions/{session_id}/copies")
        async def copy_session(session_id: str, into: str) -> None: ...

        new = set(places(app.openapi())) - (RECIPES.keys() | NAMES_NOTHING)
        assert {each.partition(" ")[2] for each in new} == {"path session_id", "query into"}


class TestToken:
    async def test_every_call_but_the_public_ones_wants_a_token(self, service: Service, stranger: Caller) -> None:
        for method, path, operation in operations(service.app.openapi()):
            answer = await stranger.http.request(method, path.replace("{session_id}", new_id()))
            if operation["operationId"] in PUBLIC:
                assert answer.status_code == 200, path
            else:
                assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), path

    def test_what_is_not_in_the_document_is_known_as_well(self, service: Service) -> None:
        documented = set(service.app.openapi()["paths"])
        served = set(paths_of(service.app.routes))
        assert served - documented == PUBLIC_PAGES


def paths_of(routes: list[Any]) -> Iterator[str]:
    """Walk through an app's routes, those of the routers that it includes among them."""
    for route in routes:
        if isinstance(route, Route):
            yield route.path
        else:
            yield from paths_of(route.original_router.routes)


@pytest.fixture(scope="module")
async def still(settings: Settings) -> AsyncIterator[Service]:
    """A worker that leaves the sweeping to the other one, so that each of its statements is a request's."""
    async with running(settings.model_copy(update={"sweep_interval": 3600})) as worker:
        yield worker


@pytest.fixture
async def own(service: Service) -> str:
    """A session of Ada's, by way of the worker that sweeps."""
    async with service.client("ada") as client:
        session_id: str = (await Caller(client).create("hers", messages=[MESSAGE]))["id"]
    return session_id


@pytest.fixture
async def theirs(service: Service, database: asyncpg.Pool, redis: Redis) -> Values:
    """What Bob has: a pinned chat and a list in the cache, and a job that holds the chat's lock."""
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
def nobodys(theirs: Values) -> list[Values]:
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
    @pytest.fixture
    async def client(self, still: Service) -> AsyncIterator[httpx.AsyncClient]:
        async with still.client(None) as client:
            yield client

    @pytest.mark.parametrize(
        ("place", "recipe"),
        [(place, recipe) for place, recipes in RECIPES.items() for recipe in recipes],
        ids=[f"{place} {number}" for place, recipes in RECIPES.items() for number in range(len(recipes))],
    )
    async def test_somebody_elses_give_what_those_of_nobody_give(
        self,
        place: str,
        recipe: Recipe,
        still: Service,
        client: httpx.AsyncClient,
        database: asyncpg.Pool,
        redis: Redis,
        own: str,
        theirs: Values,
        nobodys: list[Values],
    ) -> None:
        await quiet(database, redis)
        asker = Asker(place.split(maxsplit=1)[0], still, client, redis)
        before = await holdings(database, redis)
        # The first of each loads what the next ones find, and the second reads take the short way.
        for values in nobodys[:2]:
            await asker.ask(recipe(values, own), values)
        missing = [await asker.ask(recipe(nobodys[2], own), nobodys[2]) for _ in range(2)]
        foreign = [await asker.ask(recipe(theirs, own), theirs) for _ in range(2)]
        assert foreign == missing
        assert await holdings(database, redis) == before


class Asked(NamedTuple):
    """What came of a request, and what it has cost."""

    status: int
    headers: dict[str, str]
    body: str
    statements: list[str]
    commands: int


@dataclass
class Asker:
    """Ada, with one operation."""

    operation: str
    worker: Service
    client: httpx.AsyncClient
    redis: Redis

    async def ask(self, what: Ask, values: Values) -> Asked:
        """Send a request; what it says itself, and what differs from one time to the next, is taken out."""
        ((method, path),) = (
            (method, path)
            for method, path, each in operations(self.worker.app.openapi())
            if each["operationId"] == self.operation
        )
        statements = counted(self.worker)
        async with commands(self.redis) as sent:
            answer = await self.client.request(
                method,
                path.replace("{session_id}", what.session_id),
                params=what.params,
                headers={"Authorization": f"Bearer {self._token()}", **what.headers},
                json=what.json,
            )
            told = await sent()
        assert not [each for each in told if "{bob}" in each]
        body = _plain(answer.text, values)
        return Asked(answer.status_code, _headers(answer, values), body, statements(), len(told))

    def _token(self) -> str:
        """Return a token; that of a stream ends it soon, within the leeway of ten seconds."""
        return token(exp=int(time.time()) - 8) if self.operation == "followSessions" else token()


def _headers(answer: httpx.Response, values: Values) -> dict[str, str]:
    changing = {"x-request-id", "content-length"}
    if "location" in answer.headers:
        changing.add("etag")
    return {name: _plain(value, values) for name, value in answer.headers.items() if name not in changing}


def _plain(text: str, values: Values) -> str:
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "<given>")
    # Appended to the same session one after the other.
    text = re.sub(r'"sequence":\d+', '"sequence":<n>', text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>", text)


async def holdings(database: asyncpg.Pool, redis: Redis) -> tuple[list[str], dict[bytes, bytes | None]]:
    """Return all that Bob has: his rows, his keys in Redis with his lock and his feed."""
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
