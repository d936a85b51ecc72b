"""What an operator wants to know of a store: does it answer, is it whole, what does it hold. Nothing personal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common.times import BUENOS_AIRES
from data.backends.base import Item
from data.bounds import MOST_MINUTES, problems
from data.call_items import call_id_of, call_key
from data.day_counts import DAYS
from data.errors import DataError, Malformed
from data.items import MISSHAPEN, MOST_DIGITS, slot_items, whole
from data.labels import PREFIX as LABEL
from data.models import Appointment, known_email
from data.operators.lines import from_line, to_line
from data.operators.progress import Progress, no_progress, pages
from data.operators.spool import Spool, joined
from data.records import APPOINTMENTS, RecordType, record_types
from data.references import PREFIX, reference_items, references
from data.store import ERASED, Store
from data.tables import TTL_ATTRIBUTE, TableName

_SHOWN = 10
_KINDS = {
    "RECORD": "call",
    "TURN": "turn",
    "TOOL": "tool use",
    "STATE": "call state",
    "TRANSFER": "transfer",
    "CALLBACK": "call-back",
    "COUNTED": "counted call",
    "DONE": "receipt",
    "INTENT": "intent",
    "MESSAGE": "message",
    "NONCE": "nonce",
    "FACTS": "facts of the business",
    "QUESTION": "question without an answer",
    "DUE": "webhook",
    "DEAD": "undelivered webhook",
    "RECEIVER": "webhook receiver",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `detail` names items by key at most."""

    what: str
    healthy: bool
    detail: str


async def examine(store: Store, now: datetime, progress: Progress = no_progress) -> list[Finding]:
    """Everything, connection first, item by item; what cannot be looked at is a finding too."""
    findings = [_zone(now)]
    try:
        checks = await store.backend.check()
        findings += [Finding(what, detail == "ok", detail) for what, detail in checks.items()]
        findings += await _contents(store, now, progress)
    except DataError as error:
        findings.append(Finding("store", False, str(error)))
    return findings


