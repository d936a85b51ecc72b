"""The figures of a start and of a call's writes that are told beside the simulation's."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from bench import startup, write_units

EXCHANGES = 8


async def other_figures(past_calls: int) -> dict[str, Any]:
    """Measure a start beside so many past calls, a page of them, and what a call's record costs to keep."""
    started = await startup.measure(past_calls, Console(stderr=True, highlight=False))
    return started | await write_units.measure([EXCHANGES])
