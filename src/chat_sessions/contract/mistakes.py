"""Turns pydantic's errors into paths of the input and messages for people."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic_core import ErrorDetails

from chat_sessions.errors import counted

Path = tuple[str | int, ...]

A_TIME: Final = "a time in RFC 3339 format, such as 2026-01-31T12:00:00Z"
#: The expected type, by kind of error.
TYPES: Final[Mapping[str, str]] = {
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "datetime_type": A_TIME,
    "datetime_parsing": A_TIME,
    "datetime_from_date_parsing": A_TIME,
    "datetime_object_invalid": A_TIME,
}
MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is unknown; check its spelling",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than_equal": "must be at most {le:,}",
    "int_parsing_size": "is too large",
    "string_unicode": "must not contain unpaired surrogates",
    "timezone_aware": f"must be {A_TIME}: its time zone is missing",
    "json_invalid": "is not valid JSON: {error}",
}
LENGTHS: Final[Mapping[str, str]] = {"min_length": "at least", "max_length": "at most"}


class Mistake(NamedTuple):
    """One thing to change: where it is, what is wrong, and pydantic's name of the kind of error."""

    path: Path
    message: str
    kind: str

    def __str__(self) -> str:
        path = path_text(self.path)
        return f"{path}: {self.message}" if path else self.message


class _Located(NamedTuple):
    error: ErrorDetails
    path: Path
    #: Set if the error is about one alternative of a union: the path of the value that fits none of them.
    union: Path | None


def mistakes(errors: Iterable[ErrorDetails], given: object) -> list[Mistake]:
    """Return the mistakes in an input. A value that fits no alternative of a union is one mistake."""
    groups: dict[object, list[_Located]] = {}
    for number, error in enumerate(errors):
        located = _locate(error, given)
        groups.setdefault(number if located.union is None else located.union, []).append(located)
    return [_mistake(group) for group in groups.values()]


def path_text(path: Path) -> str:
    """Return a path as people write it: `messages[0].role`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _locate(error: ErrorDetails, given: Any) -> _Located:  # noqa: ANN401  any input
    """Follow the location as far as it is part of the input: pydantic adds the names of a union's alternatives."""
    location = error["loc"]
    missing = location[-1:] if error["type"] == "missing" else ()
    path: Path = ()
    union = None
    for part in location[: len(location) - len(missing)]:
        try:
            given = given[part]
        except (LookupError, TypeError):
            union = path if union is None else union
        else:
            path = (*path, part)
    return _Located(error, path + missing, union)


def _mistake(alternatives: Sequence[_Located]) -> Mistake:
    """Return the mistake in the alternative that was meant; if none has the type of the input, name all the types."""
    wrong_type = [each for each in alternatives if each.path == each.union and each.error["type"] in TYPES]
    meant = [each for each in alternatives if each not in wrong_type]
    if meant or not wrong_type:
        error, path, _ = meant[0]
        return Mistake(path, _message(error), error["type"])
    error, path, _ = wrong_type[0]
    types = dict.fromkeys(TYPES[each.error["type"]] for each in wrong_type)
    return Mistake(path, f"must be {' or '.join(types)}", error["type"])


def _message(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in TYPES:
        return f"must be {TYPES[kind]}"
    if kind in MESSAGES:
        return MESSAGES[kind].format_map(context)
    for bound, words in LENGTHS.items():
        if bound in context:
            return _length(words, context[bound], error)
    return re.sub("^(?:Input|String) should ", "must ", error["msg"].removeprefix("Value error, "))


def _length(words: str, count: int, error: ErrorDetails) -> str:
    # Pydantic counts items if the limit applies after a validator, even in a string.
    unit = "character" if isinstance(error["input"], str) else "item"
    if words == LENGTHS["min_length"] and count == 1:
        return "must not be empty"
    return f"must have {words} {counted(count, unit)}"
