"""Injection: hostile values have no effect, and rejected requests change nothing."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_sessions.settings import Settings
from tests.listening import on_a_socket
from tests.service import Caller, Service, new_id, running, token
from tests.test_hostile import values
from tests.test_isolation import operations
from tests.test_sessions import rows
from tests.waiting import LIMIT_SECONDS

PATH = "/api/chat/sessions"


@pytest.fixture(scope="module")
async def url(service: Service) -> AsyncIterator[str]:
    """The service on a real socket, where no client library cleans up a request."""
    async with on_a_socket(service) as served:
        yield served


async def raw(
    url: str, method: str, target: bytes, headers: bytes = b"", *, user: str | None = "ada", body: bytes = b""
) -> httpx.Response:
    """Send a request with these bytes, and return the response."""
    authorization = b"" if user is None else f"Authorization: Bearer {token(user)}\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write(
        b"%s %s HTTP/1.1\r\nHost: chat.test\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n%s%s\r\n%s" % (method.encode(), target, len(body), authorization, headers, body)
    )
    head, _, content = (await asyncio.wait_for(reader.read(), LIMIT_SECONDS)).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return httpx.Response(int(first.split()[1]), headers=fields, content=content)


class TestHeaders:
    @pytest.mark.parametrize(
        "injected",
        ["%0d%0aSet-Cookie:%20a=b", "%0aSet-Cookie:a=b", "%0d", "%E5%98%8A%E5%98%8DSet-Cookie:a", "%c4%8d%c4%8aX:y"],
    )
    @pytest.mark.parametrize("place", ["/{}", "/{}/messages", "?cursor={}", "?q={}", "/x?limit={}", "?{}=1"])
    async def test_line_ends_in_a_url_create_no_header(self, place: str, injected: str, url: str) -> None:
        for method in ("GET", "DELETE", "PATCH", "POST"):
            response = await raw(url, method, (PATH + place.format(injected)).encode(), body=b'{"title": "x"}')
            assert response.status_code in {200, 201, 404, 405, 422}
            assert not {"set-cookie", "x"} & set(response.headers)

    @pytest.mark.parametrize(
        "name", ["X-Request-ID", "If-None-Match", "If-Match", "Last-Event-ID", "Origin", "Accept", "Host"]
    )
    @pytest.mark.parametrize("value", [b"a\r\n Set-Cookie: a=b", b"a\rSet-Cookie: a=b", b"a\x00b", b"a\x0bb", b"\x7f"])
    async def test_no_echoed_header_is_split(self, name: str, value: bytes, url: str) -> None:
        response = await raw(url, "GET", b"/healthz", name.encode() + b": " + value + b"\r\n")
        assert response.status_code in {200, 400}
        assert "set-cookie" not in response.headers
        assert all(each.isprintable() for each in response.headers.values())

    @pytest.mark.parametrize("tail", ["\n", "\r\nSet-Cookie: a=b", "/../x", "?x", "#x", " ", "\u2028", "%0d%0a"])
    async def test_an_id_unsafe_in_a_location_header_is_422(self, tail: str, ada: Caller) -> None:
        for session_id in (new_id() + tail, tail + new_id(), new_id()[:-1] + tail):
            assert (await ada.http.post(PATH, json={"id": session_id})).status_code == 422

    async def test_a_location_is_a_path_whatever_the_host_header(self, url: str) -> None:
        headers = b"X-Forwarded-Host: evil.test\r\nX-Forwarded-Prefix: //evil.test\r\nForwarded: host=evil.test\r\n"
        response = await raw(url, "POST", PATH.encode(), headers, body=b"{}")
        assert response.headers["Location"] == f"{PATH}/{response.json()['id']}"

    @pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    async def test_no_header_overrides_the_method(self, name: str, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        response = await ada.http.get(f"{PATH}/{session_id}", headers={name: "DELETE"})
        assert response.json()["id"] == session_id
        assert (await ada.http.get(f"{PATH}/{session_id}?_method=DELETE")).status_code == 422
        assert (await ada.get(session_id)).status_code == 200

    @pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path"])
    async def test_no_header_overrides_the_path(self, name: str, stranger: Caller) -> None:
        assert (await stranger.http.get(PATH, headers={name: "/healthz"})).status_code == 401
        assert (await stranger.http.get("/healthz", headers={name: PATH})).json() == {"status": "ok"}


def encoded(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class TestCursor:
    @pytest.fixture
    async def cursor(self, ada: Caller, bob: Caller) -> str:
        """Ada's cursor after the first of two sessions; Bob has some as well."""
        for title in ("hers", "hers too"):
            await ada.create(title)
            await bob.create("his")
        following: str = (await ada.page(limit=1)).json()["next_cursor"]
        return following

    async def assert_harmless(self, ada: Caller, cursor: str) -> None:
        for params in ({}, {"pinned_first": "false"}, {"q": "h"}):
            response = await ada.http.get(PATH, params={"cursor": cursor, **params})
            assert response.status_code in {200, 422}
            if response.status_code == 200:
                assert {each["title"] for each in response.json()["sessions"]} <= {"hers", "hers too"}

    @given(value=values, place=st.integers(0, 2))
    async def test_any_value_in_a_cursor_stays_in_the_users_own_list(
        self, value: object, place: int, ada: Caller, cursor: str
    ) -> None:
        decoded = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        decoded[place] = value
        await self.assert_harmless(ada, encoded(decoded))
        await self.assert_harmless(ada, encoded([*decoded, value]))
        await self.assert_harmless(ada, encoded(value))

    @given(data=st.data())
    async def test_any_changed_character_stays_in_the_users_own_list(
        self, data: st.DataObject, ada: Caller, cursor: str
    ) -> None:
        letters = list(cursor)
        for _ in range(data.draw(st.integers(1, 4))):
            letters[data.draw(st.integers(0, len(letters) - 1))] = data.draw(st.characters(codec="utf-8"))
        await self.assert_harmless(ada, "".join(letters))
        await self.assert_harmless(ada, cursor[: data.draw(st.integers(0, len(cursor)))])

    @pytest.mark.parametrize(
        "forged",
        [
            [True, 0, "' OR 1=1 --"],
            [True, 0, {"userId": "bob"}],
            [True, {"$type": "Raw", "value": "now()"}, "a"],
            {"userId": "bob"},
            [True, 0, "a", "bob"],
            "x" * 700,
        ],
        ids=str,
    )
    async def test_a_forged_cursor_gets_no_more_than_its_page(self, forged: object, ada: Caller, cursor: str) -> None:
        assert cursor
        await self.assert_harmless(ada, encoded(forged))


