"""The caller's audio on its way to Sonic: what waits for a stream, and what a lost stream never understood."""

from __future__ import annotations

KEEP_S = 20.0  # speech kept for another stream
LOOKBACK_S = 0.6  # speech that the model may have begun to hear without having said so
PREROLL_S = 0.2  # before the offset at which it says that speech began
SLICE_S = 0.1  # a backlog goes out in pieces
SAMPLE = 2  # bytes


class Uplink:
    """PCM 16-bit mono at `rate` Hz. Positions are bytes from the start of the live stream's audio."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._slice, self._longest = self.size(SLICE_S), self.size(KEEP_S)
        self._lookback = self.size(2 * LOOKBACK_S)
        self._waiting = bytearray()
        self._kept = bytearray()  # the last of what was sent
        self._sent = 0
        self._speech_from: int | None = None
        self._speech_until = 0

    def size(self, seconds: float) -> int:
        """Bytes of so much audio."""
        return int(seconds * self._rate) * SAMPLE

    @property
    def waiting(self) -> int:
        """Bytes not sent yet."""
        return len(self._waiting)

    @property
    def speaking(self) -> bool:
        """Speech has begun that the model has not transcribed."""
        return self._speech_from is not None

    def push(self, pcm: bytes) -> int:
        """Queue audio; returns how many bytes of the oldest were dropped because no stream took them."""
        self._waiting += pcm
        excess = max(0, len(self._waiting) - self._longest)
        del self._waiting[:excess]
        return excess

    def take(self) -> bytes:
        """The next piece to send, empty when nothing waits."""
        pcm = bytes(memoryview(self._waiting)[: self._slice])
        del self._waiting[: len(pcm)]
        self._sent += len(pcm)
        self._keep(pcm)
        return pcm

    def _keep(self, pcm: bytes) -> None:
        self._kept += pcm
        excess = len(self._kept) - (self._longest if self.speaking else self._lookback)
        if excess > 0:
            del self._kept[:excess]

    def begin_stream(self, primed: int) -> None:
        """Another stream begins, with `primed` bytes sent already: what the last one did not understand comes first."""
        self._waiting[:0] = self._unheard()
        self._kept.clear()
        self._sent = primed
        self._speech_from = None
        self._speech_until = 0

    def _unheard(self) -> bytes:
        start = self._speech_from
        if start is None:
            start = max(self._sent - self.size(LOOKBACK_S), self._speech_until)
        length = min(len(self._kept), max(0, self._sent - start))
        return bytes(self._kept[len(self._kept) - length :])

    def speech_started(self, offset_ms: int) -> None:
        self._speech_from = max(0, self.size(offset_ms / 1000 - PREROLL_S))

    def speech_ended(self, offset_ms: int) -> None:
        self._speech_until = self.size(offset_ms / 1000)

    def understood(self) -> None:
        """What was said is in the transcript."""
        self._speech_from = None
