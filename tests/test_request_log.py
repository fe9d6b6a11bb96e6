"""Served requests are counted and logged in batches, each line with its own time and trace."""

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
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.request_log import RequestLog, ServedRequest
from chat_sessions.telemetry.served import ServedRequests
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
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def log(settings: Settings, written: Written) -> RequestLog:
    return RequestLog(written, settings.model_copy(update={"log_level": "info"}), lambda user: f"pseudonym of {user}")


@pytest.fixture
def served(metrics: Metrics, log: RequestLog) -> ServedRequests:
    return ServedRequests(metrics, log)


async def test_a_request_is_one_line(served: ServedRequests, written: Written) -> None:
    served.add(REQUEST)
    served.flush()
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


async def test_requests_at_the_same_time_are_logged_in_one_write(served: ServedRequests, written: Written) -> None:
    for number in range(3):
        served.add(REQUEST._replace(request_id=str(number)))
    await until(lambda: asyncio.sleep(0, bool(written.writes)))
    assert [line["request_id"] for line in written.lines] == ["0", "1", "2"]
    assert written.writes == 1


async def test_later_lines_are_written(served: ServedRequests, written: Written) -> None:
    served.add(REQUEST)
    await until(lambda: asyncio.sleep(0, written.writes == 1))
    served.add(REQUEST._replace(request_id="later"))
    await until(lambda: asyncio.sleep(0, written.writes == 2))
    assert [line["request_id"] for line in written.lines] == ["id", "later"]


async def test_a_line_has_the_time_of_its_request(served: ServedRequests, written: Written) -> None:
    before = datetime.fromtimestamp(time(), UTC)
    served.add(REQUEST)
    after = datetime.fromtimestamp(time(), UTC)
    await asyncio.sleep(0.01)
    served.flush()
    [line] = written.lines
    assert before <= datetime.fromisoformat(line["timestamp"]) <= after


async def test_a_line_has_the_trace_of_its_request(metrics: Metrics, log: RequestLog, written: Written) -> None:
    current = "first"

    def trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["trace_id"] = current
        return event

    served = ServedRequests(metrics, log, trace)
    served.add(REQUEST)
    current = "second"
    served.add(REQUEST)
    served.flush()
    assert [line["trace_id"] for line in written.lines] == ["first", "second"]


async def test_probes_are_not_logged_at_info_level(served: ServedRequests, written: Written) -> None:
    served.add(REQUEST._replace(route="/readyz"))
    served.flush()
    assert written.lines == []


async def test_probes_are_logged_at_debug_level(settings: Settings, metrics: Metrics, written: Written) -> None:
    log = RequestLog(written, settings.model_copy(update={"log_level": "debug"}), str)
    served = ServedRequests(metrics, log)
    served.add(REQUEST._replace(route="/readyz"))
    served.flush()
    assert [(line["route"], line["level"]) for line in written.lines] == [("/readyz", "debug")]


async def test_a_level_above_info_logs_no_requests(settings: Settings, metrics: Metrics, written: Written) -> None:
    log = RequestLog(written, settings.model_copy(update={"log_level": "warning"}), str)
    served = ServedRequests(metrics, log)
    served.add(REQUEST)
    served.flush()
    assert written.lines == []


async def test_a_line_is_ascii_whatever_it_contains(served: ServedRequests, written: Written) -> None:
    served.add(REQUEST._replace(route="é\u2028\x1b"))
    served.flush()
    assert written.getvalue().isascii()
    assert written.lines[0]["route"] == "é\u2028\x1b"


async def test_the_time_of_a_line_keeps_leading_zeros(
    served: ServedRequests, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_sessions.telemetry.served.time", lambda: 1_700_000_000.03125)
    served.add(REQUEST)
    served.flush()
    assert written.lines[0]["timestamp"] == "2023-11-14T22:13:20.031250Z"


async def test_every_request_is_counted(served: ServedRequests, metrics: Metrics) -> None:
    for status in (200, 200, 404):
        served.add(REQUEST._replace(status=status))
    served.flush()
    labels = {"method": "GET", "route": REQUEST.route}
    counts = [
        metrics.registry.get_sample_value("chat_http_requests_total", {**labels, "status": status})
        for status in ("200", "404")
    ]
    assert counts == [2, 1]
    assert metrics.registry.get_sample_value("chat_http_request_seconds_count", labels) == 3
