"""The outcome of a batch deletion; the response may list a million sessions."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from pydantic_core import to_json


class BatchOutcome:
    """Keeps the ids as JSON, ready to send: a third of the size of Python strings."""

    def __init__(self, requested: Iterable[str], few: int) -> None:
        """Keep up to `few` ids as strings as well."""
        self.count = 0
        self.ids: list[str] = []
        self._few = few
        self._missing = dict.fromkeys(requested)
        self._parts: deque[bytes] = deque()

    def add(self, ids: Sequence[str]) -> None:
        """Add the ids of one chunk."""
        if not ids:
            return
        self._parts.append((b"," if self.count else b"") + to_json(ids)[1:-1])
        self.count += len(ids)
        self.ids += ids[: max(0, self._few - len(self.ids))]
        for each in ids:
            self._missing.pop(each, None)

    @property
    def is_large(self) -> bool:
        """Whether there are more ids than are kept as strings."""
        return self.count > len(self.ids)

    def json(self) -> tuple[int, Iterator[bytes]]:
        """Return a BatchDeleted as JSON: its length and its parts. Each part is freed once consumed."""
        tail = b'],"not_found":%b,"count":%d}' % (to_json(list(self._missing)), self.count)
        self._parts.appendleft(b'{"deleted":[')
        self._parts.append(tail)
        return sum(map(len, self._parts)), self._taken()

    def _taken(self) -> Iterator[bytes]:
        while self._parts:
            yield self._parts.popleft()
