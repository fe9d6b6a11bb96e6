"""SQL that formats rows as the JSON of the API, with the names, order and timestamps of the schemas.

Passing rows through Prisma's engine, its client and our models, only to serialize them again, costs four times as
much. A test compares the results.
"""

from collections.abc import Collection
from typing import Final

from pydantic import AwareDatetime, BaseModel

# The format of pydantic: microseconds, or no fraction at all.
MOMENT = """replace(to_char("{}", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""


def _column(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(word.capitalize() for word in rest)


def json_of(model: type[BaseModel], omit: Collection[str] = (), **expressions: str) -> str:
    """Return SQL that formats a row as the JSON of a model; fields default to the column of the same name."""
    parts = []
    for name, field in model.model_fields.items():
        plain = MOMENT if field.annotation is AwareDatetime else '"{}"'
        if name not in omit:
            parts.append(f"'{name}', {expressions.get(name) or plain.format(_column(name))}")
    return f"json_build_object({', '.join(parts)})"


# The JSON of a message: the fields that the service adds, then the stored body.
MESSAGE: Final = f"""concat(
    '{{"sequence":', "sequence", ',"created_at":"', {MOMENT.format("createdAt")}, '",', right("body"::text, -1)
)"""
