"""Routes that verify the token before they read the query and the body."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from typing_extensions import override

from chat_sessions.web import queries
from chat_sessions.web.bodies import JsonRequest
from chat_sessions.web.dependencies import authenticate


class UserRoute(APIRoute):
    """FastAPI's own routes read and parse the body before any dependency runs."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = {each.alias for each in get_flat_params(self.dependant) if isinstance(each.field_info, Query)}

        async def handle_authenticated(request: Request) -> Response:
            await authenticate(request)
            return await handle(JsonRequest(queries.strict(request, known), request.receive))

        return handle_authenticated
