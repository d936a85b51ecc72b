"""What each day came to, as counters that grow when a call ends: nobody adds up ten thousand calls to look at a month.

    DAYS  2027-03-04#3    what the calls of that day in Buenos Aires came to, of one of `SHARDS` parts
    CALL#<id>  COUNTED    what that call has been counted as

Both are written in one transaction, so a call is counted once, by whichever process; a call that turns out otherwise
(the carrier's word comes late, the line is taken up again) is counted by what has changed. The counters name nobody:
they stay when a call is erased, for `KEEP_DAYS`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from common.times import BUENOS_AIRES
from data.backends.base import Absent, Add, Item, Key, Put, Version, Write
from data.call_indexes import shard_of
from data.dispositions import NOTHING
from data.errors import Malformed
from data.findings import Findings
from data.items import MISSHAPEN, whole
from data.labels import sort_of
from data.models import CallRecord, Line
from data.tables import TTL_ATTRIBUTE, TableName

DAYS = "DAYS"
COUNTED = "COUNTED"
KEEP_DAYS = timedelta(days=800)  # two years and a bit, to set a month beside the same of the year before
USAGE = ("input_speech", "output_speech", "input_text", "output_text")  # tokens
# Upper bounds of an answer's latency in ms, a tenth apart: a percentile is read to 5 %. What is above is in the last.
BOUNDS_MS = tuple(round(100 * 1.1**step) for step in range(60))

type Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DayCounts:
    """One day's, or those of several added up."""

    day: date
    counts: Counts

    def of(self, prefix: str) -> dict[str, int]:
        """The counters whose names begin with a prefix, without it."""
        return {
            name.removeprefix(prefix): count for name, count in self.counts.items() if name.startswith(prefix) and count
        }

    def __getitem__(self, name: str) -> int:
        return self.counts.get(name, 0)

    def latency_ms(self, share: float) -> int | None:
        """The latency that this share of the answers had at most; None without answers."""
        buckets = sorted((int(step), count) for step, count in self.of("latency.").items())
        wanted, below = share * sum(count for _, count in buckets), 0
        edges = dict(enumerate(pairwise((0, *BOUNDS_MS))))
        for step, count in buckets:
            low, high = edges[step]
            if below + count >= wanted:
                return round(low + (high - low) * (wanted - below) / count)
            below += count
        return None


def day_of(moment: datetime) -> date:
    return moment.astimezone(BUENOS_AIRES).date()


def counts_of(call: CallRecord, found: Findings | None) -> Counts:
    """What a call adds to its day; nothing while it goes on."""
    if found is None or call.ended_at is None:
        return {}
    seconds = round((call.ended_at - call.started_at).total_seconds())
    disposition = found.disposition
    counts: Counter[str] = Counter(calls=1, answered=int(found.answered), seconds=seconds)
    counts["phone_seconds"] = seconds if call.line is Line.PHONE else 0
    counts["faulty"] = int(bool(call.details.get("faults")))
    counts["transfers"] = int(call.details.get("transfer", {}).get("number", 0))
    counts[f"disposition.{disposition}"] = 1
    if disposition in NOTHING:
        counts[f"ended.{call.outcome}"] = 1
    counts.update({f"done.{kind}": number for kind, number in found.done.items()})
    counts.update({f"flag.{flag}": 1 for flag in {each.flag for each in found.flags}})
    counts.update({f"usage.{kind}": int(call.details.get("usage", {}).get(kind, 0)) for kind in USAGE})
    counts.update(f"latency.{_bucket(turn.latency_ms)}" for turn in call.turns if turn.latency_ms is not None)
    return {name: count for name, count in counts.items() if count}


def writes(call: CallRecord, counts: Counts, labels: Iterable[str], before: Item | None, expires: int) -> list[Write]:
    """One transaction that counts the call as this, and not as `before`, its COUNTED item; empty if nothing changes.
    `expires` as the call's record does, in epoch seconds."""
    known = _counts(before)
    change = {name: counts.get(name, 0) - known.get(name, 0) for name in counts.keys() | known.keys()}
    change = {name: amount for name, amount in change.items() if amount}
    filed = sorted(labels)
    if not change and (before is None or before.get("labels") == filed):
        return []
    version = int(before["version"]) if before else 0
    pk, sk = key(call.id)
    item: Item = {"PK": pk, "SK": sk, "version": version + 1, "labels": filed, "filedAs": sort_of(call)}
    item |= {TTL_ATTRIBUTE: expires}
    put = Put(TableName.CALLS, item | {"counts": json.dumps(counts)}, Version(version) if before else Absent())
    return [put, Add(TableName.CALLS, _day_key(call), change, _until(call))] if change else [put]


def key(call_id: str) -> Key:
    return f"CALL#{call_id}", COUNTED


def summed(items: Iterable[Item]) -> dict[date, DayCounts]:
    """The counters of each day. Raise Malformed for an item that is none of ours."""
    found: dict[date, Counter[str]] = {}
    for item in items:
        try:
            counts = {name: whole(value) for name, value in item.items() if name not in ("PK", "SK", TTL_ATTRIBUTE)}
            found.setdefault(date.fromisoformat(str(item["SK"]).partition("#")[0]), Counter()).update(counts)
        except MISSHAPEN as error:
            raise Malformed(f"counters of a day: {type(error).__name__}") from error
    return {day: DayCounts(day, counts) for day, counts in sorted(found.items())}


def total(days: Iterable[DayCounts], day: date) -> DayCounts:
    counts: Counter[str] = Counter()
    for each in days:
        counts.update(each.counts)
    return DayCounts(day, counts)


def span(first: date, last: date) -> tuple[str, str]:
    """The sort keys between which the counters of these days lie."""
    return first.isoformat(), f"{last.isoformat()}$"


def _day_key(call: CallRecord) -> Key:
    return DAYS, f"{day_of(call.started_at).isoformat()}#{shard_of(call.id)}"


def _until(call: CallRecord) -> int:
    midnight = datetime.combine(day_of(call.started_at), time(), UTC)
    return int((midnight + KEEP_DAYS).timestamp())


def _counts(before: Mapping[str, Any] | None) -> Counts:
    return json.loads(before["counts"]) if before else {}


def _bucket(latency_ms: int) -> int:
    return next((step for step, bound in enumerate(BOUNDS_MS) if latency_ms <= bound), len(BOUNDS_MS) - 1)
