"""What reads what comes from outside: one entry each, as the server uses it, with the errors that may come out.

An entry's conversation begins anew every few inputs; `feed` is one step of the event loop. The files of its corpus
whose names begin with a digit are a conversation, in their order; the others are what somebody once tried.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

import hpack
from fastapi import FastAPI
from loguru import logger
from pydantic import BaseModel, SecretStr, ValidationError
from starlette.types import Message

from agent.active_calls import ActiveCalls
from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_RATE, ulaw_decode
from agent.line import INPUT_RATE
from agent.sonic.conversation import Conversation, speaks
from agent.sonic.encoding import encode
from agent.sonic.errors import MalformedEvent, OrderError, SonicError
from agent.sonic.events import SessionStart, TextOutput, ToolUse, Usage
from agent.sonic.opening import SonicConfig
from agent.sonic.parsing import parse_client_event
from agent.sonic.reading import EventReader
from agent.sonic.rules import SessionRules
from agent.sonic.wire.aws_errors import frame_error
from agent.sonic.wire.client import Bounds, SonicStream
from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import (
    EVENT_HEADERS,
    ChunkSigner,
    FrameReader,
    encode_frame,
    event_of,
    headers_of,
    payload_of,
)
from agent.sonic.wire.http2 import STREAM, Exchange
from agent.sonic.wire.plain_data import data_frame
from api.application import guard, mount, record_routers
from api.live import live_routes
from api.middleware import MAX_BODY_BYTES
from api.schemas import AppointmentEdit, CustomerBody, NewAppointment, NewOrder, OrderEdit, order_items
from bench.exchange import NoTransport
from bench.fuzz import sip
from bench.fuzz.mutation import changed, changed_bytes
from bench.stores import fresh_sqlite
from common.settings import Settings
from common.spanish.dates import parse_move, parse_when
from common.spanish.errors import Unclear
from common.times import BUENOS_AIRES, from_iso
from data.operators.seed import seed
from data.store import Store
from telephony.browser.client_setup import ClientSetup, with_client_setup
from telephony.browser.events import Ack, Audio, BrowserStream, ProtocolViolation, Talking
from telephony.browser.messages import BrowserMessages
from telephony.browser.playback_acks import PlaybackAcks
from telephony.errors import RemoteProtocolError
from telephony.twilio.media_stream import MAX_MESSAGE, Media, MediaStream, Started
from tools import arguments as tool_arguments
from tools.business import appointments as appointment_tools
from tools.business import orders as order_tools
from tools.catalogue import TOOLS
from tools.errors import NeedsInput
from tools.identity import CallContext
from tools.toolbox import Toolbox

if TYPE_CHECKING:
    from loguru import Message as LogMessage

CORPUS = Path(__file__).parent / "corpus"
NOON = datetime(2026, 11, 23, 12, tzinfo=BUENOS_AIRES)  # a Monday

type Feed = Callable[[bytes], Awaitable[None] | None]
type Mutate = Callable[[Random, bytes, Sequence[bytes]], bytes]


@dataclass(frozen=True)
class Entry:
    """`share` is of a thousand inputs; `own` are the errors that may come out of a feed."""

    name: str
    share: int
    make: Callable[[World], Feed]
    own: tuple[type[Exception], ...] = ()
    mutate: Mutate = changed
    longest: int = 256 * 1024  # bytes of an input: what comes to it is bounded before
    reads: str = ""  # the folder of its corpus, where it has none of its own
    ends: Callable[[Any], None] | None = None  # with its feed, after each conversation; raises for what is left of it

    @cached_property
    def corpus(self) -> list[tuple[bool, bytes]]:
        """Whether it belongs to the conversation, and the input."""
        folder = CORPUS / (self.reads or self.name.replace(" ", "-"))
        files = sorted(path for path in folder.iterdir() if path.is_file())
        return [(path.name[0].isdigit(), path.read_bytes()) for path in files]


class World:
    """What several conversations share: a store, and the REST application on it."""

    def __init__(self, store: Store, app: FastAPI) -> None:
        self.store = store
        self.app = app
        self.calls = 0


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    with TemporaryDirectory() as folder, errors_kept():
        async with fresh_sqlite(Path(folder), lambda: NOON) as store:
            await seed(store, NOON.date())
            settings = Settings(
                _env_file=None,
                carlos_home=Path(folder),
                admin_api_keys=(SecretStr("all:read+write+calls:a-key"),),
                rate_limit_per_minute=10**9,
            )
            app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
            mount(app, [live_routes(ActiveCalls(4)), *record_routers(settings, store, clock=lambda: NOON)])
            guard(app, settings)
            yield World(store, app)


class Foreign(Exception):
    """A module's own sign that something came up which it does not know."""


