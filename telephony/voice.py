"""A voice for what no recording has: text in, sound as a phone carries it out."""

from __future__ import annotations

import asyncio
from typing import Protocol

from loguru import logger

PATIENCE_S = 4.0  # for a text to be spoken: a caller hears it ring meanwhile, a person says "hola"


class VoiceFailed(Exception):
    """Nothing was spoken."""


class Voice(Protocol):
    async def speak(self, text: str) -> bytes:
        """Return the text spoken: PCM 16-bit mono at 8 kHz. Raise VoiceFailed."""
        ...


async def spoken(text: str, voice: Voice | None, else_what: str) -> bytes:
    """Return the text in this voice; nothing where there is none, or it fails, which the log tells with `else_what`."""
    if voice is None:
        return b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await voice.speak(text)
    except (VoiceFailed, TimeoutError) as error:
        logger.error("{}: {!r}", else_what, error)
        return b""
