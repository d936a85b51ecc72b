"""One bidirectional stream as the server sees it: signed chunks in, event frames out, faults in between."""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from smithy_aws_event_stream.events import EventMessage

from agent.sonic.errors import INVALID_INPUT, MalformedEvent
from agent.sonic.events import AudioInput, AudioOutput, ClientEvent, PromptStart, ServiceEvent, UnknownEvent
from agent.sonic.parsing import parse_client_event
from sandbox.brain import Brain
from sandbox.sonic.eventstream import FrameDecoder, FrameError, decode_frame, encode_frame
from sandbox.sonic.faults import (
    Action,
    BadChecksum,
    Drop,
    EndStream,
    ErrorFrame,
    Fault,
    Freeze,
    GoAway,
    HalfFrame,
    Inject,
    Raise,
    Repeat,
    Reset,
    Silence,
    SpeechClock,
    Stall,
    StopReading,
)
from sandbox.sonic.session import Session
from sandbox.sonic.writing import JSON_HEADERS, Envelope, Filling, encode_service_event

if TYPE_CHECKING:
    from sandbox.sonic.behaviour import Behaviour
    from sandbox.sonic.http2 import HttpStream
    from sandbox.sonic.signature import ChunkVerifier

BAD_SIGNATURE = "A chunk's signature does not match (the stand-in's own words: the service's are not known)."


def reject(http: HttpStream, status: int, error_type: str, message: str) -> None:
    """Answer with an AWS error before the stream opens."""
    body = json.dumps({"message": message}).encode()
    http.respond(
        status,
        {
            "x-amzn-requestid": str(uuid4()),
            "x-amzn-errortype": error_type,
            "content-type": "application/json",
            "content-length": str(len(body)),
        },
    )
    http.write(body)
    http.end()


