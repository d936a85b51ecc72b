"""The people to whom a caller may be passed on, as `TRANSFER_TARGETS` names them. Sans-IO.

    +541150310001|turnos,pedidos|lun-vie 9-18, sáb 9-13; sip:guardia@clinica.example|*|24h

An entry is an address, the reasons it is there for (`*` for all) and its hours in Buenos Aires; entries end with `;`.
Nobody else is ever called: a model chooses a reason, and the reason chooses the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.phones import E164
from common.times import BUENOS_AIRES

ANY = "*"
ALWAYS = "24h"
MOST_TARGETS, MOST_REASONS, LONGEST_ADDRESS = 50, 20, 200
_SIP = re.compile(r"sips?:[A-Za-z0-9._~%!$&'()*+,=-]+@[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:;[A-Za-z0-9=.-]+)*")
_REASON = re.compile(r"[a-záéíóúüñ]{2,30}(?: [a-záéíóúüñ]{1,30}){0,3}")
_ENTRIES = re.compile(r";(?=\s|\+|sips?:|$)")  # the address of a SIP phone may have `;transport=tls` in it
_DAYS = {"lun": 0, "mar": 1, "mie": 2, "jue": 3, "vie": 4, "sab": 5, "dom": 6}
_SPAN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? ([0-9]{1,2})(?::([0-9]{2}))?-([0-9]{1,2})(?::([0-9]{2}))?")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """Hours on some days of the week, 0 for Monday; minutes of the day, the last one not included."""

    days: frozenset[int]
    opens: int
    closes: int

    def holds(self, local: datetime) -> bool:
        return local.weekday() in self.days and self.opens <= local.hour * 60 + local.minute < self.closes


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """`reasons` None: all of them. `hours` None: day and night, holidays included."""

    address: str  # E.164 or sip:
    reasons: frozenset[str] | None
    hours: tuple[Span, ...] | None

    def is_there(self, now: datetime, *, holiday: bool = False) -> bool:
        if self.hours is None:
            return True
        local = now.astimezone(BUENOS_AIRES)
        return not holiday and any(span.holds(local) for span in self.hours)


def for_reason(targets: Iterable[TransferTarget], reason: str) -> TransferTarget | None:
    """Return who is there for a reason: the first that names it, or else the first that is there for all."""
    everyone = tuple(targets)
    named = [each for each in everyone if each.reasons is not None and reason in each.reasons]
    return next(iter([*named, *(each for each in everyone if each.reasons is None)]), None)


def reasons_of(targets: Iterable[TransferTarget]) -> tuple[str, ...]:
    """Return the reasons that targets name, in order; those that are there for all name none."""
    return tuple(sorted({reason for each in targets for reason in each.reasons or ()}))


def parse_targets(text: str) -> tuple[TransferTarget, ...]:
    """Raise ValueError, whose text names every problem in every entry."""
    problems: list[str] = []
    entries = [entry.strip() for entry in _ENTRIES.split(text) if entry.strip()]
    if len(entries) > MOST_TARGETS:
        problems.append(f"{len(entries)} entries, of {MOST_TARGETS} at most")
    targets = [_target(number, entry, problems) for number, entry in enumerate(entries[:MOST_TARGETS], 1)]
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(each for each in targets if each is not None)


def _target(number: int, entry: str, problems: list[str]) -> TransferTarget | None:
    parts = [part.strip() for part in entry.split("|")]
    if len(parts) != 3:
        problems.append(f"entry {number} has {len(parts)} parts and not 3: address|reasons|hours")
        return None
    address, reasons, hours = parts
    if len(address) > LONGEST_ADDRESS or not (E164.fullmatch(address) or _SIP.fullmatch(address)):
        problems.append(f"entry {number}: the address is neither +<country><number> nor sip:user@host")
    return TransferTarget(address, _reasons(number, reasons, problems), _hours(number, hours, problems))


def _reasons(number: int, text: str, problems: list[str]) -> frozenset[str] | None:
    if text == ANY:
        return None
    reasons = [reason.strip().lower() for reason in text.split(",")]
    if len(reasons) > MOST_REASONS or not all(_REASON.fullmatch(reason) for reason in reasons):
        problems.append(f"entry {number}: reasons are words with commas between them, or {ANY}")
    return frozenset(reasons)


def _hours(number: int, text: str, problems: list[str]) -> tuple[Span, ...] | None:
    if text.lower() == ALWAYS:
        return None
    spans = [_span(part.strip().lower()) for part in text.split(",")]
    if None in spans:
        problems.append(f"entry {number}: hours are like `lun-vie 9-18, sáb 9:30-13`, or {ALWAYS}")
    return tuple(span for span in spans if span is not None)


def _span(text: str) -> Span | None:
    found = _SPAN.fullmatch(text.translate(str.maketrans("áéí", "aei")))
    if found is None:
        return None
    first, last, *clock = found.groups()
    opens, closes = _minutes(clock[:2]), _minutes(clock[2:])
    if first not in _DAYS or (last or first) not in _DAYS or not 0 <= opens < closes <= _DAY_MINUTES:
        return None
    begin, end = _DAYS[first], _DAYS[last or first]
    return Span(frozenset((begin + n) % 7 for n in range((end - begin) % 7 + 1)), opens, closes)


def _minutes(clock: Sequence[str | None]) -> int:
    """-1 for what is no time of day."""
    hour, minute = int(clock[0] or 0), int(clock[1] or 0)
    return hour * 60 + minute if minute < 60 else -1
