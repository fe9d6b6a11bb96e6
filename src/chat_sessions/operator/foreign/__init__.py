"""Reads what other products export. Each module documents the shape it reads and where that is described."""
