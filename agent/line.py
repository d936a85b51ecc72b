"""What a call and its line know of each other: the seam between `agent` and whatever carries a caller.

A line gives events and takes audio. Lines differ in the rate of their sink, in how far ahead of real time it may be
fed, and in whether it says what was played.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from agent.persona.prompt import LineKind

INPUT_RATE = 16000  # Hz, what Sonic hears
OUTPUT_RATE = 24000  # Hz, what Sonic speaks


@dataclass(frozen=True, slots=True)
class CallerAudio:
    pcm: bytes  # 16-bit mono at INPUT_RATE


@dataclass(frozen=True, slots=True)
class CallerDigit:
    digit: str


@dataclass(frozen=True, slots=True)
class CallerText:
    text: str


@dataclass(frozen=True, slots=True)
class MarkBack:
    mark: str


@dataclass(frozen=True, slots=True)
class CallerAway:
    """The caller is on hold at the far end: until `CallerBack` he hears nothing of ours, and says nothing to us."""


@dataclass(frozen=True, slots=True)
class CallerBack:
    """He hears us again."""


type LineEvent = CallerAudio | CallerDigit | CallerText | MarkBack | CallerAway | CallerBack


class LineDropped(Exception):
    """The line is over without a goodbye: a dead socket, no audio for too long. `outcome` is the call's."""

    def __init__(self, why: str, outcome: str = "dropped") -> None:
        super().__init__(why)
        self.outcome = outcome


class SinkClosed(Exception):
    """The other side is gone; nothing more can be sent."""


class AudioSink(Protocol):
    """The far side of a line. Each send raises SinkClosed once the peer is gone."""

    rate: int  # Hz of the PCM it takes
    lead: int  # frames of 20 ms that may be sent ahead of real time
    acknowledges: bool  # whether a mark comes back when the audio before it was played
    tail_s: float  # silence that makes the far end play the last of what it was given

    @property
    def piece(self) -> int:
        """Frames that it wants at once: more than one, and less than `lead`, where the process is busy."""
        ...

    async def send_audio(self, pcm: bytes) -> None: ...
    async def send_mark(self, name: str) -> None: ...
    async def send_clear(self) -> None: ...


class Line(Protocol):
    """A caller's connection. `events` ends when the caller hangs up and raises LineDropped when the line dies."""

    kind: LineKind
    sink: AudioSink

    def events(self) -> AsyncIterator[LineEvent]: ...
    async def end(self, outcome: str) -> None: ...
