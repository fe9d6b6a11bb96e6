"""The Prisma client that the settings describe."""

from subprocess import Popen

from opentelemetry.trace import Tracer

from chat_sessions.bridge.engine import PrismaEngine
from chat_sessions.bridge.node import Reporter
from chat_sessions.bridge.options import EngineOptions
from chat_sessions.bridge.prisma import BridgedPrisma
from chat_sessions.settings import Settings
from chat_sessions.telemetry.availability import Availability
from chat_sessions.telemetry.traced import TracedEngine


def prisma_client(
    settings: Settings,
    *,
    on_statement: Reporter | None = None,
    launched: Popen[bytes] | None = None,
    tracer: Tracer | None = None,
    availability: Availability | None = None,
) -> BridgedPrisma:
    """Return a client that is still to be connected.

    `on_statement` hears the text of every SQL statement; `launched` is an engine that was started ahead.
    """
    options = EngineOptions.of(settings)
    if tracer is None:
        engine = PrismaEngine(options, on_statement, launched, availability)
    else:
        engine = TracedEngine(options, on_statement, launched, availability, tracer)
    return BridgedPrisma(options, on_statement=on_statement, engine=engine)
