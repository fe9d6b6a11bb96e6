"""Snippets: plain text around the place where a message matches a search."""

from bisect import bisect_left
from typing import Final

import regex

from chat_sessions.contract.search_key import search_key

LENGTH: Final = 160
BEFORE_THE_MATCH: Final = 60
# The text is searched window by window until one matches. Every match is shorter than the overlap.
WINDOW: Final = 2000
OVERLAP: Final = 1000
CUT: Final = "…"

_GRAPHEME: Final = regex.compile(r"\X")


def snippet(text: str, key: str) -> str | None:
    """Return some 160 characters around the first match of the key, or None if there is none."""
    plain = " ".join(text.split())
    for start in range(0, max(1, len(plain) - OVERLAP), WINDOW - OVERLAP):
        window = plain[start : start + WINDOW]
        if key in search_key(window):
            first, last = _match(window, key)
            return _around(plain, start + first, start + last)
    return None


def _match(text: str, key: str) -> tuple[int, int]:
    """Return the range of the first match: no position in a key says which character it comes from."""
    end = bisect_left(range(len(text)), x=True, key=lambda at: key in search_key(text[:at]))
    return end - bisect_left(range(end), x=True, key=lambda length: key in search_key(text[end - length : end])), end


def _around(text: str, first: int, last: int) -> str:
    """Cut at spaces if there are some, otherwise between graphemes."""
    earliest = max(0, first - BEFORE_THE_MATCH)
    latest = min(len(text), max(last, earliest + LENGTH))
    # Start well before: a scan may begin within a grapheme.
    scanned = max(0, earliest - LENGTH)
    graphemes = [each.span() for each in _GRAPHEME.finditer(text, scanned, latest + LENGTH)]
    starts = [start for start, _ in graphemes if earliest <= start <= first]
    ends = [end for _, end in reversed(graphemes) if last <= end <= latest]
    start = next((at for at in starts if at == 0 or text[at - 1] == " "), min(starts, default=first))
    end = next((at for at in ends if at == len(text) or text[at] == " "), max(ends, default=latest))
    return f"{CUT if start else ''}{text[start:end].strip()}{CUT if end < len(text) else ''}"
