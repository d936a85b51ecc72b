"""Who sends what is due, and what becomes of it. Nothing here waits: a test moves the clock, and takes each step."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from bench.stores import fresh_sqlite
from carlos.webhooks.schedule import AT_ONCE, ATTEMPTS, FAILURES, JITTER, MAX_WAIT, PROBE_EVERY, Answer
from carlos.webhooks.sender import BEAT_S, LEASE_S, SKEW_S, Sender
from common import metrics
from data.errors import Unavailable
from data.store import Change, Store
from data.webhooks import Letter, Receiver
from tests.data.test_store_contract import an_order
from tests.support.clocks import Clock
from tests.support.waiting import bounded

HERE = Receiver("https://example.com/hooks")


@dataclass
class Endpoint:
    """A receiver that answers as it is told; with `held` it does not answer yet."""

    answer: Answer = field(default_factory=lambda: Answer(200))
    got: list[str] = field(default_factory=list)  # the records that it was told of
    held: asyncio.Event | None = None

    async def send(self, letter: Letter) -> Answer:
        self.got.append(letter.about)
        if self.held is not None:
            await self.held.wait()
        return self.answer


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with fresh_sqlite(tmp_path, clock) as made:
        made.webhooks.receivers = (HERE,)
        yield made


def a_sender(store: Store, endpoint: Endpoint, clock: Clock, name: str = "one:1", **changes: Any) -> Sender:
    return Sender(HERE, store.webhooks, endpoint.send, name, clock=clock, chance=random.Random(7), **changes)


async def ordered(store: Store, *numbers: int) -> None:
    for number in numbers:
        await store.commit(Change(None, an_order(str(number))))


async def stepped(sender: Sender) -> None:
    """One look, and all that it begins."""
    await sender.step()
    async with bounded():
        await sender.settled()


async def due(store: Store) -> list[Letter]:
    return await store.webhooks.due(HERE.id, 1000)


async def test_what_is_taken_is_forgotten_and_remembered_as_a_delivery(store: Store, clock: Clock) -> None:
    endpoint = Endpoint()
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1, 2)
    await stepped(sender)
    await stepped(sender)
    assert sorted(endpoint.got) == ["1", "2"]
    assert await store.webhooks.waiting(HERE.id) == 0
    clock.advance(seconds=BEAT_S)
    await stepped(sender)
    recent = (await store.webhooks.state(HERE.id)).recent
    assert [(each.status, each.attempt, each.reason) for each in recent] == [(200, 1, "")] * 2


@pytest.mark.slow
async def test_what_is_not_taken_is_tried_ten_times_and_given_up(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(Answer(500))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    tries, began = 0, clock()
    while await store.webhooks.waiting(HERE.id):
        await stepped(sender)
        tries += len(endpoint.got)
        endpoint.got.clear()
        clock.advance(minutes=10)
    assert tries == ATTEMPTS
    assert timedelta(hours=75 * (1 - JITTER)) < clock() - began < timedelta(hours=78 * (1 + JITTER))
    (dead,) = (await store.webhooks.dead()).items
    assert (dead.about, dead.attempts, dead.reason) == ("1", ATTEMPTS, "HTTP 500")


async def test_it_is_not_tried_before_its_time_and_then_with_the_same_id(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(Answer(None, "no answer in time"))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    (first,) = await due(store)
    await stepped(sender)
    await stepped(sender)
    assert endpoint.got == ["1"]
    endpoint.answer = Answer(204)
    clock.advance(seconds=5 * (1 + JITTER))
    (again,) = await due(store)
    assert (again.id, again.attempts, again.reason) == (first.id, 1, "no answer in time")
    await stepped(sender)
    assert endpoint.got == ["1", "1"]
    assert await store.webhooks.waiting(HERE.id) == 0


async def test_a_receiver_that_is_down_is_tried_once_in_a_while(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(Answer(None, "no connection"))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, *range(1, 41))
    for _ in range(5):
        await stepped(sender)
    assert len(endpoint.got) == AT_ONCE >= FAILURES
    for _ in range(3):
        clock.advance(seconds=PROBE_EVERY.total_seconds())
        await stepped(sender)
        await stepped(sender)
    assert len(endpoint.got) == AT_ONCE + 3
    endpoint.answer = Answer(200)
    clock.advance(seconds=PROBE_EVERY.total_seconds())
    for _ in range(8):
        await stepped(sender)
    clock.advance(minutes=10)
    for _ in range(8):
        await stepped(sender)
    assert await store.webhooks.waiting(HERE.id) == 0
    assert set(endpoint.got) == set(map(str, range(1, 41)))


async def test_a_receiver_that_asks_for_time_gets_it(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(Answer(429, retry_after="600"))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    await stepped(sender)
    clock.advance(seconds=599)
    await stepped(sender)
    assert len(endpoint.got) == 1
    clock.advance(seconds=1)
    await stepped(sender)
    assert len(endpoint.got) == 2


async def test_410_turns_a_receiver_off_for_every_process_until_it_is_enabled(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(Answer(410))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    await stepped(sender)
    await ordered(store, 2)
    clock.advance(hours=1)
    await stepped(sender)
    assert endpoint.got == ["1"]
    assert (await store.webhooks.state(HERE.id)).disabled_at is not None
    another = a_sender(store, endpoint, clock, "two:2")
    clock.advance(hours=1)
    await stepped(another)
    assert endpoint.got == ["1"], "it knows"
    await store.webhooks.enable(HERE.id)
    endpoint.answer = Answer(200)
    clock.advance(seconds=BEAT_S)
    await stepped(another)
    assert sorted(endpoint.got) == ["1", "1", "2"]
    assert await store.webhooks.waiting(HERE.id) == 0


async def test_what_waited_too_long_for_a_receiver_that_is_off_is_given_up_unsent(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(Answer(410))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1, 2)
    await stepped(sender)
    clock.advance(seconds=MAX_WAIT.total_seconds() + 10)
    await ordered(store, 3)
    sent = len(endpoint.got)
    await stepped(sender)
    assert len(endpoint.got) == sent
    assert sorted(letter.about for letter in (await store.webhooks.dead()).items) == ["1", "2"]
    assert await store.webhooks.waiting(HERE.id) == 1


async def test_one_that_is_tried_again_after_days_waits_for_its_receiver_like_any_other(
    store: Store, clock: Clock
) -> None:
    endpoint = Endpoint(Answer(410))
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    await stepped(sender)
    clock.advance(seconds=MAX_WAIT.total_seconds() + 10)
    await stepped(sender)
    (dead,) = (await store.webhooks.dead()).items
    await store.webhooks.revive(dead)
    clock.advance(hours=1)
    await stepped(sender)
    assert (await store.webhooks.dead()).items == ()
    assert await store.webhooks.waiting(HERE.id) == 1


async def test_what_breaks_in_sending_is_not_tried_over_and_over_at_once(store: Store, clock: Clock) -> None:
    tries = 0

    async def broken(letter: Letter) -> Answer:
        nonlocal tries
        tries += 1
        raise Unavailable

    sender = Sender(HERE, store.webhooks, broken, "one:1", clock=clock)
    await ordered(store, 1)
    for _ in range(3 * FAILURES):
        await stepped(sender)
    assert tries == FAILURES


async def test_since_when_a_receiver_fails_outlives_a_process_and_ends_with_what_it_takes(
    store: Store, clock: Clock
) -> None:
    began, endpoint = clock(), Endpoint(Answer(500))
    await ordered(store, 1)
    one = a_sender(store, endpoint, clock)
    await stepped(one)
    await one.close(within_s=0)
    clock.advance(hours=1)
    two = a_sender(store, Endpoint(Answer(500)), clock, "two:2")
    await stepped(two)
    assert (await store.webhooks.state(HERE.id)).failing_since == began
    await two.close(within_s=0)
    clock.advance(hours=1)
    three = a_sender(store, Endpoint(), clock, "three:3")
    await stepped(three)
    clock.advance(seconds=BEAT_S)
    await stepped(three)
    assert (await store.webhooks.state(HERE.id)).failing_since is None


async def test_of_two_processes_one_sends_and_the_other_follows_when_it_is_dead(store: Store, clock: Clock) -> None:
    first, second = Endpoint(), Endpoint()
    one, other = a_sender(store, first, clock, "a:1"), a_sender(store, second, clock, "b:1")
    await stepped(one)
    for number in range(1, 6):
        await ordered(store, number)
        await stepped(other)
        await stepped(one)
        clock.advance(seconds=BEAT_S)
    assert (len(first.got), len(second.got)) == (5, 0)
    await ordered(store, 6)
    clock.advance(seconds=LEASE_S + SKEW_S)
    await stepped(other)
    assert second.got == ["6"]
    await ordered(store, 7)
    await stepped(one)
    assert len(first.got) == 5, "it sees that another sends"


async def test_a_process_that_surely_died_is_followed_at_once(store: Store, clock: Clock) -> None:
    await stepped(a_sender(store, Endpoint(), clock, "here:1"))
    endpoint = Endpoint()
    await ordered(store, 1)
    await stepped(a_sender(store, endpoint, clock, "here:2", is_gone=lambda name: name == "here:1"))
    assert endpoint.got == ["1"]


async def test_what_was_taken_while_the_store_was_away_is_not_sent_again(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint()
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)

    async def away(letter: Letter) -> bool:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(store.webhooks, "delivered", away)
        await stepped(sender)
        await stepped(sender)
    assert await store.webhooks.waiting(HERE.id) == 1
    await stepped(sender)
    assert await store.webhooks.waiting(HERE.id) == 0
    assert endpoint.got == ["1"]


async def test_a_store_that_is_away_stops_nothing_for_good(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint()
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)

    async def away(*arguments: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(store.backend, "get", away)
        await stepped(sender)
    assert endpoint.got == []
    await stepped(sender)
    assert endpoint.got == ["1"]


async def test_no_more_than_some_are_under_way_and_none_is_begun_twice(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(held=asyncio.Event())
    sender = a_sender(store, endpoint, clock)
    await ordered(store, *range(1, 21))
    for _ in range(3):
        await sender.step()
        await asyncio.sleep(0)
    assert len(endpoint.got) == len(set(endpoint.got)) == AT_ONCE
    assert endpoint.held is not None
    endpoint.held.set()
    for _ in range(4):
        await stepped(sender)
    assert sorted(endpoint.got, key=int) == [str(number) for number in range(1, 21)]


async def test_at_its_end_a_process_sends_what_is_due_and_lets_another_go_on(store: Store, clock: Clock) -> None:
    endpoint = Endpoint()
    sender = a_sender(store, endpoint, clock)
    await ordered(store, *range(1, 21))
    async with bounded():
        await sender.close(within_s=3600)
    assert len(endpoint.got) == 20
    assert await store.webhooks.waiting(HERE.id) == 0
    await ordered(store, 21)
    another = Endpoint()
    await stepped(a_sender(store, another, clock, "two:2"))
    assert another.got == ["21"], "no lease is in its way"


async def test_at_its_end_it_does_not_wait_for_a_receiver_that_hangs(store: Store, clock: Clock) -> None:
    endpoint = Endpoint(held=asyncio.Event())
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    async with bounded():
        await sender.close(within_s=0.01)
    assert await store.webhooks.waiting(HERE.id) == 1, "it is sent again, under the same id"


async def test_news_of_this_process_is_sent_without_waiting_for_the_next_look(store: Store, clock: Clock) -> None:
    endpoint = Endpoint()
    sender = Sender(HERE, store.webhooks, endpoint.send, "one:1", clock=clock)
    store.webhooks.on_added = sender.wake
    running = asyncio.create_task(sender.run())
    await ordered(store, 1)
    async with bounded():
        while await store.webhooks.waiting(HERE.id):
            await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert endpoint.got == ["1"]


async def test_the_log_says_what_was_given_up_and_nothing_of_it(store: Store, clock: Clock) -> None:
    lines: list[str] = []
    handler = logger.add(lambda line: lines.append(str(line)), level="DEBUG", format="{message}")
    sender = a_sender(store, Endpoint(Answer(410)), clock)
    await ordered(store, 1)
    await stepped(sender)
    logger.remove(handler)
    assert any("410" in line for line in lines)
    assert not [line for line in lines if "hooks" in line.replace("webhooks", "") or "María" in line]


# --- what is measured ------------------------------------------------------------------------------------------


def counted(outcome: str) -> float:
    value = metrics.REGISTRY.get_sample_value("carlos_webhooks_total", {"outcome": outcome})
    return value or 0.0


def age() -> float | None:
    return metrics.REGISTRY.get_sample_value("carlos_webhook_age_seconds", {"receiver": HERE.id})


async def test_what_is_delivered_what_fails_and_what_is_given_up_is_counted(store: Store, clock: Clock) -> None:
    before = [counted(outcome) for outcome in ("delivered", "failed", "given_up")]
    endpoint = Endpoint()
    sender = a_sender(store, endpoint, clock)
    await ordered(store, 1)
    await stepped(sender)
    endpoint.answer = Answer(503)
    await ordered(store, 2)
    for _ in range(ATTEMPTS):
        await stepped(sender)
        clock.now += timedelta(days=2)
    after = [counted(outcome) for outcome in ("delivered", "failed", "given_up")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, ATTEMPTS, 1]
    assert len((await store.webhooks.dead()).items) == 1


async def test_the_age_of_the_oldest_is_told_by_the_process_that_sends(store: Store, clock: Clock) -> None:
    sender = a_sender(store, Endpoint(Answer(503)), clock)
    await ordered(store, 1)
    await stepped(sender)
    clock.now += timedelta(minutes=2)
    await ordered(store, 2)
    await stepped(sender)
    assert age() == 120, "the first is not due, and waits all the same"
    await sender.close(within_s=0)
    assert age() == 0
    clock.now += timedelta(minutes=1)
    other = a_sender(store, Endpoint(), clock, "two:2")
    await stepped(other)
    await stepped(sender)
    assert age() == 0, "one that does not hold the lease does not know"
