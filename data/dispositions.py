"""What a call came to: its disposition, as call centres say. Derived from the receipts of its tools and from how it
ended; nothing here is anybody's judgement of what was said.

A use of a tool counts where its result says that it was done (a proposal was not), and a record counts once: who moves
one appointment twice in a call has moved one appointment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from data.models import CallRecord, ToolCall

TRANSFERRED_OUTCOME = "transferred"  # of a call that a person has taken: agent.passing_on.TRANSFERRED


class Disposition(StrEnum):
    """The first that a call has come to is its own; the others it may have come to as well."""

    BOOKED = "booked"
    ORDERED = "ordered"
    MOVED = "moved"
    CANCELLED = "cancelled"
    OTHER_DONE = "other_done"  # by a tool that is none of `TOOLS`
    TRANSFERRED = "transferred"  # taken by a person
    CALL_BACK = "call_back"  # asked for, and noted
    LOOKED_UP = "looked_up"  # a record was opened, or free times were told
    ANSWERED = "answered"  # a question, from the facts of the business
    NOTHING_DONE = "nothing_done"
    NOT_ANSWERED = "not_answered"  # the caller heard nothing of Carlos


# What a use of a tool comes to, by its name in lower case. Another tool's has done something if it was proposed in the
# call, as every write is, and else looked something up.
TOOLS: Mapping[str, Disposition | None] = {
    "agendarturno": Disposition.BOOKED,
    "crearorder": Disposition.ORDERED,
    "modificarturno": Disposition.MOVED,
    "cancelarturno": Disposition.CANCELLED,
    "cancelarorder": Disposition.CANCELLED,
    "pedirllamado": Disposition.CALL_BACK,
    "consultarorder": Disposition.LOOKED_UP,
    "consultarturno": Disposition.LOOKED_UP,
    "buscarregistros": Disposition.LOOKED_UP,
    "horarioslibres": Disposition.LOOKED_UP,
    "consultarinformacion": Disposition.ANSWERED,
    "enviarmensaje": None,  # tells of what was done
}
NOTHING = frozenset({Disposition.NOTHING_DONE, Disposition.NOT_ANSWERED})


def done(call: CallRecord) -> dict[Disposition, int]:
    """How many of each the call has come to, in the order of `Disposition`; empty for one in which nothing was done."""
    found = set(_done(call))
    counted = {each: sum(kind is each for kind, _ in found) for each in Disposition}
    return {each: number for each, number in counted.items() if number}


def disposition(call: CallRecord) -> Disposition:
    """The one word for the call."""
    return first(done(call), answered=is_answered(call))


def first(done: Mapping[Disposition, int], *, answered: bool) -> Disposition:
    nothing = Disposition.NOTHING_DONE if answered else Disposition.NOT_ANSWERED
    return next((each for each in Disposition if each in done), nothing)


def is_answered(call: CallRecord) -> bool:
    """Whether the caller heard anything of Carlos."""
    return any(turn.role == "carlos" and turn.text.strip() for turn in call.turns)


def _done(call: CallRecord) -> Iterator[tuple[Disposition, str]]:
    """What was done to which record."""
    proposed = {tool.name.lower() for tool in call.tools if tool.result.get("confirmation_required")}
    for tool in call.tools:
        if (kind := _of(tool, proposed)) is not None:
            yield kind, _record_of(tool)
    if call.outcome == TRANSFERRED_OUTCOME:
        yield Disposition.TRANSFERRED, ""


def _of(tool: ToolCall, proposed: Collection[str]) -> Disposition | None:
    result = tool.result
    if result.get("success") is not True or result.get("confirmation_required") or result.get("found") is False:
        return None
    name = tool.name.lower()
    return TOOLS.get(name, Disposition.OTHER_DONE if name in proposed else Disposition.LOOKED_UP)


def _record_of(tool: ToolCall) -> str:
    """Empty for what is no record: to ask for three free times is to have looked them up."""
    return next((f"{name} {value}" for name, value in tool.result.items() if name.endswith("Id")), "")
