"""Cross-origin requests: which pages may call the API, and what browsers let them send and read."""

from http import HTTPStatus

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp
from typing_extensions import override

from chat_sessions.web.problem_responses import ProblemResponse

MAX_AGE_SECONDS = 600
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CONTRACT_HEADERS = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Last-Event-ID", "X-Request-ID")
# OpenTelemetry and Sentry add their headers to every request of a page; so do HTTP clients that bypass the cache.
OTHER_HEADERS = ("traceparent", "tracestate", "baggage", "sentry-trace", "Cache-Control")
EXPOSED_HEADERS = ("Content-Disposition", "ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID")
ADVICE = "Add the page's origin to CHAT_CORS_ORIGINS, or use a method and headers of the API."


class Cors(CORSMiddleware):
    """Starlette's middleware, with refusals as problem documents."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=CONTRACT_HEADERS + OTHER_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=MAX_AGE_SECONDS,
        )

    @override
    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code != HTTPStatus.BAD_REQUEST:
            return response
        refusal = ProblemResponse(HTTPStatus.BAD_REQUEST, f"{bytes(response.body).decode()}. {ADVICE}")
        cors = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        refusal.headers.update(cors)
        return refusal
