from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.sonic.errors import SonicError, SonicThrottled
from agent.sonic.preconnect import StreamPreconnector
from tests.support.waiting import until


class FakeStream:
    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class FakeOpener:
    def __init__(self, error: SonicError | None = None) -> None:
        self.streams: list[FakeStream] = []
        self.error = error

    async def open(self, model_id: str) -> Any:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.streams.append(FakeStream())
        return self.streams[-1]


async def test_a_call_gets_the_stream_that_was_opened_while_it_rang() -> None:
    opener = FakeOpener()
    preconnector = StreamPreconnector(lambda call_id: opener, "model")
    preconnector.prepare("CA1")
    preconnector.prepare("CA1")
    mine = preconnector.opener_for("CA1")
    first: Any = await mine.open("model")
    assert first is opener.streams[0]
    second: Any = await mine.open("model")
    assert second is opener.streams[1], "a reconnect opens another"
    await preconnector.close()
    assert not opener.streams[0].closed


async def test_none_is_opened_where_the_media_may_come_to_another_process() -> None:
    opener = FakeOpener()
    preconnector = StreamPreconnector(lambda call_id: opener, "model", ahead=False)
    preconnector.prepare("CA1")
    assert preconnector.opener_for("CA1") is opener
    await preconnector.close()
    assert opener.streams == []


async def test_a_stream_that_nobody_takes_is_closed() -> None:
    opener = FakeOpener()
    preconnector = StreamPreconnector(lambda call_id: opener, "model", keep_s=0.01)
    preconnector.prepare("CA1")
    await until(lambda: opener.streams and opener.streams[0].closed)
    late: Any = await preconnector.opener_for("CA1").open("model")
    assert late is opener.streams[1]


async def test_a_refusal_while_it_rang_is_the_calls_to_deal_with() -> None:
    preconnector = StreamPreconnector(lambda call_id: FakeOpener(SonicThrottled("429")), "model")
    preconnector.prepare("CA1")
    with pytest.raises(SonicThrottled):
        await preconnector.opener_for("CA1").open("model")
    preconnector.prepare("CA2")
    await preconnector.close()
