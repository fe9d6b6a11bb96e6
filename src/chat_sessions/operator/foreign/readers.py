"""How to read the export of each product."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from chat_sessions.operator.foreign import chatgpt, claude, librechat, open_webui
from chat_sessions.operator.foreign.chat import Chat, Losses
from chat_sessions.operator.foreign.source import Source

CONVERSATIONS = re.compile(r"conversations(-\d+)?\.json", re.IGNORECASE)
ANY_JSON = re.compile(r".+\.json", re.IGNORECASE)


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
