"""What this carrier's callers are told without Carlos: recordings (sandbox/render/notices.py), at the wire's rate."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

from agent.audio.resample import Resampler
from agent.filler import clip
from agent.line import OUTPUT_RATE
from telephony.sip.sdp import CLOCK_HZ

APOLOGY = "apology.wav"
CLOSED = "closed.wav"
OFFER = "closed_callback.wav"
NOTED = "callback_noted.wav"
NOT_NOTED = "callback_failed.wav"
MUSIC = Path(__file__).parents[1] / "hold.wav"  # sandbox/render/music.py, at this rate


@cache
def at_8_khz(name: str) -> bytes:
    """Return a recording: PCM 16-bit mono at 8 kHz."""
    resampler = Resampler(OUTPUT_RATE, CLOCK_HZ)
    return resampler.push(clip(name)) + resampler.flush()


@cache
def music() -> bytes:
    """Return what a caller hears while a person is rung, the same as on Twilio's line: PCM 16-bit mono at 8 kHz."""
    with wave.open(str(MUSIC), "rb") as sound:
        return sound.readframes(sound.getnframes())


def prepare() -> None:
    """Make all of them: it takes too long for a caller who waits, and for the others meanwhile."""
    for name in (APOLOGY, CLOSED, OFFER, NOTED, NOT_NOTED):
        at_8_khz(name)
