"""What may be shown of a request: never the choice of a client, so never secret, and never without bounds."""

from starlette.types import Scope

KNOWN_METHODS = frozenset(("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"))


def method_of(scope: Scope) -> str:
    """Return the method, if it is one that everybody knows."""
    method: str = scope["method"]
    return method if method in KNOWN_METHODS else "OTHER"


def route_of(scope: Scope) -> str:
    """Return the path as it was declared; known as soon as somebody answers."""
    route: str = getattr(scope.get("route"), "path", "unmatched")
    return route