# The lines.


def media_stream(world: World) -> Feed:
    stream, upsample = MediaStream(), Resampler(ULAW_RATE, INPUT_RATE)

    def feed(data: bytes) -> None:
        match stream.receive(data.decode(errors="surrogatepass") if _is_text(data) else data):
            case Media(audio):
                upsample.push(ulaw_decode(audio))
            case Started() as started:
                stream.mark("m")
                json.dumps(dict(started.parameters))

    return feed


def browser_events(world: World) -> Feed:
    stream, messages, receipts = BrowserStream(), BrowserMessages("s"), PlaybackAcks()
    asked, upsample = ClientSetup(), Resampler(8000, INPUT_RATE)

    def feed(data: bytes) -> None:
        nonlocal asked
        for event in stream.receive(data.decode(errors="surrogatepass") if _is_text(data) else data):
            asked = asked.with_event(event)
            match event:
                case ProtocolViolation(code, message):
                    _sendable(messages.error(code, message[:200]))
                case Talking():
                    config = with_client_setup(SonicConfig("m", "carlos", "s", ()), asked)
                    json.dumps([config.temperature, config.top_p, config.max_tokens], allow_nan=False)
                    assert asked.history is not None
                case Audio(pcm):
                    upsample.push(pcm)
                case Ack(sequence, buffered_ms):
                    receipts.acknowledge(sequence, buffered_ms, 1.0)

    return feed


def _is_text(data: bytes) -> bool:
    """A text message is UTF-8; half a surrogate pair can only be named in its JSON."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _sendable(messages: Sequence[str]) -> None:
    for message in messages:
        json.loads(message.encode())


# Sonic.


def service_events(world: World) -> Feed:
    reader, order, messages = EventReader(), SessionRules(), BrowserMessages("s")
    talk, now = Conversation(SonicConfig("m", "carlos", "s", ())), 0.0

    def feed(data: bytes) -> None:
        nonlocal now
        event, now = reader.read(data), now + 0.02
        order.received(event)
        speaks(event)
        talk.follow(talk, event, now)
        match event:
            case TextOutput(content=content):
                _sendable(messages.heard(content))
            case ToolUse(_, use_id, name, content):
                _sendable(messages.tool_used(use_id, name, content))
            case Usage():
                _sendable(messages.used(event))

    return feed


def client_events(world: World) -> Feed:
    order = SessionRules()

    def feed(data: bytes) -> None:
        event = parse_client_event(data)
        order.check(event)
        encode(event)

    return feed


def frames(world: World) -> Feed:
    reader, events = FrameReader(), EventReader()

    def feed(data: bytes) -> None:
        nonlocal reader
        try:
            for frame in reader.feed(data):
                if (event := event_of(frame)) is None:
                    frame_error(headers_of(frame), payload_of(frame))
                else:
                    events.read(event)
        except SonicError:
            reader = FrameReader()
            raise

    return feed


def framed(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """A frame that is right outside and wrong within, or wrong outside."""
    headers, payload = EVENT_HEADERS, data
    if random.random() < 0.3:
        headers = changed_bytes(random, headers, [EVENT_HEADERS])
    if random.random() < 0.7:
        payload = changed(random, payload, corpus)
    frame = encode_frame(headers, payload)
    match random.randrange(5):
        case 0:
            return changed_bytes(random, frame, [frame])
        case 1:  # lengths that are not true, under a checksum that is
            lengths = changed_bytes(random, frame[:8], [frame])[:8].ljust(8, b"\0")
            return lengths + crc32(lengths).to_bytes(4) + frame[12:]
        case _:
            return frame


def http2(world: World) -> Feed:
    """A stream as the session has it, from the bytes of its socket on."""
    exchange = Exchange(ping_s=None)
    exchange.connection_made(cast(asyncio.Transport, NoTransport()))
    exchange.request([(":method", "POST"), (":scheme", "https"), (":authority", "sonic"), (":path", "/")])
    signer = ChunkSigner("0" * 64, Credentials("a", "b"), "us-east-1")
    stream = SonicStream(exchange, signer, Bounds(3, 0.5, 1))
    _quietly(lambda: stream.send_now(SessionStart(1024, 0.9, 0.7, None)))

    async def feed(data: bytes) -> None:
        exchange.data_received(data)
        await asyncio.sleep(0)  # what the futures' callbacks say
        _quietly(lambda: stream.send_now(SessionStart(1024, 0.9, 0.7, None)))

    return feed


def _quietly(send: Callable[[], None]) -> None:
    """It may be over, and the session is in order once."""
    try:
        send()
    except (SonicError, OrderError):
        return


def http2_frames(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Frames of HTTP/2, in order or not; `data` is an event of Sonic's."""
    found = b""
    for _ in range(random.choice((1, 1, 2, 4))):
        match random.randrange(8):
            case 0:
                found += _frame(random, 4, b"".join(_setting(random) for _ in range(random.randrange(4))))
            case 1 | 2:
                found += _frame(random, 1, _head(random), flags=random.choice((4, 4, 4, 5, 0, 0x24, 0xFF)))
            case 3:
                found += _frame(random, random.randrange(12), random.randbytes(random.choice((0, 4, 8, 40))))
            case 4:
                found += data_frame(STREAM, framed(random, data, corpus)[:16_384])
            case _:
                found += data_frame(STREAM, encode_frame(EVENT_HEADERS, data)[:16_384])
    return changed_bytes(random, found, [found]) if random.random() < 0.3 else found