# An accepted body for each call that takes one.
BODIES: dict[str, dict[str, Any]] = {
    "createSession": {"title": "hers", "metadata": {}, "messages": [{"role": "user", "content": "hi"}]},
    "changeSession": {"title": "hers", "is_pinned": True},
    "appendMessages": {"messages": [{"role": "user", "content": "hi"}]},
    "batchDeleteSessions": {"filter": {"q": "nobody has this"}, "dry_run": True},
}
FREE_FORM = {"metadata", "messages"}
ATTACKED_NAMES = {
    "__proto__",
    "constructor",
    "userId",
    "owner",
    "sub",
    "where",
    "connect",
    "sessionId",
    "is_admin",
    "$type",
}


def objects(body: Any) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401  any JSON
    """Yield the path of every object in a body, except those with free-form content."""
    if isinstance(body, dict):
        yield ()
    for name, inner in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        if name not in FREE_FORM:
            yield from ((name, *way) for way in objects(inner))


class TestMassAssignment:
    def test_every_call_with_a_body_is_covered(self, service: Service) -> None:
        taking = {each["operationId"] for *_, each in operations(service.app.openapi()) if "requestBody" in each}
        # The body of a replacement is a message, which keeps unknown fields.
        assert taking == BODIES.keys() | {"replaceMessage"}

    @pytest.mark.parametrize("operation", BODIES)
    async def test_a_field_that_only_the_service_sets_is_422_and_changes_nothing(
        self, operation: str, service: Service, ada: Caller, database: asyncpg.Pool
    ) -> None:
        document = service.app.openapi()
        ((method, path),) = [
            (method, path) for method, path, each in operations(document) if each["operationId"] == operation
        ]
        target = path.replace("{session_id}", (await ada.create())["id"])
        before = await rows(database)
        names = await all_names(document, database)
        assert {"user_id", "created_at", "updated_at", "version", "messageCount", "sequence"} <= names
        for way in objects(BODIES[operation]):
            for name in sorted(names - accepted_names(document, operation, way)):
                body = deepcopy(BODIES[operation])
                part: Any = body
                for step in way:
                    part = part[step]
                part[name] = "bob"
                response = await ada.http.request(method, target, json=body)
                assert response.status_code == 422, (way, name)
                assert [*way, name] in [each["loc"][1:] for each in response.json()["errors"]]
        assert await rows(database) == before

    @pytest.mark.parametrize("operation", BODIES)
    async def test_the_bodies_are_accepted_without_the_extra_field(
        self, operation: str, service: Service, ada: Caller
    ) -> None:
        session_id = (await ada.create())["id"]
        for method, path, each in operations(service.app.openapi()):
            if each["operationId"] == operation:
                target = path.replace("{session_id}", session_id)
                assert (await ada.http.request(method, target, json=BODIES[operation])).is_success


