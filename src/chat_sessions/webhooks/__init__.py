"""Notifies other systems of changes, in the format of https://www.standardwebhooks.com."""
