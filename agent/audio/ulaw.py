"""G.711 mu-law, the codec of Twilio Media Streams: one byte a sample at 8 kHz."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Python 3.12 still has audioop and warns; from 3.13 the same module comes from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

from agent.audio.pcm import SAMPLE_BYTES

ULAW_RATE = 8000  # Hz
ULAW_SILENCE = b"\xff"


def ulaw_encode(pcm: bytes) -> bytes:
    """PCM 16-bit to mu-law: one byte for each two. An odd byte count raises audioop.error."""
    return bytes(audioop.lin2ulaw(pcm, SAMPLE_BYTES))


def ulaw_decode(ulaw: bytes) -> bytes:
    """Mu-law to PCM 16-bit: two bytes for each one."""
    return bytes(audioop.ulaw2lin(ulaw, SAMPLE_BYTES))
