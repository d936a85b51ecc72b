"""The figures of the start and of a call's writes that are told beside the simulation's; None where nobody measures."""

from __future__ import annotations

from typing import Any

NAMES = ("ready_cpu_s", "past_calls", "list_page_ms", "write_units_8_exchanges")


def other_figures() -> dict[str, Any]:
    return dict.fromkeys(NAMES)
