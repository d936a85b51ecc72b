"""Call-backs: asked for in two steps, kept once, and done when they were made."""

from __future__ import annotations

from typing import Any

import pytest

from data.callbacks import CallBackStatus
from data.store import Store
from tests.support.clocks import Clock
from tests.tools.caller import Call
from tools.business.callbacks import ASK_CALLBACK, read_back
from tools.identity import CallContext
from tools.toolbox import Toolbox


async def test_the_number_is_read_back_and_the_call_is_noted_after_a_yes(store: Store, clock: Clock) -> None:
    call = Call(store, clock)
    proposed = await call.use(ASK_CALLBACK, phone="11 5031 0001", about="Una duda")
    assert proposed["proposal"] == "Anotar que te llamen al 1 1 5, 0 3 1, 0 0 0 1."
    assert (await store.callbacks()).items == ()
    call.box.caller_spoke("Sí")
    assert (await call.use(ASK_CALLBACK, phone="11 5031 0001", about="Una duda"))["success"]
    (noted,) = (await store.callbacks(status=CallBackStatus.PENDING)).items
    assert (noted.call_id, noted.phone, noted.about) == ("CA1", "1150310001", "Una duda")


@pytest.mark.parametrize("said", ["No", "Mejor no", "¿Cuándo me llaman?"])
async def test_without_a_yes_nobody_is_called(store: Store, clock: Clock, said: str) -> None:
    call = Call(store, clock)
    await call.use(ASK_CALLBACK, phone="1150310001", about="Una duda")
    call.box.caller_spoke(said)
    assert (await call.use(ASK_CALLBACK, phone="1150310001", about="Una duda"))["confirmation_required"]
    assert (await store.callbacks()).items == ()


async def test_without_a_number_it_is_the_one_that_calls(store: Store, clock: Clock) -> None:
    call = Call(store, clock, caller_number="+5491155550100")
    await call.twice(ASK_CALLBACK, about="Una duda")
    (noted,) = (await store.callbacks()).items
    assert noted.phone == "+5491155550100"


@pytest.mark.parametrize("number", [None, "anonymous", "sip:ana@example.com", "client:ana"])
async def test_a_number_that_cannot_be_called_is_asked_for(store: Store, clock: Clock, number: str | None) -> None:
    answer = await Call(store, clock, caller_number=number).use(ASK_CALLBACK, about="Una duda")
    assert (answer["code"], "número por número" in answer["question"]) == ("phone_needed", True)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("+54 9 11 5031-0001", "+5491150310001"),
        ("(011) 5031-0001", "01150310001"),
        ("once, cincuenta, treinta y uno, cero cero, cero uno", None),
        ("uno uno cinco cero tres uno cero cero cero uno", "1150310001"),
        ("1234567", None),
        ("1" * 16, None),
        ("el de siempre", None),
        ("-1150310001-x", None),
    ],
)
async def test_numbers_are_dialled_or_spoken(store: Store, clock: Clock, said: str, kept: str | None) -> None:
    call = Call(store, clock)
    answer = await call.use(ASK_CALLBACK, phone=said, about="Una duda")
    if kept is None and "question" in answer:
        return
    assert answer["proposal"] == f"Anotar que te llamen al {read_back(kept or '1150310001')}."


async def test_a_second_wish_in_a_call_replaces_the_first(store: Store, clock: Clock) -> None:
    call = Call(store, clock)
    await call.twice(ASK_CALLBACK, phone="1150310001", about="Una duda")
    await call.twice(ASK_CALLBACK, phone="1150310002", about="Otra")
    ((noted),) = (await store.callbacks()).items
    assert (noted.phone, noted.about) == ("1150310002", "Otra")


async def test_a_caller_who_is_locked_out_may_ask_for_one(store: Store, clock: Clock) -> None:
    call = Call(store, clock)
    for number in ("1", "2", "3"):
        await call.use("consultarOrder", orderId=number, dni="99999999")
    assert call.box.locked
    assert (await call.twice(ASK_CALLBACK, phone="1150310001", about="Una duda"))["success"]


async def test_where_none_are_made_none_is_offered(store: Store, clock: Clock) -> None:
    box = Toolbox(store, CallContext("CA1"), clock=clock, without=frozenset({ASK_CALLBACK}))
    assert ASK_CALLBACK not in [tool.name for tool in box.specs]
    asked = await box.run(ASK_CALLBACK, '{"phone": "1150310001", "about": "x"}', tool_use_id="t1")
    assert asked.result["code"] == "unknown_tool"


async def test_it_is_done_and_may_be_taken_up_again(store: Store, clock: Clock) -> None:
    await Call(store, clock).twice(ASK_CALLBACK, phone="1150310001", about="Una duda")
    for status in (CallBackStatus.DONE, CallBackStatus.DONE, CallBackStatus.PENDING):
        changed = await store.close_callback("CA1", status)
        assert changed is not None
        assert (changed.status, changed.done_at is not None) == (status, status is CallBackStatus.DONE)
        assert [each.call_id for each in (await store.callbacks(status=status)).items] == ["CA1"]
    assert await store.close_callback("CA2", CallBackStatus.DONE) is None


async def test_it_goes_with_its_call(store: Store, clock: Clock) -> None:
    await Call(store, clock).twice(ASK_CALLBACK, phone="1150310001", about="Una duda")
    await store.erase_call("CA1")
    assert (await store.callbacks()).items == ()


async def test_a_transfer_is_written_by_one(store: Store) -> None:
    async def put(state: dict[str, Any], based_on: int) -> bool:
        return await store.save_transfer("CA1", state, based_on)

    assert await store.transfer("CA1") is None
    assert [await put({"n": 1}, 0), await put({"n": 2}, 0), await put({"n": 3}, 1)] == [True, False, True]
    assert await store.transfer("CA1") == ({"n": 3}, 2)
