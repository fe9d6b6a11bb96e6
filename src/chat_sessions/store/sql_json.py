"""SQL that formats rows as the JSON of the API, with the names, order and timestamps of the schemas.

Passing rows through Prisma's engine, its client and our models, only to serialize them again, costs four times as
much. A test compares the results.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel

# The format of pydantic: microseconds, or no fraction at all.
MOMENT = """replace(to_char("{}", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""

# SQL that formats a value other than null as JSON, by type.
_PLAIN: Final[dict[Any, str]] = {
    AwareDatetime: f"""'"' || {MOMENT} || '"'""",
    bool: '"{}"::text',
    str: 'to_json("{}")::text',
    dict[str, Any]: '"{}"::text',
}
_NULLABLE: Final = """COALESCE(to_json("{}")::text, 'null')"""


def _column(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(word.capitalize() for word in rest)


def json_of(
    model: type[BaseModel], omit: Collection[str] = (), formatted: Mapping[str, str] | None = None, **columns: str
) -> str:
    """Return SQL that formats a row as the JSON of a model; fields default to the column of the same name.

    `formatted` has SQL for fields that are JSON already. The result is text, because `json_build_object` takes twice as
    long.
    """
    parts, before = [], "{"
    for name, field in model.model_fields.items():
        if name not in omit:
            value = (formatted or {}).get(name)
            if value is None:
                value = _PLAIN.get(field.annotation, _NULLABLE).format(columns.get(name) or _column(name))
            parts += [f"""'{before}"{name}":'""", value]
            before = ","
    return f"({' || '.join(parts)} || '}}')"


# The JSON of a message: the fields that the service adds, then the stored body.
MESSAGE: Final = f"""(
    '{{"sequence":' || "sequence"::text || ',"created_at":"' || {MOMENT.format("createdAt")} || '",'
    || right("body"::text, -1)
)"""
# More than the service adds to the body.
ADDED_BYTES: Final = 80
