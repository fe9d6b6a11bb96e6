"""The list's metadata filter: a JSON object that the session's metadata must contain."""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from chat_sessions.contract.fields import Metadata
from chat_sessions.contract.mistakes import mistakes
from chat_sessions.contract.spelling import read
from chat_sessions.errors import BadRequest

MAX_FILTER: Final = 2000

_metadata: Final[TypeAdapter[object]] = TypeAdapter(Metadata)


def checked(text: str) -> str:
    """Return the filter, or raise BadRequest unless it is a JSON object that metadata can contain."""
    given: object = None
    try:
        given = read(text)
        _metadata.validate_python(given)
    except ValidationError as error:
        raise _refusal(f"it {mistakes(error.errors(), given)[0].message}") from error
    except BadRequest as error:
        raise _refusal(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _refusal("it is not valid JSON") from error
    return text


def _refusal(reason: str) -> BadRequest:
    return BadRequest(f'`metadata` must be a JSON object such as {{"project": "x"}}: {reason}.', "query", "metadata")
