"""`/line`: who may ring, and whom callers are passed on to, as this server's settings have it; they are changed where
it is started, not here.
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from agent.caller_limits import CallerLimits
from api.envelope import success
from api.schemas import Found, failures
from common.settings import Settings
from common.times import BUENOS_AIRES, Clock, utcnow
from common.transfer_targets import TransferTarget
from data.store import Store


class SpanJson(BaseModel):
    """Hours in Buenos Aires on some days of the week."""

    days: list[int] = Field(description="0 is Monday.")
    opens: int = Field(description="The minute of the day at which they begin.")
    closes: int = Field(description="The minute of the day at which they end.")


class TargetJson(BaseModel):
    """Somebody to whom callers may be passed on."""

    address: str = Field(description="`+541150310001`, or `sip:…`.")
    reasons: list[str] | None = Field(description="What they are there for; null: for all.")
    hours: list[SpanJson] | None = Field(description="Null: day and night, holidays included.")
    isThere: bool = Field(description="Whether they are there now.")


class LineJson(BaseModel):
    """Settings (docs/settings.md), as they hold on this server."""

    targets: list[TargetJson] = Field(description="`TRANSFER_TARGETS`; empty: callers are passed on to nobody.")
    transferMode: Literal["warm", "cold"] = Field(
        description="`TRANSFER_MODE`. `warm`: the person hears who calls and why, and accepts; `cold`: the caller is"
        " connected at once."
    )
    transferFrom: str | None = Field(
        description="`TRANSFER_FROM`: the number that people see; null: the one that was dialled, or with `cold` the"
        " caller's."
    )
    transferRingSeconds: int = Field(description="`TRANSFER_RING_S`: how long a person's phone rings.")
    callbacks: bool = Field(description="`CALLBACKS`: whether callers are offered to be called back.")
    closed: Literal["answer", "message", "voicemail", "callback"] = Field(
        description="`CLOSED`: what calls outside the opening hours get."
    )
    anonymous: Literal["answer", "reject"] = Field(
        description="`ANONYMOUS`: what calls with a withheld number get, or with one that is none."
    )
    blockedNumbers: list[str] = Field(
        description="`BLOCKED_NUMBERS`: callers who are rejected; `+882*`: all that begin so."
    )
    allowedCountries: list[str] = Field(
        description="`ALLOWED_COUNTRIES`: whose numbers are answered, as ISO codes or prefixes; empty: all."
    )
    callsPerMinute: int = Field(
        description="`CALLS_PER_NUMBER_PER_MINUTE`: calls of one number that are answered in a minute; 0: no limit."
    )
    callsAtOnce: int = Field(description="`SEATS_PER_NUMBER`: calls that one number may hold at a time; 0: no limit.")


def line_routes(settings: Settings, store: Store, clock: Clock = utcnow) -> APIRouter:
    """Only where calls are taken: another process has other settings."""
    router = APIRouter(prefix="/line", tags=["line"])

    @router.get("", response_model=Found[LineJson], responses=failures())
    async def get_line() -> JSONResponse:
        """Who may ring, and whom callers are passed on to: the settings of this server."""
        now = clock()
        facts = await store.facts()
        holiday = facts.holidays.name_of(now.astimezone(BUENOS_AIRES).date()) is not None
        limits = CallerLimits.of(settings)
        told = {
            "targets": [_target_json(each, is_there=each.is_there(now, holiday=holiday)) for each in settings.people],
            "transferMode": settings.transfer_mode,
            "transferFrom": settings.transfer_from,
            "transferRingSeconds": settings.transfer_ring_s,
            "callbacks": settings.callbacks,
            "closed": settings.closed,
            "anonymous": settings.anonymous,
            "blockedNumbers": list(settings.blocked_numbers),
            "allowedCountries": list(settings.allowed_countries),
            "callsPerMinute": limits.calls_per_minute,
            "callsAtOnce": limits.seats,
        }
        return success(told, "Line retrieved successfully")

    return router


def _target_json(target: TransferTarget, *, is_there: bool) -> dict[str, Any]:
    hours = None
    if target.hours is not None:
        hours = [{"days": sorted(span.days), "opens": span.opens, "closes": span.closes} for span in target.hours]
    return {
        "address": target.address,
        "reasons": None if target.reasons is None else sorted(target.reasons),
        "hours": hours,
        "isThere": is_there,
    }
