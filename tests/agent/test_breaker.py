from __future__ import annotations

import asyncio

from agent.sonic.breaker import FAILURE_LIMIT, FAILURE_WINDOW_S, PROBES_PER_S, CircuitBreaker
from tests.support.virtual_loop import run_virtually


def test_forty_calls_in_an_outage_dial_no_more_than_five_streams_a_second_together() -> None:
    dials: list[float] = []

    async def call(breaker: CircuitBreaker) -> None:
        loop = asyncio.get_running_loop()
        breaker.failed()  # its stream was lost, with all the others
        until = loop.time() + 8.0
        while loop.time() < until:
            try:
                async with asyncio.timeout_at(until):
                    await breaker.admit()
            except TimeoutError:
                return
            dials.append(loop.time())
            await asyncio.sleep(0.05)
            breaker.failed()

    async def outage() -> None:
        breaker = CircuitBreaker()
        await asyncio.gather(*(call(breaker) for _ in range(40)))

    run_virtually(outage())
    busiest = max(sum(at <= other < at + 1.0 for other in dials) for at in dials)
    assert busiest <= PROBES_PER_S
    assert len(dials) >= 8 * PROBES_PER_S - PROBES_PER_S, "and it goes on trying"


def test_the_first_stream_that_lives_lets_everybody_in() -> None:
    async def recovery() -> list[float]:
        breaker, loop = CircuitBreaker(), asyncio.get_running_loop()
        began = loop.time()
        for _ in range(FAILURE_LIMIT):
            breaker.failed()
        assert breaker.is_open
        admitted: list[float] = []

        async def call() -> None:
            await breaker.admit()
            admitted.append(loop.time() - began)

        calls = [asyncio.create_task(call()) for _ in range(40)]
        await asyncio.sleep(0.4)
        assert len(admitted) == PROBES_PER_S
        breaker.proved()
        await asyncio.gather(*calls)
        assert not breaker.is_open
        return admitted

    assert max(run_virtually(recovery())) < 0.5


def test_failures_that_are_far_apart_open_nothing() -> None:
    async def slowly() -> None:
        breaker = CircuitBreaker()
        for _ in range(3 * FAILURE_LIMIT):
            breaker.failed()
            await asyncio.sleep(FAILURE_WINDOW_S / FAILURE_LIMIT + 0.5)
            assert not breaker.is_open

    run_virtually(slowly())
