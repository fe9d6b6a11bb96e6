"""The Redis keys of a user."""

from urllib.parse import quote


class UserKeys:
    """The braces put all keys of a user into one slot of a Redis Cluster; quoting keeps users apart."""

    def __init__(self, user: str) -> None:
        self._prefix = f"chat:{{{quote(user, safe='')}}}"
        self.list = f"{self._prefix}:list"
        self.list_hold = f"{self._prefix}:hold:list"
        self.total = f"{self._prefix}:total"
        # Entries and tickets carry the generation they were created in, and are void in any other.
        self.generation = f"{self._prefix}:generation"
        self.filled = f"{self._prefix}:filled"
        self.events = f"{self._prefix}:events"
        # Set while a reset was published just now.
        self.reset = f"{self._prefix}:hold:reset"
        self.rate = f"{self._prefix}:rate"
        # A glob pattern for all of them. Quoting has escaped the characters that a glob treats specially.
        self.all = f"{self._prefix}:*"

    def session(self, session_id: str) -> str:
        """Return the key of a session's cached responses."""
        return f"{self._prefix}:session:{session_id}"

    def hold(self, session_id: str) -> str:
        """Return the key that keeps a session's responses out of the cache."""
        return f"{self._prefix}:hold:session:{session_id}"

    def lock(self, session_id: str) -> str:
        """Return the key of a session's lock."""
        return f"{self._prefix}:lock:{session_id}"
