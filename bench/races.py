"""`python -m bench.races`: many callers want the same thing at once, and the store fails now and then.

On each store, over two clients as if they were two processes, callers book one time, move to one time, cancel one
order and create orders of their own, through the tools as a call uses them. Answers are lost before and after writes,
DynamoDB throttles, models send a toolUse twice, and processes die and are replaced in mid-call. Meanwhile calls are
told to their records turn by turn, by a process that loses its call and by the one that goes on with it, and carriers
add their words. Afterwards the records are compared with what was said. Prints a table; the last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count, islice, zip_longest
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from loguru import logger
from rich.console import Console
from rich.table import Table

from agent.record_writer import CallRecordWriter
from agent.transcript import CallTranscript
from bench.stores import fresh_dynamodb, fresh_sqlite
from common.times import BUENOS_AIRES, Clock, utcnow
from data.backends.base import Backend, Put, Write
from data.backends.dynamo import DynamoBackend
from data.backends.sqlite import SqliteBackend
from data.errors import DataError, Unavailable
from data.kept_facts import UNTOLD
from data.models import Appointment, CallRecord, Line, Order, OrderItem, OrderStatus
from data.opening import days_from, moment
from data.store import Change, Store
from sandbox.ministack import ministack
from tools.identity import CallContext
from tools.toolbox import Toolbox

LOST_BEFORE, LOST_AFTER, LOST_READ, THROTTLED = 0.04, 0.06, 0.02, 0.05
SENT_TWICE, PROCESS_DIES = 0.2, 0.1
RIVALS = 20  # callers in one race
TOLD, TURNS = 3, 4  # calls told to their records beside each race, and turns of each of their two parts
ATTEMPTS = 6  # how often a caller who hears "no puedo confirmarlo" tries again

DOCTOR = "Dra. Ana López"
_ALREADY = re.compile(r"ya se creó el pedido (\d+)")


@dataclass(slots=True)
class Said:
    """What a caller was told is done, to be looked for in the store."""

    call_id: str
    tool: str
    result: dict[str, Any]


@dataclass(slots=True)
class Score:
    operations: int = 0
    sold_twice: int = 0
    done_twice: int = 0
    confirmed_without_record: int = 0
    turns: int = 0
    turns_lost: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.sold_twice or self.done_twice or self.confirmed_without_record or self.turns_lost)


class Faulty:
    """A backend whose answers get lost; the chances are those above."""

    def __init__(self, backend: Backend, chance: random.Random, faults: Counter[str]) -> None:
        self._real, self._chance, self._faults = backend, chance, faults
        self._transact, self._put, self._get = backend.transact, backend.put, backend.get
        backend.transact = self.transact  # type: ignore[method-assign]
        backend.put = self.put  # type: ignore[method-assign]
        backend.get = self.get  # type: ignore[assignment, method-assign]
        if isinstance(backend, DynamoBackend):
            for name, operation in (("transact_write_items", "TransactWriteItems"), ("put_item", "PutItem")):
                write = getattr(backend.client, name)
                setattr(backend.client, name, partial(self.throttle, write, operation))

    async def transact(self, writes: Sequence[Write]) -> None:
        await self._now_and_then(self._transact, writes)

    async def put(self, put: Put) -> None:
        await self._now_and_then(self._put, put)

    async def _now_and_then(self, write: Callable[..., Awaitable[None]], what: Any) -> None:
        luck = self._chance.random()
        if luck < LOST_BEFORE:
            self._lose("lost before the write")
        await write(what)
        if luck > 1 - LOST_AFTER:
            self._lose("lost after the write")

    async def get(self, *key: Any) -> Any:
        if self._chance.random() < LOST_READ:
            self._lose("lost read")
        return await self._get(*key)

    def throttle(self, write: Callable[..., Any], operation: str, **request: Any) -> Any:
        if self._chance.random() < THROTTLED:
            self._faults["throttled"] += 1
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, operation)
        return write(**request)

    def _lose(self, what: str) -> None:
        self._faults[what] += 1
        raise Unavailable(what)


class Caller:
    """One call: proposes, says yes, and insists until it knows. Its process may die and be replaced."""

    def __init__(self, stores: Sequence[Store], call_id: str, chance: random.Random, score: Score) -> None:
        self._stores, self._call_id, self._chance, self._score = stores, call_id, chance, score
        self._ids = count(1)
        self._box = self._new_box({})

    async def wants(self, tool: str, arguments: dict[str, Any]) -> Said | None:
        """What the caller was told is done, or None."""
        words = json.dumps(arguments)
        for _ in range(ATTEMPTS):
            result = await self._use(tool, words)
            if known := _ALREADY.search(result.get("proposal", "")):
                return Said(self._call_id, tool, {"orderId": known[1]})  # told so, nobody wants it twice
            if result.get("confirmation_required"):
                self._box.caller_spoke("Sí")
                self._score.operations += 1
                result = await self._use(tool, words, contested=True)
            if result["success"]:
                return Said(self._call_id, tool, result)
            if result.get("code") not in ("unavailable", "changed") and "proposal" not in result:
                return None
        return None

    async def _use(self, tool: str, words: str, contested: bool = False) -> dict[str, Any]:
        use_id = f"use-{next(self._ids)}"
        if contested and self._chance.random() < PROCESS_DIES:
            await self._die_in(tool, words, use_id)
        sent = 2 if self._chance.random() < SENT_TWICE else 1
        outcomes = await asyncio.gather(*(self._box.run(tool, words, tool_use_id=use_id) for _ in range(sent)))
        return outcomes[-1].result

    async def _die_in(self, tool: str, words: str, use_id: str) -> None:
        """The process writes, or is about to, and nobody hears its answer; another goes on with the call."""
        self._score.faults["process died"] += 1
        memory = self._box.memory
        dying = asyncio.create_task(self._box.run(tool, words, tool_use_id=use_id))
        await asyncio.wait([dying], timeout=self._chance.uniform(0, 0.05))
        self._box = self._new_box(memory)

    def _new_box(self, memory: dict[str, Any]) -> Toolbox:
        return Toolbox(self._chance.choice(self._stores), CallContext(self._call_id), sleep=_at_once, memory=memory)


class ToldCall:
    """A call that is told to its record by two processes: the first loses it and still writes, the second goes on."""

    def __init__(self, stores: Sequence[Store], number: int) -> None:
        self.id = f"TOLD{number}"
        self._first, self._second = (CallRecordWriter(store, retry_s=0.0) for store in stores)
        self._carrier = CallRecordWriter(stores[-1], retry_s=0.0)
        self._store = stores[0]
        self.said: list[str] = []

    async def run(self) -> None:
        """What the first process writes after the second has read the record is no part of the call; all else is."""
        log = CallTranscript(self.id, Line.PHONE, "+5491155550100")
        log.memory = dict
        await self._tell(self._first, log, "first")
        log.end("dropped")
        await self._kept(self._first, log)
        going_on = CallTranscript.resumed(await self._cut_off(), 1)
        await asyncio.gather(self._tell_late(log), self._tell(self._second, going_on, "second"), self._carrier_says())
        going_on.end("completed")
        await self._kept(self._second, going_on)

    async def lost(self, store: Store) -> int:
        """How many of the words are not on record in their place, or were never said."""
        return sum(text != found for text, found in zip_longest(self.said, _texts(await store.call(self.id))))

    async def _tell(self, writer: CallRecordWriter, log: CallTranscript, who: str) -> None:
        for number in range(TURNS):
            log.user_transcript(f"{who} {number}")
            await self._kept(writer, log)
        self.said = _texts(log.record())

    async def _tell_late(self, log: CallTranscript) -> None:
        """Nobody waits for what comes of it."""
        for number in range(TURNS):
            log.user_transcript(f"late {number}")
            self._first.changed(log)
            await self._first.settled()

    async def _kept(self, writer: CallRecordWriter, log: CallTranscript) -> None:
        """Write until it is kept: what a writer's tries do not bring there goes with the next change."""
        ours = log.record()
        while True:
            writer.changed(log)
            await writer.settled()
            with suppress(DataError):
                record = await self._store.call(self.id)
                if record is not None and _texts(record) == _texts(ours) and record.outcome == ours.outcome:
                    return

    async def _cut_off(self) -> CallRecord:
        while True:
            if (found := await self._second.cut_off(self.id)) is not None:
                return found.record

    async def _carrier_says(self) -> None:
        for number in range(TURNS):
            await self._carrier.carrier_said(self.id, None, "twilio", {f"fact{number}": "told"})