@dataclass(slots=True)
class _Named:
    """How many items there are of a sort, the first few of them by their keys."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(key)

    def finding(self, what: str) -> Finding:
        more = f" and {self.count - len(self.first)} more" if self.count > len(self.first) else ""
        return Finding(what, not self.count, ", ".join(self.first) + more or "none")


@dataclass(slots=True)
class _OfType:
    """What there is of one type of record."""

    without_dni: int = 0
    highest: int = 0
    counter: int = 0


class _Records:
    """What the tables of the business's records hold, counted item by item. Doctors' times are kept on disk."""

    def __init__(self, now: datetime, slots: Spool, wanted: Spool, coming: Spool) -> None:
        self._now = now
        self._slots, self._wanted, self._coming = slots, wanted, coming
        self.kinds: Counter[str] = Counter()
        self.of = {record_type: _OfType() for record_type in record_types()}
        self.malformed, self.beyond, self.addresses = _Named(), _Named(), _Named()

    def learn(self, table: TableName, item: Item) -> None:
        types = [each for each in record_types() if each.table is table]
        if record_type := next((each for each in types if each.owns(item)), None):
            self._read(record_type, item)
        elif record_type := next((each for each in types if each.counter_key == item["PK"]), None):
            self._count(record_type, item)
        elif table is TableName.APPOINTMENTS and item["PK"].startswith("SLOTS#"):
            self._slots[joined(item["PK"], item["SK"])] = str(item.get("appointmentId"))
        elif table is not TableName.APPOINTMENTS or item["PK"] != "DOCTORS":
            self.malformed.add(item["PK"])

    def _read(self, record_type: RecordType[Any], item: Item) -> None:
        try:
            record = record_type.read(item)
            self._look_at(record_type, record)
        except (Malformed, *MISSHAPEN):
            self.malformed.add(item["PK"])
            return
        if known_email(record_type.email_of(record)) != item.get(record_type.by_email.hash):
            self.addresses.add(item["PK"])
        if isinstance(record, Appointment) and record.is_active:
            self._keep(record, item)

    def _look_at(self, record_type: RecordType[Any], record: Any) -> None:
        counted = self.of[record_type]
        if beyond := problems(record):
            self.beyond.add(f"{record_type.key(record.id)[0]} ({beyond[0].partition(':')[0]})")
        if record.id.isdecimal() and len(record.id) <= MOST_DIGITS:
            counted.highest = max(counted.highest, int(record.id))
        counted.without_dni += not record_type.dni_of(record)
        self.kinds[f"{record_type.noun} {getattr(record, 'status', '')}".strip()] += 1

    def _count(self, record_type: RecordType[Any], item: Item) -> None:
        try:
            self.of[record_type].counter = whole(item["n"])
        except MISSHAPEN:
            self.malformed.add(item["PK"])

    def _keep(self, appointment: Appointment, item: Item) -> None:
        if appointment.duration > MOST_MINUTES:
            return
        for key in slot_items(appointment):
            self._wanted[joined(*key)] = ""
        if appointment.start >= self._now:
            self._coming[item["PK"]] = to_line(item)

    def slot_findings(self) -> Iterator[Finding]:
        without = _Named()
        for key, line in self._coming.items():
            appointment = APPOINTMENTS.read(from_line(line))
            if any(self._slots.get(joined(*slot)) != appointment.id for slot in slot_items(appointment)):
                without.add(key)
        yield without.finding("coming appointments without their time")
        with Spool() as orphans:
            for slot, holder in self._slots.items():
                if slot not in self._wanted:
                    orphans[APPOINTMENTS.key(holder)[0]] = ""
            yield _distinct(orphans).finding("time held for no appointment")


async def _contents(store: Store, now: datetime, progress: Progress) -> list[Finding]:
    with Spool() as slots, Spool() as wanted, Spool() as coming:
        found = _Records(now, slots, wanted, coming)
        for table in (TableName.ORDERS, TableName.APPOINTMENTS):
            async for page in pages(store, table, "looked at", progress):
                for item in page:
                    found.learn(table, item)
        slot_findings = list(found.slot_findings())
    calls = await _calls(store, now, progress)
    return [
        Finding("items", True, _counted(found.kinds + calls.kinds) or "none"),
        *(
            Finding(f"{each.nouns} without a DNI", True, str(counted.without_dni))
            for each, counted in found.of.items()
            if each.dni
        ),
        Finding("expired items still stored", True, str(calls.expired)),
        found.malformed.finding("malformed items"),
        calls.malformed.finding("malformed calls"),
        found.beyond.finding("records beyond the bounds, to be corrected"),
        found.addresses.finding("e-mail addresses that are not found, until `carlos migrate`"),
        calls.unfiled.finding("calls that are not found by customer, until `carlos migrate`"),
        *(
            Finding(
                f"{each.noun} counter",
                counted.counter >= counted.highest,
                f"at {counted.counter}, highest id {counted.highest}",
            )
            for each, counted in found.of.items()
        ),
        *slot_findings,
    ]


@dataclass(slots=True)
class _Calls:
    """What the table of calls holds. `unfiled` are calls that no reference leads to."""

    kinds: Counter[str] = field(default_factory=Counter)
    expired: int = 0
    malformed: _Named = field(default_factory=_Named)
    unfiled: _Named = field(default_factory=_Named)


async def _calls(store: Store, now: datetime, progress: Progress) -> _Calls:
    found = _Calls()
    with Spool() as filed, Spool() as wanted, Spool() as unfiled:
        async for page in pages(store, TableName.CALLS, "looked at", progress):
            for item in page:
                kind = _kind(item)
                found.kinds[kind] += 1
                found.expired += _is_expired(item, now)
                if kind == "reference":
                    filed[joined(item["PK"], item["SK"])] = ""
            read = await store.whole_calls(call_id_of(item) for item in page if _kind(item) == "call")
            for call_id in read.unreadable:
                found.malformed.add(call_key(call_id))
            for call in read.records:
                for each in reference_items(call, references(call), 0):
                    wanted[joined(each["PK"], each["SK"])] = call_key(call.id)
        for key, call_of in wanted.items():
            if key not in filed:
                unfiled[call_of] = ""
        found.unfiled = _distinct(unfiled)
    return found


def _distinct(keys: Spool) -> _Named:
    named = _Named()
    for key, _ in keys.items():
        named.add(key)
    return named


def _is_expired(item: Item, now: datetime) -> bool:
    expires = item.get(TTL_ATTRIBUTE)
    return isinstance(expires, int) and expires < now.timestamp()


def _kind(item: Item) -> str:
    if item["PK"].startswith(PREFIX):
        return "reference"
    if item["PK"].startswith(LABEL):
        return "label of a call"
    if item["PK"] == DAYS:
        return "counters of a day"
    if item["PK"] == ERASED:
        return "erased call"
    sort = item["SK"].partition("#")[0]
    return _KINDS.get(sort, "failure count")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _zone(now: datetime) -> Finding:
    local = now.astimezone(BUENOS_AIRES)
    right = local.utcoffset() == timedelta(hours=-3)
    return Finding("time zone", right, f"{local:%Y-%m-%d %H:%M} in Buenos Aires (UTC{local:%z})")
