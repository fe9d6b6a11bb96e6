"""A body costs nothing without a valid token, and little with one."""

import json
from collections.abc import AsyncIterator

import pytest

from chat_sessions.web.bodies import MAX_VALUES, holds_at_most
from tests.line import connected_to
from tests.listening import on_a_socket
from tests.service import Caller, Service, token

PATH = "/api/chat/sessions"
JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024
TOO_MANY = "The body has more than 20,000 JSON values; send fewer per request."


@pytest.fixture(scope="module")
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


def filled(unit: str, size: int = 4 * MIB - 200) -> str:
    return ",".join([unit] * (size // (len(unit) + 1)))


def message(**fields: str) -> str:
    given = "".join(f',"{name}":{value}' for name, value in fields.items())
    return f'{{"messages":[{{"role":"user"{given}}}]}}'


# Bodies, by what fills them.
FULL = {
    "numbers": message(content=f"[{filled('1')}]"),
    "lists": message(content=f"[{filled('[]')}]"),
    "objects": message(content=f"[{filled('{}')}]"),
    "parts": message(content=f"[{filled(json.dumps({'type': 'text', 'text': 'x'}))}]"),
    "texts": message(content=f"[{filled(json.dumps('[,{'))}]"),
    "escaped-quotes": message(content=f"[{filled(json.dumps(chr(34)))}]"),
    "escaped-backslashes": message(content=f"[{filled(json.dumps(chr(92)))}]"),
    "tool-calls": message(tool_calls=f"[{filled('1')}]"),
    "metadata": message(metadata=f'{{"a":[{filled("1")}]}}'),
    "names": message(metadata="{" + ",".join(f'"{n}":1' for n in range(300_000)) + "}"),
    "equal-names": "{" + filled('"title":1') + "}",
    "unknown-fields": "{" + ",".join(f'"{n}":1' for n in range(300_000)) + "}",
    "messages": f'{{"messages":[{filled("1")}]}}',
    "ids": f'{{"ids":[{filled("1")}]}}',
    "brackets": "[" * (4 * MIB - 1),
    "not-ended": message(content=f"[{filled('1')}")[:-3],
}


class TestWithoutAToken:
    @pytest.mark.parametrize("body", ["{", "[1,", "\0", json.dumps({"title": 1}), FULL["numbers"]])
    async def test_the_body_is_not_validated(self, body: str, stranger: Caller) -> None:
        assert (await stranger.http.post(PATH, content=body, headers=JSON)).status_code == 401

    async def test_the_response_does_not_wait_for_the_body(self, url: str) -> None:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {4 * MIB}\r\n\r\n"
        async with connected_to(url) as line:
            await line.send(head.encode())
            assert (await line.response()).status_code == 401

    async def test_a_connection_whose_client_has_yet_to_send_its_body_is_closed(self, url: str) -> None:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        async with connected_to(url) as line:
            await line.send(head.encode())
            response = await line.response()
            assert (response.status_code, response.headers["Connection"]) == (401, "close")
            assert await line.rest() == b""

    async def test_the_rest_of_a_body_is_not_a_request(self, url: str, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        smuggled = f"DELETE {PATH}/{session_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n\r\n"
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled)}\r\n\r\n"
        async with connected_to(url) as line:
            await line.send(head.encode())
            assert (await line.response()).status_code == 401
            await line.send(f"{smuggled}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await line.response()).json() == {"status": "ok"}
        assert (await ada.get(session_id)).status_code == 200


class TestValues:
    @pytest.mark.parametrize("body", FULL.values(), ids=FULL)
    @pytest.mark.parametrize("path", ["", "/batch-delete"])
    async def test_too_many_values_are_rejected_before_they_are_parsed(self, path: str, body: str, ada: Caller) -> None:
        response = await ada.http.post(PATH + path, content=body.encode(), headers=JSON)
        assert (response.status_code, response.json()["detail"]) == (422, TOO_MANY)
        assert response.json()["errors"] == [{"loc": ["body"], "msg": TOO_MANY, "type": "bad_request"}]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
    async def test_are_counted_in_every_encoding(self, encoding: str, ada: Caller) -> None:
        # In UTF-16 bytes, the first character contains the quote that ends a string.
        body = message(content=f'["\u2222",{filled("1", MIB)}]').encode(encoding)[: 4 * MIB]
        assert (await ada.http.post(PATH, content=body, headers=JSON)).json()["detail"] == TOO_MANY

    async def test_commas_in_strings_do_not_count(self, ada: Caller) -> None:
        text = 'Well, "yes", \\ [no], {and} so on, '
        content = text * (900_000 // len(text))
        session_id = (await ada.create(messages=[{"role": "user", "content": content}] * 3))["id"]
        assert [each["content"] for each in (await ada.get(session_id)).json()["messages"]] == [content] * 3

    @pytest.mark.parametrize(
        ("value", "count"),
        [
            (1, 1),
            ([], 1),
            ({}, 1),
            ([1, 2, 3], 4),
            ({"a": 1, "b": [2]}, 4),
            ([[], {}, [], {}], 5),
            ({"a, b": 'c "[d], {e}" \\'}, 2),
            (["\\", '"', '\\"', '"\\'], 5),
        ],
        ids=range(8),
    )
    def test_are_counted_exactly(self, value: object, count: int) -> None:
        body = json.dumps(value).encode()
        assert holds_at_most(count, body)
        assert not holds_at_most(count - 1, body)

    async def test_the_allowed_number_is_accepted(self, ada: Caller) -> None:
        numbers = list(range(MAX_VALUES - 7))
        body = {"messages": [{"role": "user", "content": [{"n": numbers}]}]}
        assert (await ada.http.post(PATH, json=body)).status_code == 201
        numbers.append(0)
        assert (await ada.http.post(PATH, json=body)).json()["detail"] == TOO_MANY

    @pytest.mark.parametrize(("digits", "status"), [(100, 201), (101, 422)])
    async def test_have_at_most_a_hundred_digits(self, digits: int, status: int, ada: Caller) -> None:
        body = f'{{"metadata":{{"a":{"9" * digits}}}}}'
        assert (await ada.http.post(PATH, content=body.encode(), headers=JSON)).status_code == status


class TestMistakes:
    async def errors(self, caller: Caller, path: str, body: object) -> list[dict[str, object]]:
        response = await caller.http.post(PATH + path, json=body)
        assert response.status_code == 422
        errors: list[dict[str, object]] = response.json()["errors"]
        return errors

    @pytest.mark.parametrize("name", ["content", "tool_calls"])
    async def test_only_the_first_mistake_in_a_list_is_reported(self, name: str, ada: Caller) -> None:
        found = await self.errors(ada, "", {"messages": [{"role": "user", name: [{}, *range(1000)]}]})
        places = [each["loc"] for each in found]
        assert sum(1 in place for place in places if isinstance(place, list)) == 1
        assert not any(2 in place for place in places if isinstance(place, list))

    @pytest.mark.parametrize(
        ("path", "body"),
        [("", {"messages": [1] * 1000}), ("/batch-delete", {"ids": [1] * 1000})],
        ids=["messages", "ids"],
    )
    async def test_only_the_length_of_too_long_a_list_is_reported(self, path: str, body: object, ada: Caller) -> None:
        (error,) = await self.errors(ada, path, body)
        assert (error["type"], error["msg"]) == ("too_long", "must have at most 100 items")

    async def test_many_unknown_fields_are_one_mistake(self, ada: Caller) -> None:
        (error,) = await self.errors(ada, "", {f"unknown {n}": n for n in range(1000)})
        assert error["loc"] == ["body"]


class TestSizes:
    async def test_are_reported_in_readable_units(self, ada: Caller) -> None:
        too_large = await ada.http.post(PATH, content=b" " * (4 * MIB + 1), headers=JSON)
        message = await ada.http.post(PATH, json={"messages": [{"role": "user", "content": "x" * MIB}]})
        metadata = await ada.http.post(PATH, json={"metadata": {"a": "x" * 16 * 1024}})
        assert too_large.json()["detail"] == "Body exceeds 4 MiB. Send less per request."
        assert message.json()["detail"] == "A message may have at most 1 MiB of JSON."
        assert metadata.json()["detail"] == "Metadata may have at most 16 KiB of JSON."

    @pytest.mark.parametrize(
        ("number", "status"),
        [
            ("1e999", 201),
            ("-1E-999", 201),
            ("9" * 100, 201),
            ("1e1000", 422),
            ("1E-1000", 422),
            ("0." + "1" * 1000, 422),
        ],
        ids=range(6),
    )
    async def test_numbers_in_metadata_are_comparable_in_postgres(self, number: str, status: int, ada: Caller) -> None:
        response = await ada.http.post(PATH, content=f'{{"metadata":{{"a":[{number}]}}}}', headers=JSON)
        assert response.status_code == status

    async def test_a_number_inside_a_string_counts_as_text(self, ada: Caller) -> None:
        metadata = {'5e-324 "5e-324': '\\5e-324"5e324' * 500, "5e-324": "5e-324" * 500}
        assert (await ada.create(metadata=metadata))["metadata"] == metadata