async def _at_once(seconds: float) -> None:
    """Identity's waits are not what is raced for."""


class Races:
    """Rounds of four races on one store; `audit` compares afterwards."""

    def __init__(self, stores: Sequence[Store], chance: random.Random, score: Score) -> None:
        self._stores, self._chance, self._score = stores, chance, score
        self._calls = count(1)
        self._told: list[ToldCall] = []
        self._said: list[Said] = []
        self._wanted_orders: list[str] = []

    async def round(self, number: int) -> None:
        """Everything at once: a time to book, a time to move to, an order to cancel, orders to create."""
        start = _free_day(number)
        movers = await self._appointments(start + timedelta(hours=2))
        await self._order(f"{10_000 + number}")
        wishes: list[tuple[str, dict[str, Any]]] = []
        for rival in range(RIVALS):
            wishes += [
                ("agendarTurno", _booking(f"Rival {_word(rival)}", start)),
                ("cancelarOrder", {"orderId": f"{10_000 + number}", "dni": "28456789"}),
                ("crearOrder", self._purchase()),
                ("modificarTurno", movers[rival] | {"newDate": (start + timedelta(hours=1)).isoformat()}),
            ]
        self._chance.shuffle(wishes)
        callers = (Caller(self._stores, f"CA{next(self._calls)}", self._chance, self._score) for _ in wishes)
        told = [ToldCall(self._stores, number * TOLD + each) for each in range(TOLD)]
        telling = asyncio.gather(*(call.run() for call in told))
        answers = await asyncio.gather(*(caller.wants(*wish) for caller, wish in zip(callers, wishes, strict=True)))
        self._said += [said for said in answers if said]
        self._told += told
        await telling

    async def audit(self, store: Store) -> None:
        """Over clean reads: were things sold twice, done twice, or only said?"""
        appointments = (await store.appointments()).items
        orders = {order.id: order for order in (await store.orders()).items}
        self._score.sold_twice = _overlaps(appointments)
        self._score.done_twice = await self._done_twice(store, orders, appointments)
        self._score.turns = sum(len(call.said) for call in self._told)
        self._score.turns_lost = sum([await call.lost(store) for call in self._told])
        by_id = {appointment.id: appointment for appointment in appointments}
        self._score.confirmed_without_record = sum(not _stands(said, orders, by_id) for said in self._said)

    async def _done_twice(self, store: Store, orders: dict[str, Order], appointments: Sequence[Appointment]) -> int:
        """Writes that happened more often than they were agreed to."""
        created = Counter(order.customer_email for order in orders.values())
        twice = sum(max(0, created[email] - 1) for email in self._wanted_orders)
        twice += sum(max(0, order.version - 2) for order in orders.values())
        twice += sum(max(0, appointment.version - 2) for appointment in appointments)
        for number in range(1, next(self._calls)):
            twice += max(0, len(await store.receipts(f"CA{number}")) - 1)
        return twice

    def _purchase(self) -> dict[str, Any]:
        email = f"c{len(self._wanted_orders)}@email.com"
        self._wanted_orders.append(email)
        return {
            "customerName": "Juan Pérez",
            "customerEmail": email,
            "items": [{"name": "Mesa", "quantity": 1, "price": 10.5}],
        }

    async def _order(self, order_id: str) -> None:
        now = utcnow()
        items = (OrderItem("Mouse", 1, 2999),)
        order = Order(order_id, "María González", "m@email.com", items, OrderStatus.PENDING, now, now, dni="28456789")
        await _surely(self._stores[0], order)

    async def _appointments(self, start: datetime) -> list[dict[str, Any]]:
        """One appointment for each mover, at times that nobody else wants."""
        movers: list[dict[str, Any]] = []
        for rival in range(RIVALS):
            appointment_id = f"{start:%y%m%d}"[1:] + f"{rival:02d}"
            name = f"Mover {_word(rival)}"
            at = start + timedelta(minutes=15 * rival)
            await _surely(self._stores[0], Appointment(appointment_id, name, "v@email.com", DOCTOR, at, 15))
            movers.append({"appointmentId": appointment_id, "patientName": name})
        return movers


