"""The Prisma client that the settings describe."""

from subprocess import Popen

from chat_sessions.engine_options import EngineOptions
from chat_sessions.node import Reporter
from chat_sessions.prisma_engine import BridgedPrisma
from chat_sessions.settings import Settings


def prisma_client(
    settings: Settings, *, on_statement: Reporter | None = None, launched: Popen[bytes] | None = None
) -> BridgedPrisma:
    """Return a client that is still to be connected; see BridgedPrisma."""
    return BridgedPrisma(EngineOptions.of(settings), on_statement=on_statement, launched=launched)
