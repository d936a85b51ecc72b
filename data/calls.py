"""One call's record, told by several processes: the one that holds the call, one that held it before, and whichever
Twilio's status callback reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Self

from data.findings import Findings
from data.models import CallRecord

VOICEMAIL = "voicemail"  # the outcome of a call that left a message, and in its details where that lies
USAGE = "usage"  # of the model, in a record's details
_TURNS_A_HEAD = 16  # turns after which what the model used is written in any case


@dataclass(frozen=True, slots=True)
class CallHead:
    """A call in a list: its record without what was said and done, and how much that is. Of a call that goes on the
    numbers are those of the last time that its head was written."""

    record: CallRecord
    turns: int
    tools: int
    latency_ms: int | None  # median of Carlos's answers
    findings: Findings | None = None  # of a call that has ended; not in the heads that versions before have stored

    @property
    def id(self) -> str:
        return self.record.id

    @classmethod
    def of(cls, record: CallRecord) -> Self:
        latencies = [turn.latency_ms for turn in record.turns if turn.latency_ms is not None]
        bare = replace(record, turns=(), tools=())
        latency_ms = round(median(latencies)) if latencies else None
        return cls(bare, len(record.turns), len(record.tools), latency_ms, Findings.of(record))


def merged(ours: CallRecord, stored: CallRecord) -> CallRecord:
    """`ours`, from the process that holds the call or held it, with what others have added to the stored one.

    The story is that of the later part of a call that was resumed. A call that somebody has seen the end of stays
    ended; of two ends ours stands, since a status callback knows less. No detail is lost: ours come first.
    """
    if part(ours) < part(stored):
        return replace(stored, details={**ours.details, **stored.details})
    details = {**stored.details, **ours.details}
    if ours.ended_at is None and part(ours) == part(stored):
        ours = replace(ours, ended_at=stored.ended_at, outcome=stored.outcome)
    return replace(ours, details=details, version=stored.version, legacy=stored.legacy)


def part(record: CallRecord) -> int:
    """Return how often the call had been resumed."""
    return int(record.details.get("resumed", 0))


def changes_head(call: CallRecord, kept: CallRecord) -> bool:
    """Return False where the head may stay as it was kept: turns lie beside it, and what the model used, which changes
    at every turn, is written with the next change, every `_TURNS_A_HEAD` turns, and when the call ends."""
    if call.ended_at is not None:
        return _head(call) != _head(kept)
    if len(call.turns) // _TURNS_A_HEAD != len(kept.turns) // _TURNS_A_HEAD:
        return True
    return _head(call, USAGE) != _head(kept, USAGE)


def _head(call: CallRecord, *without: str) -> CallRecord:
    details = {name: fact for name, fact in call.details.items() if name not in without}
    return replace(call, turns=(), tools=(), details=details)
