"""The Prisma client that the settings describe."""

from chat_sessions.node import Reporter
from chat_sessions.prisma_engine import BridgedPrisma, EngineOptions
from chat_sessions.settings import Settings


def prisma_client(settings: Settings, *, on_statement: Reporter | None = None) -> BridgedPrisma:
    """Return a client that is still to be connected; `on_statement` hears the text of every SQL statement."""
    options = EngineOptions(
        database_url=settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_pool_timeout,
        connect_timeout=settings.database_connect_timeout,
        statement_timeout=settings.database_statement_timeout,
        query_timeout=settings.database_query_timeout,
    )
    return BridgedPrisma(options, on_statement=on_statement)
