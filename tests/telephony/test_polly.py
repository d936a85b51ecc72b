"""Amazon Polly as a voice: what it is asked, and what becomes of its answers. Never run against the real one."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from telephony.polly import MOST_KEPT, PollyVoice
from telephony.voice import VoiceFailed

SAID = "Abrimos mañana a las 9."
ASKED = {"VoiceId": "Mia", "Engine": "neural", "OutputFormat": "pcm", "SampleRate": "8000"}


@contextmanager
def stubbed() -> Iterator[tuple[PollyVoice, Stubber]]:
    client = boto3.client("polly", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as polly:
        yield PollyVoice(client, "Mia", "neural"), polly
        polly.assert_no_pending_responses()


def spoken(pcm: bytes) -> dict[str, object]:
    return {"AudioStream": StreamingBody(io.BytesIO(pcm), len(pcm)), "ContentType": "audio/pcm"}


def test_a_sentence_is_spoken_in_pcm_at_the_rate_of_a_phone_and_asked_for_once() -> None:
    with stubbed() as (voice, polly):
        polly.add_response("synthesize_speech", spoken(b"\1\0" * 80), {**ASKED, "Text": SAID})
        assert [asyncio.run(voice.speak(SAID)) for _ in range(2)] == [b"\1\0" * 80] * 2


def test_half_a_sample_at_the_end_is_left_out() -> None:
    with stubbed() as (voice, polly):
        polly.add_response("synthesize_speech", spoken(b"\1\0\1"), {**ASKED, "Text": SAID})
        assert asyncio.run(voice.speak(SAID)) == b"\1\0"


def test_what_polly_refuses_is_not_spoken_and_asked_for_again() -> None:
    with stubbed() as (voice, polly):
        polly.add_client_error("synthesize_speech", "EngineNotSupportedException")
        with pytest.raises(VoiceFailed, match="EngineNotSupportedException"):
            asyncio.run(voice.speak(SAID))
        polly.add_response("synthesize_speech", spoken(b""), {**ASKED, "Text": SAID})
        with pytest.raises(VoiceFailed, match="no sound"):
            asyncio.run(voice.speak(SAID))


def test_a_polly_that_is_not_reached_has_not_spoken() -> None:
    class Unreached:
        def synthesize_speech(self, **asked: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://polly.example")

    with pytest.raises(VoiceFailed):
        asyncio.run(PollyVoice(Unreached(), "Mia", "neural").speak(SAID))


def test_a_bounded_number_of_sentences_is_kept() -> None:
    with stubbed() as (voice, polly):
        for number in range(MOST_KEPT + 1):
            polly.add_response("synthesize_speech", spoken(b"\1\0"), {**ASKED, "Text": str(number)})
            asyncio.run(voice.speak(str(number)))
        assert len(voice._spoken) == MOST_KEPT
