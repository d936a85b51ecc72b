"""What the double runs, and what it refuses with which of Twilio's codes."""

from __future__ import annotations

import pytest

from sandbox.twilio.errors import TwimlFault
from sandbox.twilio.twiml import (
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Stream,
    Target,
    Verb,
    parse,
)

WSS = 'url="wss://carlos.example/media"'


def response(verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'


@pytest.mark.parametrize(
    ("verbs", "parsed"),
    [
        ("<Say>Hola</Say>", Say("Hola")),
        ('<Say language="es-MX" voice="Polly.Mia">Hola</Say>', Say("Hola", "es-MX")),
        ("<Play>https://a.example/x.wav</Play>", Play("https://a.example/x.wav")),
        ("<Pause/>", Pause(1.0)),
        ('<Pause length="3"/>', Pause(3.0)),
        ('<Redirect method="GET">/next</Redirect>', Redirect("/next", "GET")),
        ("<Hangup/>", Hangup()),
        ('<Reject reason="busy"/>', Reject("busy")),
        ("<Dial>+541150310001</Dial>", Dial((Target("+541150310001"),))),
        (
            '<Dial action="/dialled"><Number>+541150310001</Number><Sip>sip:a@b</Sip></Dial>',
            Dial((Target("+541150310001"), Target("sip:a@b")), "/dialled"),
        ),
        (f"<Connect><Stream {WSS}/></Connect>", Connect(Stream("wss://carlos.example/media"))),
        (
            f'<Connect action="/after" method="get"><Stream {WSS} name="agent">'
            '<Parameter name="token" value="t"/><Parameter name="from" value=""/></Stream></Connect>',
            Connect(
                Stream("wss://carlos.example/media", "agent", parameters=(("token", "t"), ("from", ""))),
                "/after",
                "GET",
            ),
        ),
    ],
)
def test_a_verb_is_read_with_what_it_carries(verbs: str, parsed: Verb) -> None:
    assert parse(response(verbs)) == (parsed,)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", 12100),
        ("\n<Response/>", 12100),
        ("<Response>", 12100),
        ("<Answer/>", 12100),
        ("not xml", 12100),
        (response("<say>hola</say>"), 12200),
        (response("<Speak>hola</Speak>"), 12200),
        (response("hola"), 12200),
        (response("<Hangup/>hola"), 12200),
        (response("<Say/>"), 12200),
        (response("<Say speed='2'>hola</Say>"), 12200),
        (response("<Pause length='long'/>"), 12200),
        (response("<Reject reason='rude'/>"), 12200),
        (response("<Redirect method='PUT'>/x</Redirect>"), 12200),
        (response("<Connect/>"), 12200),
        (response(f"<Connect><Stream {WSS}/><Stream {WSS}/></Connect>"), 12200),
        (response(f"<Connect><Stream {WSS}><Parameter name='a'/></Stream></Connect>"), 12200),
        (
            response(f"<Connect><Stream {WSS}><Parameter name='a' value='{'x' * 500}'/></Stream></Connect>"),
            12200,
        ),
        (response(f"<Connect><Stream {WSS} track='both_tracks'/></Connect>"), 31941),
        (response("<Connect><Stream url='ws://carlos.example/media'/></Connect>"), 31922),
        (response("<Connect><Stream url='https://carlos.example/media'/></Connect>"), 31922),
        (response("<Connect><Stream url='/media'/></Connect>"), 11100),
    ],
)
def test_what_twilio_would_not_run_is_refused_with_its_code(document: str, code: int) -> None:
    with pytest.raises(TwimlFault) as refused:
        parse(document)
    assert refused.value.code == code


def test_a_query_string_of_a_stream_is_stripped() -> None:
    (connect,) = parse(response('<Connect><Stream url="wss://carlos.example/media/t0ken?token=x#y"/></Connect>'))
    assert isinstance(connect, Connect)
    assert connect.stream.url == "wss://carlos.example/media/t0ken"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_an_unencrypted_stream_is_allowed_on_loopback_only(host: str) -> None:
    (connect,) = parse(response(f'<Connect><Stream url="ws://{host}:8081/media"/></Connect>'))
    assert isinstance(connect, Connect)
    assert connect.stream.url == f"ws://{host}:8081/media"
