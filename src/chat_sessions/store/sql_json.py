"""How Postgres writes rows as the JSON that crosses the wire: names, order and times are those of the schemas.

Rows that pass Prisma's engine, its client and our models one after the other, only to become text again, cost four
times as much. A test compares both ways.
"""

from collections.abc import Collection
from typing import Final

from pydantic import AwareDatetime, BaseModel

# As pydantic writes it: with microseconds, or without any fraction.
MOMENT = """replace(to_char("{}", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""


def _column(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(word.capitalize() for word in rest)


def json_of(model: type[BaseModel], omit: Collection[str] = (), **expressions: str) -> str:
    """Return SQL for a row as the JSON of a model; what is not given is the column of its name."""
    parts = []
    for name, field in model.model_fields.items():
        plain = MOMENT if field.annotation is AwareDatetime else '"{}"'
        if name not in omit:
            parts.append(f"'{name}', {expressions.get(name) or plain.format(_column(name))}")
    return f"json_build_object({', '.join(parts)})"


# The text of a message: what was sent, with what the service adds in front of it.
MESSAGE: Final = f"""concat(
    '{{"sequence":', "sequence", ',"created_at":"', {MOMENT.format("createdAt")}, '",', right("body"::text, -1)
)"""
