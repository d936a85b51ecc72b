"""How much a browser sends: twice the audio of one microphone, or more messages than any client needs."""

from __future__ import annotations

SUSTAINED = 1.3  # times real time
SURPLUS_S = 3.0  # of audio beyond that
CREDIT_S = 5.0  # that a slow network may have held up unseen
STALL_S = 0.5  # without any audio
MESSAGES_PER_S = 400  # the original sends 94, and 280 with its microphone open three times
BURST = 2000


class DoubledAudio:
    """Finds a microphone that is sent twice.

    The original client never closes its microphone: a second conversation on the same page sends it twice, in
    interleaved copies (measured, 173 messages/s), and a third one three times. Nothing can be understood of that.
    Audio that a stalled network delivers late and all at once is no such thing: what was missed before is credited.
    """

    def __init__(self) -> None:
        self._surplus = 0.0
        self._last: float | None = None

    def push(self, seconds: float, now: float) -> bool:
        """Count audio; True when there is too much of it. `now` is in seconds of a monotonic clock."""
        elapsed = now - self._last if self._last is not None else 0.0
        self._last = now
        if elapsed > STALL_S:
            self._surplus -= elapsed
        elif self._surplus > -CREDIT_S:
            self._surplus = max(-CREDIT_S, self._surplus - SUSTAINED * elapsed)
        self._surplus += seconds
        return self._surplus > SURPLUS_S


class Flood:
    """A bucket that holds BURST messages and is emptied of MESSAGES_PER_S."""

    def __init__(self) -> None:
        self._level = 0.0
        self._last = 0.0

    def push(self, now: float) -> bool:
        """Count a message; True when there are too many."""
        self._level = max(0.0, self._level - (now - self._last) * MESSAGES_PER_S) + 1
        self._last = now
        return self._level > BURST
