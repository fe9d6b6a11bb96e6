"""What is true: sessions, messages and the outbox in Postgres, and the SQL. Only this folder knows Prisma."""
