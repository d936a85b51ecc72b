"""Twilio Media Streams, bidirectional (`<Connect><Stream>`): the server's half, sans-IO.

    AWAITING_CONNECTED ──connected──▶ AWAITING_START ──start──▶ STREAMING ──stop──▶ STOPPED
                                                                 │     ▲
                                                                 └─────┘ media, dtmf, mark

Text in, events out; methods in, text out. No sockets, no clocks. Twilio's half is `media_stream_peer.py`.

Rules, from https://www.twilio.com/docs/voice/media-streams/websocket-messages unless another source is named:

* Messages are JSON text. `connected` comes first, `start` second and once; counters are JSON strings.
* A bidirectional stream carries the inbound track only: the agent's audio is not echoed.
* The first timestamp need not be 0, and no frame size is promised (20 ms, 160 bytes, is what is seen).
* `mark` comes back when the audio queued before it has been played, and *also* when `clear` empties the
  buffer: after a `clear`, a mark means cancelled, not heard.
* Twilio plays what it gets in order and in real time, any size at once. It answers a binary or malformed
  message with a warning in its debugger (31950, 31951), never on the socket.
* New events and fields may appear at any time and must be ignored.
* After `stop` the call is over; sockets also die without a `stop`.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from telephony.errors import LocalProtocolError, RemoteProtocolError

MAX_MESSAGE = 64 * 1024  # bytes; Twilio's own are a few hundred
DTMF_DIGITS = frozenset("0123456789*#ABCD")


class State(Enum):
    AWAITING_CONNECTED = auto()
    AWAITING_START = auto()
    STREAMING = auto()
    STOPPED = auto()


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """How the audio is coded; Twilio has one format today."""

    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Connected:
    """The first message, before anything is known about the call."""

    protocol: str
    version: str


@dataclass(frozen=True, slots=True)
class Started:
    """The stream is open. Who calls is not in it: the `<Parameter>`s of the TwiML are (`parameters`)."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    media_format: MediaFormat = MediaFormat()


@dataclass(frozen=True, slots=True)
class Media:
    """Caller audio: mu-law, 8 kHz, any length. `timestamp_ms` is from the start; a jump is a loss."""

    audio: bytes
    timestamp_ms: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Dtmf:
    """One key pressed by the caller."""

    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """The audio before this mark was played, or was cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream has ended: the caller hung up, or the call went on to other TwiML."""


Event = Connected | Started | Media | Dtmf | MarkReturned | Stopped

# state: {event on the wire: next state}. What Twilio may send when; every other known event is its breach.
TRANSITIONS: dict[State, dict[str, State]] = {
    State.AWAITING_CONNECTED: {"connected": State.AWAITING_START},
    State.AWAITING_START: {"start": State.STREAMING},
    State.STREAMING: {
        "media": State.STREAMING,
        "dtmf": State.STREAMING,
        "mark": State.STREAMING,
        "stop": State.STOPPED,
    },
    State.STOPPED: {},
}
KNOWN_EVENTS = frozenset(name for moves in TRANSITIONS.values() for name in moves)


class MediaStream:
    """One stream, seen from the server that Twilio connects to."""

    def __init__(self) -> None:
        self.state = State.AWAITING_CONNECTED
        self.stream_sid = ""
        self._media_head = ""  # everything of a media message before its payload

    # Receiving.

    def receive(self, message: str | bytes) -> Event | None:
        """Read one WebSocket message of Twilio's; None for what is to be ignored.

        Raises RemoteProtocolError, and stays in its state, for binary, oversized or malformed messages, for
        events out of order and for another stream's. Nothing more is read after `stop`.
        """
        if self.state is State.STOPPED:
            return None
        body = decode(message)
        name = text_of(body, "event")
        if name not in KNOWN_EVENTS:
            return None
        if name not in TRANSITIONS[self.state]:
            raise RemoteProtocolError(f"{name!r} is not allowed in {self.state.name}")
        if self.state is State.STREAMING and body.get("streamSid") != self.stream_sid:
            raise RemoteProtocolError(f"{name!r} of another stream")
        event = PARSERS[name](body)
        self.state = TRANSITIONS[self.state][name]
        if isinstance(event, Started):
            self._open(event)
        return event

    def _open(self, started: Started) -> None:
        self.stream_sid = started.stream_sid
        self._media_head = f'{{"event":"media","streamSid":{json.dumps(started.stream_sid)},"media":{{"payload":"'

    # Sending.

    def media(self, ulaw: bytes) -> str:
        """Audio for the caller: mu-law at 8 kHz, no header. Raises LocalProtocolError when not streaming."""
        self._require_streaming("media")
        if not ulaw:
            raise LocalProtocolError("media without audio")
        return f'{self._media_head}{binascii.b2a_base64(ulaw, newline=False).decode("ascii")}"}}}}'

    def mark(self, name: str) -> str:
        """Ask for `name` back once the audio sent so far has been played."""
        self._require_streaming("mark")
        if not name:
            raise LocalProtocolError("a mark needs a name")
        return json.dumps({"event": "mark", "streamSid": self.stream_sid, "mark": {"name": name}})

    def clear(self) -> str:
        """Drop what the caller has not heard yet. Every pending mark comes back at once."""
        self._require_streaming("clear")
        return json.dumps({"event": "clear", "streamSid": self.stream_sid})

    def _require_streaming(self, what: str) -> None:
        if self.state is not State.STREAMING:
            raise LocalProtocolError(f"{what!r} cannot be sent in {self.state.name}")


