"""The list's metadata filter: a JSON object that the session's metadata must contain."""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from chat_sessions.contract.fields import Metadata
from chat_sessions.contract.spelling import read
from chat_sessions.errors import BadRequest

MAX_FILTER: Final = 2000

_metadata: Final[TypeAdapter[object]] = TypeAdapter(Metadata)


def checked(text: str) -> str:
    """Return the filter, or raise BadRequest unless it is a JSON object that metadata can contain."""
    try:
        _metadata.validate_python(read(text))
    except ValidationError as error:
        message = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise _refusal(message) from error
    except BadRequest as error:
        raise _refusal(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _refusal("it is not valid JSON") from error
    return text


def _refusal(reason: str) -> BadRequest:
    return BadRequest(f'`metadata` must be a JSON object such as {{"project": "x"}}: {reason}.', "query", "metadata")
