"""`/me`: who asks, and what they may do, so that a page offers nothing that would be refused."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from api.access import Principal
from api.envelope import success
from api.schemas import Found, failures


class MeJson(BaseModel):
    name: str = Field(description="Of the key or of the token's subject.")
    scopes: list[str] = Field(description="`read`, `write`, `calls`.")


def me_routes() -> APIRouter:
    router = APIRouter(prefix="/me", tags=["me"])

    @router.get("", response_model=Found[MeJson], responses=failures())
    async def get_me(request: Request) -> JSONResponse:
        """Whose key this is, and which scopes it has."""
        principal: Principal = request.scope["principal"]
        return success({"name": principal.name, "scopes": sorted(principal.scopes)}, "Key retrieved successfully")

    return router
