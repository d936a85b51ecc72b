"""Every fault of the wire ends in the right error, soon, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.errors import (
    SonicError,
    SonicExpired,
    SonicHistoryTooLong,
    SonicLost,
    SonicRefused,
    SonicRejected,
    SonicThrottled,
    SonicTimedOut,
)
from agent.sonic.events import AudioInput, AudioOutput, ServiceEvent, SessionStart
from agent.sonic.wire.aws_errors import frame_error
from agent.sonic.wire.aws_errors import refusal as http_refusal
from agent.sonic.wire.client import Bounds, SonicStream
from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import EVENT_HEADERS, ChunkSigner, encode_frame
from agent.sonic.wire.http2 import Exchange
from sandbox.hang import HANG_S
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.faults import (
    Action,
    BadChecksum,
    Drop,
    EndStream,
    ErrorFrame,
    Fault,
    GoAway,
    HalfFrame,
    Raise,
    Reject,
    Reset,
    Silence,
    StopReading,
)
from sandbox.sonic.script import Say, ScriptTurn
from tests.sonic.sonic_bench import MODEL, bench, cue, failure, opening, refusal, rest, silence, until

BOUND_S = 1.0  # where the bound is what ends the wait
SERVICE_EVENTS = get_args(ServiceEvent.__value__)
GREETING = [ScriptTurn((Say("Hola, soy Carlos, en qué puedo ayudarle."),))]

LOSSES: list[Action] = [
    Drop(),
    Reset(),
    GoAway(),
    EndStream(),
    HalfFrame(),
    BadChecksum(),
    ErrorFrame("InternalFailure", "oops"),
    Raise("internalServerException", "An internal error occurred."),
    Raise("modelStreamErrorException", "The model's stream broke."),
    Raise("serviceUnavailableException", "Please retry."),
    Raise("brandNewException", "Not known to the SDK."),
    Raise("validationException", "System instability detected. Please retry your request."),
    Raise("validationException", "x::RST_STREAM closed stream. HTTP/2 error code: NO_ERROR"),
]
OTHERS: list[tuple[Action, type[SonicError]]] = [
    (Raise("throttlingException", "Too many requests."), SonicThrottled),
    (Raise("modelTimeoutException", "Model has timed out in processing the request."), SonicTimedOut),
    (Raise("validationException", "This request has been blocked by our content filters."), SonicRejected),
    (Raise("validationException", "Error(s):\nError 1 : Received invalid id"), SonicRefused),
    (Raise("validationException", "x : Chat history is over max limit. Trim it."), SonicHistoryTooLong),
    (Raise("validationException", "InternalErrorCode=531::RST_STREAM closed stream."), SonicTimedOut),
    (Raise("brandNewException", "The security token included in the request is expired"), SonicExpired),
]


def name(value: object) -> str:
    return str(getattr(value, "kind", type(value).__name__))


@pytest.mark.parametrize(("action", "kind"), [*((action, SonicLost) for action in LOSSES), *OTHERS], ids=name)
async def test_a_fault_in_mid_answer_is_told_by_its_error(
    tmp_path: Path, action: Action, kind: type[SonicError]
) -> None:
    fault = Fault(action, sent=AudioOutput, count=3)
    async with bench(tmp_path, GREETING, faults=[fault], behaviour=Behaviour()) as at:
        async with at.stream() as stream:
            await stream.send(*opening(), *cue())
            assert await failure(stream, kind)
            with pytest.raises(kind):  # and so does the next microphone frame
                await stream.send(silence(0.02))
        assert at.server.open_streams == 0


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Reject(429, "ThrottlingException"), SonicThrottled),
        (Reject(403, "AccessDeniedException", "no"), SonicRefused),
        (Reject(403, "ExpiredTokenException", "expired"), SonicExpired),
        (Reject(403, "ExpiredToken", "expired"), SonicExpired),
        (Reject(400, "ValidationException", "bad"), SonicRejected),
        (Reject(418, "BrandNewException", "bad"), SonicRejected),
        (Reject(404, "ResourceNotFoundException", "no model"), SonicRefused),
        (Reject(500, "InternalServerException", "oops"), SonicLost),
        (Reject(503, "ServiceUnavailableException", "later"), SonicLost),
        (Drop(), SonicLost),
        (Reset(), SonicLost),
        (GoAway(), SonicLost),
        (Silence(), SonicLost),
        (EndStream(), SonicLost),
    ],
    ids=lambda value: f"{name(value)}-{getattr(value, 'error_type', '')}",
)
@pytest.mark.slow
async def test_a_fault_before_the_headers_is_told_within_the_open_bound(
    tmp_path: Path, action: Action, kind: type[SonicError]
) -> None:
    open_s = BOUND_S if isinstance(action, Silence) else HANG_S
    async with bench(tmp_path, faults=[Fault(action)]) as at, at.stream(at.client(open_s=open_s)) as stream:
        await refusal(stream, kind)


@pytest.mark.parametrize(
    ("failure", "kind", "detail"),
    [
        (http_refusal(403, "ExpiredTokenException:http://aws", b'{"message":"old"}'), SonicExpired, "old"),
        (
            http_refusal(403, "", b'{"__type":"com.amazon#ExpiredToken","Message":"old"}'),
            SonicExpired,
            "ExpiredToken: old",
        ),
        (http_refusal(400, "ValidationException", b"no JSON"), SonicRejected, "no JSON"),
        (http_refusal(403, "", b""), SonicRefused, "HTTP 403"),
        (http_refusal(502, "", b"<html>"), SonicLost, "<html>"),
        (http_refusal(429, "NewException", b"[]"), SonicThrottled, "NewException"),
        (frame_error({":error-code": "X", ":error-message": "bad day"}, b""), SonicLost, "X: bad day"),
        (frame_error({":exception-type": "modelTimeoutException"}, b"{}"), SonicTimedOut, "modelTimeoutException"),
        (
            frame_error({":exception-type": "modelStreamErrorException"}, b'{"message":"a","originalMessage":"b"}'),
            SonicLost,
            "a / b",
        ),
    ],
)
def test_the_services_own_words_are_told(failure: SonicError, kind: type[SonicError], detail: str) -> None:
    assert type(failure) is kind
    assert detail in failure.detail


def test_what_may_be_tried_again_and_how() -> None:
    assert not SonicRefused.retryable
    retried = (SonicRejected, SonicHistoryTooLong, SonicExpired, SonicThrottled, SonicTimedOut, SonicLost)
    assert all(kind.retryable for kind in retried)
    assert [kind for kind in retried if kind.shorten_history] == [SonicHistoryTooLong]


async def test_a_throttled_open_works_the_next_time(tmp_path: Path) -> None:
    async with bench(tmp_path, GREETING, faults=[Fault(Reject(), streams=(1,))]) as at:
        async with at.stream() as first:
            await refusal(first, SonicThrottled)
        async with at.stream() as second:
            await second.send(*opening(), *cue())
            await until(second, lambda event: isinstance(event, AudioOutput))


async def test_the_21st_stream_is_throttled(tmp_path: Path) -> None:
    async with bench(tmp_path, max_streams=2) as at:
        client = at.client()
        streams = [await client.open(MODEL) for _ in range(3)]
        await asyncio.gather(*(stream.send(*opening()) for stream in streams[:2]))
        await refusal(streams[2], SonicThrottled)
        assert at.server.open_streams == 2
        await asyncio.gather(*(stream.close() for stream in streams))
        async with at.stream() as stream:
            await stream.send(*opening())


async def test_a_closed_window_ends_the_stream_within_the_send_bound(tmp_path: Path) -> None:
    fault = Fault(StopReading(), received=AudioInput)
    async with bench(tmp_path, faults=[fault]) as at, at.stream(at.client(send_s=0.2)) as stream:
        await stream.send(*opening())
        with pytest.raises(SonicLost, match="no event could be written"):
            await stream.send(*[silence(0.5)] * 100)
        await failure(stream, SonicLost)


@pytest.mark.slow
async def test_a_zombie_is_closed_within_its_bound(tmp_path: Path) -> None:
    fault = Fault(Silence(), received=SessionStart)
    async with bench(tmp_path, faults=[fault]) as at:
        async with at.stream() as stream:
            await stream.send(*opening())
        assert await rest(stream) == []


async def test_faults_can_be_changed_while_the_server_runs(tmp_path: Path) -> None:
    async with bench(tmp_path, GREETING) as at:
        at.server.faults.append(Fault(EndStream(), received=AudioInput, streams=range(2, 3)))
        async with at.stream() as stream:
            await stream.send(*opening(), *cue())
            await until(stream, lambda event: isinstance(event, AudioOutput))
        async with at.stream() as stream:
            await stream.send(*opening())
            await failure(stream, SonicLost)


json_events = st.sampled_from(
    [
        b'{"event":{"textOutput":{"contentId":"c","role":"USER","content":"Hola"}}}',
        b'{"event":{"contentStart":{"contentId":"c","type":"NEW","role":"USER"}}}',
        b'{"event":{"audioOutput":{"contentId":"c","content":"AAA"}}}',
    ]
)
heads = st.one_of(
    st.just(EVENT_HEADERS),
    st.binary(max_size=20),
    st.sampled_from([b"event", b"exception", b"error", b"news"]).map(
        lambda kind: b"\x0d:message-type\x07" + len(kind).to_bytes(2) + kind
    ),
)
payloads = st.one_of(
    st.binary(max_size=40),
    st.one_of(json_events, st.binary(max_size=40)).map(lambda event: b'{"p":"ab","bytes":"' + b64encode(event) + b'"}'),
    st.just(b'{"message":{"of":["a",null]}}'),
)
pieces = st.one_of(st.binary(max_size=40), st.builds(encode_frame, heads, payloads))


async def only_known_events(stream: SonicStream) -> None:
    while (event := await stream.receive()) is not None:
        assert type(event) in SERVICE_EVENTS


@given(st.lists(pieces, max_size=6))
def test_no_bytes_make_anything_but_events_and_an_error_of_ours(received: list[bytes]) -> None:
    async def run() -> None:
        exchange = Exchange(ping_s=None)
        signer = ChunkSigner("ab" * 32, Credentials("AKID", "SECRET"), "us-east-1")
        stream = SonicStream(exchange, signer, Bounds(3, 1, 1))
        for piece in received:
            exchange.on_data(piece)
        exchange.connection_lost(None)
        with pytest.raises(SonicError):
            await only_known_events(stream)
        await stream.close()

    asyncio.run(run())
