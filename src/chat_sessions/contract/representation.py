"""A response as sent and cached."""

from typing import NamedTuple


class Representation(NamedTuple):
    """The bytes of a body and their ETag."""

    etag: str
    body: bytes
