"""Alive, ready, and the metrics: for operators, without a token."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from chat_sessions.contract.schemas import Alive, Readiness
from chat_sessions.errors import Unavailable
from chat_sessions.web.dependencies import AllMetrics, ServiceHealth
from chat_sessions.web.problems import documented

router = APIRouter(tags=["operations"])


@router.get("/healthz", operation_id="alive", summary="Alive?")
async def alive() -> Alive:
    """Return at once, whatever else is away: an orchestrator restarts what does not."""
    return Alive(status="ok")


@router.get("/readyz", operation_id="ready", summary="Ready?", responses={503: documented(Unavailable)[503]})
async def ready(health: ServiceHealth) -> Readiness:
    """Answer 503 while Postgres or the query engine is away, and when the process is about to end.

    Without Redis the service is ready, but degraded.
    """
    return await health.readiness()


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "For Prometheus."}},
)
async def metrics(exposition: AllMetrics) -> Response:
    """Return what the workers of this host have counted; among several, `worker` says which."""
    return Response(await exposition.page(), media_type=CONTENT_TYPE_LATEST)