class SonicStreamRecord:
    """A stream and what tests may ask about it. `received` and `sent` leave audio out, `audio_*` keep it."""

    def __init__(
        self,
        http: HttpStream,
        number: int,
        model_id: str,
        faults: Sequence[Fault],
        verifier: ChunkVerifier,
        brain_factory: Callable[[], Brain],
        behaviour: Behaviour,
        *,
        keep_audio: bool = True,
    ) -> None:
        self.number = number
        self.model_id = model_id
        self.received: list[ClientEvent] = []
        self.sent: list[ServiceEvent] = []
        self.errors: list[str] = []
        self.counts: Counter[type[object]] = Counter()  # of both ways, by class
        self.keep_audio = keep_audio
        self.audio_in = bytearray()
        self.audio_out = bytearray()
        self.open = True
        self.input_ended = False
        self.session = Session(self, brain_factory, behaviour)
        self._http = http
        self._verifier = verifier
        self._decoder = FrameDecoder()
        self._faults = [fault for fault in faults if fault.strikes(number)]
        self._in_speech = [fault for fault in self._faults if fault.after_speech_ms is not None]
        self._speech = SpeechClock()
        self._last_event = b""
        self._answered = False
        self._silent = False
        self._request_id = str(uuid4())
        self._envelope = Envelope(str(uuid4()), "", str(uuid4()))
        self._filling = Filling()

    @property
    def signatures(self) -> int:
        """Chunks whose signature was right, the closing one included."""
        return self._verifier.verified

    def begin(self) -> None:
        """Let the faults strike that wait for the request alone."""
        for fault in self._faults:
            if fault.at_once:
                self._strike(fault.action)

    # What the client sends

    def data(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                if self.open and not self.input_ended:
                    self._chunk(frame)
        except FrameError as error:
            self._fail("validationException", INVALID_INPUT, f"framing: {error}")

    def _chunk(self, frame: EventMessage) -> None:
        if not self._verifier.verify(frame):
            self._fail("validationException", BAD_SIGNATURE, BAD_SIGNATURE)
        elif not frame.payload:
            self.end_of_input()
        else:
            self._event(decode_frame(frame.payload))

    def _event(self, inner: EventMessage) -> None:
        try:
            event = _read_event(inner)
        except MalformedEvent as error:
            self._fail("validationException", error.message, str(error))
            return
        self._remember(event)
        self._answer()
        if isinstance(event, AudioInput) and self._in_speech:
            self._strike_in_speech(event)
            if not self.open:
                return
        try:
            self.session.take(event)
        except Exception as error:
            self.session.crash(error)
        self._count(type(event), received=True)

    def _remember(self, event: ClientEvent) -> None:
        if isinstance(event, AudioInput):
            if self.keep_audio:
                self.audio_in += event.audio
            return
        self.received.append(event)
        if isinstance(event, PromptStart):
            self._envelope.prompt_name = event.prompt_name
            self._envelope.output_rate = event.output_rate

    def end_of_input(self) -> None:
        """The closing chunk or END_STREAM, whichever comes first."""
        if not self.input_ended:
            self.input_ended = True
            self.end()

    def lost(self) -> None:
        self.open = False
        self.session.close()

    # What the service sends

    def emit(self, event: ServiceEvent) -> None:
        if not self.open or self._silent:
            return
        if isinstance(event, AudioOutput):
            if self.keep_audio:
                self.audio_out += event.audio
        else:
            self.sent.append(event)
        self._answer()
        self._write(encode_service_event(event, self._envelope))
        self._count(type(event), received=False)

    def _write(self, event: bytes) -> None:
        self._last_event = event
        self._http.write(self._frame(event))

    def _frame(self, event: bytes) -> bytes:
        return encode_frame(JSON_HEADERS, self._filling.payload(event))

    def refuse(self, kind: str, message: str) -> None:
        self._fail(kind, message, message)

    def end(self) -> None:
        self.session.close()
        if self.open and not self._silent:
            self._answer()
            self._http.end()

    def _fail(self, kind: str, message: str, note: str) -> None:
        self.errors.append(note)
        if self.open and not self._silent:
            self._answer()
            self._http.write(_exception(kind, f"RequestId={self._request_id} : {message}"))
        self.end()

    def _answer(self) -> None:
        """The response headers, which the service withholds until the first event."""
        if not self._answered and not self._silent and self.open:
            self._answered = True
            headers = {"content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": self._request_id}
            self._http.respond(200, headers)

    # Faults

    def _count(self, kind: type[object], *, received: bool) -> None:
        self.counts[kind] += 1
        for fault in self._faults:
            awaited = fault.received if received else fault.sent
            if awaited is kind and fault.count == self.counts[kind]:
                self._strike(fault.action)

    def _strike_in_speech(self, event: AudioInput) -> None:
        self._speech.feed(event.audio, self.session.input_rate)
        for fault in list(self._in_speech):
            if self._speech.utterance == fault.count and self._speech.ms >= (fault.after_speech_ms or 0):
                self._in_speech.remove(fault)
                self._strike(fault.action)

    def _strike(self, action: Action) -> None:
        self.errors.append(f"fault: {type(action).__name__}")
        match action:
            case Silence():
                self._silent = True
            case Stall():
                self._answer()
                self._silent = True
            case Freeze():
                self._http.freeze()
                self._silent = True
            case Inject(raw):
                self._inject(raw)
            case Repeat():
                self._write(self._last_event)
            case Drop():
                self._http.drop()
                self._silent = True
            case Reset():
                self._http.reset()
            case GoAway():
                self._http.go_away()
            case EndStream():
                self.end()
            case Raise(kind, message):
                self._fail(kind, message, message)
            case StopReading():
                self._http.stop_reading()
            case HalfFrame() | BadChecksum() | ErrorFrame():
                self._strike_with_frame(action)
            case _:
                pass  # a rejection: the server answered before there was a stream

    def _inject(self, raw: bytes | Mapping[str, Any]) -> None:
        self._answer()
        if isinstance(raw, bytes):
            self._write(raw)
            return
        for name, body in raw.items():
            self._write(encode_service_event(UnknownEvent(name, body), self._envelope))

    def _strike_with_frame(self, action: HalfFrame | BadChecksum | ErrorFrame) -> None:
        self._answer()
        frame = self._frame(encode_service_event(UnknownEvent("fault", {}), self._envelope))
        match action:
            case HalfFrame():
                self._http.write(frame[:-5])
                self._http.drop()
            case BadChecksum():
                self._http.write(frame[:-1] + bytes([frame[-1] ^ 1]))
            case ErrorFrame(code, message):
                headers = {":message-type": "error", ":error-code": code, ":error-message": message}
                self._http.write(encode_frame(headers))
        self._silent = True


def _exception(kind: str, message: str) -> bytes:
    body: dict[str, object] = {"message": message}
    if kind == "modelStreamErrorException":
        body |= {"originalStatusCode": 500, "originalMessage": message}
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return encode_frame(headers, json.dumps(body).encode())


def _read_event(inner: EventMessage) -> ClientEvent:
    if (inner.headers.get(":message-type"), inner.headers.get(":event-type")) != ("event", "chunk"):
        raise MalformedEvent(f"expected an event of type chunk but got {dict(inner.headers)!r}")
    try:
        data = b64decode(json.loads(inner.payload)["bytes"], validate=True)
    except (ValueError, TypeError, KeyError, Base64Error) as error:
        raise MalformedEvent(f"the chunk's payload: {error!r}") from error
    return parse_client_event(data)
