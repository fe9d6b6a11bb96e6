"""The commands that operators run, and doctor."""
