"""The source of truth: sessions, messages and the outbox in Postgres. Only this package imports Prisma."""

# Before anything imports Prisma.
import chat_sessions.store.prisma  # noqa: F401  for its effect
