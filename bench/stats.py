"""Percentiles and slopes, with the number of samples they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def summary(values: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """Count, p50, p90, p99, max; only the count of nothing."""
    if not values:
        return {"n": 0}
    p50, p90, p99 = np.percentile(values, (50, 90, 99))
    named = {"p50": p50, "p90": p90, "p99": p99, "max": max(values)}
    return {"n": len(values)} | {name: round(float(value), digits) for name, value in named.items()}


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    """The median of several runs and how far apart they lie."""
    known = [value for value in values if value is not None]
    if not known:
        return {}
    return {
        "median": round(float(np.median(known)), digits),
        "min": round(min(known), digits),
        "max": round(max(known), digits),
    }


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Least squares; None for fewer than two different places."""
    if len({x for x, _ in points}) < 2:
        return None
    xs, ys = zip(*points, strict=True)
    return float(np.polyfit(xs, ys, 1)[0])


def gaps_ms(messages: Sequence[tuple[float, float]]) -> list[float]:
    """Times between messages of one answer, (time, seconds of audio) each, brought to 20 ms messages.

    A message of 160 ms may be followed by one 160 ms later: what a message carries above 20 ms is taken off.
    """
    pairs = zip(messages, messages[1:], strict=False)
    return [1000 * (later - sooner - max(0.0, carried - 0.02)) for (sooner, carried), (later, _) in pairs]


def stall_ms(messages: Sequence[tuple[float, float]]) -> float:
    """How long a listener that plays at once, with no buffer of its own, runs dry in one answer."""
    played_to, dry = 0.0, 0.0
    for at, seconds in messages:
        if played_to:
            dry += max(0.0, at - played_to)
        played_to = max(played_to, at) + seconds
    return 1000 * dry
