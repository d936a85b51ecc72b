"""Is the process alive, and may it be given calls: two different questions."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from agent.switchboard import Switchboard
from carlos import metrics


def health_routes(switchboard: Switchboard) -> APIRouter:
    """`/health` depends on nothing outside the process, or a fault of AWS would have every task replaced."""
    router = APIRouter(tags=["operators"])

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    @router.get("/ready", responses={503: {"description": "Draining: it takes no new calls."}})
    async def ready() -> JSONResponse:
        if switchboard.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        return JSONResponse({"status": "ready", "calls": len(switchboard.live)})

    return router


def metrics_routes() -> APIRouter:
    """`/metrics` for Prometheus."""
    router = APIRouter(tags=["operators"])

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def exposition() -> Response:
        """Metrics in Prometheus's text format."""
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return router
