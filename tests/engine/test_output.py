"""The output of the engine arrives in chunks of any size."""

import json
from typing import Any

from chat_sessions.store.prisma.output import Output

TEXTS = ["\n👩\n", "", '{"id":1}\n']


def response(number: int, *texts: str) -> tuple[bytes, dict[str, Any]]:
    """Return a response as it is sent, and as it is received."""
    places = [[0, column, len(text.encode())] for column, text in enumerate(texts)]
    sent = {"id": number, "data": {"rows": [[None] * len(texts)]}, "texts": places}
    received = {**sent, "data": {"rows": [list(texts)]}}
    return json.dumps(sent).encode() + b"\n" + "".join(texts).encode(), received


def plain(number: int) -> tuple[bytes, dict[str, Any]]:
    message = {"id": number, "data": None}
    return json.dumps(message).encode() + b"\n", message


def test_responses_and_their_texts_are_the_same_wherever_chunks_end() -> None:
    responses = [response(1, *TEXTS), plain(2), response(3, ""), response(4, "a"), plain(5)]
    everything = b"".join(sent for sent, _ in responses)
    for at in range(len(everything)):
        output = Output()
        received = [each for chunk in (everything[:at], everything[at:]) for each in output.received(chunk)]
        assert received == [expected for _, expected in responses]


def test_a_response_is_complete_with_the_last_byte_of_its_texts() -> None:
    sent, expected = response(1, *TEXTS)
    output = Output()
    for each in sent[:-1]:
        assert list(output.received(bytes([each]))) == []
    assert list(output.received(sent[-1:])) == [expected]
