"""What an operator wants to know of a store: does it answer, is it whole, what does it hold. Nothing personal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common.times import BUENOS_AIRES
from data.backends.base import Item, Key
from data.call_items import call_id_of, call_key
from data.errors import DataError, Malformed
from data.items import MOST_DIGITS, slot_items
from data.models import Appointment, known_email
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
    "DONE": "receipt",
    "INTENT": "intent",
    "MESSAGE": "message",
    "NONCE": "nonce",
    "FACTS": "facts of the business",
    "QUESTION": "question without an answer",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `detail` names items by key at most."""

    what: str
    healthy: bool
    detail: str


async def examine(store: Store, now: datetime) -> list[Finding]:
    """Everything, connection first; what cannot be looked at is a finding too."""
    findings = [_zone(now)]
    try:
        checks = await store.backend.check()
        findings += [Finding(what, detail == "ok", detail) for what, detail in checks.items()]
        findings += await _contents(store, now)
    except DataError as error:
        findings.append(Finding("store", False, str(error)))
    return findings


@dataclass(slots=True)
class _Records:
    """What the tables of the business's records hold. Malformed items, and records whose e-mail address is filed as
    nobody asks for it, are named by their keys."""

    read: list[tuple[RecordType[Any], Any]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)  # by the noun of what they count
    slots: dict[Key, str] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def of(self, record_type: RecordType[Any]) -> list[Any]:
        return [record for other, record in self.read if other is record_type]

    def learn(self, table: TableName, item: Item) -> None:
        types = [each for each in record_types() if each.table is table]
        if record_type := next((each for each in types if each.owns(item)), None):
            self._read(record_type, item)
        elif record_type := next((each for each in types if each.counter_key == item["PK"]), None):
            self.counters[record_type.noun] = int(item["n"])
        elif table is TableName.APPOINTMENTS and item["PK"].startswith("SLOTS#"):
            self.slots[item["PK"], item["SK"]] = str(item["appointmentId"])
        elif table is not TableName.APPOINTMENTS or item["PK"] != "DOCTORS":
            self.malformed.append(item["PK"])

    def _read(self, record_type: RecordType[Any], item: Item) -> None:
        try:
            record = record_type.read(item)
        except Malformed:
            self.malformed.append(item["PK"])
            return
        self.read.append((record_type, record))
        if known_email(record_type.email_of(record)) != item.get(record_type.by_email.hash):
            self.addresses.append(item["PK"])


async def _contents(store: Store, now: datetime) -> list[Finding]:
    found = _Records()
    for table in (TableName.ORDERS, TableName.APPOINTMENTS):
        async for page in store.backend.scan(table):
            for item in page:
                found.learn(table, item)
    kinds, bad_calls, expired, unfiled = await _calls(store, now)
    statuses = Counter(
        f"{record_type.noun} {getattr(record, 'status', '')}".strip() for record_type, record in found.read
    )
    return [
        Finding("items", True, _counted(statuses + kinds) or "none"),
        *(_without_dni(record_type, found.of(record_type)) for record_type in record_types() if record_type.dni),
        Finding("expired items still stored", True, str(expired)),
        _listed("malformed items", [*found.malformed, *bad_calls]),
        _listed("e-mail addresses that are not found, until `carlos migrate`", found.addresses),
        _listed("calls that are not found by customer, until `carlos migrate`", unfiled),
        *(
            _counter(record_type, found.counters.get(record_type.noun, 0), found.of(record_type))
            for record_type in record_types()
        ),
        *_slot_findings(found.of(APPOINTMENTS), found.slots, now),
    ]


async def _calls(store: Store, now: datetime) -> tuple[Counter[str], list[str], int, list[str]]:
    kinds: Counter[str] = Counter()
    filed: set[tuple[str, str]] = set()
    wanted: dict[tuple[str, str], str] = {}
    malformed: list[str] = []
    expired = 0
    async for page in store.backend.scan(TableName.CALLS):
        for item in page:
            kind = _kind(item)
            kinds[kind] += 1
            expired += item.get(TTL_ATTRIBUTE, now.timestamp()) < now.timestamp()
            if kind == "reference":
                filed.add((item["PK"], item["SK"]))
        heads = [item for item in page if _kind(item) == "call"]
        found = await store.whole_calls(call_id_of(item) for item in heads)
        malformed += [call_key(call_id) for call_id in found.unreadable]
        for call in found.records:
            names = references(call)
            wanted |= {(each["PK"], each["SK"]): call_key(call.id) for each in reference_items(call, names, 0)}
    unfiled = sorted({call_key for key, call_key in wanted.items() if key not in filed})
    return kinds, malformed, expired, unfiled


def _kind(item: Item) -> str:
    if item["PK"].startswith(PREFIX):
        return "reference"
    if item["PK"] == ERASED:
        return "erased call"
    sort = item["SK"].partition("#")[0]
    return _KINDS.get(sort, "failure count")


def _slot_findings(appointments: list[Appointment], slots: dict[Key, str], now: datetime) -> list[Finding]:
    wanted = {key: each.id for each in appointments for key in slot_items(each)}
    coming = [each for each in appointments if each.start >= now]
    without = [
        APPOINTMENTS.key(each.id)[0] for each in coming if any(slots.get(key) != each.id for key in slot_items(each))
    ]
    orphans = sorted({APPOINTMENTS.key(holder)[0] for key, holder in slots.items() if key not in wanted})
    return [
        _listed("coming appointments without their time", without),
        _listed("time held for no appointment", orphans),
    ]


def _counter(record_type: RecordType[Any], counter: int, records: list[Any]) -> Finding:
    ids = [record.id for record in records]
    highest = max((int(each) for each in ids if each.isdecimal() and len(each) <= MOST_DIGITS), default=0)
    return Finding(f"{record_type.noun} counter", counter >= highest, f"at {counter}, highest id {highest}")


def _without_dni(record_type: RecordType[Any], records: list[Any]) -> Finding:
    return Finding(
        f"{record_type.nouns} without a DNI", True, str(sum(not record_type.dni_of(record) for record in records))
    )


def _listed(what: str, keys: list[str]) -> Finding:
    shown = ", ".join(keys[:_SHOWN]) + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
    return Finding(what, not keys, shown or "none")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _zone(now: datetime) -> Finding:
    local = now.astimezone(BUENOS_AIRES)
    right = local.utcoffset() == timedelta(hours=-3)
    return Finding("time zone", right, f"{local:%Y-%m-%d %H:%M} in Buenos Aires (UTC{local:%z})")
