"""How a server comes to know whether it may have calls: looks on a virtual clock, and what its calls tell."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.readiness import Part, Readiness
from agent.sonic.errors import SonicError, SonicExpired, SonicLost, SonicRefused, SonicThrottled
from agent.sonic.events import AudioInput, AudioStart, SessionStart
from agent.sonic.probe import probe, words_of
from agent.transcript import CallTranscript
from carlos.readiness import (
    CHECK_S,
    LAST_LOOK_S,
    LOOK_TIMEOUT_S,
    NO_ANSWER,
    ToldOpener,
    delay_s,
    faults_of_calls,
    told_by_store,
    watched,
)
from carlos.telemetry import SLOW_S, TOO_LATE, MeasuredBackend
from data.errors import Unavailable
from data.models import Line
from data.open import open_sqlite
from data.tables import TableName
from tests.agent.session_stage import CONFIG, FakeSonic
from tests.support.logs import logged
from tests.support.virtual_loop import run_virtually

__all__ = ["logged"]

SECRET = "User: arn:aws:sts::123456789012:assumed-role/carlos-task is not authorized"


def loop_clock() -> float:
    return asyncio.get_running_loop().time()


class Looks:
    """A look that fails as it is told, and when it was taken."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.at: list[float] = []

    async def __call__(self) -> None:
        self.at.append(loop_clock())
        if self.faults:
            raise self.faults.pop(0)

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.at, self.at[1:], strict=False)]


def test_a_part_is_looked_at_until_it_works_and_then_no_more() -> None:
    async def scene() -> None:
        readiness, look = Readiness(loop_clock), Looks(*[Unavailable("no store")] * 9)
        async with watched(readiness, {Part.STORE: look}):
            await asyncio.sleep(3600)
            assert look.pauses == [1, 2, 4, 8, 16, 32, LAST_LOOK_S, LAST_LOOK_S, LAST_LOOK_S]
            assert readiness.works(Part.STORE)

    run_virtually(scene())


def test_a_part_that_fails_later_is_looked_at_again() -> None:
    async def scene() -> None:
        readiness, look = Readiness(loop_clock), Looks()
        async with watched(readiness, {Part.SONIC: look}):
            await asyncio.sleep(1000)
            readiness.failed(Part.SONIC, "lost")
            await asyncio.sleep(CHECK_S)
            assert readiness.works(Part.SONIC)
            assert len(look.at) == 2

    run_virtually(scene())


def test_a_part_that_does_not_answer_is_told_of() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def scene() -> None:
        readiness = Readiness(loop_clock)
        async with watched(readiness, {Part.STORE: never}):
            await asyncio.sleep(LOOK_TIMEOUT_S + 0.5)
            assert readiness.told()["store"] == NO_ANSWER

    run_virtually(scene())


def test_looks_are_further_apart_but_not_without_an_end() -> None:
    assert [delay_s(looks) for looks in (1, 2, 7, 10_000)] == [1.0, 2.0, LAST_LOOK_S, LAST_LOOK_S]


@pytest.mark.parametrize("error", [SonicRefused(SECRET), SonicExpired(SECRET), SonicLost(SECRET), SonicError(SECRET)])
def test_what_sonic_said_is_for_the_log_and_not_for_everybody(error: SonicError, logged: list[str]) -> None:
    async def scene() -> Readiness:
        readiness = Readiness(loop_clock)
        async with watched(readiness, {Part.SONIC: Looks(error)}):
            await asyncio.sleep(0.5)
        return readiness

    readiness = run_virtually(scene())
    assert readiness.told()["sonic"] == words_of(type(error).__name__)
    assert "arn" not in str(readiness.told())
    assert any(SECRET in line for line in logged)


