"""Faults on demand: what happens, on which streams, and when.

    Fault(Reject(429, "ThrottlingException", "..."), streams=(1,))     the first stream is refused
    Fault(Drop(), sent=AudioOutput, count=3)                           every stream, after the third piece
    Fault(Raise("modelTimeoutException", "..."), received=TextInput)   an exception frame, then the end
    Fault(Stall(), after_speech_ms=800)                                800 ms after the caller began to speak
    Fault(Drop(), after_speech_ms=800, count=2)                        in the caller's second utterance

Without `received`, `sent` or `after_speech_ms` a fault strikes as the request comes in, before the response headers.
The service's own failures, in its words, are in `sandbox.sonic.failures`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sandbox.sonic.ear import LOUD

SAMPLES_MS = 20  # loudness is measured over this much
PAUSE_MS = 500  # of quiet, and what is loud next is another utterance


@dataclass(frozen=True, slots=True)
class Reject:
    """A plain HTTP error. Only before the headers."""

    status: int = 429
    error_type: str = "ThrottlingException"
    message: str = "Too many requests, please wait before trying again."


@dataclass(frozen=True, slots=True)
class Silence:
    """From here on nothing is sent on the stream, not even its headers if they were not sent yet.

    HTTP/2 lives: PINGs are answered, the windows open as data comes in, and events go on being read.
    """


@dataclass(frozen=True, slots=True)
class Stall:
    """As `Silence`, but the response headers are out: a stream that looks healthy and says nothing more."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A dead wire: nothing is sent on the whole connection, what arrives is thrown away, PINGs stay unanswered.

    The kernel still acknowledges the bytes, as it does for a process that hangs. A hang-up is still noticed, so
    that nothing is left open once the client has given up.
    """


@dataclass(frozen=True, slots=True)
class Drop:
    """Abort the TCP connection."""


@dataclass(frozen=True, slots=True)
class Reset:
    """RST_STREAM with INTERNAL_ERROR."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """GOAWAY, then close."""


@dataclass(frozen=True, slots=True)
class EndStream:
    """A plain END_STREAM."""


@dataclass(frozen=True, slots=True)
class HalfFrame:
    """A frame without its last five bytes, then a drop."""


@dataclass(frozen=True, slots=True)
class BadChecksum:
    """A frame with one bit of its checksum flipped."""


@dataclass(frozen=True, slots=True)
class Raise:
    """An exception frame of any type, known to the SDK or not, then the end."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """An unmodelled error: `:message-type` error."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StopReading:
    """The client's flow-control window closes and stays closed."""


@dataclass(frozen=True, slots=True)
class Inject:
    """One event of any form, and the stream goes on.

    A mapping `{NAME: {...}}` goes out as an event of the service, its session, prompt and completion named for it;
    bytes go into a frame as they are, JSON or not.
    """

    raw: bytes | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The event after which the fault strikes is sent once more, to the byte. Only with `sent`."""


type Action = (
    Reject
    | Silence
    | Stall
    | Freeze
    | Drop
    | Reset
    | GoAway
    | EndStream
    | HalfFrame
    | BadChecksum
    | Raise
    | ErrorFrame
    | StopReading
    | Inject
    | Repeat
)


@dataclass(frozen=True, slots=True)
class Fault:
    action: Action
    received: type[Any] | None = None  # a client event's class
    sent: type[Any] | None = None  # a service event's class
    count: int = 1  # how many of them; with `after_speech_ms`, which utterance
    streams: Container[int] | None = None  # numbers of streams, from 1; None is all
    after_speech_ms: int | None = None  # since the utterance began, on the samples' own clock

    @property
    def at_once(self) -> bool:
        """True when it waits for nothing but the request."""
        return self.received is None and self.sent is None and self.after_speech_ms is None

    def strikes(self, stream: int) -> bool:
        return self.streams is None or stream in self.streams


def is_loud(pcm: bytes) -> bool:
    """True when the piece, of one sample at least, is as loud as speech."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples * samples))) > LOUD


@dataclass(slots=True)
class SpeechClock:
    """How far into which utterance the caller is, by the samples alone: whether the ear noticed does not matter."""

    utterance: int = 0  # from 1
    ms: int = 0  # since it began, pauses included
    _quiet_ms: int = PAUSE_MS
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, pcm: bytes, rate: int) -> None:
        self._buffer += pcm
        size = rate * SAMPLES_MS // 1000 * 2
        while len(self._buffer) >= size:
            piece = bytes(self._buffer[:size])
            del self._buffer[:size]
            self._tick(loud=is_loud(piece))

    def _tick(self, *, loud: bool) -> None:
        if loud and self._quiet_ms >= PAUSE_MS:
            self.utterance += 1
            self.ms = 0
        self._quiet_ms = 0 if loud else self._quiet_ms + SAMPLES_MS
        if self.utterance:
            self.ms += SAMPLES_MS
