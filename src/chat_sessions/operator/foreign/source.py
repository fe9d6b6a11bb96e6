"""The names of the products."""

from enum import StrEnum


class Source(StrEnum):
    """A product, as the command line names it."""

    CHATGPT = "chatgpt"
    CLAUDE = "claude"
    OPEN_WEBUI = "open-webui"
    LIBRECHAT = "librechat"
