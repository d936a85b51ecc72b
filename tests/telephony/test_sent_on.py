"""A call that goes on, at a task of a fleet: answered here, sent on to another task, or apologised to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx2 as httpx
import pytest
from fastapi import FastAPI

from agent.active_calls import ActiveCalls
from agent.capacity import CallCapacity
from agent.fleet import MAX_TRIES, Fleet, Seats
from agent.record_writer import CallRecordWriter
from agent.regions import RegionPlan
from agent.sonic.preconnect import StreamPreconnector
from bench.fleet.memory import MemoryBackend
from common.settings import Settings
from common.times import utcnow
from data.leases import StreamLeases
from data.models import CallRecord, Line
from data.open import open_sqlite
from data.store import Store
from telephony.carrier import AfterStream, Apologise, AskAgain, HangUp, OpenAgain, Resume
from telephony.phone_calls import MAX_RESUMES, PhoneCalls
from telephony.twilio.carrier import Twilio
from telephony.twilio.routes import phone_routes
from tests.telephony.phone_doubles import ACCOUNT, BASE_URL, CALL, settings, sign
from tests.telephony.test_phone_calls import NoSonic

STREAMS = {"us-east-1": 20}


@dataclass
class Task:
    """One with a single seat, beside another that has one, too."""

    phone_calls: PhoneCalls
    capacity: CallCapacity
    store: Store
    leases: MemoryBackend

    def fill(self) -> None:
        assert self.capacity.start("another call")

    async def was_answered(self, outcome: str = "lost", resumed: int = 0) -> None:
        now, details = utcnow(), {"resumed": resumed} if resumed else {}
        await self.store.save_call(CallRecord(CALL, Line.PHONE, now, "", now, outcome, details=details), {})


@pytest.fixture
async def task(tmp_path: Path) -> AsyncIterator[Task]:
    store, leases, plan = await open_sqlite(tmp_path / "carlos.db"), MemoryBackend(), RegionPlan(STREAMS)
    capacity = CallCapacity(1, seats_ringing=False)
    seats = Seats(1, lambda: capacity.taken, lambda: capacity.draining, capacity.holds, capacity.release)
    carrier = Twilio(Settings(_env_file=None))
    phone_calls = PhoneCalls(
        ActiveCalls(capacity),
        _no_call,
        carrier,
        StreamPreconnector(lambda call_id: NoSonic(), "model", ahead=False),
        CallRecordWriter(store),
        fleet=Fleet(plan, seats, StreamLeases(lambda: leases, STREAMS, "this")),
    )
    await StreamLeases(lambda: leases, STREAMS, "the other").beat(seats=1, taken=0, draining=False)
    yield Task(phone_calls, capacity, store, leases)
    await carrier.close()
    await store.close()


def _no_call(*_: Any) -> Any:
    raise AssertionError("no line in these tests")


@pytest.mark.parametrize(
    ("tries", "expected"),
    [(None, Apologise()), *((tries, AskAgain()) for tries in range(MAX_TRIES)), (MAX_TRIES, Apologise())],
)
async def test_a_full_task_sends_a_call_that_goes_on_to_another_so_many_times(
    task: Task, tries: int | None, expected: AfterStream
) -> None:
    await task.was_answered()
    task.fill()
    assert await task.phone_calls.ended(CALL, 0, tries=tries) == expected
    assert task.capacity.taken == 1, "it holds no seat here"


async def test_a_task_that_must_go_sends_a_call_that_goes_on_to_another(task: Task) -> None:
    await task.was_answered("drained")
    task.capacity.drain()
    assert await task.phone_calls.ended(CALL, 0, tries=0) == AskAgain()


async def test_no_call_is_sent_on_where_all_are_full(task: Task) -> None:
    await StreamLeases(lambda: task.leases, STREAMS, "the other").beat(seats=1, taken=1, draining=False)
    await task.was_answered()
    task.fill()
    assert await task.phone_calls.ended(CALL, 0, tries=0) == Apologise()


@pytest.mark.parametrize(("tries", "expected"), [(0, AskAgain()), (1, Apologise())])
async def test_where_the_leases_cannot_be_read_a_call_is_sent_on_once(
    task: Task, tries: int, expected: AfterStream
) -> None:
    await task.was_answered()
    task.fill()
    task.leases.is_away = True
    assert await task.phone_calls.ended(CALL, 0, tries=tries) == expected


async def test_a_call_that_is_over_is_sent_nowhere(task: Task) -> None:
    await task.was_answered("completed")
    task.fill()
    assert await task.phone_calls.ended(CALL, 0, tries=0) == HangUp()


@pytest.mark.parametrize(
    ("resumes", "answered", "tries", "expected"),
    [
        pytest.param(0, None, 0, OpenAgain(), id="the first stream came to a full task"),
        pytest.param(0, None, MAX_TRIES - 1, OpenAgain(), id="for the last time"),
        pytest.param(0, None, MAX_TRIES, Apologise(), id="once too often"),
        pytest.param(0, None, None, Resume(), id="a carrier that counts no tries"),
        pytest.param(1, 0, 0, OpenAgain(), id="so did the one after a stream that died"),
        pytest.param(MAX_RESUMES, 1, 0, OpenAgain(), id="and the last one"),
        pytest.param(0, 0, 3, Resume(), id="a stream that died"),
        pytest.param(1, 1, 0, Resume(), id="the next one died too"),
        pytest.param(MAX_RESUMES, MAX_RESUMES, 0, Apologise(), id="all of them died"),
    ],
)
async def test_a_stream_that_no_task_had_a_seat_for_is_none_that_died(
    task: Task, resumes: int, answered: int | None, tries: int | None, expected: AfterStream
) -> None:
    if answered is not None:
        await task.was_answered(resumed=answered)
    assert await task.phone_calls.ended(CALL, resumes, tries=tries) == expected


async def test_a_call_for_which_there_is_never_a_seat_hears_so_after_a_few_requests(task: Task) -> None:
    await task.was_answered(resumed=1)
    app = FastAPI()
    app.include_router(phone_routes(settings(), task.phone_calls, _no_call))
    task.fill()
    form = {"CallSid": CALL, "AccountSid": ACCOUNT, "From": "+5491155550100", "To": "+541143210000"}
    url, asked = f"{BASE_URL}/twilio/after-stream?resumes=1", []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as client:
        while True:
            asked.append(url.removeprefix(BASE_URL + "/twilio/after-stream"))
            response = await client.post(url.removeprefix(BASE_URL), data=form, headers=sign(url, form))
            first, *_ = ElementTree.fromstring(response.text)  # noqa: S314 - our own document
            if first.tag != "Redirect":
                break
            url = str(first.text).partition("#")[0]
    assert first.tag == "Say"
    assert asked == ["?resumes=1", *(f"?resumes=1&tries={tries}" for tries in range(1, MAX_TRIES + 1))]