# Reading the fields of a message; shared with the other half.


def decode(message: str | bytes) -> dict[str, Any]:
    """Parse one message to a JSON object, or raise RemoteProtocolError."""
    if not isinstance(message, str):
        raise RemoteProtocolError("a binary message")
    if len(message) > MAX_MESSAGE:
        raise RemoteProtocolError(f"a message of {len(message)} characters, more than {MAX_MESSAGE}")
    try:
        body = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("a message that is not JSON") from error
    if not isinstance(body, dict):
        raise RemoteProtocolError("a message that is not a JSON object")
    return body


def object_of(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = body.get(key)
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"{key!r} is not an object")
    return value


def text_of(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise RemoteProtocolError(f"{key!r} is not a text")
    return value


def counter_of(body: Mapping[str, Any], key: str) -> int:
    """Counters are digits in a string."""
    value = text_of(body, key)
    if len(value) > 15 or not (value.isascii() and value.isdigit()):
        raise RemoteProtocolError(f"{key!r} is not a number in a string")
    return int(value)


def payload_of(media: Mapping[str, Any]) -> bytes:
    """Base64, with its padding and without anything else."""
    payload = media.get("payload")
    if not isinstance(payload, str):
        raise RemoteProtocolError("'payload' is not a text")
    try:
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError as error:
        raise RemoteProtocolError("'payload' is not base64") from error


def _connected(body: Mapping[str, Any]) -> Connected:
    return Connected(str(body.get("protocol", "")), str(body.get("version", "")))


def _started(body: Mapping[str, Any]) -> Started:
    start = object_of(body, "start")
    if text_of(body, "streamSid") != text_of(start, "streamSid"):
        raise RemoteProtocolError("'start' names two streams")
    return Started(
        stream_sid=text_of(start, "streamSid"),
        call_sid=text_of(start, "callSid"),
        account_sid=text_of(start, "accountSid"),
        parameters=_parameters(start),
        media_format=_media_format(object_of(start, "mediaFormat")),
    )


def _parameters(start: Mapping[str, Any]) -> Mapping[str, str]:
    parameters = start.get("customParameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        raise RemoteProtocolError("'customParameters' are not texts")
    return parameters


def _media_format(media_format: Mapping[str, Any]) -> MediaFormat:
    found = MediaFormat(
        media_format.get("encoding", ""), media_format.get("sampleRate", 0), media_format.get("channels", 0)
    )
    if found != MediaFormat():
        raise RemoteProtocolError(f"expected {MediaFormat()} but got {found}")
    return found


def _media(body: Mapping[str, Any]) -> Media | None:
    media = object_of(body, "media")
    if media.get("track", "inbound") != "inbound":
        return None
    return Media(payload_of(media), counter_of(media, "timestamp"), counter_of(media, "chunk"))


def _dtmf(body: Mapping[str, Any]) -> Dtmf:
    digit = text_of(object_of(body, "dtmf"), "digit")
    if digit not in DTMF_DIGITS:
        raise RemoteProtocolError("'digit' is not a key of a telephone")
    return Dtmf(digit)


def _mark(body: Mapping[str, Any]) -> MarkReturned:
    return MarkReturned(text_of(object_of(body, "mark"), "name"))


def _stopped(body: Mapping[str, Any]) -> Stopped:
    return Stopped()


PARSERS: dict[str, Callable[[Mapping[str, Any]], Event | None]] = {
    "connected": _connected,
    "start": _started,
    "media": _media,
    "dtmf": _dtmf,
    "mark": _mark,
    "stop": _stopped,
}
