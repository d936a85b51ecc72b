"""What a verb may ask of the double beyond its own call: rooms, other people, recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sandbox.twilio.leg import Leg
from sandbox.twilio.recordings import Recordings
from sandbox.twilio.rooms import Rooms
from sandbox.twilio.verbs import Dial, Target


@dataclass(frozen=True, slots=True)
class Rules:
    """What Twilio's documents do not settle, or say differently at different times."""

    wait_url_repeats: bool = False  # see sandbox.twilio.conference
    callbacks_twice: bool = False  # each status callback is sent again: a retry whose first try arrived
    ring_buffer_s: float = 0.0  # "for some call flows, we will add a 5-second buffer": Calls resource, Timeout


@dataclass(frozen=True, slots=True)
class Dialled:
    """What the double answers for `<Dial>` of a number where nobody is scripted: nobody is really called."""

    status: Literal["completed", "busy", "no-answer", "failed", "canceled"] = "completed"
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the call to `<Dial>`'s targets ended: `status` as DialCallStatus has it."""

    call_sid: str
    status: str
    seconds: int = 0
    bridged: bool = False


class Exchange(Protocol):
    @property
    def rules(self) -> Rules: ...

    @property
    def dialled(self) -> Dialled: ...

    @property
    def rooms(self) -> Rooms: ...

    @property
    def recordings(self) -> Recordings: ...

    def may_call_as(self, caller_id: str) -> bool:
        """Whether the account may show this number: its own, or a verified one."""
        ...

    def knows(self, address: str) -> bool:
        """Whether a person is scripted at this number or SIP address."""
        ...

    async def connect(self, parent: Leg, dial: Dial, targets: Sequence[Target]) -> Outcome:
        """Ring all of them, connect the first who answers, and return when that call is over."""
        ...
