"""Numbers as callers say them and as Whisper writes them, read as strings of digits.

"veintiocho millones cuatrocientos cincuenta y seis mil setecientos ochenta y nueve", "28 millones 456 mil
789", "28.456.789", "dos ocho cuatro cinco…" and "veintiocho cuarenta y cinco sesenta y siete ochenta y
nueve" are all 28456789: with "millones" or "mil" it is arithmetic, without them the groups stand side by
side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from common.spanish.numbers import SAID_CARDINALS, SAID_HUNDREDS, TENS
from sandbox.dialogue.words import Word

DNI_LENGTHS = (7, 8)

_MILLION = frozenset({"millon", "millones"})
_REPEATS = {"doble": 2, "triple": 3}
_JOINTS = frozenset({"y", "coma", "punto", "guion", "eh", "este", "em", "mmm"})
_LITERAL = re.compile(r"\d+(?:[.,-]\d+)*")


@dataclass(frozen=True, slots=True)
class Run:
    """Number words in a row: words[start:end]."""

    parts: tuple[str, ...]  # groups of digits, and the scales "millon" and "mil"
    start: int
    end: int

    @property
    def digits(self) -> str:
        return _value(self.parts)

    @property
    def is_dni(self) -> bool:
        return len(self.digits) in DNI_LENGTHS

    @property
    def is_open(self) -> bool:
        """Whether a DNI may go on: "28 millones 456", "28 millones 456 mil", seven figures one by one."""
        if self.parts[-1] in ("mil", "millon"):
            return True
        if "millon" in self.parts:
            below = self.parts[self.parts.index("millon") + 1 :]
            return "mil" not in below and len("".join(below)) <= 3
        return len(self.parts) > 1 and len(self.digits) < max(DNI_LENGTHS)

    def without_first(self) -> Run:
        """The rest of "tres, veintiocho millones…", which is a record and then a DNI."""
        return Run(self.parts[1:], self.start, self.end)


def find_runs(words: Sequence[Word]) -> list[Run]:
    found, at = [], 0
    while at < len(words):
        run = _run(words, at)
        if run:
            found.append(run)
        at = run.end if run else at + 1
    return found


def read_number(words: Sequence[Word]) -> int | None:
    """The value when the words are one number and nothing else."""
    run = _run(words, 0) if words else None
    return int(run.digits) if run and run.end == len(words) else None


def read_group(words: Sequence[Word], at: int) -> tuple[int, int] | None:
    """One number below a thousand, or one written in digits, from `at` on: its value and where it ends."""
    group = _group(words, at) if at < len(words) else None
    return (int(group[0]), group[1]) if group else None


def _run(words: Sequence[Word], start: int) -> Run | None:
    parts: list[str] = []
    at = end = start
    while at < len(words):
        key = words[at].key
        if _is_scale(words, at):
            parts.append("mil" if key == "mil" else "millon")
            at = end = at + 1
        elif group := _group(words, at):
            if parts and (_is_whole(parts[-1]) or _is_whole(group[0])):
                break
            parts.append(group[0])
            at = end = group[1]
        elif parts and key in _JOINTS:
            at += 1
        else:
            break
    return Run(tuple(parts), start, end) if parts else None


def _is_scale(words: Sequence[Word], at: int) -> bool:
    return words[at].key == "mil" or words[at].key in _MILLION


def _is_whole(part: str) -> bool:
    """A number already long enough for a DNI stands alone."""
    return part.isdigit() and len(part) >= min(DNI_LENGTHS)


def _group(words: Sequence[Word], at: int) -> tuple[str, int] | None:
    key = words[at].key
    after = words[at + 1].key if at + 1 < len(words) else ""
    if _LITERAL.fullmatch(key):
        digits = re.sub(r"\D", "", key)
        return _with_unit(int(digits), words, at + 1) if int(digits) in TENS.values() else (digits, at + 1)
    if key in _REPEATS and (value := _digit(after)) is not None:
        return str(value) * _REPEATS[key], at + 2
    if key in ("un", "una") and after in _MILLION:
        return "1", at + 1
    if key == "cien":
        return "100", at + 1
    if key in SAID_HUNDREDS:
        return _with_rest(SAID_HUNDREDS[key], words, at + 1)
    if after in ("cientos", "cientas") and (value := _digit(key)):
        return _with_rest(100 * value, words, at + 2)
    return _small(words, at)


def _small(words: Sequence[Word], at: int) -> tuple[str, int] | None:
    key = words[at].key
    if key in TENS:
        return _with_unit(TENS[key], words, at + 1)
    return (str(SAID_CARDINALS[key]), at + 1) if key in SAID_CARDINALS else None


def _with_unit(tens: int, words: Sequence[Word], at: int) -> tuple[str, int]:
    """ "treinta" and then "y cinco"."""
    if at + 1 < len(words) and words[at].key == "y" and not words[at - 1].pause:
        unit = _digit(words[at + 1].key) or (1 if words[at + 1].key == "un" else 0)
        if unit:
            return str(tens + unit), at + 2
    return str(tens), at


def _with_rest(hundreds: int, words: Sequence[Word], at: int) -> tuple[str, int]:
    """ "cuatrocientos" and then "cincuenta y seis"."""
    if at >= len(words) or words[at - 1].pause:
        return str(hundreds), at
    rest = ("1", at + 1) if words[at].key == "un" else _small(words, at)
    if rest is None or int(rest[0]) == 0:
        return str(hundreds), at
    return str(hundreds + int(rest[0])), rest[1]


def _digit(key: str) -> int | None:
    value = int(key) if key.isdecimal() and len(key) == 1 else SAID_CARDINALS.get(key)
    return value if value is not None and value < 10 else None


def _value(parts: Sequence[str]) -> str:
    millions, below = _split(parts, "millon")
    thousands, units = _split(below, "mil")
    if millions is None and thousands is None:
        return "".join(units)
    number = 1_000_000 * int("".join(millions) or 1) if millions is not None else 0
    number += 1000 * int("".join(thousands) or 1) if thousands is not None else 0
    return str(number + int("".join(part for part in units if part.isdigit()) or 0))


def _split(parts: Sequence[str], scale: str) -> tuple[Sequence[str] | None, Sequence[str]]:
    if scale not in parts:
        return None, parts
    at = parts.index(scale)
    return [part for part in parts[:at] if part.isdigit()], parts[at + 1 :]
