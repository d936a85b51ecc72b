"""`make bench-paths`: what each fast path spares, in CPU time, beside the plain way that it stands in front of.

Both ways take turns and the least of several rounds counts, so that what else the machine does is in neither. One
JSON object: for each path microseconds with and without it, how often a second each call needs it at 20 and at 60
calls, and what that spares in % of a core.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aws_sdk_bedrock_runtime.models import BidirectionalInputPayloadPart, InvokeModelWithBidirectionalStreamInputChunk
from aws_sdk_signers import AsyncEventSigner
from loguru import logger
from smithy_aws_core.identity import AWSCredentialsIdentity, StaticCredentialsResolver
from smithy_aws_event_stream.aio import AWSEventPublisher, SigningConfig
from smithy_aws_event_stream.events import EventHeaderEncoder
from smithy_json import JSONCodec
from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from agent.sonic.encoding import encode
from agent.sonic.events import AudioInput
from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import ChunkSigner
from agent.sonic.wire.http2 import STREAM
from agent.sonic.wire.plain_data import data_frame
from bench import pairs
from bench.exchange import READ, WRITTEN, exchanging
from bench.websocket import talking
from carlos.websocket import FastWebSocket
from telephony.twilio.line import BUSY_LINES

ROUNDS, TIMES = 7, 1000
CALLS = (20, 60)
LOOP_BUSY = 60  # calls: with so many the loop is taken to be busy (common.loop_load)
PIECES_READ = 12.5  # a second: 80 ms each

type Figures = dict[str, Any]
type Work = Callable[[int], Awaitable[object]]


def frames_in(calls: int) -> float:
    """Pieces of a caller's audio a second, behind the line."""
    return 50 if calls < LOOP_BUSY else 25


def figures(plain_us: float, fast_us: float, per_second: Callable[[int], float]) -> Figures:
    rates = {f"{calls} calls": per_second(calls) for calls in CALLS}
    spared = {f"{calls} calls": round((plain_us - fast_us) * per_second(calls) * calls / 1e4, 2) for calls in CALLS}
    return {
        "plain_us": round(plain_us, 2),
        "fast_us": round(fast_us, 2),
        "per_call_and_second": rates,
        "core_percent": spared,
    }


async def least(*ways: Work) -> list[float]:
    """Microseconds of one time, for each of the ways."""
    best = [float("inf")] * len(ways)
    for _ in range(ROUNDS):
        for at, work in enumerate(ways):
            began = time.thread_time()
            await work(TIMES)
            best[at] = min(best[at], (time.thread_time() - began) / TIMES * 1e6)
    return best


async def websocket() -> dict[str, Figures]:
    async with talking(WebSocketsSansIOProtocol) as plain, talking(FastWebSocket) as fast:
        plain_us, fast_us = await least(plain.take, fast.take)
    return {"WebSocket in": figures(plain_us, fast_us, lambda calls: 50)}


async def data_frames() -> dict[str, Figures]:
    frame, data = data_frame(STREAM, bytes(READ)), bytes(WRITTEN)

    def reading(past_h2: bool) -> Work:
        exchange, _ = exchanging(past_h2=past_h2)
        return repeated(lambda: exchange.data_received(frame))

    def writing(past_h2: bool) -> Work:
        exchange, _ = exchanging(past_h2=past_h2)
        return repeated(lambda: exchange.write(data))

    into, out = await least(reading(False), reading(True)), await least(writing(False), writing(True))
    return {
        "DATA read": figures(into[0], into[1], lambda calls: PIECES_READ),
        "DATA written": figures(out[0], out[1], frames_in),
    }


def repeated(once: Callable[[], object]) -> Work:
    async def work(times: int) -> None:
        for _ in range(times):
            once()

    return work


class Nowhere:
    """An AsyncWriter."""

    async def write(self, data: bytes) -> None: ...


def sdk_publisher(writer: Any, seed: str) -> AWSEventPublisher[Any]:
    """What the SDK signs the chunks of a stream with; `writer` is an AsyncWriter."""
    identity = AWSCredentialsIdentity(access_key_id="AKID", secret_access_key="SECRET")  # noqa: S106
    return AWSEventPublisher(
        payload_codec=JSONCodec(),
        async_writer=writer,
        signing_config=SigningConfig(
            signer=AsyncEventSigner(initial_signature=seed.encode(), event_encoder_cls=EventHeaderEncoder),
            signing_properties={"region": "us-east-1", "service": "bedrock"},
            identity_resolver=StaticCredentialsResolver(identity),
            identity_properties={},
        ),
    )


async def chunks() -> dict[str, Figures]:
    seed = "ab" * 32
    publisher, signer = sdk_publisher(Nowhere(), seed), ChunkSigner(seed, Credentials("AKID", "SECRET"), "us-east-1")
    event = encode(AudioInput("p" * 36, "a" * 36, bytes(640)))

    async def sdk(times: int) -> None:
        for _ in range(times):
            part = BidirectionalInputPayloadPart(bytes_=event)
            await publisher.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))

    plain_us, fast_us = await least(sdk, repeated(lambda: signer.chunk(event)))
    return {"chunk signed": figures(plain_us, fast_us, frames_in)}


def paired_frames() -> dict[str, Figures]:
    """A frame is 20 ms here; each direction is judged with the other one in pairs, as it is where both matter."""
    ways = [(False, True), (True, False), (True, True)]
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for into, out in ways:
            best[into, out] = min(best[into, out], pairs.microseconds(pairs_in=into, pairs_out=out))
    both = best[True, True]
    return {
        "pairs in": figures(best[False, True], both, lambda calls: 50 if calls >= LOOP_BUSY else 0),
        "pairs out": figures(best[True, False], both, lambda calls: 50 if calls >= BUSY_LINES else 0),
    }


async def measure() -> dict[str, Figures]:
    return {**await websocket(), **await data_frames(), **await chunks()}


def main() -> None:
    logger.remove()
    with asyncio.Runner(loop_factory=Config("", log_config=None).get_loop_factory()) as runner:
        measured = runner.run(measure())
    json.dump(measured | paired_frames(), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
