"""A call's streams in several Regions."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from agent.fleet import Lease
from agent.sonic.breaker import FAILURE_LIMIT, CircuitBreaker
from agent.sonic.errors import SonicError, SonicLost, SonicThrottled
from agent.sonic.regional import RegionalStreams
from tests.support.virtual_loop import run_virtually


class Lender:
    """Leases in the first Region that is not avoided."""

    is_one_process = False

    def __init__(self, *regions: str) -> None:
        self.regions = regions
        self.out: list[Lease] = []

    async def lend(self, call_id: str, avoided: Collection[str] = ()) -> Lease:
        region = next((region for region in self.regions if region not in avoided), None)
        if region is None:
            raise SonicThrottled("none")
        self.out.append(Lease(call_id, region, in_use=True))
        return self.out[-1]

    def returned(self, call_id: str, lease: Lease) -> None:
        self.out.remove(lease)


class FakeStream:
    ready = True

    def __init__(self, region: str) -> None:
        self.region = region

    async def receive(self) -> None:
        raise SonicLost("reset")

    async def close(self) -> None: ...


class Region:
    def __init__(self, name: str, error: SonicError | None = None) -> None:
        self.name = name
        self.error = error

    async def open(self, model_id: str) -> Any:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return FakeStream(self.name)


class Stage:
    def __init__(self, *down: str) -> None:
        self.lender = Lender("east", "west")
        self.breakers = {name: CircuitBreaker() for name in self.lender.regions}
        regions = {name: Region(name, SonicLost("down") if name in down else None) for name in self.lender.regions}
        self.streams = RegionalStreams(self.lender, regions, self.breakers)


def test_a_failed_open_gives_its_lease_back_and_the_next_is_tried_in_another_region() -> None:
    async def story() -> None:
        stage = Stage("east")
        call = stage.streams.of("CA1")
        await call.admit()
        with pytest.raises(SonicLost):
            await call.open("model")
        call.failed()
        assert stage.lender.out == []
        await call.admit()
        await call.open("model")
        assert [lease.region for lease in stage.lender.out] == ["west"]
        call.proved()

    run_virtually(story())


def test_each_region_has_a_breaker_of_its_own() -> None:
    async def story() -> None:
        stage = Stage("east")
        for number in range(FAILURE_LIMIT):
            call = stage.streams.of(f"CA{number}")
            await call.admit()
            with pytest.raises(SonicLost):
                await call.open("model")
            call.failed()
        assert (stage.breakers["east"].is_open, stage.breakers["west"].is_open) == (True, False)
        assert not stage.streams.of("CA9").is_open

    run_virtually(story())


def test_a_stream_that_is_refused_for_want_of_a_lease_says_nothing_of_a_region() -> None:
    async def story() -> None:
        stage = Stage()
        stage.lender.regions = ()
        for number in range(FAILURE_LIMIT):
            call = stage.streams.of(f"CA{number}")
            with pytest.raises(SonicThrottled):
                await call.admit()
            call.failed()
        assert not any(breaker.is_open for breaker in stage.breakers.values())

    run_virtually(story())


def test_a_lost_stream_gives_its_lease_back_before_it_is_closed_and_only_once() -> None:
    async def story() -> None:
        stage = Stage()
        call = stage.streams.of("CA1")
        await call.admit()
        stream = await call.open("model")
        with pytest.raises(SonicLost):
            await stream.receive()
        assert stage.lender.out == []
        await stream.close()

    run_virtually(story())


def test_a_stream_that_was_opened_while_it_rang_is_the_one_that_the_session_asks_for() -> None:
    async def story() -> None:
        stage = Stage()
        while_it_rang = stage.streams.of("CA1")
        await while_it_rang.open("model")
        of_the_session = stage.streams.of("CA1")
        await of_the_session.admit()
        assert len(stage.lender.out) == 1, "no second lease"
        await of_the_session.admit()
        await of_the_session.open("model")
        assert len(stage.lender.out) == 2, "a replacement has its own"

    run_virtually(story())
