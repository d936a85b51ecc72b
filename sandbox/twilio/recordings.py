"""Recordings that `<Record>` made: made-up audio, served by the REST API.

https://www.twilio.com/docs/voice/api/recording: `.wav` below the resource's URI is the audio, without credentials
unless the account asks for them.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from aiohttp import web

from sandbox.twilio.account import new_sid
from sandbox.twilio.clock import SAMPLE_RATE
from sandbox.twilio.rest import Answer, Asked, Endpoint, not_found

TONE_HZ = 440


@dataclass(frozen=True, slots=True)
class Recording:
    call_sid: str
    seconds: int
    sid: str = field(default_factory=lambda: new_sid("RE"))

    def audio(self) -> bytes:
        """A WAV of a tone, as long as the recording."""
        times = np.arange(self.seconds * SAMPLE_RATE) / SAMPLE_RATE
        samples = (8000 * np.sin(2 * np.pi * TONE_HZ * times)).astype("<i2")
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(samples.tobytes())
        return out.getvalue()


class Recordings:
    """All there are, by SID; `base_url` is the REST API's."""

    def __init__(self, account_sid: str) -> None:
        self.base_url = ""
        self.kept: dict[str, Recording] = {}
        self._account_sid = account_sid

    def endpoints(self) -> Iterator[Endpoint]:
        yield Endpoint("GET", "/Recordings/{recording:[^/.]+}.wav", self._media, public=True)

    def _media(self, asked: Asked) -> Answer:
        recording = self.kept.get(asked.ids["recording"])
        if recording is None:
            raise not_found(asked.path)
        return web.Response(body=recording.audio(), content_type="audio/x-wav")

    def keep(self, call_sid: str, seconds: int) -> Recording:
        recording = Recording(call_sid, seconds)
        self.kept[recording.sid] = recording
        return recording

    def url(self, recording: Recording) -> str:
        return f"{self.base_url}/2010-04-01/Accounts/{self._account_sid}/Recordings/{recording.sid}"
