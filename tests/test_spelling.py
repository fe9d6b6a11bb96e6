"""JSON is returned exactly as it was sent: through the API, the cache, export and import."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from chat_sessions.contract.spelling import Spelled, read, without
from chat_sessions.errors import BadRequest
from chat_sessions.settings import Settings
from tests.caching import quiet
from tests.command import Operator
from tests.costs import counted
from tests.service import Caller, Service

PATH = "/api/chat/sessions"
JSON = {"Content-Type": "application/json"}
DEEP = "[" * 60 + "]" * 60
# Messages of OpenAI, Anthropic and the AI SDK, and JSON that is hard to preserve.
MESSAGES = {
    "keys-out-of-order": '{"id":"m","role":"assistant","tool_calls":[{"z":1,"a":{"y":2,"b":3},"m":[{"q":1,"c":2}]}]}',
    "numbers": '{"id":"m","role":"tool","content":[{"n":[1e400,-1E-400,9223372036854775808,1.0,1.10,0.1e1,-0,-0.0]}]}',
    "proto": '{"id":"m","role":"user","metadata":{"__proto__":{"x":1},"constructor":2,"toString":{"$type":"BigInt"}}}',
    "levels": f'{{"id":"m","role":"user","parts":{DEEP}}}',
    "spaces-and-escapes": '{ "id" : "m",\n\t"role":"user" , "content" : "\\u00e9\\/\\ud83d\\ude00 é \u2028" }',
    "empty": '{"id":"m","role":"reasoning","":{"":[]},"parts":[],"content":""}',
    "openai": (
        '{"id":"m","role":"assistant","content":"Hi","annotations":[{"type":"url_citation","url_citation":{"url":"x"}}],'
        '"audio":{"id":"a","expires_at":1729018505,"data":"UklG","transcript":"Hi"},"reasoning_content":"thought"}'
    ),
    "anthropic": (
        '{"id":"m","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"Eq=="},'
        '{"type":"tool_use","id":"toolu_1","name":"f","input":{"b":1.50,"a":null}}],"stop_reason":"tool_use",'
        '"stop_sequence":null,"usage":{"input_tokens":2095,"cache_creation":{"ephemeral_5m_input_tokens":0}}}'
    ),
    "ai-sdk": (
        '{"id":"m","role":"assistant","metadata":{"totalTokens":1.0},"parts":[{"type":"step-start"},'
        '{"type":"tool-weather","toolCallId":"c","state":"output-available","input":{"z":1,"a":2},"output":{"t":21.50}}]}'
    ),
}
METADATA = '{"z":1.0,"a":{"y":[1e400,9223372036854775808],"b":"\\u00e9 \\/"},"__proto__":{"x":-0}}'


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


@pytest.fixture(params=list(MESSAGES.values()), ids=list(MESSAGES))
def text(request: pytest.FixtureRequest) -> str:
    message: str = request.param
    return message


async def post(caller: Caller, path: str, text: str) -> httpx.Response:
    return await caller.http.post(path, content=text.encode(), headers=JSON)


async def created(caller: Caller, text: str) -> str:
    response = await post(caller, PATH, f'{{"metadata":{METADATA},"messages":[{text}]}}')
    assert response.status_code == 201, response.text
    session_id: str = response.json()["id"]
    return session_id


def kept(text: str, response: bytes) -> bool:
    """Return whether a response contains a message's members exactly as they were sent."""
    return text.removeprefix("{").encode() in response


def on_one_line(text: str) -> str:
    """Return JSON as one line of an export."""
    return text.replace("\n", " ")


async def test_a_message_is_returned_as_it_was_sent(ada: Caller, text: str) -> None:
    session_id = await created(ada, text)
    assert kept(text, (await ada.get(session_id)).content)
    other = (await ada.create())["id"]
    assert kept(text, (await post(ada, f"{PATH}/{other}/messages", f'{{"messages":[{text}]}}')).content)
    assert kept(text, (await ada.get(other)).content)


async def test_the_cache_keeps_the_spelling(
    service: Service, ada: Caller, text: str, database: asyncpg.Pool, redis: Redis
) -> None:
    session_id = await created(ada, text)
    await quiet(database, redis)
    loaded = await ada.get(session_id)
    statements = counted(service)
    cached = await ada.get(session_id)
    assert not [each for each in statements() if '"ChatMessage"' in each]
    assert cached.content == loaded.content
    assert kept(text, cached.content)


async def test_an_export_and_an_import_keep_the_spelling(
    operator: Operator, ada: Caller, bob: Caller, text: str
) -> None:
    session_id = await created(ada, text)
    exported = (await operator.succeed("export", "--user", "ada")).stdout_bytes
    assert kept(on_one_line(text), exported)
    assert exported.count(b"\n") == 1
    await operator.succeed("import", "--user", "bob", stdin=exported)
    original, copy = await ada.get(session_id), await bob.get(session_id)
    assert copy.content.replace(b'"bob"', b'"ada"').decode() == on_one_line(original.text)
    again = (await operator.succeed("export", "--user", "bob")).stdout_bytes
    assert again.replace(b'"bob"', b'"ada"') == exported


