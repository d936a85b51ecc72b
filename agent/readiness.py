"""Could a call be answered? What this process has seen of the parts that a call needs. Sans-IO: what was seen goes in.

    part    since the start    now                           may have calls
    any     never worked       -                             no
    store   worked once        works, or fails               yes: calls are answered without it
    Sonic   worked once        works                         yes
    Sonic   worked once        fails, for less than 120 s    yes: a call tries again by itself
    Sonic   worked once        fails, for longer             no
    Sonic   -                  throttled                     yes: it would answer, and other calls have its streams

So a release with wrong tables, rights or Region gets no call, and an outage of the store takes no task away from
callers: it is all tasks' alike, and ECS replaces a task that its load balancer calls unhealthy
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html). A Sonic that fails for long may be this
task's own fault, of its network or credentials, and the load balancer prefers the task with the fewest calls. Where it
is everybody's, all tasks are unhealthy and get calls as before
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html): the load balancer
fails open, and callers hear the apology.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

NOT_YET = "not looked at yet"
OK = "ok"


class Part(StrEnum):
    STORE = "store"
    SONIC = "sonic"


# How long a part that has worked may fail before its process is to have no more calls.
GRACE_S: Mapping[Part, float] = {Part.STORE: math.inf, Part.SONIC: 120.0}


@dataclass(slots=True)
class _Seen:
    worked: bool = False  # once, since the start
    fault: str | None = NOT_YET
    since: float = 0.0  # when it began to fail


class Readiness:
    """One process's. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = {part: _Seen() for part in Part}

    def worked(self, part: Part) -> None:
        """All that a call needs of the part was there."""
        self._seen[part] = _Seen(worked=True, fault=None)

    def answered(self, part: Part) -> None:
        """The part has done something for a call. Until it worked once, this proves nothing of the rest of it."""
        if self._seen[part].worked:
            self.worked(part)

    def failed(self, part: Part, fault: str, *, reached: bool = False) -> None:
        """`fault` is for operators, and anybody may read it: no address, no account, no words of a service. `reached`:
        the part would work, and has too much to do."""
        seen = self._seen[part]
        if seen.fault is None or reached:
            seen.since = self._clock()
        seen.worked |= reached
        seen.fault = fault

    def works(self, part: Part) -> bool:
        """Return False for a part that failed last, or that was not looked at yet."""
        return self._seen[part].fault is None

    def fails(self, part: Part) -> bool:
        """Return True for a part that failed last."""
        return self._seen[part].fault not in (None, NOT_YET)

    def may_have_calls(self) -> bool:
        now = self._clock()
        return all(
            seen.worked and (seen.fault is None or now - seen.since < GRACE_S[part])
            for part, seen in self._seen.items()
        )

    def told(self) -> dict[str, str]:
        """Return "ok", or what is wrong, for each part."""
        return {part.value: seen.fault or OK for part, seen in self._seen.items()}
