"""A voice for what no recording has: text in, sound as a phone carries it out."""

from __future__ import annotations

from typing import Protocol


class VoiceFailed(Exception):
    """Nothing was spoken."""


class Voice(Protocol):
    async def speak(self, text: str) -> bytes:
        """Return the text spoken: PCM 16-bit mono at 8 kHz. Raise VoiceFailed."""
        ...
