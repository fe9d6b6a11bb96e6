"""Environment variables: names, errors, and unknown ones."""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pydantic_core import ErrorDetails

PREFIX = "CHAT_"
# Reserved for tools such as test harnesses.
IGNORED_PREFIX = "CHAT_TEST_"
# Kubernetes sets variables for the Services of the namespace: for one named `chat`, CHAT_PORT=tcp://10.0.0.1:80,
# CHAT_SERVICE_HOST and more.
_ADDRESS = "tcp://"
_OF_KUBERNETES = re.compile(r"CHAT_(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)")
DEFAULT_PORT = "8000"


def variable_of(setting: str) -> str:
    """Return the name of the environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"


def platform_port() -> str:
    """Return PORT, which many platforms set, or the default."""
    return os.environ.get("PORT") or DEFAULT_PORT


def is_service_of_kubernetes(value: object) -> bool:
    """Return whether Kubernetes has set a value for a Service."""
    return str(value).startswith(_ADDRESS)


def describe(error: ErrorDetails) -> str:
    """Format a validation error as `VARIABLE: message`."""
    name = variable_of(str(error["loc"][0]))
    if name == "CHAT_PORT" and not os.environ.get(name):
        name = "PORT"
    message = "is required" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
    return f"{name}: {message}"


def unknown_variables(settings: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each CHAT_ variable that is not a setting, with the closest setting if there is one."""
    known = {variable_of(name) for name in settings}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not _is_ignored(name):
            yield name, next(iter(get_close_matches(name, known, n=1)), None)


def _is_ignored(name: str) -> bool:
    if name.startswith(IGNORED_PREFIX) or _OF_KUBERNETES.fullmatch(name):
        return True
    return is_service_of_kubernetes(os.environ[name])
