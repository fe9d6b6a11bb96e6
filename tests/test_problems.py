"""Every error is a problem (RFC 9457) that says enough to act on and leaks nothing."""

import gzip
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from chat_sessions.app import create_app
from chat_sessions.errors import ChatSessionsError, DatabaseUnavailable, SessionBusy, TooManyRequests, TooManyStreams
from chat_sessions.settings import Settings
from tests.service import Caller, Service, new_id

PATH = "/api/chat/sessions"
SECRET_TEXT = "a secret that must not be echoed"  # noqa: S105  not a real one


def check(response: httpx.Response, status: int, kind: str | None) -> None:
    """Check what all problems have in common."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert problem["type"] == (f"urn:chat-sessions:{kind}" if kind else "about:blank")
    assert problem["title"]
    assert isinstance(problem["detail"], str)
    assert len(problem["detail"]) > 10
    assert response.headers["X-Request-ID"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


class TestKinds:
    @pytest.mark.parametrize(
        "path", ["/nowhere", "/api", "/api/chat", "/api/chat/sessions/", "//", "/docs/x", "/%2e%2e/"]
    )
    async def test_an_unknown_path_is_404(self, path: str, ada: Caller) -> None:
        check(await ada.http.get(path), 404, None)

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PUT", PATH, {"GET", "HEAD", "POST"}),
            ("DELETE", PATH, {"GET", "HEAD", "POST"}),
            ("HEAD", f"{PATH}/x/messages", {"POST", "DELETE"}),
            ("OPTIONS", PATH, {"GET", "HEAD", "POST"}),
            ("PUT", f"{PATH}/x", {"GET", "HEAD", "PATCH", "DELETE"}),
            ("POST", f"{PATH}/x", {"GET", "HEAD", "PATCH", "DELETE"}),
            ("GET", f"{PATH}/x/messages", {"POST", "DELETE"}),
            ("POST", "/healthz", {"GET", "HEAD"}),
            ("POST", "/docs", {"GET", "HEAD"}),
            ("PUT", f"{PATH}/events", {"GET", "HEAD"}),
            ("BREW", PATH, {"GET", "HEAD", "POST"}),
        ],
    )
    async def test_a_wrong_method_is_405_and_lists_the_allowed_ones(
        self, method: str, path: str, allowed: set[str], ada: Caller
    ) -> None:
        response = await ada.http.request(method, path)
        assert response.status_code == 405
        assert set(response.headers["Allow"].split(", ")) == allowed
        if method != "HEAD":
            check(response, 405, None)

    async def test_no_token_is_401(self, stranger: Caller) -> None:
        check(await stranger.page(), 401, "unauthorized")

    async def test_a_missing_session_is_404(self, ada: Caller) -> None:
        check(await ada.get(new_id()), 404, "session-not-found")

    async def test_a_deleted_id_is_409(self, ada: Caller) -> None:
        deleted = (await ada.create())["id"]
        await ada.delete(deleted)
        check(await ada.http.post(PATH, json={"id": deleted}), 409, "session-id-taken")

    async def test_a_stale_etag_is_412(self, ada: Caller) -> None:
        check(await ada.delete((await ada.create())["id"], if_match='"1"'), 412, "precondition-failed")

    async def test_a_damaged_cursor_is_422(self, ada: Caller) -> None:
        response = await ada.page(cursor="damaged")
        check(response, 422, "invalid-request")
        assert [(each["loc"], each["type"]) for each in response.json()["errors"]] == [
            (["query", "cursor"], "bad_request")
        ]

    async def test_an_invalid_request_is_422_and_names_the_location(self, ada: Caller) -> None:
        response = await ada.http.post(PATH, json={"title": "", "messages": [{"role": "A robot"}]})
        check(response, 422, "invalid-request")
        assert [(each["loc"], each["type"]) for each in response.json()["errors"]] == [
            (["body", "title"], "value_error"),
            (["body", "messages", 0, "role"], "value_error"),
        ]

    @pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 10_000, b"1" * 5000, b'{"a":1}x', b"nul"])
    async def test_an_invalid_json_body_is_422(self, content: bytes, ada: Caller) -> None:
        response = await ada.http.post(PATH, content=content, headers={"Content-Type": "application/json"})
        check(response, 422, "invalid-request")
        assert response.json()["errors"][0]["loc"][0] == "body"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    async def test_a_body_in_any_unicode_encoding_is_read(self, encoding: str, ada: Caller) -> None:
        content = '{"title": "é😀"}'.encode(encoding)
        response = await ada.http.post(PATH, content=content, headers={"Content-Type": "application/json"})
        assert response.json()["title"] == "é😀"

    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "x",
            "text/json",
            "application/jsonp",
        ],
    )
    async def test_a_body_of_another_content_type_is_415(self, kind: str, ada: Caller) -> None:
        response = await ada.http.post(PATH, content=b"{}", headers={"Content-Type": kind})
        check(response, 415, "unsupported-media-type")
        assert response.json()["detail"] == (
            "Send the body as JSON with `Content-Type: application/json`; this one has another type."
        )

    @pytest.mark.parametrize("headers", [{}, {"Content-Type": ""}], ids=["none", "empty"])
    async def test_a_body_without_a_content_type_is_415(self, headers: dict[str, str], ada: Caller) -> None:
        response = await ada.http.post(PATH, content=b"{}", headers=headers)
        check(response, 415, "unsupported-media-type")
        assert response.json()["detail"].endswith("; this one has none.")

    async def test_a_compressed_body_is_415(self, ada: Caller) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        response = await ada.http.post(PATH, content=gzip.compress(b"{}"), headers=headers)
        check(response, 415, "unsupported-media-type")
        assert response.json()["detail"] == "Send the body uncompressed, without `Content-Encoding`."

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "Application/JSON; charset=utf-8"},
            {"Content-Type": "application/merge-patch+json"},
            {"Content-Type": "application/json", "Content-Encoding": "identity"},
        ],
        ids=["parameter", "suffix", "identity"],
    )
    async def test_json_by_another_name_is_read(self, headers: dict[str, str], ada: Caller) -> None:
        assert (await ada.http.post(PATH, content=b"{}", headers=headers)).status_code == 201

    async def test_every_call_with_a_body_checks_its_type_after_the_token(
        self, service: Service, ada: Caller, stranger: Caller
    ) -> None:
        calls = [
            (method, re.sub(r"\{\w+\}", new_id(), path))
            for path, operations in service.app.openapi()["paths"].items()
            for method, operation in operations.items()
            if "requestBody" in operation
        ]
        assert len(calls) >= 4
        for method, path in calls:
            headers = {"Content-Type": "text/plain"}
            for caller, status in ((ada, 415), (stranger, 401)):
                response = await caller.http.request(method, path, content=b"{}", headers=headers)
                assert (method, path, response.status_code) == (method, path, status)

    async def test_a_missing_body_is_422(self, ada: Caller) -> None:
        check(await ada.http.post(f"{PATH}/batch-delete"), 422, "invalid-request")


class TestMistakes:
    """`detail` names the first mistake in words; `errors` has the path of each one in the request."""

    @pytest.mark.parametrize(
        ("path", "body", "detail"),
        [
            ("", [], "body: must be an object."),
            ("", {"title": ""}, "title: must have at least one visible character."),
            ("", {"title": " \u200b\u2060\ufe0f\u3164"}, "title: must have at least one visible character."),
            ("", {"title": 1}, "title: must be a string."),
            ("", {"title": "x" * 201}, "title: must have at most 200 characters."),
            ("", {"title": "\0"}, "title: must not contain NUL characters or unpaired surrogates."),
            ("", {"titel": "x"}, "titel: is unknown; check its spelling."),
            ("", {"messages": 1}, "messages: must be an array."),
            ("", {"messages": [1]}, "messages[0]: must be an object."),
            ("", {"messages": [{"content": "x"}]}, "messages[0].role: is required."),
            (
                "",
                {"messages": [{"role": "A robot"}]},
                "messages[0].role: must be a word of up to 32 lower-case letters, such as user, assistant or tool.",
            ),
            (
                "",
                {"messages": [{"role": "user", "name": "x" * 257}]},
                "messages[0].name: must have at most 256 characters.",
            ),
            ("", {"messages": [{"role": "user", "id": ""}]}, "messages[0].id: must not be empty."),
            (
                "",
                {"messages": [{"role": "user", "content": 1}]},
                "messages[0].content: must be a string or an array.",
            ),
            (
                "",
                {"messages": [{"role": "user", "content": [{}, 1]}]},
                "messages[0].content[1]: must be an object.",
            ),
            (
                "",
                {"messages": [{"role": "user", "content": "\0"}]},
                "messages[0].content: must not contain NUL characters or unpaired surrogates.",
            ),
            ("", {"metadata": [], "titel": 1}, "metadata: must be an object. See `errors` for 1 more."),
            ("/batch-delete", {"ids": []}, "ids: must not be empty."),
            ("/batch-delete", {"ids": ["x"] * 101}, "ids: must have at most 100 items."),
            ("/batch-delete", {"filter": {"pinned": "yes"}}, "filter.pinned: must be true or false."),
            ("/batch-delete", {"filter": {"q": "x" * 201}}, "filter.q: must have at most 200 characters."),
            (
                "/batch-delete",
                {"filter": {"updated_before": "yesterday"}},
                "filter.updated_before: must be a time in RFC 3339 format, such as 2026-01-31T12:00:00Z.",
            ),
        ],
        ids=range(22),
    )
    async def test_the_first_one_is_named(self, path: str, body: object, detail: str, ada: Caller) -> None:
        response = await ada.http.post(PATH + path, json=body)
        check(response, 422, "invalid-request")
        assert response.json()["detail"] == detail

    @pytest.mark.parametrize(
        ("name", "value", "detail"),
        [
            ("limit", "0", "limit: must be at least 1."),
            ("limit", "101", "limit: must be at most 100."),
            ("limit", "many", "limit: must be a whole number."),
            ("offset", str(2**31), "offset: must be at most 2,147,483,647."),
            ("pinned_first", "maybe", "pinned_first: must be true or false."),
            ("q", "x" * 201, "q: must have at most 200 characters."),
        ],
        ids=range(6),
    )
    async def test_one_in_the_query_is_named(self, name: str, value: str, detail: str, ada: Caller) -> None:
        response = await ada.page(**{name: value})
        assert (response.status_code, response.json()["detail"]) == (422, detail)
        assert [each["loc"] for each in response.json()["errors"]] == [["query", name]]

    @pytest.mark.parametrize(
        ("content", "loc"),
        [(1, []), ({}, []), ([1], [0]), ([{}, []], [1]), ("\0", []), ([{"a": "\0"}], [0])],
        ids=range(6),
    )
    async def test_a_value_that_fits_no_alternative_is_one_mistake_at_its_own_path(
        self, content: object, loc: list[int], ada: Caller
    ) -> None:
        response = await ada.http.post(PATH, json={"messages": [{"role": "user", "content": content}]})
        assert [each["loc"] for each in response.json()["errors"]] == [["body", "messages", 0, "content", *loc]]

    async def test_invalid_json_is_located_in_words(self, ada: Caller) -> None:
        response = await ada.http.post(PATH, content=b'{"a" 1}', headers={"Content-Type": "application/json"})
        check(response, 422, "invalid-request")
        reason = "is not valid JSON: Expecting ':' delimiter at character 6"
        assert response.json()["detail"] == f"body: {reason}."
        assert response.json()["errors"] == [{"loc": ["body"], "msg": reason, "type": "json_invalid"}]


class TestTooLarge:
    @pytest.fixture
    def too_large(self, service: Service) -> bytes:
        return b'{"title": "' + b" " * service.settings.max_body_bytes + b'x"}'

    async def test_a_body_declared_too_large_is_413(self, ada: Caller, too_large: bytes) -> None:
        response = await ada.http.post(PATH, content=too_large, headers={"Content-Type": "application/json"})
        check(response, 413, "body-too-large")

    async def test_a_body_that_grows_too_large_is_413(self, ada: Caller, too_large: bytes) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(too_large), 65536):
                yield too_large[start : start + 65536]

        response = await ada.http.post(PATH, content=chunks(), headers={"Content-Type": "application/json"})
        check(response, 413, "body-too-large")

    async def test_it_precedes_the_checks_of_token_and_path(self, stranger: Caller, too_large: bytes) -> None:
        check(await stranger.http.post("/nowhere", content=too_large), 413, "body-too-large")

    @pytest.mark.parametrize("length", ["9" * 5000, "9" * 20, "99999999999"])
    async def test_an_absurd_content_length_is_413(self, length: str, ada: Caller) -> None:
        response = await ada.http.post(PATH, content=b"{}", headers={"Content-Length": length})
        check(response, 413, "body-too-large")

    async def test_the_largest_allowed_body_is_read(self, ada: Caller, service: Service) -> None:
        body = b'{"title": "x"}'.ljust(service.settings.max_body_bytes)
        response = await ada.http.post(PATH, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 201


class TestLeaks:
    @pytest.mark.parametrize(
        "body",
        [
            {"title": SECRET_TEXT * 10},
            {"title": "x", "metadata": SECRET_TEXT},
            {"id": SECRET_TEXT},
            {"messages": [{"role": SECRET_TEXT}]},
            {"messages": [{"role": "user", "content": 1, "metadata": [SECRET_TEXT]}]},
            {"messages": SECRET_TEXT},
            SECRET_TEXT,
            [SECRET_TEXT],
        ],
        ids=range(8),
    )
    async def test_a_rejected_value_is_not_echoed(self, body: object, ada: Caller) -> None:
        response = await ada.http.post(PATH, json=body)
        check(response, 422, "invalid-request")
        assert SECRET_TEXT not in response.text
        assert all(set(each) == {"loc", "msg", "type"} for each in response.json()["errors"])

    @pytest.mark.parametrize("query", ["limit", "offset", "pinned_first", "cursor"])
    async def test_a_rejected_parameter_is_not_echoed(self, query: str, ada: Caller) -> None:
        response = await ada.page(**{query: SECRET_TEXT})
        assert response.status_code == 422
        assert SECRET_TEXT not in response.text

    async def test_a_rejected_name_is_echoed_truncated(self, ada: Caller) -> None:
        response = await ada.http.post(PATH, json={"x" * 1_000_000: 1})
        check(response, 422, "invalid-request")
        assert response.json()["errors"][0]["loc"] == ["body", "x" * 64]

    async def test_at_most_twenty_mistakes_are_listed(self, ada: Caller) -> None:
        response = await ada.http.post(f"{PATH}/batch-delete", json={"ids": list(range(100))})
        check(response, 422, "invalid-request")
        assert len(response.json()["errors"]) == 20

    async def test_a_deep_mistake_has_a_short_pointer(self, ada: Caller) -> None:
        deep: object = "\0"
        for _ in range(200):
            deep = [deep]
        response = await ada.http.post(PATH, json={"metadata": {"a": deep}})
        check(response, 422, "invalid-request")
        assert len(response.content) < 2000

    @pytest.mark.parametrize(
        "bug", [ZeroDivisionError(SECRET_TEXT), RecursionError(SECRET_TEXT), KeyError(SECRET_TEXT)]
    )
    async def test_a_bug_is_500_and_leaks_nothing(
        self, bug: Exception, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = create_app(settings)

        async def fail() -> None:
            raise bug

        app.add_api_route("/fail", fail)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
            response = await client.get("/fail", headers={"X-Request-ID": "looked-for"})
        check(response, 500, None)
        assert response.json()["detail"] == "Internal error. Report the X-Request-ID; the log has the cause."
        assert SECRET_TEXT not in response.text
        assert "looked-for" in caplog.text

    async def test_an_error_without_its_own_kind_is_500(self, settings: Settings) -> None:
        app = create_app(settings)

        async def fail() -> None:
            raise ChatSessionsError

        app.add_api_route("/fail", fail)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
            check(await client.get("/fail"), 500, "chat-sessions-error")


class TestRetryAfter:
    @pytest.mark.parametrize("error", [DatabaseUnavailable, SessionBusy, TooManyRequests, TooManyStreams])
    async def test_a_temporary_problem_has_retry_after(
        self, error: type[ChatSessionsError], settings: Settings
    ) -> None:
        app = create_app(settings)

        async def fail() -> None:
            raise error

        app.add_api_route("/fail", fail)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
            response = await client.get("/fail")
        kind = re.sub(r"(?<!^)([A-Z])", r"-\1", error.__name__).lower()
        check(response, error.status, kind)
        assert response.headers["Retry-After"] == str(error.retry_after)
        assert int(response.headers["Retry-After"]) >= 1

    async def test_a_permanent_problem_has_no_retry_after(self, ada: Caller, stranger: Caller) -> None:
        for response in (await ada.get(new_id()), await stranger.page(), await ada.page(limit=0)):
            assert "Retry-After" not in response.headers


class TestRequestId:
    @pytest.mark.parametrize("given", ["a", "01HXYZ", "trace/1:2+3=4_5.6-7", "x" * 128])
    @pytest.mark.parametrize("path", [PATH, "/nowhere", "/healthz"])
    async def test_is_accepted_and_echoed(self, path: str, given: str, stranger: Caller) -> None:
        response = await stranger.http.get(path, headers={"X-Request-ID": given})
        assert response.headers["X-Request-ID"] == given

    @pytest.mark.parametrize("given", [b"", b"x" * 129, b"a b", b"\xff", b"<script>", b'{"a":1}', b"a\tb", None])
    async def test_is_generated_unless_it_is_safe_to_log(self, given: bytes | None, stranger: Caller) -> None:
        headers = {} if given is None else {b"X-Request-ID": given}
        response = await stranger.http.get("/healthz", headers=headers)
        assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])

    async def test_each_request_has_its_own(self, stranger: Caller) -> None:
        responses = [await stranger.http.get("/healthz") for _ in range(3)]
        assert len({each.headers["X-Request-ID"] for each in responses}) == 3


async def test_a_problem_with_non_ascii_text_is_valid_json(ada: Caller) -> None:
    response = await ada.http.post(PATH, content=b'{"\\ud800\\u2028": 1}', headers={"Content-Type": "application/json"})
    check(response, 422, "invalid-request")
    assert json.loads(response.content)["errors"][0]["loc"][0] == "body"
