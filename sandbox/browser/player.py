"""The original client's player: a ring buffer at 24 kHz that starts with 200 ms of audio, and again after it ran dry.

All of it measured on the original: an utterance shorter than 200 ms is never played, what is left of one after a stall
stays until more comes, the buffer has no limit, an odd number of bytes is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

RATE = 24000
PREBUFFER = 4800  # samples
SAMPLE = 2  # bytes


@dataclass(slots=True)
class Player:
    """Times are seconds of one clock, never going back. `speakers` is what was played, without the silences between."""

    speakers: bytearray = field(default_factory=bytearray)
    lost: int = 0  # chunks
    dropped: int = 0  # bytes, by interruptions
    starts: int = 0  # how often it began to play
    _buffer: bytearray = field(default_factory=bytearray)
    _playing: bool = False
    _played_until: float = 0.0

    def push(self, pcm: bytes, now: float) -> None:
        self.advance(now)
        if len(pcm) % SAMPLE:
            self.lost += 1
            return
        self._buffer += pcm
        if not self._playing and len(self._buffer) >= PREBUFFER * SAMPLE:
            self._playing = True
            self.starts += 1
            self._played_until = now

    def clear(self, now: float) -> None:
        """An interruption: nothing that is buffered is played."""
        self.advance(now)
        self.dropped += len(self._buffer)
        self._buffer.clear()
        self._playing = False

    def advance(self, now: float) -> None:
        """Play until `now`."""
        if not self._playing:
            return
        samples = int((now - self._played_until) * RATE)
        size = min(samples * SAMPLE, len(self._buffer))
        self.speakers += self._buffer[:size]
        del self._buffer[:size]
        self._played_until += samples / RATE
        if not self._buffer:
            self._playing = False

    @property
    def buffered_ms(self) -> float:
        return len(self._buffer) / SAMPLE / RATE * 1000
