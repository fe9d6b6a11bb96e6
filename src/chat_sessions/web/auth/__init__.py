"""Authenticates bearer tokens."""
