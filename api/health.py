"""Is the process alive, and may it be given calls: two different questions."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from agent.switchboard import Switchboard


def health_routes(switchboard: Switchboard) -> APIRouter:
    """`/health` depends on nothing outside the process, or a fault of AWS would have every task replaced."""
    router = APIRouter(tags=["operators"])

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    @router.get("/ready")
    async def ready() -> JSONResponse:
        if switchboard.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        return JSONResponse({"status": "ready", "calls": len(switchboard.live)})

    return router
