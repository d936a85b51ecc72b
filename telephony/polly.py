"""Amazon Polly as a `telephony.voice.Voice`.

https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html: `pcm` is signed 16-bit little-endian mono, at
8000 or 16000 Hz. Credentials come from the AWS chain and need `polly:SynthesizeSpeech`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.log import error_text
from common.settings import Settings
from telephony.voice import VoiceFailed

RATE_HZ = 8000
TIMEOUT_S = 2.0  # to connect, and again without a byte: somebody is waiting on the phone
MOST_KEPT = 32  # sentences: a closed line says the same one until the day is over


class PollyVoice:
    """`client` is boto3's of `polly`, or a double of it."""

    def __init__(self, client: Any, voice: str, engine: str) -> None:
        self._client = client
        self._voice = voice
        self._engine = engine
        self._spoken: OrderedDict[str, bytes] = OrderedDict()

    async def speak(self, text: str) -> bytes:
        if text in self._spoken:
            self._spoken.move_to_end(text)
            return self._spoken[text]
        pcm = self._spoken[text] = await asyncio.to_thread(self._synthesise, text)
        while len(self._spoken) > MOST_KEPT:
            self._spoken.popitem(last=False)
        return pcm

    def _synthesise(self, text: str) -> bytes:
        try:
            answer = self._client.synthesize_speech(
                Text=text, VoiceId=self._voice, Engine=self._engine, OutputFormat="pcm", SampleRate=str(RATE_HZ)
            )
            pcm: bytes = answer["AudioStream"].read()
        except (BotoCoreError, ClientError) as error:
            raise VoiceFailed(error_text(error)) from error
        if not pcm:
            raise VoiceFailed("Polly gave no sound")
        return pcm[: len(pcm) & ~1]


def voice_of(settings: Settings) -> PollyVoice | None:
    """Return the voice of SIP_VOICE; None where there is none."""
    if settings.sip_voice is None:
        return None
    import boto3  # slow, and most servers need no voice
    from botocore.config import Config

    config = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 2})
    client = boto3.client("polly", region_name=settings.aws_default_region, config=config)
    return PollyVoice(client, settings.sip_voice, settings.sip_voice_engine)
