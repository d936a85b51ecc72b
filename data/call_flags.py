"""What of a call somebody should look at, each with the moment to look at. Derived from its record alone.

    flag           when
    dead_air       the caller waited more than 3 s for Carlos, and heard nothing
    asked_twice    Carlos asked the same again: a tool asked for the same thing, or he said the same question
    refused_proof  a proof of whose record it is was wrong, or was not taken any more
    barge_ins      the caller spoke over Carlos three times
    gave_up        the caller hung up before anything was done, with something unanswered

Dead air is measured on the line while the call goes on (agent.floor), and lies in `details.dead_air`, in milliseconds
of the call. Of calls before that was kept an answer's latency tells it, unless the caller was asked to wait meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from common.spanish.names import plain
from data.dispositions import NOTHING, disposition
from data.models import CallRecord, ToolCall, Turn

DEAD_AIR_MS = 3000
DEAD_AIR = "dead_air"  # in details: when each began, in ms of the call
BARGE_INS = 3
MOST_MOMENTS = 8  # of one flag in a call: whoever looks has seen enough
_MOST_TURNS = 400  # whose questions are looked at: an hour of talk
_SAME_MOMENT_MS = 5000  # a tool asks, and Carlos says so
_LONGEST = 300  # characters of a turn that are looked at

REFUSALS = frozenset(
    {"not_verified", "call_locked", "number_locked", "record_locked", "address_locked", "searches_locked"}
)  # tools.identity
# What may be asked again and again: whether there is more, whether he is there, whether what was read back is right.
_ANEW = re.compile(
    r"algo mas|otra cosa|ahi\b|me escuchas|hola|confirm|correcto|esta bien|de acuerdo|te parece|por favor$"
)
_MORE = re.compile(r"algo mas|otra cosa")
_FAREWELL = re.compile(r"\b(?:chau|chao|gracias|adios|hasta luego|nada mas|eso es todo|no hace falta)\b")
_BEFORE = re.compile(r"[.!¿¡]")  # a question
_SHORTEST = 4  # characters of a question


class Flag(StrEnum):
    DEAD_AIR = "dead_air"
    ASKED_TWICE = "asked_twice"
    REFUSED_PROOF = "refused_proof"
    BARGE_INS = "barge_ins"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class Flagged:
    """`at_ms` counts from the call's start."""

    flag: Flag
    at_ms: int


def flags_of(call: CallRecord) -> tuple[Flagged, ...]:
    """In the order of time; none of a call that goes on."""
    if call.ended_at is None:
        return ()
    found = [Flagged(flag, at) for flag, find in _FINDERS.items() for at in islice(find(call), MOST_MOMENTS)]
    return tuple(sorted(found, key=lambda each: (each.at_ms, each.flag)))


def _dead_air(call: CallRecord) -> Iterator[int]:
    kept = call.details.get(DEAD_AIR)
    if isinstance(kept, list):
        yield from (int(at) for at in kept)
    elif not call.details.get("fillers"):
        for turn in call.turns:
            if turn.role == "carlos" and (turn.latency_ms or 0) > DEAD_AIR_MS:
                yield _waited_from(call, turn)


def _waited_from(call: CallRecord, turn: Turn) -> int:
    """About when the silence before an answer began: a turn has the moment at which its first sentence was over."""
    before = [other.at for other in call.turns if other.at < turn.at]
    return max(0, _ms(call, max(before, default=call.started_at)))


def _asked_twice(call: CallRecord) -> Iterator[int]:
    asked = [(_ms(call, tool.at), f"{tool.name} {tool.result.get('code')}") for tool in call.tools if _asks(tool)]
    for turn in call.turns[:_MOST_TURNS]:
        if turn.role == "carlos" and "?" in turn.text:
            asked += [(_ms(call, turn.at), words) for words in _questions(turn.text) if not _ANEW.search(words)]
    known: dict[str, int] = {}
    told = -_SAME_MOMENT_MS
    for at, what in sorted(asked):
        if known.setdefault(what, at) != at and at - told >= _SAME_MOMENT_MS:
            told = at
            yield at


def _refused_proof(call: CallRecord) -> Iterator[int]:
    return (_ms(call, tool.at) for tool in call.tools if tool.result.get("code") in REFUSALS)


def _barge_ins(call: CallRecord) -> Iterator[int]:
    """One moment, the third of them. A hang-up cuts a turn, too: the turns alone do not tell."""
    if call.interruptions >= BARGE_INS:
        cut = [turn.at for turn in call.turns if turn.role == "carlos" and turn.interrupted][:BARGE_INS]
        yield _ms(call, cut[-1] if cut else call.ended_at or call.started_at)


def _gave_up(call: CallRecord) -> Iterator[int]:
    hung_up = call.outcome == "caller_left" or call.details.get("ended_by") == "caller"
    if hung_up and disposition(call) in NOTHING and (not call.turns or _waits_for_person(call) or _is_open(call)):
        ended_at = call.ended_at or call.started_at
        waits = not call.turns or _waits_for_person(call)
        yield _ms(call, ended_at if waits else call.turns[-1].at)


def _waits_for_person(call: CallRecord) -> bool:
    transfer = call.details.get("transfer")
    return isinstance(transfer, dict) and not transfer.get("came_to")


def _is_open(call: CallRecord) -> bool:
    """Whether the last words, of either, were not answered."""
    last = call.turns[-1]
    if last.role == "caller":
        return not _FAREWELL.search(plain(last.text[-_LONGEST:]))
    asked = _questions(last.text) if last.text.rstrip().endswith("?") else []
    return last.interrupted or bool(asked and not _MORE.search(asked[-1]))


def _asks(tool: ToolCall) -> bool:
    return "question" in tool.result and "code" in tool.result


def _questions(text: str) -> list[str]:
    asked = (_BEFORE.split(part)[-1] for part in text[-_LONGEST:].split("?")[:-1])
    return [words for each in asked if len(words := plain(each)) >= _SHORTEST]


def _ms(call: CallRecord, moment: datetime) -> int:
    return round((moment - call.started_at).total_seconds() * 1000)


_FINDERS: Mapping[Flag, Callable[[CallRecord], Iterator[int]]] = {
    Flag.DEAD_AIR: _dead_air,
    Flag.ASKED_TWICE: _asked_twice,
    Flag.REFUSED_PROOF: _refused_proof,
    Flag.BARGE_INS: _barge_ins,
    Flag.GAVE_UP: _gave_up,
}
