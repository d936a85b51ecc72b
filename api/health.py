"""Is the process alive, and may it be given calls: two different questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from agent.active_calls import ActiveCalls
from agent.readiness import Readiness
from api.schemas import Health, Ready, content, failures
from common import metrics

HEALTHY = {"status": "healthy"}


def health_routes(active_calls: ActiveCalls, readiness: Readiness | None = None) -> APIRouter:
    """Return `/health` and `/ready`. The first depends on nothing outside the process, or a fault of AWS would have
    every task replaced. The second says whether the process may have calls (agent.readiness), and what is wrong; it
    counts calls by their places, which are those of all processes that share them."""
    router = APIRouter(tags=["operators"])

    @router.get("/health", response_model=Health)
    async def health() -> dict[str, str]:
        """Whether the process is alive."""
        return HEALTHY

    busy = {"model": Ready, "description": "It is to have no new calls: `status` says why."}

    @router.get("/ready", response_model=Ready, responses={503: busy})
    async def ready() -> JSONResponse:
        """Whether a call could be answered. `store` and `sonic` are `ok`, or what is wrong."""
        if active_calls.draining:
            status = "draining"
        else:
            status = "ready" if readiness is None or readiness.may_have_calls() else "not ready"
        live = {"calls": active_calls.capacity.live, "browsers": active_calls.browsers.live}
        told = {} if readiness is None else readiness.told()
        return JSONResponse({"status": status, **live, **told}, status_code=200 if status == "ready" else 503)

    return router


async def own_metrics(request: Request) -> bytes:
    return metrics.exposition()


def metrics_routes(told: Callable[[Request], Awaitable[bytes]] = own_metrics) -> APIRouter:
    """Return `/metrics` for Prometheus: of this process, unless `told` gives those of more."""
    router = APIRouter(tags=["operators"])

    @router.get("/metrics", response_class=Response, responses=failures() | content("text/plain"))
    async def exposition(request: Request) -> Response:
        """Metrics in Prometheus's text format."""
        return Response(await told(request), media_type=metrics.CONTENT_TYPE)

    return router


async def health_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Return the original's health server as an ASGI application: GET / and /health, and an empty 404 for all else."""
    if scope["method"] == "GET" and scope["path"] in ("/", "/health"):
        await JSONResponse(HEALTHY)(scope, receive, send)
    else:
        await Response(status_code=404)(scope, receive, send)
