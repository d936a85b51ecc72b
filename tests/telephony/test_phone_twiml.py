from __future__ import annotations

from xml.etree import ElementTree

import pytest
from twilio.twiml.voice_response import VoiceResponse

from telephony.twilio import twiml
from telephony.twilio.twiml import StreamParameters

BASE_URL = "https://carlos.example.com"


def parse(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314 - our own document


def test_connect_opens_the_stream_and_asks_what_comes_after() -> None:
    response = parse(twiml.connect(BASE_URL, StreamParameters("t0k3n", "+5491155550100", "+541150310000")))
    verb = response.find("Connect")
    assert verb is not None
    assert verb.attrib == {"action": "https://carlos.example.com/twilio/after-stream", "method": "POST"}
    stream = verb.find("Stream")
    assert stream is not None
    assert stream.attrib == {
        "name": "carlos",
        "url": "wss://carlos.example.com/twilio/media",
        "statusCallback": "https://carlos.example.com/twilio/stream-status",
        "statusCallbackMethod": "POST",
    }
    parameters = {each.attrib["name"]: each.attrib["value"] for each in stream.findall("Parameter")}
    assert parameters == {"token": "t0k3n", "from": "+5491155550100", "to": "+541150310000"}


def test_on_loopback_the_stream_is_plain() -> None:
    document = twiml.connect("http://localhost:8081", StreamParameters("t", "a", "b"))
    assert 'url="ws://localhost:8081/twilio/media"' in document


def test_a_caller_cannot_break_the_document() -> None:
    hostile = 'sip:"<Dial>\x00\x1b\u202e&' + "x" * 5000
    document = twiml.connect(BASE_URL, StreamParameters("t", hostile, hostile))
    values = [each.attrib["value"] for each in parse(document).iter("Parameter")]
    assert values[1] == ('sip:"<Dial>&' + "x" * 5000)[: twiml.MAX_PARAMETER_CHARACTERS]
    assert len(document) <= twiml.MAX_TWIML_CHARACTERS


def test_the_overflow_is_said_in_spanish_or_played_and_hangs_up() -> None:
    said, played = parse(twiml.overflow()), parse(twiml.overflow("https://carlos.example.com/full.mp3"))
    assert [verb.tag for verb in said] == ["Say", "Hangup"]
    assert said[0].attrib == {"language": "es-MX"}
    assert [verb.tag for verb in played] == ["Play", "Hangup"]


@pytest.mark.parametrize(
    ("document", "verbs"),
    [
        (twiml.hang_up(), ["Hangup"]),
        (twiml.reject(), ["Reject"]),
        (twiml.apology(), ["Say", "Hangup"]),
    ],
)
def test_each_answer_is_one_document(document: str, verbs: list[str]) -> None:
    assert [verb.tag for verb in parse(document)] == verbs


def test_more_than_twilio_takes_is_an_error() -> None:
    response = VoiceResponse()
    response.say("x" * 4000)
    with pytest.raises(ValueError, match="more than 4000"):
        twiml.document(response)
