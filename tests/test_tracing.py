"""Traces: what a span contains, what it never contains, and that tracing is free when it is off."""

import io
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from chat_sessions.settings import Settings
from chat_sessions.telemetry.pseudonyms import pseudonyms
from chat_sessions.telemetry.tracing import Tracing, client_span
from tests.collector import collecting
from tests.process import environment, serving
from tests.service import Caller, Service, running, token
from tests.waiting import until

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRETS = ("Canary-title", "Canary-message", "Canary-metadata", "canary@example.org", "Canary-query")
SESSIONS, SESSION = "/api/chat/sessions", "/api/chat/sessions/{session_id}"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def into(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


@pytest.fixture(scope="module")
async def traced(
    settings: Settings,
    exporter: InMemorySpanExporter,
) -> AsyncIterator[Service]:
    async with running(settings, into(exporter)) as worker:
        yield worker


@pytest.fixture
async def canary(traced: Service, exporter: InMemorySpanExporter) -> AsyncIterator[Caller]:
    """A user whose texts are easy to find."""
    async with traced.client("canary@example.org") as client:
        exporter.clear()
        yield Caller(client)


def requests(exporter: InMemorySpanExporter) -> Sequence[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER]


def steps(exporter: InMemorySpanExporter) -> list[str]:
    """Return the names of the child spans, each of which must belong to a request."""
    spans = exporter.get_finished_spans()
    known = {span.context.span_id for span in requests(exporter) if span.context}
    inner = [span for span in spans if span.kind is SpanKind.CLIENT]
    assert all(span.parent is not None and span.parent.span_id in known for span in inner)
    return [span.name for span in inner]


async def test_a_request_is_a_span_with_route_status_and_hashed_user(
    canary: Caller, exporter: InMemorySpanExporter, settings: Settings
) -> None:
    await canary.get("no-such-session")
    (span,) = requests(exporter)
    assert span.name == f"GET {SESSION}"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": SESSION,
        "http.response.status_code": 404,
        "enduser.pseudo.id": pseudonyms(settings.log_user_key)("canary@example.org"),
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_the_express_lane_is_traced_with_the_route(canary: Caller, exporter: InMemorySpanExporter) -> None:
    session_id = (await canary.create())["id"]
    for _ in range(2):
        await canary.get(session_id, limit=33)
        await canary.page(limit=33)
    names = [span.name for span in requests(exporter)]
    assert names == [f"POST {SESSIONS}", *[f"GET {SESSION}", f"GET {SESSIONS}"] * 2]


async def test_an_unknown_path_is_not_recorded(canary: Caller, exporter: InMemorySpanExporter) -> None:
    await canary.http.get("/Canary-title", params={"q": "Canary-query"})
    (span,) = requests(exporter)
    assert span.name == "GET unmatched"


async def test_calls_to_postgres_and_redis_belong_to_their_request(
    canary: Caller, exporter: InMemorySpanExporter
) -> None:
    session_id = (await canary.create())["id"]
    exporter.clear()
    await canary.append(session_id, "hi")
    await canary.delete(session_id)
    assert steps(exporter) == [
        *("redis lock", "prisma queryRaw", "redis evict"),
        *("prisma deleteMany ChatSession", "redis evict"),
    ]


async def test_a_span_names_its_operation_and_its_object(canary: Caller, exporter: InMemorySpanExporter) -> None:
    session_id = (await canary.create())["id"]
    exporter.clear()
    await canary.delete(session_id)
    assert [dict(span.attributes or {}) for span in exporter.get_finished_spans()[:2]] == [
        {"db.system.name": "postgresql", "db.operation.name": "deleteMany", "db.collection.name": "ChatSession"},
        {"db.system.name": "redis", "db.operation.name": "EVALSHA", "db.stored_procedure.name": "evict"},
    ]


def test_a_failed_span_is_an_error_without_its_text(exporter: InMemorySpanExporter) -> None:
    tracer = into(exporter).tracer
    with tracer.start_as_current_span("request"):
        exporter.clear()
        with pytest.raises(ValueError, match="Canary"), client_span(tracer, "prisma create", {}):
            raise ValueError(SECRETS[0])
    (failed, _) = exporter.get_finished_spans()
    assert dict(failed.attributes or {}) == {"error.type": "ValueError"}
    assert (failed.status.status_code, failed.status.description, failed.events) == (StatusCode.ERROR, None, ())


async def test_background_work_is_not_traced(canary: Caller, traced: Service, exporter: InMemorySpanExporter) -> None:
    before = len(traced.statements)

    async def swept() -> bool:
        return len(traced.statements) > before + 3

    await until(swept)
    assert exporter.get_finished_spans() == ()
    del canary


async def test_the_callers_trace_is_continued(canary: Caller, exporter: InMemorySpanExporter) -> None:
    await canary.http.get(SESSIONS, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (span,) = requests(exporter)
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)


async def test_an_unsampled_trace_is_not_recorded(canary: Caller, exporter: InMemorySpanExporter) -> None:
    await canary.http.get(SESSIONS, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert exporter.get_finished_spans() == ()


async def test_the_log_line_of_a_request_names_its_trace(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    async with (
        running(settings.model_copy(update={"log_level": "info"}), into(InMemorySpanExporter())) as worker,
        worker.client("ada", traceparent=f"00-{TRACE}-{PARENT}-01") as client,
    ):
        await client.get(SESSIONS)
    lines = [json.loads(line) for line in written.getvalue().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("route") == SESSIONS]
    assert line["trace_id"] == TRACE


async def test_no_span_contains_user_data(canary: Caller, exporter: InMemorySpanExporter) -> None:
    created = await canary.create(
        "Canary-title", metadata={"a": "Canary-metadata"}, messages=[{"role": "user", "content": "Canary-message"}]
    )
    await canary.append(created["id"], "Canary-message")
    await canary.change(created["id"], title="Canary-title 2")
    await canary.page(q="Canary-query")
    await canary.page()
    await canary.http.post("/api/chat/sessions/batch-delete", json={"filter": {"q": "Canary-title"}})
    shown = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert "prisma" in shown
    given = token("canary@example.org").split(".")[0]
    assert [secret for secret in (*SECRETS, given, created["id"]) if secret in shown] == []


async def test_a_failed_response_is_an_error_without_its_text(
    settings: Settings,
) -> None:
    exporter = InMemorySpanExporter()
    async with running(settings, into(exporter)) as worker, worker.client("ada") as client:

        async def fail() -> None:
            raise ValueError(SECRETS[0])

        worker.app.add_api_route("/fail", fail, include_in_schema=False)
        exporter.clear()
        await client.get("/fail")
        (span,) = requests(exporter)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, None, ())


async def test_a_collector_receives_all_spans_of_a_process_even_the_last(
    settings: Settings,
) -> None:
    async with (
        collecting() as collector,
        serving(settings, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="60000") as process,
        process.caller() as ada,
    ):
        await ada.http.get(SESSIONS, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert await process.terminated() == 0
        mine = [span for span in collector.spans if span.trace_id.hex() == TRACE]
        names = {span.name for span in mine}
        described = {each.key: each.value.string_value for each in collector.resources[0].resource.attributes}
    assert {f"GET {SESSIONS}", "redis read", "prisma queryRaw"} <= names
    assert described["service.name"] == "chat-sessions"


async def test_an_unresponsive_collector_neither_fails_requests_nor_delays_shutdown(
    settings: Settings,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with (
            serving(settings, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_TIMEOUT="600") as process,
            process.caller() as ada,
        ):
            assert (await ada.http.get(SESSIONS)).status_code == 200
            assert await process.terminated() == 0


PROGRAM = """
import sys
from chat_sessions.server import from_environment
app = from_environment()
print("sdk" if "opentelemetry.sdk.trace" in sys.modules else "no sdk", end=", ")
print("traced" if type(app.middleware_stack).__name__ == "TracingMiddleware" else "not traced")
"""


def built(settings: Settings, program: str = PROGRAM, **env: str) -> subprocess.CompletedProcess[str]:
    """Build the application in a separate process."""
    given = {**environment(settings), "PATH": "/usr/bin", **env}
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", program],
        env=given,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )


def test_without_a_collector_nothing_is_imported_or_wrapped(settings: Settings) -> None:
    assert built(settings).stdout.strip() == "no sdk, not traced"
    disabled = {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert built(settings, **disabled).stdout.strip() == "no sdk, not traced"


def test_without_the_extra_the_service_starts_and_names_the_missing_package(settings: Settings) -> None:
    program = f"import sys; sys.modules['opentelemetry.sdk'] = None\n{PROGRAM}"
    done = built(settings, program, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.stdout.strip() == "no sdk, not traced"
    assert json.loads(done.stderr)["install"] == "chat-sessions[otel]"
