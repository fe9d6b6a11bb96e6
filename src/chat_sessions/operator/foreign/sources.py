"""The products whose exports can be imported."""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, BinaryIO, Final, NamedTuple

from chat_sessions.errors import ChatSessionsError
from chat_sessions.operator.foreign import chatgpt, claude, librechat, open_webui
from chat_sessions.operator.foreign.archive import Archivist
from chat_sessions.operator.foreign.chat import Chat, Losses
from chat_sessions.operator.foreign.files import Document, Progress, documents, values
from chat_sessions.operator.importer import Record, Rejected

CONVERSATIONS = re.compile(r"conversations(-\d+)?\.json", re.IGNORECASE)
ANY_JSON = re.compile(r".+\.json", re.IGNORECASE)


class Source(StrEnum):
    """A product, as the command line names it."""

    CHATGPT = "chatgpt"
    CLAUDE = "claude"
    OPEN_WEBUI = "open-webui"
    LIBRECHAT = "librechat"


class Reader(NamedTuple):
    """How to read a product's export."""

    product: str
    #: Names of the files with chats in a zip.
    files: re.Pattern[str]
    recognizes: Callable[[dict[str, Any]], bool]
    convert: Callable[[dict[str, Any], Losses], Chat]


READERS: Final[Mapping[Source, Reader]] = {
    Source.CHATGPT: Reader("ChatGPT", CONVERSATIONS, chatgpt.recognizes, chatgpt.convert),
    Source.CLAUDE: Reader("Claude", CONVERSATIONS, claude.recognizes, claude.convert),
    Source.OPEN_WEBUI: Reader("Open WebUI", ANY_JSON, open_webui.recognizes, open_webui.convert),
    Source.LIBRECHAT: Reader("LibreChat", ANY_JSON, librechat.recognizes, librechat.convert),
}
