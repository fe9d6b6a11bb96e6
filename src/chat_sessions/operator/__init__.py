"""The operator's commands, and doctor."""
