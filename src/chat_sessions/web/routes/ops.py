"""Liveness, readiness and metrics, without a token."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from chat_sessions.contract.schemas import Liveness, Readiness
from chat_sessions.errors import NotReady, ShuttingDown
from chat_sessions.web.dependencies import AllMetrics, ServiceHealth
from chat_sessions.web.problems import documented

EXAMPLE = (
    "# HELP process_open_fds Number of open file descriptors.\n# TYPE process_open_fds gauge\nprocess_open_fds 42.0\n"
)

router = APIRouter(tags=["operations"])


@router.get("/healthz", operation_id="getLiveness", summary="Liveness", response_description="The process responds.")
async def get_liveness() -> Liveness:
    """Return 200 while the process responds, whatever the state of its dependencies."""
    return Liveness(status="ok")


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Readiness",
    response_description="The service is ready.",
    responses={503: documented(NotReady, ShuttingDown)[503]},
)
async def get_readiness(health: ServiceHealth) -> Readiness:
    """Return 503 while Postgres or the query engine is unavailable, and while the process shuts down.

    Without Redis the service is ready, but `degraded`.
    """
    return await health.readiness()


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics",
    response_class=Response,
    response_description="Prometheus text.",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
)
async def get_metrics(exposition: AllMetrics) -> Response:
    """Return the metrics of all workers of this host, with the label `worker` if there are several."""
    return Response(await exposition.render(), media_type=CONTENT_TYPE_LATEST)
