"""How much a peer sends: more audio than a microphone makes, or more of anything than a client of the line needs."""

from __future__ import annotations

import asyncio

SUSTAINED_RATE = 1.02  # times real time: blocks that are rounded up, by 0.8 % at 96 kHz, and clocks that differ
MAX_SURPLUS_S = 3.0  # of audio beyond that
MAX_LATE_S = 120.0  # of audio that a stalled machine may still bring
MESSAGES_PER_S = 400  # Twilio sends 50, the original client 94, and 280 with its microphone open three times
BURST_MESSAGES = 2000
BYTES_PER_S = 512 * 1024  # a microphone of 48 kHz is 140 kB in base64
BURST_BYTES = 4 * 1024 * 1024
TYPED_PER_S = 2  # texts, each of which the model is asked to answer
BURST_TYPED = 20
SLICE_CHARACTERS = 16_384  # bytes or characters handled in a step: a second of Twilio's messages, or one that is big
MEDIA_PER_S = 1.25  # seconds of a phone's audio
BURST_MEDIA_S = 30.0  # Twilio's, after a stall of the network; a line without any for 15 s is given up


class AudioRateGuard:
    """Finds a client that sends more audio than a microphone makes.

    Audio that comes late, slowly or all at once, is no such thing: none of it can be older than its socket, which was
    accepted at `opened`, in seconds of a monotonic clock; by default, when the first of it comes.
    """

    def __init__(self, opened: float | None = None) -> None:
        self._surplus = 0.0
        self._last = opened

    def push(self, seconds: float, now: float) -> bool:
        """Count audio; True when there is too much of it. `now` is of the same clock."""
        elapsed = now - self._last if self._last is not None else 0.0
        self._last = now
        self._surplus = max(-MAX_LATE_S, self._surplus - SUSTAINED_RATE * elapsed) + seconds
        return self._surplus > MAX_SURPLUS_S


class Bucket:
    """Holds `burst` of something, and is emptied of `per_s` each second. What runs over is gone."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._level = 0.0
        self._last = 0.0

    def push(self, amount: float, now: float) -> bool:
        """Add to it; True when it runs over. `now` is in seconds of a monotonic clock."""
        level = max(0.0, self._level - (now - self._last) * self._per_s) + amount
        self._level, self._last = min(level, self._burst), now
        return level > self._burst


class MessageRateLimit:
    """Finds a socket with too many messages, or too much in them."""

    def __init__(self) -> None:
        self._messages = Bucket(MESSAGES_PER_S, BURST_MESSAGES)
        self._bytes = Bucket(BYTES_PER_S, BURST_BYTES)

    def push(self, size: int, now: float) -> bool:
        """Count a message of so many bytes or characters; True when that is too much."""
        too_many = self._messages.push(1, now)
        return self._bytes.push(size, now) or too_many


def typing() -> Bucket:
    """Finds a browser that types faster than a person."""
    return Bucket(TYPED_PER_S, BURST_TYPED)


class Slices:
    """Lets the rest of the loop have its turn while a peer's messages are there already.

    A queue that is not empty does not make its reader wait, so 30 s of audio that came at once would be one step.
    """

    def __init__(self) -> None:
        self._size = 0

    async def turn(self, size: int) -> None:
        """Before a message of so many bytes or characters is handled."""
        self._size += size
        if self._size > SLICE_CHARACTERS:
            self._size = 0
            await asyncio.sleep(0)


def media_ahead() -> Bucket:
    """Finds a phone's media stream that runs ahead of real time, which Twilio's never does."""
    return Bucket(MEDIA_PER_S, BURST_MEDIA_S)
