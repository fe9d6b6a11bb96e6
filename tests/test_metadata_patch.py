"""PATCH with `metadata`: a JSON merge patch (RFC 7396) on the text of what is stored."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_sessions.contract.spelling import merge_patch
from tests.service import Caller, Service, new_id
from tests.waiting import a_statement_waits, until

PATH = "/api/chat/sessions"

# Few names, so that patches hit existing members.
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('aé\\" ', max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
objects = st.dictionaries(st.sampled_from("abc"), documents, max_size=3)


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401  any JSON
    """The algorithm of RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


class TestMergePatch:
    @given(objects, objects, st.sampled_from([None, 1]))
    def test_follows_the_rfc(self, target: dict[str, Any], patch: dict[str, Any], indent: int | None) -> None:
        text = merge_patch(json.dumps(target, indent=indent), json.dumps(patch, indent=indent))
        assert json.loads(text) == merged(target, patch)
        assert list(json.loads(text)) == list(merged(target, patch))

    @pytest.mark.parametrize(
        ("text", "patch", "result"),
        [
            ('{"z":1.0,"a":1e400}', '{"b":1}', '{"z":1.0,"a":1e400,"b":1}'),
            ('{ "z" : 1.0 , "a" : -0 }', '{"z":2.50}', '{ "z" : 2.50, "a" : -0 }'),
            (
                '{"a":{"y":1.0,"x":[1.0]},"b":1}',
                '{"a":{"x":{"n":1.0,"m":null}}}',
                '{"a":{"y":1.0,"x":{"n":1.0}},"b":1}',
            ),
            ('{"\\u00e9":1,"b":"\\/"}', '{"é":2}', '{"\\u00e9":2,"b":"\\/"}'),
            ('{"a":"a{,}\\"b","b":1}', '{"b":null}', '{"a":"a{,}\\"b"}'),
            ('{"a":1}', '{"a":null,"c":null}', "{}"),
            (' {"a":1}', '{"b":1}', '{"a":1,"b":1}'),
            ("[1]", '{"b":1}', '{"b":1}'),
            ('{"a":1}', "{}", '{"a":1}'),
        ],
        ids=range(9),
    )
    def test_keeps_the_place_and_spelling_of_other_members(self, text: str, patch: str, result: str) -> None:
        assert merge_patch(text, patch) == result


async def test_members_are_added_replaced_and_removed(ada: Caller) -> None:
    session_id = (await ada.create(metadata={"keep": 1, "replace": {"a": 1, "b": 2}, "remove": 3}))["id"]
    body = (await ada.change(session_id, metadata={"replace": {"b": None, "c": 3}, "remove": None, "add": []})).json()
    assert body["metadata"] == {"keep": 1, "replace": {"a": 1, "c": 3}, "add": []}
    assert (await ada.get(session_id)).json()["metadata"] == body["metadata"]
    assert (await ada.page()).json()["sessions"] == [body]


async def test_members_outside_a_patch_keep_their_spelling(ada: Caller) -> None:
    kept = '"z":1.0,"a":{"y":[1e400,9223372036854775808],"b":"\\u00e9 \\/"}'
    headers = {"Content-Type": "application/json"}
    created = await ada.http.post(PATH, content=f'{{"metadata":{{{kept}}}}}', headers=headers)
    patch = '{"metadata":{"new":1.50,"gone":null}}'
    changed = await ada.http.patch(f"{PATH}/{created.json()['id']}", content=patch, headers=headers)
    assert f'{{{kept},"new":1.50}}' in changed.text


async def test_concurrent_patches_keep_each_others_members(ada: Caller) -> None:
    session_id = (await ada.create())["id"]
    names = [f"n{number}" for number in range(20)]
    responses = await asyncio.gather(*(ada.change(session_id, metadata={name: 1}) for name in names))
    assert {each.status_code for each in responses} == {200}
    assert (await ada.get(session_id)).json()["metadata"] == dict.fromkeys(names, 1)


async def test_the_result_may_be_as_large_as_the_setting_but_no_larger(ada: Caller, service: Service) -> None:
    room = service.settings.max_metadata_bytes - len('{"a":"","b":""}')
    session_id = (await ada.create(metadata={"a": "x" * 1000}))["id"]
    full = await ada.change(session_id, metadata={"b": "y" * (room - 1000)})
    assert full.status_code == 200
    for refused in ({"c": 1}, {"b": "y" * (room - 999)}):
        response = await ada.change(session_id, title="New", metadata=refused)
        assert (response.status_code, "16 KiB" in response.json()["detail"]) == (422, True)
    assert (await ada.page()).json()["sessions"] == [full.json()]
    assert (await ada.change(session_id, metadata={"a": None, "c": 1})).status_code == 200


async def test_numbers_that_cannot_be_compared_are_422(ada: Caller) -> None:
    session_id = (await ada.create(metadata={"a": 1}))["id"]
    response = await ada.http.patch(
        f"{PATH}/{session_id}", content='{"metadata":{"b":1e1000}}', headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422
    assert (await ada.get(session_id)).json()["metadata"] == {"a": 1}


async def test_a_stale_tag_is_412_and_the_current_one_is_accepted(ada: Caller) -> None:
    session_id = (await ada.create(metadata={"a": 1}))["id"]
    tag = (await ada.get(session_id)).headers["ETag"]
    assert (await ada.change(session_id, metadata={"b": 1}, if_match=tag)).status_code == 200
    assert (await ada.change(session_id, metadata={"c": 1}, if_match=tag)).status_code == 412
    assert (await ada.get(session_id)).json()["metadata"] == {"a": 1, "b": 1}


async def test_another_users_session_is_404_and_stays_unchanged(ada: Caller, bob: Caller) -> None:
    theirs = await bob.create("His", metadata={"a": 1})
    foreign, missing = [await ada.change(each, metadata={"b": 1}) for each in (theirs["id"], new_id())]
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert (await bob.page()).json()["sessions"] == [theirs]


async def test_a_patch_that_waited_for_a_deletion_is_404(ada: Caller, database: asyncpg.Pool) -> None:
    session_id = (await ada.create(metadata={"a": 1}))["id"]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute('DELETE FROM "ChatSession" WHERE "id" = $1', session_id)
        patching = asyncio.ensure_future(ada.change(session_id, metadata={"b": 1}))
        await until(lambda: a_statement_waits(database))
    assert (await patching).status_code == 404
    assert (await ada.page(archived="any")).json()["total"] == 0
