"""The labels under which a call is filed when it has ended: its outcome, all that it came to, its tools, its flags,
and whether anything was wrong with it. Beside the call's record lies a small item for each, so that a search for one
reads the calls that it finds and no others. The item is a hint: whether a call has the label its head says."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from common.times import to_iso
from data.backends.base import Item, Key
from data.dispositions import NOTHING
from data.findings import TOOL_CHARACTERS, Findings
from data.models import CallRecord
from data.tables import TTL_ATTRIBUTE

PREFIX = "LABEL#"


@dataclass(frozen=True, slots=True)
class CallSearch:
    """What is asked of a call, of all of which it must have each; None is anything."""

    fault: bool = False
    flag: str | None = None
    tool: str | None = None
    disposition: str | None = None  # any that the call came to
    outcome: str | None = None
    unserved: bool = False  # nothing was done, or the caller heard nothing of Carlos

    @property
    def filed(self) -> tuple[str, ...]:
        """The labels under one of which each call is filed that is looked for, the rarest that are asked for; empty
        where anything is."""
        rare, common = self._labels("flag", "tool"), self._labels("disposition", "outcome")
        rare = ("fault", *rare) if self.fault else rare
        return rare[:1] or (tuple(sorted(UNSERVED)) if self.unserved else common[:1])

    def finds(self, known: Collection[str]) -> bool:
        """Whether a call with these labels is one of those that are looked for."""
        asked = {*self._labels("flag", "tool", "disposition", "outcome"), *(("fault",) if self.fault else ())}
        return asked.issubset(known) and not (self.unserved and UNSERVED.isdisjoint(known))

    def _labels(self, *names: str) -> tuple[str, ...]:
        asked = ((name, getattr(self, name)) for name in names)
        return tuple(_label(name, value) for name, value in asked if value is not None)


def labels(call: CallRecord, found: Findings | None) -> frozenset[str]:
    """None of a call that goes on."""
    return frozenset(_labels(call, found)) if found else frozenset()


def outcome_label(outcome: str) -> str:
    return _label("outcome", outcome)


def label_key(label: str) -> str:
    """The partition of the calls with a label: a digest, since a tool's name is the model's text."""
    return PREFIX + hashlib.sha256(label.encode(errors="replace")).hexdigest()[:32]


def sort_of(call: CallRecord) -> str:
    """The sort key under a label: by when the calls began."""
    return f"{to_iso(call.started_at)}#{call.id}"


def label_items(call: CallRecord, names: Collection[str], expires: int) -> list[Item]:
    """`expires` as the record does, in epoch seconds."""
    content = {"SK": sort_of(call), "callId": call.id, TTL_ATTRIBUTE: expires}
    return [{"PK": label_key(name)} | content for name in sorted(names)]


def filed_keys(counted: Item, but: Collection[str] = ()) -> list[Key]:
    """Where a call is filed, as its COUNTED item (data.day_counts) has it, without the labels that it keeps."""
    return [(label_key(name), str(counted["filedAs"])) for name in counted["labels"] if name not in but]


def _labels(call: CallRecord, found: Findings) -> Iterator[str]:
    if call.outcome:
        yield outcome_label(call.outcome)
    yield from (_label("disposition", kind) for kind in {found.disposition, *found.done})
    yield from (_label("tool", name) for name in found.tools)
    yield from (_label("flag", each.flag) for each in found.flags)
    if call.details.get("faults"):
        yield "fault"


def _label(name: str, value: str) -> str:
    return f"{name}:{value[:TOOL_CHARACTERS]}"


UNSERVED = frozenset(_label("disposition", kind) for kind in NOTHING)
