"""Calls that change the messages of a session, or read whole turns of them."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.service import new_id
from tests.stateful.model import Modelled, titles, users, workers

RESULT = "result "
# Longer pages end at their bytes.
MOST_CHARACTERS = 1_000_000
ID = 'SELECT "id" FROM "ChatMessage" WHERE "sessionId" = $1 AND "sequence" = $2'

places = st.integers(0, 4)


class MessageCalls(Modelled):
    """Cut or replaced messages never come back, and nothing is appended after a stale sequence."""

    @rule(session_id=Modelled.sessions, user=users, worker=workers, start=places)
    def cut(self, session_id: str, user: str, worker: int, start: int) -> None:
        response = self.run(self.caller(user, worker).cut(session_id, start))
        expected = self.of(user, session_id)
        assert response.status_code == (204 if expected else 404)
        # A cut after the end does not even change the ETag.
        if expected and start < len(expected.messages):
            del expected.messages[start:]
            expected.etag = None

    @rule(session_id=Modelled.sessions, user=users, worker=workers, sequence=places, text=titles)
    def replace(self, session_id: str, user: str, worker: int, sequence: int, text: str) -> None:
        message_id = self.run(self.world.database.fetchval(ID, session_id, sequence)) or "unknown"
        response = self.run(self.caller(user, worker).replace(session_id, message_id, text))
        expected = self.of(user, session_id)
        assert response.status_code == (200 if expected and sequence < len(expected.messages) else 404)
        if expected and response.status_code == 200:
            assert (response.json()["sequence"], response.json()["content"]) == (sequence, text)
            expected.messages[sequence] = text
            expected.etag = response.headers["ETag"]

    @rule(session_id=Modelled.sessions, user=users, worker=workers, again=workers, after=st.integers(-1, 3))
    def append_where_it_ends(self, session_id: str, user: str, worker: int, again: int, after: int) -> None:
        message_id = new_id()
        first, repeat = (
            self.run(self.caller(user, each).append(session_id, "next", after_sequence=after, id=message_id))
            for each in (worker, again)
        )
        assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
        expected = self.of(user, session_id)
        if expected is None:
            assert first.status_code == 404
        elif len(expected.messages) != after + 1:
            assert first.status_code == 412
        else:
            assert first.status_code == 201
            assert first.json()["messages"][0]["sequence"] == after + 1
            expected.messages.append("next")
            expected.etag = None

    @rule(session_id=Modelled.sessions, worker=workers, number=st.integers(1, 3))
    def append_results(self, session_id: str, worker: int, number: int) -> None:
        if expected := self.alive.get(session_id):
            texts = [f"{RESULT}{each}" for each in range(number)]
            response = self.run(self.caller(expected.owner, worker).append(session_id, *texts, role="tool"))
            assert response.status_code == 201
            expected.messages += texts
            expected.etag = None

    @rule(session_id=Modelled.sessions, worker=workers, limit=st.integers(1, 3))
    def open_whole_turns(self, session_id: str, worker: int, limit: int) -> None:
        expected = self.alive.get(session_id)
        if expected and sum(map(len, expected.messages)) < MOST_CHARACTERS:
            start = max(0, len(expected.messages) - limit)
            while start and expected.messages[start].startswith(RESULT):
                start -= 1
            page = self.run(self.caller(expected.owner, worker).get(session_id, limit=limit, whole_turns=True)).json()
            assert [each["content"] for each in page["messages"]] == expected.messages[start:]
            assert page["has_more_messages"] == (start > 0)
