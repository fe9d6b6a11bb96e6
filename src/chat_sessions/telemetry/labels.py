"""Labels of a request for metrics, logs and traces: bounded, and never chosen by the client."""

from starlette.types import Scope

KNOWN_METHODS = frozenset(("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"))


def method_of(scope: Scope) -> str:
    """Return the method, or OTHER for an unknown one."""
    method: str = scope["method"]
    return method if method in KNOWN_METHODS else "OTHER"


def route_of(scope: Scope) -> str:
    """Return the declared path of the route, known once it was matched."""
    route: str = getattr(scope.get("route"), "path_format", "unmatched")
    return route
