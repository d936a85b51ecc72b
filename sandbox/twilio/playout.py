"""Twilio's playout buffer, sans-IO: what the server sent, played at 8 kHz, sample by sample.

Positions are samples since the call was answered; one mu-law byte is one sample, 125 us. The owner tells the
buffer how far the call clock is (`advance`) before it puts anything in, so audio that arrives late is heard
late and a gap between two chunks is heard as silence.
"""

from __future__ import annotations

from collections import deque

SILENCE = 0xFF  # mu-law zero


class Playout:
    """A queue of audio and marks in the order they came, and a record of what has been heard of it."""

    def __init__(self) -> None:
        self._queue: deque[bytes | str] = deque()
        self.heard = bytearray()  # mu-law; its length is the position

    @property
    def position(self) -> int:
        return len(self.heard)

    @property
    def queued(self) -> int:
        """Samples waiting to be heard."""
        return sum(len(item) for item in self._queue if isinstance(item, bytes))

    def advance(self, position: int) -> list[str]:
        """Play up to `position` and return the marks whose audio has been heard, in order."""
        passed: list[str] = []
        while self._queue and (isinstance(self._queue[0], str) or self.position < position):
            item = self._queue.popleft()
            if isinstance(item, str):
                passed.append(item)
            else:
                self._hear(item, position)
        self.heard += bytes([SILENCE]) * (position - self.position)
        return passed

    def add(self, audio: bytes) -> None:
        """Queue audio behind everything queued before it."""
        if audio:
            self._queue.append(audio)

    def mark(self, name: str) -> list[str]:
        """Queue a mark. It comes back at once when nothing is left to be heard before it."""
        if not self._queue:
            return [name]
        self._queue.append(name)
        return []

    def clear(self) -> list[str]:
        """Drop what has not been heard and return every pending mark, as Twilio does on `clear`."""
        pending = [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        return pending

    def _hear(self, audio: bytes, position: int) -> None:
        room = position - self.position
        self.heard += audio[:room]
        if len(audio) > room:
            self._queue.appendleft(audio[room:])
