"""Query strings are strict: an unknown parameter is an error, and an empty one counts as omitted."""

from collections.abc import Collection

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.types import Scope


def strict(request: Request, known: Collection[str]) -> Scope:
    """Return the request's scope without empty parameters, or raise RequestValidationError if one is unknown."""
    unknown = dict.fromkeys(name for name in request.query_params if name not in known)
    if unknown:
        error = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted", "input": None}
        raise RequestValidationError([{**error, "loc": ("query", name)} for name in unknown])
    if "" not in request.query_params.values():
        return request.scope
    query: bytes = request.scope["query_string"]
    given = [each for each in query.split(b"&") if each.partition(b"=")[2]]
    return {**request.scope, "query_string": b"&".join(given)}
