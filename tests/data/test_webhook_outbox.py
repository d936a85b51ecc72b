"""What happens is noted for webhooks in the transaction that does it, on both stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from data.backends.base import Write
from data.callbacks import CallBack
from data.changes import IdempotencyRecord
from data.errors import Conflict, SlotTaken, Unavailable
from data.models import AppointmentStatus, CallRecord, Line, OrderStatus
from data.operators.seed import seed
from data.rules import cancel_order
from data.store import Change, Store
from data.webhooks import PK, Delivery, Letter, Receiver, ReceiverState
from tests.data.test_store_contract import NOON, a_receipt, added, an_appointment, an_order
from tests.support.clocks import Clock

HERE = Receiver("https://example.com/hooks")
THERE = Receiver("https://example.org/other")


def told(store: Store, *receivers: Receiver) -> Store:
    store.webhooks.receivers = receivers or (HERE,)
    return store


async def noted(store: Store, receiver: Receiver = HERE) -> list[Letter]:
    return await store.webhooks.due(receiver.id, 100)


async def data_of(store: Store) -> list[dict[str, Any]]:
    return [letter.data for letter in await noted(store)]


def a_call(**changes: Any) -> CallRecord:
    return replace(CallRecord("CA1", Line.PHONE, NOON, "+5491155550101"), **changes)


async def test_nobody_pays_for_it_who_has_no_receiver(store: Store) -> None:
    written: list[Write] = []
    transact = store.backend.transact

    async def counting(writes: Sequence[Write]) -> None:
        written.extend(writes)
        await transact(writes)

    store.backend.transact = counting  # type: ignore[method-assign]
    await added(store, an_order())
    await store.save_call(a_call(ended_at=NOON, outcome="completed"))
    assert not [write for write in written if write.key[0].startswith(PK)]
    assert await noted(store) == []


async def test_an_order_s_life_is_told_by_ids_times_and_kinds_alone(store: Store, clock: Clock) -> None:
    order = await added(told(store), an_order())
    cancelled = cancel_order(order, NOON)
    await store.commit(cancelled, a_receipt())
    assert cancelled.after is not None
    await store.commit(Change(replace(cancelled.after, version=2), None))
    created, changed, deleted = sorted(await data_of(store), key=lambda data: data["version"])
    times = {"createdAt": "2026-11-24T15:00:00.000Z"}
    assert created == {"id": "1", "version": 1, "change": "created", "status": "pending", **times}
    assert changed == {
        **{"id": "1", "version": 2, "change": "cancelled", "status": "cancelled", **times},
        **{"previous": {"status": "pending"}, "callId": "call-1"},
    }
    assert deleted == {"id": "1", "version": 3, "change": "deleted", "status": "cancelled", **times}
    assert {letter.type for letter in await noted(store)} == {"order.changed"}
    assert len({letter.id for letter in await noted(store)}) == 3, "each event has an id of its own"


async def test_an_appointment_that_is_moved_tells_from_when(store: Store) -> None:
    made = await added(told(store), an_appointment())
    await store.commit(Change(made, replace(made, start=NOON + timedelta(days=1))))
    *_, moved = sorted(await data_of(store), key=lambda data: data["version"])
    assert (moved["change"], moved["date"]) == ("moved", "2026-11-25T15:00:00.000Z")
    assert moved["previous"] == {"date": "2026-11-24T15:00:00.000Z"}


async def test_an_appointment_that_is_confirmed_is_updated_and_one_that_is_cancelled_says_so(store: Store) -> None:
    made = await added(told(store), an_appointment())
    confirmed = replace(made, status=AppointmentStatus.CONFIRMED)
    await store.commit(Change(made, confirmed))
    confirmed = replace(confirmed, version=2)
    await store.commit(Change(confirmed, replace(confirmed, status=AppointmentStatus.CANCELLED)))
    changes = sorted(await data_of(store), key=lambda data: data["version"])
    assert [data["change"] for data in changes] == ["created", "updated", "cancelled"]


async def test_what_is_refused_is_not_told(store: Store) -> None:
    await added(told(store), an_order())
    await added(store, an_appointment())
    before = await noted(store)
    with pytest.raises(Conflict):
        await store.commit(Change(None, an_order()))
    with pytest.raises(Conflict):
        await store.commit(Change(an_order(version=7), an_order(status=OrderStatus.SHIPPED)))
    with pytest.raises(SlotTaken):
        await store.commit(Change(None, an_appointment("2")))
    assert await noted(store) == before


async def test_what_is_asked_for_twice_is_told_once(store: Store) -> None:
    order = await added(told(store), an_order())
    for _ in range(2):
        await store.commit(cancel_order(order, NOON), a_receipt())
    assert [data["change"] for data in await data_of(store)].count("cancelled") == 1


async def test_a_write_whose_answer_was_lost_is_told_once(store: Store) -> None:
    order = await added(told(store), an_order())
    transact = store.backend.transact

    async def lost(writes: Sequence[Write]) -> None:
        await transact(writes)
        raise Unavailable

    store.backend.transact = lost  # type: ignore[method-assign]
    assert await store.commit(cancel_order(order, NOON), a_receipt()) == a_receipt(), "its receipt is found"
    store.backend.transact = transact  # type: ignore[method-assign]
    assert await store.commit(cancel_order(order, NOON), a_receipt()) == a_receipt()
    assert [data["change"] for data in await data_of(store)].count("cancelled") == 1


async def test_sample_records_are_nobody_s_news(store: Store, clock: Clock) -> None:
    await seed(told(store), clock().date())
    assert await noted(store) == []


async def test_each_receiver_gets_its_own_under_one_id(store: Store) -> None:
    await added(told(store, HERE, THERE), an_order())
    (here,), (there,) = await noted(store, HERE), await noted(store, THERE)
    assert (here.id, here.data) == (there.id, there.data)
    await store.webhooks.delivered(here)
    assert (await noted(store, HERE), await noted(store, THERE)) == ([], [there])


async def test_events_that_nobody_wants_are_not_noted(store: Store) -> None:
    told(store).webhooks.wanted = ("appointment.changed",)
    await added(store, an_order())
    await added(store, an_appointment())
    assert [letter.type for letter in await noted(store)] == ["appointment.changed"]


async def test_a_call_s_end_is_told_once_whatever_is_added_to_its_record_later(store: Store) -> None:
    kept = await told(store).save_call(a_call())
    assert await noted(store) == [], "it goes on"
    ended = replace(kept, ended_at=NOON + timedelta(seconds=90), outcome="completed")
    kept = await store.save_call(ended, None, kept)
    await store.amend_call("CA1", lambda record: replace(record, details={**record.details, "twilio": {"a": "b"}}))
    await store.save_call(replace(kept, details={"messages": ["sent"]}), None, kept)
    (letter,) = await noted(store)
    assert (letter.type, letter.about) == ("call.ended", "CA1")
    assert letter.data == {
        **{"id": "CA1", "version": 2, "line": "phone", "startedAt": "2026-11-24T15:00:00.000Z", "resumed": 0},
        **{"endedAt": "2026-11-24T15:01:30.000Z", "durationSeconds": 90.0, "outcome": "completed"},
    }


async def test_a_call_that_was_taken_for_lost_and_then_ended_tells_how_it_ended(store: Store) -> None:
    kept = await told(store).save_call(a_call())
    await store.amend_call("CA1", lambda record: replace(record, ended_at=NOON, outcome="lost"))
    await store.save_call(replace(kept, ended_at=NOON + timedelta(seconds=90), outcome="completed"), None, kept)
    assert sorted((data["version"], data["outcome"]) for data in await data_of(store)) == [
        (2, "lost"),
        (3, "completed"),
    ]


async def test_a_call_that_was_cut_off_and_goes_on_ends_again(store: Store) -> None:
    kept = await told(store).save_call(a_call(ended_at=NOON, outcome="dropped"))
    kept = await store.save_call(replace(kept, ended_at=None, outcome=None, details={"resumed": 1}), None, kept)
    await store.save_call(replace(kept, ended_at=NOON, outcome="dropped"), None, kept)
    assert sorted((data["resumed"], data["outcome"]) for data in await data_of(store)) == [
        (0, "dropped"),
        (1, "dropped"),
    ]


async def test_a_voicemail_s_record_that_is_made_with_its_end_is_told(store: Store) -> None:
    await told(store).save_call(a_call(ended_at=NOON, outcome="voicemail"))
    assert [data["outcome"] for data in await data_of(store)] == ["voicemail"]


async def test_a_call_back_is_told_without_the_number_and_each_time_that_it_is_asked_for(
    store: Store, clock: Clock
) -> None:
    told(store)
    for use in ("t1", "t2", "t2"):
        receipt = IdempotencyRecord("CA1", use, f"pedirLlamado:{use}", {"success": True})
        await store.ask_callback(CallBack("CA1", "1150310001", "Una duda", clock()), receipt)
    data = sorted(await data_of(store), key=lambda each: each["version"])
    asked = {"id": "CA1", "askedAt": "2026-11-23T15:00:00.000Z"}
    assert data == [{**asked, "version": 1}, {**asked, "version": 2}]


async def test_what_is_put_off_is_due_later_and_behind_what_is_due_now(store: Store, clock: Clock) -> None:
    await added(told(store), an_order("1"))
    clock.advance(seconds=1)
    await added(store, an_order("2"))
    first, second = await noted(store)
    assert await store.webhooks.put_off(first, clock() + timedelta(minutes=5), "HTTP 500")
    assert await noted(store) == [second]
    clock.advance(minutes=5)
    assert [letter.about for letter in await noted(store)] == ["2", "1"]
    assert (await noted(store))[1] == replace(first, attempts=1, reason="HTTP 500", due=clock())


async def test_a_second_process_that_was_slow_changes_nothing_any_more(store: Store, clock: Clock) -> None:
    await added(told(store), an_order())
    (letter,) = await noted(store)
    assert await store.webhooks.delivered(letter)
    assert not await store.webhooks.delivered(letter)
    assert not await store.webhooks.put_off(letter, clock(), "HTTP 500")
    assert not await store.webhooks.bury(letter, 1, "HTTP 500")
    assert await noted(store) == []
    assert (await store.webhooks.dead()).items == ()


async def test_what_is_given_up_is_listed_and_tried_again_or_forgotten(store: Store, clock: Clock) -> None:
    webhooks = told(store).webhooks
    for number in "123":
        await added(store, an_order(number))
        clock.advance(seconds=1)
    for letter in await noted(store):
        assert await webhooks.bury(letter, 10, "HTTP 500")
    assert await noted(store) == []
    page = await webhooks.dead(limit=2)
    assert [letter.about for letter in page.items] == ["3", "2"], "those of the newest events first"
    (last,) = (await webhooks.dead(limit=2, after=page.next)).items
    assert (last.attempts, last.reason, last.died_at) == (10, "HTTP 500", clock())
    dead = await webhooks.dead_letter(last.name)
    assert dead == last
    await webhooks.revive(last)
    (again,) = await noted(store)
    assert (again.id, again.attempts, again.data) == (last.id, 0, last.data)
    with pytest.raises(Conflict):
        await webhooks.revive(last)
    await webhooks.discard(page.items[0])
    with pytest.raises(Conflict):
        await webhooks.discard(page.items[0])
    assert [letter.about for letter in (await webhooks.dead()).items] == ["2"]


async def test_one_process_at_a_time_writes_a_receiver_s_state(store: Store, clock: Clock) -> None:
    webhooks = told(store).webhooks
    fresh = await webhooks.state(HERE.id)
    assert fresh == ReceiverState(HERE.id)
    attempts = [Delivery(f"msg_{n}", "order.changed", clock(), 500, n, 12, "HTTP 500") for n in range(1, 13)]
    ours = replace(fresh, holder="one", until=clock(), failing_since=clock()).with_recent(attempts)
    assert await webhooks.keep_state(ours)
    assert not await webhooks.keep_state(replace(fresh, holder="other"))
    stored = await webhooks.state(HERE.id)
    assert stored == replace(ours, version=1)
    assert [each.id for each in stored.recent] == [f"msg_{n}" for n in range(12, 2, -1)]


async def test_a_receiver_that_was_turned_off_is_turned_on_again(store: Store, clock: Clock) -> None:
    webhooks = told(store).webhooks
    await webhooks.enable(HERE.id)
    assert (await webhooks.state(HERE.id)).version == 0, "nothing to do"
    await webhooks.keep_state(ReceiverState(HERE.id, "one", clock(), disabled_at=clock()))
    await webhooks.enable(HERE.id)
    state = await webhooks.state(HERE.id)
    assert (state.disabled_at, state.holder) == (None, "one")


async def test_what_waits_is_counted_due_or_not(store: Store, clock: Clock) -> None:
    await added(told(store), an_order())
    (letter,) = await noted(store)
    await store.webhooks.put_off(letter, clock() + timedelta(hours=1), "HTTP 500")
    await added(store, an_appointment())
    assert await store.webhooks.waiting(HERE.id) == 2
    assert await store.webhooks.waiting(THERE.id) == 0
