"""What the phone says when a stream is over: the call is, or goes on, or cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.active_calls import ActiveCalls
from agent.record_writer import CallRecordWriter
from agent.sonic.preconnect import StreamPreconnector
from agent.transcript import CUT_OFF, CallTranscript
from common.settings import Settings
from common.times import utcnow
from data.errors import Unavailable
from data.models import CallRecord, Line, ToolCall, Turn
from data.open import open_sqlite
from data.store import Store
from telephony.carrier import Apologise, Caller, HangUp, Resume
from telephony.phone_calls import MAX_RESUMES, PhoneCalls
from telephony.twilio.carrier import Twilio
from tests.support.waiting import until

CALL = "CA" + "1" * 32


class NoSonic:
    """Every stream is refused; nobody waits for one here."""

    async def open(self, model_id: str) -> Any:
        await asyncio.Event().wait()


@dataclass
class HeldCall:
    """A call that waits for audio until it is told to end."""

    log: CallTranscript
    ended_as: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def run(self) -> str:
        return await self.ended_as

    async def hang_up(self, outcome: str = "closed") -> None:
        self.ended_as.set_result(outcome)


@dataclass
class Office:
    """A handler of calls with a store of its own, and what it made calls of."""

    store: Store
    phone_calls: PhoneCalls
    active_calls: ActiveCalls
    made: list[tuple[HeldCall, Any]]

    async def answer(self, resumes: int) -> asyncio.Task[None]:
        """Answer a stream as the media socket does, and wait until its call is live."""
        assert await self.phone_calls.started(CALL)
        caller = Caller(CALL, "+5491155550100", resumes)
        line: Any = object()

        async def hold() -> None:
            try:
                await self.phone_calls.answer(lambda on_end: line, caller)
            finally:
                await self.phone_calls.release(CALL)

        holding = asyncio.create_task(hold())
        await until(lambda: CALL in self.active_calls.live)
        return holding


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = await open_sqlite(tmp_path / "carlos.db")
    active_calls, made = ActiveCalls(2), []
    carrier = Twilio(Settings(_env_file=None))
    preconnector = StreamPreconnector(lambda call_id: NoSonic(), "model")

    def make_call(log: CallTranscript, line: Any, memory: Any) -> Any:
        made.append((HeldCall(log), memory))
        return made[-1][0]

    yield Office(
        store, PhoneCalls(active_calls, make_call, carrier, preconnector, CallRecordWriter(store)), active_calls, made
    )
    for opening in preconnector._opening.values():
        opening.cancel()
    await asyncio.gather(*preconnector._opening.values(), return_exceptions=True)
    preconnector._opening.clear()
    await carrier.close()
    await store.close()


def record(outcome: str | None, **changes: Any) -> CallRecord:
    now = utcnow()
    made: dict[str, Any] = {"ended_at": now if outcome else None, "outcome": outcome}
    return CallRecord(CALL, Line.PHONE, now, "+5491155550100", **(made | changes))


@pytest.mark.parametrize("outcome", [*sorted(CUT_OFF), None])
async def test_a_call_that_was_cut_off_goes_on(office: Office, outcome: str | None) -> None:
    await office.store.save_call(record(outcome), {})
    assert await office.phone_calls.ended(CALL, 0) == Resume()
    assert office.active_calls.capacity.taken == 1, "a place is held for the next stream"


@pytest.mark.parametrize("outcome", ["completed", "caller_left", "failed", "too_long", "closed"])
async def test_a_call_that_ended_as_calls_do_is_over(office: Office, outcome: str) -> None:
    await office.store.save_call(record(outcome))
    assert await office.phone_calls.ended(CALL, 0) == HangUp()


async def test_a_call_whose_stream_never_opened_is_tried_again_and_then_apologised_to(office: Office) -> None:
    answers = [await office.phone_calls.ended(CALL, resumes) for resumes in range(MAX_RESUMES + 1)]
    assert answers == [Resume()] * MAX_RESUMES + [Apologise()]


async def test_a_server_that_must_go_takes_no_call_over(office: Office) -> None:
    await office.store.save_call(record("drained"), {})
    office.active_calls.capacity.drain()
    assert await office.phone_calls.ended(CALL, 0) == Apologise()


async def test_a_call_that_broke_here_is_apologised_to(office: Office) -> None:
    await office.phone_calls.release(CALL, failed=True)
    assert await office.phone_calls.ended(CALL, 0) == Apologise()


async def test_a_stream_that_twilio_calls_over_is_let_go_at_once(office: Office) -> None:
    holding = await office.answer(resumes=0)
    assert await office.phone_calls.ended(CALL, 0) == Resume()
    assert holding.done()
    assert await office.made[0][0].ended_as == "dropped"
    again = await office.answer(resumes=1)
    await office.made[1][0].hang_up("completed")
    await again


async def test_a_webhook_asked_twice_does_not_cut_the_first_stream(office: Office) -> None:
    holding = await office.answer(resumes=0)
    assert not await office.phone_calls.started(CALL)
    assert await office.phone_calls.ended(CALL, 0) == HangUp()
    assert not holding.done()
    assert await office.phone_calls.ended(CALL, 0) == Resume(), "this time it is the first stream"
    assert await office.made[0][0].ended_as == "dropped"
    assert holding.done()


@pytest.mark.parametrize(
    ("stored", "over"),
    [
        (record("completed"), True),
        (record("lost", details={"twilio": {"status": "completed"}}), True),
        (record("dropped"), False),
        (record(None), False),
        (None, False),
    ],
)
async def test_a_call_is_over_when_the_store_or_twilio_says_so(
    office: Office, stored: CallRecord | None, *, over: bool
) -> None:
    if stored is not None:
        await office.store.save_call(stored)
    assert await office.phone_calls.is_over(CALL) is over


async def test_without_a_store_a_ringing_call_is_taken(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(call_id: str) -> None:
        raise Unavailable("no store")

    monkeypatch.setattr(office.store, "call", unavailable)
    assert not await office.phone_calls.is_over(CALL)


async def test_a_question_asked_twice_does_not_end_the_next_stream(office: Office) -> None:
    holding = await office.answer(resumes=1)
    assert await office.phone_calls.ended(CALL, 0) == Resume()
    assert not holding.done()
    await office.made[0][0].hang_up()
    await holding


async def test_the_next_stream_gets_the_story_and_what_the_tools_knew(office: Office) -> None:
    turn = Turn("caller", "Cancelá el pedido uno", utcnow())
    tool = ToolCall("cancelarOrder", "t1", True, 3, utcnow(), {"customerName": "María González"}, {})
    await office.store.save_call(record("lost", turns=(turn,), tools=(tool,)), {"identity": {"failures": 1}})
    holding = await office.answer(resumes=1)
    call, memory = office.made[0]
    assert memory == {"identity": {"failures": 1}}
    gone_on = call.log.record()
    assert (gone_on.turns, gone_on.tools, gone_on.ended_at, gone_on.outcome) == ((turn,), (tool,), None, None)
    assert gone_on.details["resumed"] == 1
    await call.hang_up()
    await holding


@pytest.mark.parametrize("state", ["none", "too old", "unreadable"])
async def test_without_what_was_known_a_call_begins_anew(
    office: Office, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    async def unavailable(call_id: str) -> None:
        raise Unavailable("no store")

    if state != "none":
        await office.store.save_call(record("dropped", turns=(Turn("caller", "Hola", utcnow()),)))
    if state == "unreadable":
        monkeypatch.setattr(office.store, "recall", unavailable)
    holding = await office.answer(resumes=1)
    call, memory = office.made[0]
    assert (call.log.turn, memory) == (0, {})
    await call.hang_up()
    await holding


async def without_a_store(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the backend answers nothing."""

    async def unavailable(*arguments: Any, **options: Any) -> Any:
        raise Unavailable("no store")

    for operation in ("get", "query", "transact", "add"):
        monkeypatch.setattr(office.store.backend, operation, unavailable)


