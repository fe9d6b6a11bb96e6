"""The environment's variables: their names, those that others set, and those that nobody reads."""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from pydantic_core import ErrorDetails

PREFIX = "CHAT_"
# For tools around the service, such as test harnesses.
FOREIGN_PREFIX = "CHAT_TEST_"
# Kubernetes tells each container about the Services of its namespace: one named `chat` sets CHAT_PORT=tcp://10.0.0.1:80,
# CHAT_SERVICE_HOST and more.
_ADDRESS = "tcp://"
_OF_KUBERNETES = re.compile(r"CHAT_(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)")
DEFAULT_PORT = "8000"


def variable_of(setting: str) -> str:
    """Return the name of the environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"


def platform_port() -> str:
    """Return the port that the platform assigns to the service, or the default."""
    return os.environ.get("PORT") or DEFAULT_PORT


def is_service_of_kubernetes(value: object) -> bool:
    """Return whether a value is what Kubernetes tells about a Service."""
    return str(value).startswith(_ADDRESS)


def complaint(problem: ErrorDetails) -> str:
    """Say what is wrong with a variable."""
    name = variable_of(str(problem["loc"][0]))
    if name == "CHAT_PORT" and not os.environ.get(name):
        name = "PORT"
    message = "it is required" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message}"


def unknown_variables(settings: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each CHAT_ variable of the environment that no setting reads, and the setting it may have meant."""
    known = {variable_of(name) for name in settings}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not _belongs_to_others(name):
            yield name, next(iter(get_close_matches(name, known, n=1)), None)


def _belongs_to_others(name: str) -> bool:
    if name.startswith(FOREIGN_PREFIX) or _OF_KUBERNETES.fullmatch(name):
        return True
    return is_service_of_kubernetes(os.environ[name])
