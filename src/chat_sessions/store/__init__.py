"""The source of truth: sessions, messages and the outbox in Postgres. Only this package depends on Prisma."""
