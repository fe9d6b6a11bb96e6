"""Requests are logged in batches, each with its own time and trace."""

import asyncio
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from time import time
from typing import Any

import pytest
from structlog.typing import EventDict, WrappedLogger

from chat_sessions.settings import Settings
from chat_sessions.telemetry.request_log import RequestLog, ServedRequest
from tests.waiting import until

REQUEST = ServedRequest("id", "GET", "/api/chat/sessions", 200, 0.0123456, "ada")


class Written(io.StringIO):
    """Counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str, /) -> int:
        self.writes += 1
        return super().write(text)

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def log(settings: Settings, written: Written) -> RequestLog:
    return RequestLog(written, settings.model_copy(update={"log_level": "info"}), lambda user: f"pseudonym of {user}")


async def test_a_request_is_one_line(log: RequestLog, written: Written) -> None:
    log.add(REQUEST)
    log.close()
    [line] = written.lines
    line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "id",
        "method": "GET",
        "route": "/api/chat/sessions",
        "status": 200,
        "ms": 12.35,
        "user": "pseudonym of ada",
    }


async def test_requests_at_the_same_time_are_logged_in_one_write(log: RequestLog, written: Written) -> None:
    for number in range(3):
        log.add(REQUEST._replace(request_id=str(number)))
    await until(lambda: asyncio.sleep(0, bool(written.writes)))
    assert [line["request_id"] for line in written.lines] == ["0", "1", "2"]
    assert written.writes == 1


async def test_later_lines_are_written(log: RequestLog, written: Written) -> None:
    log.add(REQUEST)
    await until(lambda: asyncio.sleep(0, written.writes == 1))
    log.add(REQUEST._replace(request_id="later"))
    await until(lambda: asyncio.sleep(0, written.writes == 2))
    assert [line["request_id"] for line in written.lines] == ["id", "later"]


async def test_a_line_has_the_time_of_its_request(log: RequestLog, written: Written) -> None:
    before = datetime.fromtimestamp(time(), UTC)
    log.add(REQUEST)
    after = datetime.fromtimestamp(time(), UTC)
    await asyncio.sleep(0.01)
    log.close()
    [line] = written.lines
    assert before <= datetime.fromisoformat(line["timestamp"]) <= after


async def test_a_line_has_the_trace_of_its_request(settings: Settings, written: Written) -> None:
    current = "first"

    def trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["trace_id"] = current
        return event

    log = RequestLog(written, settings.model_copy(update={"log_level": "info"}), str, trace)
    log.add(REQUEST)
    current = "second"
    log.add(REQUEST)
    log.close()
    assert [line["trace_id"] for line in written.lines] == ["first", "second"]


async def test_probes_are_not_logged_at_info_level(log: RequestLog, written: Written) -> None:
    log.add(REQUEST._replace(route="/readyz"))
    log.close()
    assert written.lines == []


async def test_probes_are_logged_at_debug_level(settings: Settings, written: Written) -> None:
    log = RequestLog(written, settings.model_copy(update={"log_level": "debug"}), str)
    log.add(REQUEST._replace(route="/readyz"))
    log.close()
    assert [(line["route"], line["level"]) for line in written.lines] == [("/readyz", "debug")]
