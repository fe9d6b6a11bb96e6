"""How a chat becomes a session: ids, titles, times and limits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.operator.foreign.archive import Archivist, Limits, title_of
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses

FAMILY = "👨‍👩‍👧‍👦"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def message(text: object = "Hi", key: str = "m", time: datetime | None = None) -> dict[str, Any]:
    return {"id": key, "role": "user", "content": text, "created_at": time}


def archived(
    *messages: dict[str, Any], losses: Losses | None = None, source: str = "chatgpt", **changes: object
) -> ArchivedSession:
    fields: dict[str, Any] = {"id": "c", "title": "t", "created_at": NOON, "updated_at": NOON, "messages": messages}
    archivist = Archivist(source, Limits(1000, 200), Losses() if losses is None else losses)
    return ArchivedSession.model_validate(archivist.archived(Chat(**fields | changes)))


def test_ids_are_stable_and_differ_between_products_and_chats() -> None:
    first = archived(message())
    assert archived(message("changed")).id == first.id == "38267501-7a99-5606-8e24-cb9acd063648"
    assert archived(message(), source="claude").id != first.id
    assert archived(message(), id="other").id != first.id


def test_a_chat_without_an_id_gets_one_from_its_content() -> None:
    assert archived(message("a"), id="").id == archived(message("a"), id="").id
    assert archived(message("a"), id="").id != archived(message("b"), id="").id


def test_message_ids_are_kept_unless_they_are_missing_repeated_or_too_long() -> None:
    kept = [each.id for each in archived(message(), message(), message(key=""), message(key="x" * 129)).messages]
    assert kept[0] == "m"
    assert len(set(kept)) == 4
    assert kept == [
        each.id for each in archived(message(), message(), message(key=""), message(key="x" * 129)).messages
    ]


def test_a_message_without_a_time_takes_the_time_of_the_previous_one() -> None:
    late = datetime(2026, 1, 3, tzinfo=UTC)
    times = [each.created_at for each in archived(message(), message(key="n", time=late), message(key="o")).messages]
    assert times == [NOON, late, late]


def test_a_chat_without_times_takes_those_of_its_messages() -> None:
    session = archived(message(time=NOON), created_at=None, updated_at=None)
    assert (session.created_at, session.updated_at) == (NOON, NOON)


def test_a_chat_is_not_updated_before_it_is_created() -> None:
    assert archived(message(), updated_at=datetime(2020, 1, 1, tzinfo=UTC)).updated_at == NOON


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("  Trip to Lisbon\n", "Trip to Lisbon"),
        ("", None),
        (" \u200b ", None),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 195 + FAMILY, "x" * 195 + "…"),
        ("x" + "🇵🇹" * 150, "x" + "🇵🇹" * 99 + "…"),
        ("x" * 196 + "🏳️‍🌈x", "x" * 196 + "…"),
        ("x" * 198 + "e\u0301x", "x" * 198 + "…"),
        ("x" * 198 + "\r\nx", "x" * 198 + "…"),
        ("e" + "\u0301" * 500, "e" + "\u0301" * 198 + "…"),
    ],
)
def test_titles_are_trimmed_and_cut_between_graphemes(given: str, title: str | None) -> None:
    assert title_of(given) == title


def test_oversized_messages_are_left_out_and_counted() -> None:
    losses = Losses()
    session = archived(message("x" * 2000), message("ok"), losses=losses)
    assert [(each.sequence, each.content) for each in session.messages] == [(0, "ok")]
    assert losses == {LeftOut.OVERSIZE: 1}


def test_a_large_image_is_left_out_and_its_text_kept() -> None:
    losses = Losses()
    image = {"type": "image_url", "image_url": {"url": "data:" + "x" * 2000}}
    session = archived(message([{"type": "text", "text": "See"}, image]), message([image], "n"), losses=losses)
    assert [each.content for each in session.messages] == [[{"type": "text", "text": "See"}], "[image]"]
    assert losses == {LeftOut.FILES: 2}


def test_facts_that_fit_become_metadata() -> None:
    facts = {"model": "gpt-5", "tags": ["a", "b"], "none": None, "odd": {"x": 1}, "empty": []}
    origin = {"from": "chatgpt", "id": "c"}
    assert archived(message(), facts=facts).metadata == {"imported": {**origin, "model": "gpt-5", "tags": ["a", "b"]}}
    assert archived(message(), facts={"summary": "x" * 300}).metadata == {"imported": origin}


def test_a_chat_without_messages_is_left_out_and_counted() -> None:
    losses = Losses()
    chat = Chat("c", "t", NOON, NOON, [])
    assert Archivist("chatgpt", Limits(1000, 200), losses).archived(chat) is None
    assert losses == {LeftOut.NO_MESSAGES: 1}
