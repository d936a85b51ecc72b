"""What happens on a call, as it is told to whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.twilio.verbs import Verb


@dataclass(frozen=True, slots=True)
class Warned:
    """An entry of Twilio's Debugger; the call goes on."""

    code: int
    detail: str


@dataclass(frozen=True, slots=True)
class Streaming:
    """A media stream was opened and `start` follows."""

    stream_sid: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A verb began."""

    verb: Verb


@dataclass(frozen=True, slots=True)
class Joined:
    """The call entered a conference."""

    conference_sid: str
    name: str


@dataclass(frozen=True, slots=True)
class Bridged:
    """The call can hear and be heard by these others: numbers, in the order of their coming."""

    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pressed:
    """The party on the line pressed keys, and a verb heard them."""

    digits: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """A call that Twilio placed has a new CallStatus."""

    status: str


CallEvent = Warned | Streaming | Ran | Joined | Bridged | Pressed | Progressed
