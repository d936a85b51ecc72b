"""Twilio's media stream protocol: both halves against each other, and against what strangers send."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from telephony.errors import LocalProtocolError, RemoteProtocolError
from telephony.twilio.media_stream import (
    DTMF_DIGITS,
    MAX_MESSAGE,
    Connected,
    Dtmf,
    MarkReturned,
    Media,
    MediaStream,
    Started,
    State,
    Stopped,
)
from telephony.twilio.media_stream_peer import (
    BINARY_MESSAGE,
    INVALID_MESSAGE,
    Clear,
    MediaStreamPeer,
    Play,
    SetMark,
    StreamWarning,
)

# As printed on Twilio's page on WebSocket messages.
CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
START = json.dumps(
    {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": "MZ18ad",
        "start": {
            "accountSid": "AC00",
            "streamSid": "MZ18ad",
            "callSid": "CA00",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "abc", "from": "+5491155550100"},
        },
    }
)


def message(event: str, **body: Any) -> str:
    return json.dumps({"event": event, "sequenceNumber": "4", "streamSid": "MZ18ad", **body})


def media(**changes: Any) -> str:
    return message("media", media={"track": "inbound", "chunk": "2", "timestamp": "5", "payload": "/w==", **changes})


def streaming() -> MediaStream:
    stream = MediaStream()
    stream.receive(CONNECTED)
    stream.receive(START)
    return stream


def peer_streaming() -> MediaStreamPeer:
    peer = MediaStreamPeer("MZ18ad", "CA00", "AC00")
    peer.connected()
    peer.start()
    return peer


def test_a_stream_opens_with_connected_and_start() -> None:
    stream = MediaStream()
    assert stream.receive(CONNECTED) == Connected("Call", "1.0.0")
    started = stream.receive(START)
    assert started == Started("MZ18ad", "CA00", "AC00", {"token": "abc", "from": "+5491155550100"})
    assert stream.state is State.STREAMING


def test_every_message_of_twilio_becomes_an_event() -> None:
    stream = streaming()
    assert stream.receive(media()) == Media(b"\xff", timestamp_ms=5, chunk=2)
    assert stream.receive(message("dtmf", dtmf={"track": "inbound_track", "digit": "#"})) == Dtmf("#")
    assert stream.receive(message("mark", mark={"name": "u17.3"})) == MarkReturned("u17.3")
    assert stream.receive(message("stop", stop={"accountSid": "AC00", "callSid": "CA00"})) == Stopped()
    assert stream.state is State.STOPPED


def test_what_we_send_is_what_twilio_documents() -> None:
    stream = streaming()
    sent = [json.loads(text) for text in (stream.media(b"\xff\x00"), stream.mark("u1.0"), stream.clear())]
    assert sent == [
        {"event": "media", "streamSid": "MZ18ad", "media": {"payload": "/wA="}},
        {"event": "mark", "streamSid": "MZ18ad", "mark": {"name": "u1.0"}},
        {"event": "clear", "streamSid": "MZ18ad"},
    ]


def test_after_stop_nothing_is_read_and_nothing_can_be_sent() -> None:
    stream = streaming()
    stream.receive(message("stop", stop={}))
    assert stream.receive(media()) is None
    assert stream.receive("not json") is None
    sends: list[Callable[[], str]] = [lambda: stream.media(b"\xff"), lambda: stream.mark("m"), stream.clear]
    for send in sends:
        with pytest.raises(LocalProtocolError, match="STOPPED"):
            send()


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ([], START),
        ([], media()),
        ([CONNECTED], CONNECTED),
        ([CONNECTED], media()),
        ([CONNECTED], message("stop", stop={})),
        ([CONNECTED, START], START),
        ([CONNECTED, START], CONNECTED),
    ],
)
def test_events_out_of_order_are_refused_and_change_nothing(before: list[str], then: str) -> None:
    stream = MediaStream()
    for text in before:
        stream.receive(text)
    state = stream.state
    with pytest.raises(RemoteProtocolError):
        stream.receive(then)
    assert stream.state is state


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="half a message"),
        pytest.param("[]", id="not an object"),
        pytest.param("{}", id="no event"),
        pytest.param('{"event": 7}', id="event is a number"),
        pytest.param("[" * 60_000, id="deep nesting"),
        pytest.param(json.dumps({"event": "x" * MAX_MESSAGE}), id="more than 64 KiB"),
        pytest.param(b"\x00\x01", id="binary"),
        pytest.param(CONNECTED.encode(), id="JSON in a binary frame"),
        pytest.param(message("media"), id="media without media"),
        pytest.param(message("media", media=[]), id="media is a list"),
        pytest.param(media(payload=None), id="no payload"),
        pytest.param(media(payload="AAA"), id="base64 without padding"),
        pytest.param(media(payload="AA==AA=="), id="base64 after its padding"),
        pytest.param(media(payload="AA A="), id="base64 with a space"),
        pytest.param(media(payload="Ñ///"), id="base64 that is not ASCII"),
        pytest.param(media(timestamp=5), id="a counter that is a number"),
        pytest.param(media(timestamp="-5"), id="a negative counter"),
        pytest.param(media(chunk="²"), id="a digit that is not a number"),
        pytest.param(media(chunk="9" * 5000), id="a counter of 5000 digits"),
        pytest.param(message("dtmf", dtmf={"digit": "12"}), id="two digits"),
        pytest.param(message("dtmf", dtmf={"digit": "x"}), id="no key of a telephone"),
        pytest.param(message("mark", mark={}), id="mark without a name"),
        pytest.param(media().replace("MZ18ad", "MZ9999"), id="another stream"),
        pytest.param(json.dumps({"event": "stop", "stop": {}}), id="no stream"),
    ],
)
def test_what_strangers_send_is_refused_and_the_stream_goes_on(text: str | bytes) -> None:
    stream = streaming()
    with pytest.raises(RemoteProtocolError):
        stream.receive(text)
    assert stream.receive(media()) == Media(b"\xff", 5, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"streamSid": "MZ9999"},
        {"callSid": ""},
        {"accountSid": None},
        {"mediaFormat": {"encoding": "audio/x-l16", "sampleRate": 16000, "channels": 1}},
        {"mediaFormat": None},
        {"customParameters": {"token": 7}},
        {"customParameters": ["token"]},
    ],
)
def test_a_start_that_does_not_hold_together_is_refused(change: dict[str, Any]) -> None:
    body = json.loads(START)
    body["start"].update(change)
    stream = MediaStream()
    stream.receive(CONNECTED)
    with pytest.raises(RemoteProtocolError):
        stream.receive(json.dumps(body))
    assert stream.state is State.AWAITING_START


def test_a_start_without_parameters_is_read() -> None:
    body = json.loads(START)
    del body["start"]["customParameters"]
    stream = MediaStream()
    stream.receive(CONNECTED)
    started = stream.receive(json.dumps(body))
    assert isinstance(started, Started)
    assert started.parameters == {}


def test_unknown_events_fields_and_tracks_are_ignored() -> None:
    stream = streaming()
    assert stream.receive('{"event":"weather"}') is None
    assert stream.receive(media(track="outbound")) is None
    assert stream.receive(media(loudness=11)) == Media(b"\xff", 5, 2)


def test_sending_before_start_is_our_own_error() -> None:
    with pytest.raises(LocalProtocolError, match="AWAITING_CONNECTED"):
        MediaStream().clear()


def test_empty_audio_and_nameless_marks_are_our_own_errors() -> None:
    stream = streaming()
    with pytest.raises(LocalProtocolError):
        stream.media(b"")
    with pytest.raises(LocalProtocolError):
        stream.mark("")


@given(text=st.text() | st.binary())
def test_no_message_breaks_the_server_or_its_peer(text: str | bytes) -> None:
    stream, peer = streaming(), peer_streaming()
    with suppress(RemoteProtocolError):
        assert stream.receive(text) is None
    assert isinstance(peer.receive(text), StreamWarning)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"\x00", BINARY_MESSAGE),
        ("{", INVALID_MESSAGE),
        ('{"event":"weather","streamSid":"MZ18ad"}', INVALID_MESSAGE),
        ('{"event":"clear"}', INVALID_MESSAGE),
        ('{"event":"clear","streamSid":"MZ9999"}', INVALID_MESSAGE),
        ('{"event":"clear","streamSid":"MZ18ad","now":true}', INVALID_MESSAGE),
        ('{"event":"mark","streamSid":"MZ18ad"}', INVALID_MESSAGE),
        ('{"event":"media","streamSid":"MZ18ad","media":{"payload":"AAA"}}', INVALID_MESSAGE),
        (
            '{"event":"media","streamSid":"MZ18ad","media":{"payload":"AA==","track":"outbound"}}',
            INVALID_MESSAGE,
        ),
    ],
)
def test_twilio_warns_once_per_stream_and_goes_on(text: str | bytes, code: int) -> None:
    peer = peer_streaming()
    warning = peer.receive(text)
    assert isinstance(warning, StreamWarning)
    assert warning.code == code
    assert peer.receive(text) is None
    assert peer.breaches == 2
    assert peer.receive('{"event":"clear","streamSid":"MZ18ad"}') == Clear()


def test_twilio_does_not_speak_out_of_order_either() -> None:
    peer = MediaStreamPeer("MZ1", "CA1", "AC1")
    with pytest.raises(LocalProtocolError):
        peer.start()
    with pytest.raises(LocalProtocolError):
        peer.media(b"\xff", 0)
    with pytest.raises(LocalProtocolError):
        peer_streaming().dtmf("12")


class BothHalves(RuleBasedStateMachine):
    """Whatever one half may send, the other understands: the same states, the same contents."""

    def __init__(self) -> None:
        super().__init__()
        self.server = MediaStream()

    @initialize(
        sid=st.text(min_size=1),
        parameters=st.dictionaries(st.text(min_size=1), st.text()),
    )
    def connect(self, sid: str, parameters: dict[str, str]) -> None:
        self.twilio = MediaStreamPeer(sid, "CA1", "AC1", parameters)

    def streaming(self) -> bool:
        return self.twilio.state is State.STREAMING

    @precondition(lambda self: self.twilio.state is State.AWAITING_CONNECTED)
    @rule()
    def twilio_connects(self) -> None:
        assert isinstance(self.server.receive(self.twilio.connected()), Connected)

    @precondition(lambda self: self.twilio.state is State.AWAITING_START)
    @rule()
    def twilio_starts(self) -> None:
        started = self.server.receive(self.twilio.start())
        assert started == Started(self.twilio.stream_sid, "CA1", "AC1", self.twilio.parameters)

    @precondition(streaming)
    @rule(audio=st.binary(), timestamp=st.integers(0, 10**9))
    def the_caller_speaks(self, audio: bytes, timestamp: int) -> None:
        event = self.server.receive(self.twilio.media(audio, timestamp))
        assert isinstance(event, Media)
        assert (event.audio, event.timestamp_ms) == (audio, timestamp)

    @precondition(streaming)
    @rule(digit=st.sampled_from(sorted(DTMF_DIGITS)))
    def the_caller_presses_a_key(self, digit: str) -> None:
        assert self.server.receive(self.twilio.dtmf(digit)) == Dtmf(digit)

    @precondition(streaming)
    @rule(audio=st.binary(min_size=1))
    def carlos_speaks(self, audio: bytes) -> None:
        assert self.twilio.receive(self.server.media(audio)) == Play(audio)

    @precondition(streaming)
    @rule(name=st.text(min_size=1))
    def a_mark_goes_round(self, name: str) -> None:
        assert self.twilio.receive(self.server.mark(name)) == SetMark(name)
        assert self.server.receive(self.twilio.mark_returned(name)) == MarkReturned(name)

    @precondition(streaming)
    @rule()
    def carlos_is_interrupted(self) -> None:
        assert self.twilio.receive(self.server.clear()) == Clear()

    @precondition(streaming)
    @rule(noise=st.text() | st.binary())
    def noise_comes_from_both_sides(self, noise: str | bytes) -> None:
        with pytest.raises(RemoteProtocolError):
            self.server.receive(noise)
        breaches = self.twilio.breaches
        self.twilio.receive(noise)
        assert self.twilio.breaches == breaches + 1

    @precondition(streaming)
    @rule()
    def the_caller_hangs_up(self) -> None:
        assert self.server.receive(self.twilio.stop()) == Stopped()

    @precondition(lambda self: self.twilio.state is State.STOPPED)
    @rule(noise=st.text() | st.binary())
    def nothing_is_read_after_the_end(self, noise: str | bytes) -> None:
        assert self.server.receive(noise) is None

    @invariant()
    def both_are_in_the_same_state(self) -> None:
        assert self.server.state is self.twilio.state


TestBothHalves = BothHalves.TestCase