async def all_names(document: dict[str, Any], database: asyncpg.Pool) -> set[str]:
    """Return all our field and column names, and some that attacks on other services have used."""
    schemas = document["components"]["schemas"].values()
    columns = await database.fetch("SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'")
    return (
        {name for each in schemas for name in each.get("properties", ())}
        | {row["column_name"] for row in columns}
        | ATTACKED_NAMES
    )


def accepted_names(document: dict[str, Any], operation: str, way: tuple[str | int, ...]) -> set[str]:
    """Return the field names that the contract accepts at this path."""
    ((body),) = (
        each["requestBody"]["content"]["application/json"]["schema"]
        for *_, each in operations(document)
        if each["operationId"] == operation
    )
    schema = _resolved(body, document)
    for step in way:
        schema = _resolved(schema["items"] if isinstance(step, int) else schema["properties"][step], document)
    return set(schema["properties"])


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            alternatives = [_resolved(each, document) for each in schema["anyOf"]]
            objects = {name: each for one in alternatives for name, each in one.get("properties", {}).items()}
            schema = {"properties": objects} if objects else alternatives[0]
        else:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


@pytest.fixture(scope="module")
async def pages(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A service that serves a folder, with a secret file beside it."""
    folder: Path = tmp_path_factory.mktemp("beside")
    (folder / "secret.txt").write_text("a secret")
    (folder / "dist").mkdir()
    (folder / "dist" / "index.html").write_text("the page")
    for hidden in (".env", ".git/config", "assets/.env"):
        (folder / "dist" / hidden).parent.mkdir(exist_ok=True)
        (folder / "dist" / hidden).write_text("a secret")
    (folder / "dist-other").mkdir()
    (folder / "dist-other" / "secret.txt").write_text("a secret")
    with_pages = settings.model_copy(update={"frontend_dir": folder / "dist"})
    async with running(with_pages) as worker, on_a_socket(worker) as served:
        yield served


class TestPaths:
    # Each combines the path of a session with something else.
    TRICKS = (
        *("/{path}", "//{path}", "{path}/", "{path}//", "{path}/.", "{path}/..", "{path}/../{id}", "/.{path}"),
        *("/x/..{path}", "/./api/chat/sessions/{id}", "/api//chat/sessions/{id}", "/api/chat/sessions//{id}"),
        *("/api/chat/sessions/%2e/{id}", "/api/chat/sessions/%2e%2e/sessions/{id}", "/api/chat/sessions/..%2f{id}"),
        *("{path}%00", "{path}%20", "{path}%0a", "{path}%0d", "{path}%09", "{path};a=b", "{path};", "{path}%3f"),
        *("{path}%23", "{path}\\", "\\api\\chat\\sessions\\{id}", "/api/chat/sessions\\{id}"),
        *("/api/chat/sessions/%5c{id}", "/api/chat/sessions%2f%2f{id}", "{path}%c0%af", "{path}%ef%bc%8f"),
        *("/api/chat/sessions/%c0%ae%c0%ae/{id}", "/API/chat/sessions/{id}", "/api/chat/Sessions/{id}", "{path}.json"),
        *("{path}~", "{path}%2fx", "{path},x", "{path}%e2%80%8b", "/%61pi/chat/sessions/{id}%", "{path}%zz"),
        *("{path}%25", "/api/chat/sessions/%ff{id}"),
    )

    @pytest.mark.parametrize("trick", TRICKS)
    async def test_an_almost_valid_path_is_404_and_changes_nothing(
        self, trick: str, url: str, ada: Caller, database: asyncpg.Pool
    ) -> None:
        session_id = (await ada.create("hers"))["id"]
        target = trick.format(path=f"{PATH}/{session_id}", id=session_id).encode()
        before = await rows(database)
        for method, body in (("GET", b""), ("DELETE", b""), ("PATCH", b'{"title": "x"}')):
            response = await raw(url, method, target, body=body)
            assert response.status_code in {400, 404, 405}, method
            assert "location" not in response.headers
        assert await rows(database) == before

    @pytest.mark.parametrize(
        "trick", [*TRICKS, "/healthz/..{path}", "/docs/..%2f{path}", "{path}?/healthz", "{path}#/docs"]
    )
    async def test_no_spelling_of_a_path_bypasses_the_token(self, trick: str, url: str, ada: Caller) -> None:
        session_id = (await ada.create("hers"))["id"]
        target = trick.format(path=f"{PATH}/{session_id}", id=session_id).encode()
        for method in ("GET", "DELETE", "PATCH", "POST", "HEAD", "OPTIONS", "TRACE"):
            response = await raw(url, method, target, user=None)
            assert response.status_code in {400, 401, 404, 405}, method
            assert b"hers" not in response.content

    async def test_both_routing_paths_parse_a_url_alike(self, url: str, ada: Caller) -> None:
        session_id = (await ada.create("hers"))["id"]
        escaped = f"%{ord(session_id[0]):02x}{session_id[1:]}"
        responses = [
            await raw(url, "GET", f"{PATH}/{each}?limit=21".encode()) for each in (session_id, session_id, escaped)
        ]
        assert len({each.content for each in responses}) == 1

    @pytest.mark.parametrize(
        "target",
        [
            *("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/..%00/secret.txt"),
            *("/x/../../secret.txt", "/..%5csecret.txt", "/..\\secret.txt", "/....//secret.txt", "/..;/secret.txt"),
            *("/%c0%ae%c0%ae/secret.txt", "/secret.txt%00", "//secret.txt", "/..%252fsecret.txt", "/%2fetc/passwd"),
            *("/../dist-other/secret.txt", "/%2e%2e/dist-other/", "//etc/passwd", "/index.html/../../secret.txt"),
        ],
    )
    async def test_no_path_escapes_the_sidebars_folder(self, target: str, pages: str) -> None:
        assert (await raw(pages, "GET", b"/", user=None)).text == "the page"
        response = await raw(pages, "GET", target.encode(), user=None)
        assert response.status_code in {200, 400, 404}
        assert "a secret" not in response.text
        assert "root:" not in response.text

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize(
        "target",
        ["/.env", "/%2eenv", "/.git/config", "/assets/.env", "//.env", "/./.env", "/x/../.env", "/x%2f..%2f.env"],
    )
    async def test_a_hidden_file_in_the_sidebars_folder_is_not_served(
        self, target: str, method: str, pages: str
    ) -> None:
        response = await raw(pages, method, target.encode(), user=None)
        assert response.status_code == 404
        assert "a secret" not in response.text