def test_a_throttled_look_leaves_the_process_its_calls_and_goes_on_looking() -> None:
    async def scene() -> None:
        readiness, look = Readiness(loop_clock), Looks(*[SonicThrottled("429")] * 3)
        readiness.worked(Part.STORE)
        async with watched(readiness, {Part.SONIC: look}):
            await asyncio.sleep(0.5)
            assert readiness.may_have_calls()
            assert readiness.told()["sonic"].startswith("throttled")
            await asyncio.sleep(100)
            assert (look.pauses, readiness.told()["sonic"]) == ([1, 2, 4], "ok")

    run_virtually(scene())


# --- a stream as a call opens it -----------------------------------------------------------------------------


async def test_a_probe_opens_one_stream_says_nothing_in_it_and_closes_it() -> None:
    sonic = FakeSonic()
    await probe(sonic, CONFIG)
    (stream,) = sonic.streams
    assert stream.closed
    assert isinstance(stream.sent[0], SessionStart)
    assert not [event for event in stream.sent if isinstance(event, AudioStart | AudioInput)]


async def test_a_probe_that_is_refused_says_so() -> None:
    with pytest.raises(SonicRefused):
        await probe(FakeSonic(lambda number: SonicRefused("no access")), CONFIG)


# --- what calls tell -----------------------------------------------------------------------------------------


async def test_the_stream_of_a_call_that_is_accepted_proves_sonic() -> None:
    readiness, sonic = Readiness(), FakeSonic()
    await ToldOpener(sonic, readiness).open("model")
    sonic.streams[0].head.clear()
    await asyncio.sleep(0)
    assert not readiness.works(Part.SONIC), "it is connected, and nothing more"
    sonic.streams[0].head.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert readiness.works(Part.SONIC)


async def test_a_stream_that_was_closed_unused_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    readiness, sonic = Readiness(), FakeSonic()
    stream: Any = await ToldOpener(sonic, readiness).open("model")

    async def closed() -> None:
        raise SonicLost("the stream is closed")

    monkeypatch.setattr(stream, "opened", closed)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not readiness.works(Part.SONIC)
    assert not readiness.fails(Part.SONIC)


def test_a_fault_of_a_call_is_sonics() -> None:
    readiness, log = Readiness(), CallTranscript("CA1", Line.PHONE, None)
    readiness.worked(Part.SONIC)
    log.events.listeners.append(faults_of_calls(readiness))
    log.fault(f"SonicRefused: {SECRET}", "SonicRefused: AccessDenied")
    assert readiness.told()["sonic"] == words_of("SonicRefused")


async def test_each_operation_tells_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readiness, store = Readiness(), await open_sqlite(tmp_path / "carlos.db")
    readiness.worked(Part.STORE)
    real = store.backend.get
    store.backend = MeasuredBackend(store.backend, told_by_store(readiness))

    async def lost(table: TableName, pk: str, sk: str) -> None:
        raise Unavailable("sqlite: OperationalError")

    monkeypatch.setattr(store.backend._backend, "get", lost)
    with pytest.raises(Unavailable):
        await store.order("1")
    assert readiness.told()["store"] == "sqlite: OperationalError"
    monkeypatch.setattr(store.backend._backend, "get", real)
    await store.order("1")
    assert readiness.told()["store"] == "ok"
    await store.close()


@pytest.mark.parametrize(("waited_s", "told"), [(SLOW_S / 2, "ok"), (SLOW_S * 2, TOO_LATE)])
async def test_an_operation_that_is_given_up_tells_of_the_store_if_it_was_waited_for(
    monkeypatch: pytest.MonkeyPatch, waited_s: float, told: str
) -> None:
    class Hanging:
        name = "hanging"

        async def get(self, table: TableName, pk: str, sk: str) -> None:
            await asyncio.Event().wait()

    readiness, now = Readiness(), iter((0.0, waited_s))
    readiness.worked(Part.STORE)
    hanging: Any = Hanging()
    monkeypatch.setattr("carlos.telemetry.time.perf_counter", lambda: next(now))
    backend = MeasuredBackend(hanging, told_by_store(readiness))
    asking = asyncio.create_task(backend.get(TableName.CALLS, "a", "b"))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert readiness.told()["store"] == told
