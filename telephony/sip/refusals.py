"""What a ringing call gets that is not answered, as a table. RFC 3261, section 21; Retry-After in seconds (20.33).

A PBX or a trunk with another route takes it after a 503, and not after a 486 or a 603.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.capacity import Admission


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


def _unavailable(retry_after_s: int) -> Refusal:
    return Refusal(503, {"Retry-After": str(retry_after_s)})


UNAVAILABLE = _unavailable(30)

REFUSALS: Mapping[Admission, Refusal] = {
    Admission.FULL: UNAVAILABLE,
    Admission.ELSEWHERE: UNAVAILABLE,
    Admission.EXHAUSTED: UNAVAILABLE,
    Admission.DRAINING: _unavailable(120),
    Admission.SEATED: Refusal(486),
    Admission.TOO_OFTEN: Refusal(486),
    Admission.BLOCKED: Refusal(603),
    Admission.FOREIGN: Refusal(603),
    Admission.WITHHELD: Refusal(603),
}
"""Every admission but ACCEPTED, and CLOSED, which is told by voice."""
