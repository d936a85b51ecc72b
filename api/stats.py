"""`/stats`: what each day's calls came to, from counters that have grown as calls ended (data.day_counts)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.calls import Prices
from api.envelope import BadRequest, encoded, enveloped
from api.http import From, To, read_day
from api.schemas import Found, StatsJson, failures
from common.times import BUENOS_AIRES, Clock
from data.callbacks import CallBackStatus
from data.day_counts import USAGE, DayCounts, total
from data.store import Store

DAYS = 30  # unless asked otherwise, today included
MOST_DAYS = 400
MOST_CALLBACKS = 500


def stats_routes(store: Store, prices: Prices, clock: Clock) -> APIRouter:
    router = APIRouter(tags=["calls"])

    @router.get("/stats", response_model=Found[StatsJson], responses=failures())
    async def get_stats(from_: From = None, to: To = None) -> Response:
        """What the calls of each day came to, of 30 days up to today unless asked otherwise, 400 at most; both days are
        included. A call counts for the day on which it began, once it has ended. Nothing in it is personal."""
        last = read_day("to", to) or clock().astimezone(BUENOS_AIRES).date()
        first = read_day("from", from_) or last - timedelta(days=DAYS - 1)
        if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
            raise BadRequest(f"from, to: must be {MOST_DAYS} days at most, the earlier one first")
        days = await store.days(first, last)
        pending = await store.callbacks(status=CallBackStatus.PENDING, limit=MOST_CALLBACKS)
        data = {
            "days": [day_json(each, prices, each.day) for each in days],
            "total": day_json(total(days, last), prices, None),
            "callbacksOpen": len(pending.items),
        }
        return enveloped(encoded(data), f"Retrieved {len(days)} days successfully")

    return router


def day_json(counts: DayCounts, prices: Prices, day: date | None) -> dict[str, Any]:
    usage = {kind: counts[f"usage.{kind}"] for kind in USAGE}
    return {
        "day": day.isoformat() if day else None,
        "calls": counts["calls"],
        "answered": counts["answered"],
        "dispositions": counts.of("disposition."),
        "done": counts.of("done."),
        "ended": counts.of("ended."),
        "flags": counts.of("flag."),
        "faults": counts["faulty"],
        "transfers": counts["transfers"],
        "minutes": round(counts["seconds"] / 60, 1),
        "cost": prices.of(usage, counts["phone_seconds"]),
        "latency_p50_ms": counts.latency_ms(0.5),
        "latency_p95_ms": counts.latency_ms(0.95),
    }
