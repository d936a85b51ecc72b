"""Who ended a call and why, by its outcome, in the words that carriers and voice platforms use."""

from __future__ import annotations

from collections.abc import Mapping

_ENDS: Mapping[str, tuple[str, str]] = {  # outcome: (ended_by, end_reason)
    "completed": ("agent", "goodbye"),
    "inactivity": ("agent", "inactivity"),
    "too_long": ("agent", "max_duration"),
    "held_too_long": ("agent", "max_hold"),
    "failed": ("agent", "error"),
    "idle": ("agent", "inactivity"),
    "caller_left": ("caller", "hang_up"),
    "closed": ("operator", "hang_up"),
    "drained": ("operator", "shutdown"),
    "dropped": ("carrier", "connection_lost"),
}


def end_of(outcome: str, *, caller_hung_up: bool) -> dict[str, str]:
    """Return `ended_by` and `end_reason` for a record's details. A caller who hangs up ends the call, whatever it had
    come to; an outcome of a line's own (a flood, a breach) is the agent's doing, and its own reason."""
    by, reason = ("caller", "hang_up") if caller_hung_up else _ENDS.get(outcome, ("agent", outcome))
    return {"ended_by": by, "end_reason": reason}