async def test_session_metadata_is_returned_as_it_was_sent(ada: Caller) -> None:
    response = await post(ada, PATH, f'{{"metadata":{METADATA}}}')
    session_id = response.json()["id"]
    renamed = await ada.change(session_id, title="New")
    for each in (response, renamed, await ada.get(session_id), await ada.page()):
        assert METADATA.encode() in each.content


async def test_the_service_adds_only_its_own_fields_to_a_message(ada: Caller) -> None:
    text = '{"role":"user","x":' + json.dumps([5e-324, "\u2028"] * 1000, separators=(",", ":")) + "}"
    session_id = await created(ada, text)
    (message,) = read((await ada.get(session_id)).text)["messages"]
    own = {name: message[name] for name in message if name not in {"role", "x"}}
    assert len(message.text.encode()) == len(text.encode()) + len(json.dumps(own, separators=(",", ":"))) - 1


async def test_a_null_id_is_replaced_by_a_generated_one(ada: Caller) -> None:
    session_id = await created(ada, '{"role":"user","id":null,"x":1.0}')
    response = await ada.get(session_id)
    assert isinstance(response.json()["messages"][0]["id"], str)
    assert response.content.count(b'"id"') == 2
    assert b'"x":1.0' in response.content


@pytest.mark.parametrize("name", ["sequence", "created_at"])
async def test_a_field_that_only_the_service_sets_is_rejected(ada: Caller, name: str) -> None:
    response = await post(ada, PATH, f'{{"messages":[{{"role":"user","{name}":1}}]}}')
    assert response.status_code == 422
    assert f"{name} is set by the service" in response.json()["errors"][0]["msg"]


@pytest.mark.parametrize(
    "value",
    ['"\\u0000"', '"\\ud800"', '{"\\udc00":1}', '[{"a":"\\u0000"}]', "[" * 66 + "]" * 66],
    ids=["nul", "surrogate", "key", "nested", "levels"],
)
@pytest.mark.parametrize("name", ["content", "unknown"])
async def test_a_value_that_cannot_be_stored_is_rejected(ada: Caller, name: str, value: str) -> None:
    response = await post(ada, PATH, f'{{"messages":[{{"role":"user","{name}":{value}}}]}}')
    assert response.status_code == 422
    assert response.json()["errors"]


@pytest.mark.parametrize(
    "text",
    ['{"title":"a","title":"b"}', '{"metadata":{"a":{"k":1,"k":1}}}', '{"messages":[{"role":"user","role":"user"}]}'],
)
async def test_a_duplicate_key_is_rejected_by_name(ada: Caller, text: str) -> None:
    response = await post(ada, PATH, text)
    assert response.status_code == 422
    assert "twice" in response.json()["detail"]


@pytest.mark.parametrize("role", ["reasoning", "critic", "x" * 32])
async def test_a_role_may_be_any_word(ada: Caller, role: str) -> None:
    created = await ada.create(messages=[{"role": role}])
    assert (await ada.get(created["id"])).json()["messages"][0]["role"] == role


@pytest.mark.parametrize("role", ["", "User", "two words", "x" * 33, "ärger", "a\n", "1", None])
async def test_a_role_that_is_not_a_word_is_rejected(ada: Caller, role: str | None) -> None:
    response = await ada.http.post(PATH, json={"messages": [{"role": role}]})
    assert response.status_code == 422


DOCUMENTS: Sequence[Any] = [
    1,
    None,
    "a",
    [],
    {},
    [[]],
    [{}],
    {"a": []},
    {"a": {}},
    {"a": [{"b": [1, {"c": 2}]}, 2], "b": "\u2028"},
    {"": [1, [2]]},
]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_document_is_parsed_like_the_json_module_does(document: object, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    assert read(f" {text}\n") == document
    if isinstance(document, dict):
        assert read(f" {text}\n").text == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[", "{]", "[}", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}', "[1,]", "[1 2]", "{1:2}", "1 2",
     '{"a":[1,]}', '{"a":[1 2]}', '{"a":[1', '{"a":[', '{"a":1', "{,}", "[,]", '{"a":[,]}', "nul", "NaN",
     '{"a":-Infinity}'],
)  # fmt: skip
def test_invalid_json_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        json.loads(text, parse_constant=_no_constant)
    with pytest.raises(ValueError, match=r".+"):
        read(text)


def _no_constant(constant: str) -> object:
    raise ValueError(constant)


def test_objects_and_list_items_remember_their_text() -> None:
    read_again = read('{"a" : { "b":1.0 }, "c":[{"d":1e400 }, 1]}')
    assert read_again["a"].text == '{ "b":1.0 }'
    assert read_again["c"][0].text == '{"d":1e400 }'
    assert isinstance(read_again, Spelled)


def test_members_are_cut_out_of_a_text() -> None:
    assert without('{ "a" : 1.0 , "b":[1, 2],"c":"\\u0061" }', {"b"}) == '{ "a" : 1.0 ,"c":"\\u0061" }'
    assert without('{"a":1, "b":2}', {"a"}) == '{ "b":2}'
    assert without('{"a":1}', {"a"}) == "{}"


def test_a_duplicate_key_is_rejected_at_every_level() -> None:
    for text in ('{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '[{"a":1,"a":2}]', '[[{"a":1,"\\u0061":2}]]'):
        with pytest.raises(BadRequest, match='"a" twice'):
            read(text)
