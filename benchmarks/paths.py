"""The calls to measure, their baselines, and the required ratios."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from benchmarks.data import new_message
from benchmarks.load import Call

SESSIONS = "/api/chat/sessions"
Contestant = Literal["service", "two workers", "uncached", "webhooks", "ceiling", "pick_instead"]
Kind = Literal["list", "get", "list 304", "get 304", "delete", "append"]


class Row(NamedTuple):
    """One row of the table: a call of the service, compared with a baseline."""

    name: str
    kind: Kind
    service: Contestant
    baseline: Contestant
    must: float
    aim: float


ROWS: Sequence[Row] = (
    Row("get, cached", "get", "service", "ceiling", 3, 4),
    Row("list, cached", "list", "service", "ceiling", 3, 4),
    Row("get, 304", "get 304", "service", "ceiling", 3, 4),
    Row("list, 304", "list 304", "service", "ceiling", 3, 4),
    Row("get, cache off", "get", "uncached", "pick_instead", 6, 8),
    Row("list, cache off", "list", "uncached", "pick_instead", 6, 8),
    Row("delete", "delete", "service", "pick_instead", 2.5, 3),
    Row("delete, webhooks", "delete", "webhooks", "service", 0.5, 1),
    Row("append", "append", "service", "pick_instead", 3, 4),
    Row("get, two workers", "get", "two workers", "service", 1.5, 1.5),
)


def calls(kind: Kind, contestant: Contestant, ids: Sequence[str], etags: dict[str, str]) -> list[Call]:
    """Return the requests of a burst; baselines, which have no ETags, return the full response."""
    of_each = [f"{SESSIONS}/{each}" for each in ids]
    conditional = contestant in {"service", "two workers", "uncached"}
    match kind:
        case "list":
            return [Call("GET", SESSIONS)]
        case "get":
            return [Call("GET", path) for path in of_each]
        case "list 304":
            return [Call("GET", SESSIONS, f"If-None-Match: {etags[SESSIONS]}" if conditional else "")]
        case "get 304":
            return [Call("GET", path, f"If-None-Match: {etags[path]}" if conditional else "") for path in of_each]
        case "delete":
            return [Call("DELETE", path) for path in of_each]
        case "append":
            return [Call("POST", f"{path}/messages", body=new_message()) for path in of_each]
