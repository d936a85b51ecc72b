"""The audio path: mu-law, resampling and pacing. Everything is PCM 16-bit little-endian mono, as bytes."""

from __future__ import annotations

from agent.audio.pacing import FRAME_S, Pacer
from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_RATE, ULAW_SILENCE, ulaw_decode, ulaw_encode

__all__ = ["FRAME_S", "ULAW_RATE", "ULAW_SILENCE", "Pacer", "Resampler", "ulaw_decode", "ulaw_encode"]