async def test_without_a_store_a_stream_that_broke_here_goes_on_with_its_story(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await without_a_store(office, monkeypatch)
    holding = await office.answer(resumes=0)
    first = office.made[0][0]
    first.log.user_transcript("Cancelá el pedido uno")
    first.log.memory = lambda: {"identity": {"failures": 1}}
    first.log.end("dropped")
    await first.hang_up("dropped")
    await holding
    assert await office.phone_calls.ended(CALL, 0) == Resume()
    holding = await office.answer(resumes=1)
    again, memory = office.made[1]
    assert [turn.text for turn in again.log.record().turns] == ["Cancelá el pedido uno"]
    assert memory == {"identity": {"failures": 1}}
    await again.hang_up()
    await holding


async def test_without_a_store_a_call_that_ended_here_is_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await without_a_store(office, monkeypatch)
    holding = await office.answer(resumes=0)
    office.made[0][0].log.end("completed")
    await office.made[0][0].hang_up("completed")
    await holding
    assert await office.phone_calls.ended(CALL, 0) == HangUp()


async def test_without_a_store_a_call_of_another_process_goes_on_and_not_for_ever(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await without_a_store(office, monkeypatch)
    answers = [await office.phone_calls.ended(CALL, resumes) for resumes in range(MAX_RESUMES + 1)]
    assert answers == [Resume()] * MAX_RESUMES + [Apologise()]


async def test_a_store_that_hangs_holds_up_no_stream(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*arguments: Any, **options: Any) -> Any:
        await asyncio.Event().wait()

    for limit in ("AFTER_TIMEOUT_S", "STORY_TIMEOUT_S"):
        monkeypatch.setattr(f"telephony.phone_calls.{limit}", 0.01)
    monkeypatch.setattr(office.store.backend, "get", never)
    assert await office.phone_calls.ended(CALL, 0) == Resume()
    holding = await office.answer(resumes=1)
    await office.made[0][0].hang_up()
    await holding


async def test_the_first_stream_of_a_call_reads_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(call_id: str) -> None:
        raise AssertionError("a ringing call has no story")

    monkeypatch.setattr(office.store, "call", read)
    holding = await office.answer(resumes=0)
    await office.made[0][0].hang_up()
    await holding
