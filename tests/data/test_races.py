"""The races, in short, and that their audit sees what it looks for."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bench.races import Races, Said, Score, _overlaps, _stands, race
from common.times import BUENOS_AIRES, Clock
from data.backends.base import Put
from data.models import Appointment, Order, OrderItem, OrderStatus
from data.records import to_item
from data.store import Change, Store
from data.tables import TableName

NOON = datetime(2026, 11, 24, 12, tzinfo=BUENOS_AIRES)
BOOKED = Appointment("1", "Ana Ruiz", "a@email.com", "Dra. Ana López", NOON, 30)
ORDER = Order("1", "Ana Ruiz", "c0@email.com", (OrderItem("Mesa", 1, 1050),), OrderStatus.PENDING, NOON, NOON)


@pytest.mark.slow
async def test_nothing_is_sold_twice_done_twice_or_only_said(store: Store, clock: Clock) -> None:
    score = await race(store, operations=60, seed=7, clock=clock)
    assert score.operations >= 60
    assert sum(score.faults.values()) > 5
    assert (score.sold_twice, score.done_twice, score.confirmed_without_record) == (0, 0, 0)
    assert (score.turns > 0, score.turns_lost) == (True, 0)


def test_the_audit_sees_a_time_that_was_sold_twice() -> None:
    overlapping = replace(BOOKED, id="2", start=NOON + timedelta(minutes=25))
    assert _overlaps([BOOKED, overlapping]) == 1
    assert _overlaps([BOOKED, replace(BOOKED, id="2", start=NOON + timedelta(minutes=30))]) == 0


def test_the_audit_sees_what_was_said_and_is_not_so() -> None:
    cancelled = Said("CA1", "cancelarOrder", {"orderId": "1"})
    created = Said("CA1", "crearOrder", {"orderId": "9"})
    booked = Said("CA1", "agendarTurno", {"appointmentId": "1", "date": "2026-11-24T13:00:00-03:00"})
    assert not any(_stands(said, {"1": ORDER}, {"1": BOOKED}) for said in (cancelled, created, booked))


async def test_the_audit_sees_what_was_done_twice(store: Store) -> None:
    score = Score()
    races = Races([store], random.Random(1), score)
    races._purchase()
    await store.commit(Change(None, ORDER))
    await store.commit(Change(None, replace(ORDER, id="2")))
    await store.backend.transact([Put(TableName.ORDERS, to_item(replace(ORDER, id="3", version=4)))])
    await races.audit(store)
    assert score.done_twice == 4