async def _surely(store: Store, record: Order | Appointment) -> None:
    """Set the scene in spite of the faults."""
    while True:
        try:
            found = await (store.order(record.id) if isinstance(record, Order) else store.appointment(record.id))
            if found is None:
                await store.commit(Change(None, record))
            return
        except Unavailable:
            continue


def _texts(record: CallRecord | None) -> list[str]:
    return [turn.text for turn in record.turns] if record else []


def _booking(patient: str, start: datetime) -> dict[str, Any]:
    return {
        "patientName": patient,
        "patientEmail": "r@email.com",
        "doctorName": DOCTOR,
        "date": start.isoformat(),
    }


def _word(number: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[number] * 3


def _free_day(number: int) -> datetime:
    """Nine in the morning of a day on which the business is open; another one for each number."""
    days = days_from(utcnow().astimezone(BUENOS_AIRES).date() + timedelta(days=2), 365)
    return moment(next(islice(filter(UNTOLD.hours_on, days), number, None)), 9 * 60)


def _overlaps(appointments: Sequence[Appointment]) -> int:
    sold = Counter((each.doctor_name, cell) for each in appointments for cell in each.slots)
    return sum(times - 1 for times in sold.values())


def _stands(said: Said, orders: dict[str, Order], appointments: dict[str, Appointment]) -> bool:
    result = said.result
    match said.tool:
        case "cancelarOrder":
            return orders[result["orderId"]].status is OrderStatus.CANCELLED
        case "crearOrder":
            order = orders.get(result["orderId"])
            return order is not None and order.total_cents == 1050
        case "agendarTurno":
            appointment = appointments.get(result["appointmentId"])
            return appointment is not None and appointment.start == datetime.fromisoformat(result["date"])
        case _:
            return appointments[result["appointmentId"]].start == datetime.fromisoformat(result["newDate"])


@asynccontextmanager
async def _two_clients(first: Store, clock: Clock) -> AsyncIterator[tuple[Store, Store]]:
    """A second client of the same store, as another process would have one."""
    backend = first.backend
    second: Backend
    if isinstance(backend, SqliteBackend):
        second = await SqliteBackend.open(backend.path, clock)
    else:
        assert isinstance(backend, DynamoBackend)
        second = DynamoBackend(backend.client, backend.tables)
    try:
        yield first, Store(second, clock)
    finally:
        if isinstance(second, SqliteBackend):
            await second.close()


async def race(first: Store, operations: int, seed: int, clock: Clock = utcnow) -> Score:
    """Rounds until there were enough contested operations, then the audit. `clock` is the store's."""
    score, chance = Score(), random.Random(seed)
    await first.add_doctor(DOCTOR)
    await first.raise_counter(Appointment, 1_000_000)  # clear of the movers' ids
    async with _two_clients(first, clock) as stores:
        clean = first.backend.transact, first.backend.put, first.backend.get
        for store in stores:
            Faulty(store.backend, chance, score.faults)
        races = Races(stores, chance, score)
        for number in count(1):
            await races.round(number)
            if score.operations >= operations:
                break
        first.backend.transact, first.backend.put, first.backend.get = clean  # type: ignore[method-assign]
        await races.audit(first)
    return score


async def run(operations: int, seed: int) -> dict[str, Score]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carlos-races-")))
        endpoint = stack.enter_context(ministack("dynamodb"))
        scores = {}
        for name, fresh in (("sqlite", fresh_sqlite(folder)), ("dynamodb", fresh_dynamodb(endpoint))):
            async with fresh as store:
                scores[name] = await race(store, operations, seed)
        return scores


def show(scores: dict[str, Score]) -> None:
    counted = ("contested operations", "slots sold twice", "writes done twice", "said without a record")
    table = Table("store", *counted, "turns told", "turns lost")
    for name, score in scores.items():
        found = [score.operations, score.sold_twice, score.done_twice, score.confirmed_without_record]
        table.add_row(name, *map(str, [*found, score.turns, score.turns_lost]))
    console = Console()
    console.print(table)
    for name, score in scores.items():
        faults = ", ".join(f"{number} {what}" for what, number in sorted(score.faults.items()))
        console.print(f"faults injected on {name}: {faults}")
    totals = {
        name: {
            "operations": score.operations,
            "sold_twice": score.sold_twice,
            "done_twice": score.done_twice,
            "confirmed_without_record": score.confirmed_without_record,
            "turns": score.turns,
            "turns_lost": score.turns_lost,
        }
        for name, score in scores.items()
    }
    print(json.dumps({"stores": totals}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Race the tools on both stores, with faults.")
    parser.add_argument("--operations", type=int, default=1000, help="contested operations on each store")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="of the faults")
    options = parser.parse_args()
    logger.remove()
    scores = asyncio.run(run(options.operations, options.seed))
    print(f"seed {options.seed}")
    show(scores)
    sys.exit(0 if all(score.clean for score in scores.values()) else 1)


if __name__ == "__main__":
    main()
