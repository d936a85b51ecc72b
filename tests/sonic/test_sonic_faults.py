"""Every fault of the wire ends in the right error, soon, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

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
from agent.sonic.protocol import AudioInput, AudioOutput, SessionStart
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
async def test_a_fault_before_the_headers_is_told_within_the_open_bound(
    tmp_path: Path, action: Action, kind: type[SonicError]
) -> None:
    open_s = BOUND_S if isinstance(action, Silence) else HANG_S
    async with bench(tmp_path, faults=[Fault(action)]) as at, at.stream(at.client(open_s=open_s)) as stream:
        await refusal(stream, kind)


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
