"""The bridge to Prisma's JavaScript engine (see engine/)."""