def _frame(random: Random, kind: int, payload: bytes, flags: int | None = None) -> bytes:
    said = len(payload) if random.random() < 0.9 else random.choice((0, 16_385, 2**24 - 1))
    flags = random.choice((0, 0, 1, 4, 8, 0x20)) if flags is None else flags
    stream = random.choice((0, STREAM, STREAM, STREAM, 2, 3, 2**31 - 1)) if kind != 4 else 0
    return said.to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _setting(random: Random) -> bytes:
    return random.randrange(9).to_bytes(2) + random.choice((0, 1, 16_384, 2**31 - 1, 2**32 - 1)).to_bytes(4)


def _head(random: Random) -> bytes:
    status = random.choice((b"200", b"200", b"200", b"100", b"429", b"", b"-1", b"9" * 5000, b"\xff", b"\xd9\xa3"))
    fields: list[tuple[bytes, bytes]] = [
        (b":status", status),
        (b"x-amzn-errortype", b"Some\xff"[: random.randrange(6)]),
    ]
    match random.randrange(6):
        case 0:
            return random.randbytes(random.randrange(60))
        case 1:
            fields = fields[1:]
        case 2:
            fields += [(b"a" * 300, b"b" * 2000)] * random.randrange(60)
        case 3:
            fields += [(random.choice((b":path", b"Host", b"", b"connection", b"content-length")), b"1e9")]
    return hpack.Encoder().encode(fields)


# Tools.

_ARGUMENTS = (
    order_tools.OrderProof,
    order_tools.NewOrder,
    appointment_tools.AppointmentProof,
    appointment_tools.Move,
    appointment_tools.NewAppointment,
)


def tool_inputs(world: World) -> Feed:
    """What a tool's arguments go through before anything is looked up."""

    def feed(data: bytes) -> None:
        asked = tool_arguments.parse_object(data.decode(errors="replace"))
        for model in _ARGUMENTS:
            try:
                read = tool_arguments.read(model, asked)
                match read:
                    case appointment_tools.NewAppointment(date=text):
                        parse_when(text, NOON)
                    case appointment_tools.Move(new_date=day, new_time=time):
                        parse_move(day, time, NOON, NOON)
            except (NeedsInput, Unclear):
                continue

    return feed


def toolbox(world: World) -> Feed:
    """The whole of it, up to the store."""
    box = _a_box(world)
    uses = 0

    async def feed(data: bytes) -> None:
        nonlocal box, uses
        if box.locked:
            box = _a_box(world)
        uses += 1
        use_id = data[: uses % 7].decode(errors="replace") + str(uses)
        name = TOOLS[len(data) % len(TOOLS)].name
        outcome = await box.run(name, data.decode(errors="replace"), tool_use_id=use_id)
        json.dumps(outcome.result, allow_nan=False).encode()
        if outcome.result.get("code") == "internal":
            raise Foreign(_last_error())

    return feed


def _a_box(world: World) -> Toolbox:
    world.calls += 1
    return Toolbox(world.store, CallContext(f"CA{world.calls}"), clock=lambda: NOON, sleep=_no_wait)


async def _no_wait(seconds: float) -> None: ...


ERRORS: list[str] = []


def _last_error() -> str:
    return ERRORS[-1] if ERRORS else "an internal failure"


@contextmanager
def errors_kept() -> Iterator[None]:
    """Remember the last error that is logged."""
    sink = logger.add(_keep_error, level="ERROR", format="{message}")
    try:
        yield
    finally:
        logger.remove(sink)


