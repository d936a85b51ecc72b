"""Webhooks of a scripted day, across a kill -9: is each event told, and once?

`python -m bench.day_webhooks HOME URL SECRET NOW` is one process that sends what waits in a day's store, by a clock
that begins at NOW, and ends when nothing waits. `count` starts one, kills it in the middle, and starts another.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.webhook_receiver import Told, WebhookReceiver
from carlos.webhooks.delivery import WebhookDelivery
from common.settings import Settings
from common.times import Clock, utcnow
from data.calls import part
from data.events import CALL_ENDED, CALLBACK_REQUESTED
from data.models import Appointment, Order
from data.open import SQLITE_FILE, open_sqlite
from data.store import Store
from data.webhooks import Receiver
from sandbox.hang import HANG_S

FAILS_FIRST = [500, 503]  # what the receiver answers before it takes anything
LOOK_S = 0.02

type Seeded = frozenset[tuple[type, str]]  # records that nobody was told of when they were made


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How many events of the day never reached the business, and how many more than once in effect."""

    missed: int
    doubled: int


def tells(store: Store, url: str) -> None:
    """Have the store note what happens for this receiver."""
    store.webhooks.receivers = (Receiver(url),)


async def seeded(store: Store) -> Seeded:
    return frozenset((type(record), record.id) for record in await _records(store))


async def count(
    store: Store, now: datetime, home: Path, receiver: WebhookReceiver, calls: Iterable[str], of_old: Seeded
) -> Deliveries:
    """Have everything sent, by two processes one of which is killed with half of it taken; compare with the store."""
    waiting = await store.webhooks.waiting(store.webhooks.receivers[0].id)
    first = await _started(home, receiver, now)
    async with asyncio.timeout(HANG_S):
        while receiver.messages.total() < waiting // 2 and first.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    second = await _started(home, receiver, now + timedelta(minutes=1))
    async with asyncio.timeout(HANG_S):
        if await second.wait():
            raise RuntimeError("the process that sends has failed")
    told = Counter(map(_about, receiver.events.values()))
    expected = await _expected(store, calls, of_old)
    return Deliveries(len(expected - told.keys()), (told - Counter(expected)).total())


async def _expected(store: Store, calls: Iterable[str], of_old: Seeded) -> set[Told]:
    """One for each end of a call, which has several if it was cut off and went on, for each call-back, and for each
    version of another record."""
    expected: set[Told] = set()
    for call_id in calls:
        call = await store.call(call_id)
        assert call is not None  # noqa: S101 - it was held
        expected |= {(CALL_ENDED, call_id, number) for number in range(part(call) + 1)}
    for record in await _records(store):
        first = 2 if (type(record), record.id) in of_old else 1
        noun = type(record).__name__.lower()
        expected |= {(f"{noun}.changed", record.id, version) for version in range(first, record.version + 1)}
    return expected | {(CALLBACK_REQUESTED, each.call_id, 0) for each in (await store.callbacks(limit=500)).items}


def _about(event: Mapping[str, Any]) -> Told:
    data = event["data"]
    numbers = {CALL_ENDED: "resumed", CALLBACK_REQUESTED: None}
    number = numbers.get(event["type"], "version")
    return event["type"], data["id"], data[number] if number else 0


async def _records(store: Store) -> list[Order | Appointment]:
    orders, appointments = await store.orders(), await store.appointments()
    if orders.next or appointments.next:
        raise RuntimeError("more than a page of records")
    return [*orders.items, *appointments.items]


async def _started(home: Path, receiver: WebhookReceiver, now: datetime) -> asyncio.subprocess.Process:
    words = [str(home), receiver.url, receiver.secret, now.isoformat()]
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.day_webhooks", *words, env=os.environ)


async def send(home: Path, url: str, secret: str, clock: Clock) -> None:
    """Send what waits, and return when nothing does."""
    settings = Settings(
        _env_file=None, carlos_home=home, webhook_urls=url, webhook_secrets=secret, webhook_private=True
    )
    store = await open_sqlite(home / SQLITE_FILE, clock)
    tells(store, url)
    delivery = WebhookDelivery(settings, store, clock=clock)
    delivery.start()
    while await store.webhooks.waiting(store.webhooks.receivers[0].id):  # noqa: ASYNC110 - the store has no event
        await asyncio.sleep(LOOK_S)
    await delivery.close()
    await store.close()


def main() -> None:
    home, url, secret, now = sys.argv[1:]
    ahead = datetime.fromisoformat(now) - utcnow()
    asyncio.run(send(Path(home), url, secret, lambda: utcnow() + ahead))


if __name__ == "__main__":
    main()
