"""The key that searches compare: the same for texts that differ only in case, accents, Unicode form or whitespace.

Made here, not in Postgres, whose notion of case depends on the database's LC_CTYPE and on the version of ICU.
"""

from typing import Final
from unicodedata import category, combining, normalize

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS: Final = {
    ord(letter): plain
    for letters, plain in (
        ("ı", "i"), ("ȷ", "j"), ("ø", "o"), ("ł", "l"), ("đð", "d"), ("ħ", "h"), ("ŧ", "t"), ("ŋ", "n"),  # noqa: RUF001
        ("æ", "ae"), ("œ", "oe"), ("þ", "th"),
    )
    for letter in letters
}  # fmt: skip
# Marks of lower classes are letters: vowel signs, viramas and nuktas of Indic scripts, voicing marks of kana.
LOWEST_ACCENT: Final = 10
VARIATION_SELECTORS: Final = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
# Far more characters than a language has; an attacker could send each of a million.
MAX_FOLDED: Final = 10_000


class _Foldings(dict[int, str]):
    """The folding of each character, for `str.translate`; filled as characters occur."""

    def __missing__(self, code: int) -> str:
        folded = _folded(code)
        if len(self) < MAX_FOLDED:
            self[code] = folded
        return folded


def _folded(code: int) -> str:
    character = chr(code)
    is_invisible = category(character) in {"Cf", "Me"} or code in VARIATION_SELECTORS
    return "" if is_invisible or combining(character) >= LOWEST_ACCENT else character


_foldings: Final = _Foldings(_LETTERS)


def search_key(text: str) -> str:
    """Return the key of a text; it is empty if nothing in the text is visible."""
    if text.isascii():
        return " ".join(text.lower().split())
    # Folding may compose letters again, and decomposing may reveal upper case.
    words = normalize("NFKD", normalize("NFKD", text).casefold()).split()
    # Each word once: texts repeat words, and translating costs more than all the rest.
    folded = {word: word.translate(_foldings) for word in set(words)}
    return normalize("NFC", " ".join(filter(None, map(folded.__getitem__, words))))