def _keep_error(message: LogMessage) -> None:
    told, raised = message.record["message"], message.record["exception"]
    where = traceback.extract_tb(raised.traceback)[-1:] if raised else []
    ERRORS[:] = [f"{told} ({raised.value!r} at {where[0].name}:{where[0].lineno})" if raised and where else told]


# REST.

_BODIES: Mapping[str, tuple[str, str, type[BaseModel]]] = {
    "customerName": ("POST", "/orders", NewOrder),
    "trackingNumber": ("PUT", "/orders/1", OrderEdit),
    "patientName": ("POST", "/appointments", NewAppointment),
    "notes": ("PUT", "/appointments/1", AppointmentEdit),
}


def rest_bodies(world: World) -> Feed:
    """A body through each model of the schemas, as FastAPI reads it."""

    def feed(data: bytes) -> None:
        data.decode()  # as the gate does
        body = json.loads(data)
        for model in (NewOrder, OrderEdit, NewAppointment, AppointmentEdit, CustomerBody):
            try:
                read = model.model_validate(body)
            except ValidationError as error:
                error.errors()
                continue
            match read:
                case NewOrder(items=items, estimated_delivery=delivery):
                    order_items(items)
                    from_iso(delivery or "2026-01-01T00:00Z")
                case OrderEdit() | AppointmentEdit():
                    read.fields()

    return feed


def rest_requests(world: World) -> Feed:
    """A request through the gate, the routes and the store. An answer of 500 is a failure."""

    async def feed(data: bytes) -> None:
        status = await _ask(world.app, data)
        if status >= 500:
            raise Foreign(f"{status}: {_last_error()}")

    return feed


_QUERIES = ("from", "to", "status", "email", "limit", "cursor", "date", "line", "outcome", "q")


async def _ask(app: FastAPI, data: bytes) -> int:
    """The status. What is asked for follows from the input, so that it can be asked again."""
    random = Random(data)  # noqa: S311
    method, path, _ = random.choice(list(_BODIES.values()))
    piece = data[: random.choice((0, 3, 40, 300))].decode("latin-1")
    query = b""
    if random.random() < 0.5:
        method = "GET"
        path = random.choice(("/orders", "/appointments", "/calls", f"/orders/{piece}", f"/calls/{piece}"))
        query = f"{random.choice(_QUERIES)}={random.choice(('2026-11-23', '1', 'é', piece))}".encode()
    elif random.random() < 0.2:
        path = f"/customers/{random.choice(('export', 'erase', piece))}"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "server": ("localhost", 8081),
        "client": ("127.0.0.1", 1),
        "headers": [
            (b"host", b"localhost:8081"),
            (b"x-api-key", b"a-key"),
            (b"content-type", b"application/json"),
            (b"if-match", data[:5].replace(b"\n", b"")),
        ],
    }
    statuses: list[int] = []
    waiting: list[Message] = [{"type": "http.request", "body": data, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


ENTRIES = (
    Entry("media stream", 200, media_stream, (RemoteProtocolError,), longest=MAX_MESSAGE + 1),
    Entry("browser events", 200, browser_events, longest=MAX_MESSAGE + 1),
    Entry("service events", 200, service_events),
    Entry(
        "client events", 80, client_events, (MalformedEvent, OrderError), longest=MAX_MESSAGE, reads="browser-events"
    ),
    Entry("event stream frames", 120, frames, (SonicError,), framed, reads="service-events"),
    Entry("http2", 50, http2, (), http2_frames, reads="service-events"),
    Entry("tool arguments", 100, tool_inputs, (ValueError,)),
    Entry("toolbox", 5, toolbox, reads="tool-arguments"),
    Entry("rest bodies", 40, rest_bodies, (ValueError, RecursionError), longest=MAX_BODY_BYTES),
    Entry("rest requests", 5, rest_requests, reads="rest-bodies"),
    Entry("sip messages", 80, sip.Signalling, (), sip.changed_sip, 64 * 1024, ends=sip.Signalling.finish),
    Entry(
        "sip stream",
        20,
        sip.Stream,
        (RemoteProtocolError,),
        sip.changed_sip,
        reads="sip-messages",
        ends=sip.Signalling.finish,
    ),
    Entry("rtp packets", 60, sip.Sound, (), changed_bytes, longest=64 * 1024),
    Entry("srtp packets", 40, sip.Sealed, (), changed_bytes, longest=64 * 1024, reads="rtp-packets"),
)
