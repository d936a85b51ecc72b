"""Twilio Media Streams, bidirectional: Twilio's half, sans-IO, for the doubles that play Twilio.

It makes what Twilio sends and reads what a server sends, as strictly as Twilio does: a message that Twilio
would not accept becomes a `StreamWarning`, once per stream and code, and the call goes on.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from telephony.errors import LocalProtocolError, RemoteProtocolError
from telephony.twilio.media_stream import DTMF_DIGITS, MediaFormat, State, decode, object_of, payload_of, text_of

BINARY_MESSAGE = 31950  # https://www.twilio.com/docs/api/errors/31950
INVALID_MESSAGE = 31951  # https://www.twilio.com/docs/api/errors/31951


@dataclass(frozen=True, slots=True)
class Play:
    """Queue this mu-law audio after what is already queued."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class SetMark:
    """Send `name` back when the audio queued so far has been played, at once if there is none."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Empty the queue and send every pending mark back."""


@dataclass(frozen=True, slots=True)
class StreamWarning:
    """A line in Twilio's debugger; the server does not learn of it on the socket."""

    code: int
    reason: str


PeerEvent = Play | SetMark | Clear | StreamWarning

# event: (its own object, the fields that object must have and may have)
FIELDS: dict[str, tuple[str, frozenset[str]] | None] = {
    "media": ("media", frozenset({"payload"})),
    "mark": ("mark", frozenset({"name"})),
    "clear": None,
}


class MediaStreamPeer:
    """One stream, seen from Twilio. `breaches` counts every bad message, warned of or not."""

    def __init__(
        self,
        stream_sid: str,
        call_sid: str,
        account_sid: str,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self.state = State.AWAITING_CONNECTED
        self.stream_sid = stream_sid
        self.call_sid = call_sid
        self.account_sid = account_sid
        self.parameters = dict(parameters or {})
        self.breaches = 0
        self._warned: set[int] = set()
        self._sequence = 0
        self._chunk = 0

    # Sending.

    def connected(self) -> str:
        self._require(State.AWAITING_CONNECTED)
        self.state = State.AWAITING_START
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self) -> str:
        self._require(State.AWAITING_START)
        self.state = State.STREAMING
        media_format = asdict(MediaFormat())
        media_format["sampleRate"] = media_format.pop("sample_rate")
        start = {
            "accountSid": self.account_sid,
            "streamSid": self.stream_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": media_format,
            "customParameters": self.parameters,
        }
        return self._message("start", start)

    def media(self, ulaw: bytes, timestamp_ms: int) -> str:
        """Caller audio, `timestamp_ms` from the stream's start."""
        self._require(State.STREAMING)
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(timestamp_ms),
            "payload": binascii.b2a_base64(ulaw, newline=False).decode("ascii"),
        }
        return self._message("media", media)

    def dtmf(self, digit: str) -> str:
        self._require(State.STREAMING)
        if digit not in DTMF_DIGITS:
            raise LocalProtocolError(f"{digit!r} is not a key of a telephone")
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark_returned(self, name: str) -> str:
        self._require(State.STREAMING)
        return self._message("mark", {"name": name})

    def stop(self) -> str:
        self._require(State.STREAMING)
        self.state = State.STOPPED
        return self._message("stop", {"accountSid": self.account_sid, "callSid": self.call_sid})

    def _message(self, event: str, body: Mapping[str, Any]) -> str:
        self._sequence += 1
        return json.dumps(
            {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid, event: body}
        )

    def _require(self, state: State) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"expected {state.name} but the stream is in {self.state.name}")

    # Receiving.

    def receive(self, message: str | bytes) -> PeerEvent | None:
        """Read one message of the server's; None for a breach already warned of. Never raises."""
        if not isinstance(message, str):
            return self._warn(BINARY_MESSAGE, "a binary message")
        try:
            return self._parse(decode(message))
        except RemoteProtocolError as error:
            return self._warn(INVALID_MESSAGE, str(error))

    def _parse(self, body: Mapping[str, Any]) -> PeerEvent:
        name = text_of(body, "event")
        if name not in FIELDS:
            raise RemoteProtocolError(f"unknown event {name!r}")
        if body.get("streamSid") != self.stream_sid:
            raise RemoteProtocolError(f"{name!r} of another stream")
        self._require_fields(name, body)
        if name == "media":
            return Play(payload_of(object_of(body, "media")))
        if name == "mark":
            return SetMark(text_of(object_of(body, "mark"), "name"))
        return Clear()

    @staticmethod
    def _require_fields(name: str, body: Mapping[str, Any]) -> None:
        expected = {"event", "streamSid"}
        if inner := FIELDS[name]:
            key, fields = inner
            expected.add(key)
            if object_of(body, key).keys() != fields:
                raise RemoteProtocolError(f"{key!r} must have {sorted(fields)} and nothing else")
        if body.keys() != expected:
            raise RemoteProtocolError(f"{name!r} must have {sorted(expected)} and nothing else")

    def _warn(self, code: int, reason: str) -> StreamWarning | None:
        self.breaches += 1
        if code in self._warned:
            return None
        self._warned.add(code)
        return StreamWarning(code, reason)
