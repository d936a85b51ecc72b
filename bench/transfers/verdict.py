"""One run, judged by the store, the call's record and what was seen on Twilio's side; and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bench.transfers.caller import ASKS_DNI, ORDER, SPEECH_LEVEL
from bench.transfers.endings import Result, Run
from bench.transfers.facts import unfounded
from data.models import CallRecord
from data.store import Store
from sandbox.dialogue import lines
from sandbox.twilio.call import PhoneCall
from sandbox.twilio.errors import Code
from sandbox.twilio.events import Bridged, CallEvent, Joined, Ran, Streaming
from sandbox.twilio.outbound import OutboundCall
from sandbox.twilio.stream import FRAME, FRAME_MS
from sandbox.twilio.verbs import Say
from sandbox.twilio.wav import decode

MACHINES = {"machine", "fax"}
USUAL = {Code.SERVER_CLOSED, Code.BROKEN_PIPE}  # a wanted close, and a process that died under a stream
LONGEST_SILENCE_S = 8.0  # that a caller may hear
OPENING = "Llamada del asistente"  # of every briefing


type Part = tuple[int, str]
PERSON, MUSIC, CARLOS = "the person", "music", "Carlos"


def part(event: CallEvent) -> str | None:
    """Return whom or what a caller hears from an event of his call on."""
    match event:
        case Streaming():
            return CARLOS
        case Joined():
            return MUSIC
        case Bridged():
            return PERSON
        case Ran(Say(text)):
            return f"“{text}”"
    return None


@dataclass(frozen=True, slots=True)
class Seen:
    """A run that is over. `parts`: whom or what the caller began to hear at which sample; `hung`: it did not end."""

    run: Run
    call: PhoneCall
    people: Sequence[OutboundCall]
    parts: Sequence[Part]
    killed: bool
    hung: bool


@dataclass(frozen=True, slots=True)
class Row:
    run: Run
    heard: str  # by the caller, in order
    dni_asked: int
    silence_s: float  # the longest that the caller heard
    silence_in: str  # the part in which it began
    hung_up_on: bool
    unfounded: Sequence[str]  # said in a briefing, and not in the store
    machine_bridged: bool
    wrong: Sequence[str]  # all that is, in words


async def judged(seen: Seen, store: Store) -> Row:
    run, call = seen.run, seen.call
    record, receipts = await store.call(call.sid), await store.receipts(call.sid)
    assert record is not None, "the call has no record"  # noqa: S101 - the caller was greeted
    proven = await store.order(ORDER) if run.proven else None
    briefings = [said for person in seen.people for said in person.spoken if said.startswith(OPENING)]
    left = [words for said in briefings if (words := unfounded(said, record, receipts, proven))]
    asked = sum(ASKS_DNI in turn.text for turn in record.turns if turn.role == "carlos")
    silence_s, silence_in = longest_silence(bytes(call.timeline.playout.heard), seen.parts)
    with_machine = any(person.person.answer in MACHINES and _bridged(person) for person in seen.people)
    transfers = sum(name == MUSIC for _, name in seen.parts)
    served, cancelled = _served(seen, record), run.ending.result is Result.CARLOS and run.proven
    wrong = {
        "did not end": seen.hung,
        "hung up on": not served,
        "nobody was killed": run.death is not None and not seen.killed,
        "asked for the DNI twice": asked > 1,
        "a briefing says more than the store": bool(left),
        "talks to a machine": with_machine,
        f"{silence_s:.1f} s of silence from {silence_in}": silence_s > LONGEST_SILENCE_S,
        "the person's phone is not let go": any(person.live for person in seen.people),
        f"{transfers} times on the way": transfers != run.ending.times,
        f"the order was cancelled {len(receipts)} times": len(receipts) != cancelled,
        f"Twilio warns of {sorted(set(call.warnings) - USUAL)}": bool(set(call.warnings) - USUAL),
    }
    return Row(
        run,
        ", ".join([*(name for _, name in seen.parts), *(["goodbye"] if _said_goodbye(record) else [])]),
        asked,
        silence_s,
        silence_in,
        not served,
        left,
        with_machine,
        [what for what, is_so in wrong.items() if is_so],
    )


def _served(seen: Seen, record: CallRecord) -> bool:
    """Whether the caller got what is owed in this ending, and the record says so."""
    match seen.run.ending.result:
        case Result.PERSON:
            return PERSON in [name for _, name in seen.parts] and record.outcome == "transferred"
        case Result.CARLOS:
            return record.outcome == "completed" and _said_goodbye(record)
    return seen.call.ended_by == "caller" and record.outcome == "caller_left"


def _said_goodbye(record: CallRecord) -> bool:
    return lines.GOODBYE in [turn for turn in record.turns if turn.role == "carlos"][-1].text


def _bridged(person: OutboundCall) -> bool:
    return any(isinstance(event, Bridged) for event in person.events)


def longest_silence(ulaw: bytes, parts: Sequence[Part]) -> tuple[float, str]:
    """Return the seconds, from the first part on, and the part in which they began. A person whom the double has
    connected is taken to speak, and so is Twilio's voice: neither makes a sound in it."""
    frames = decode(ulaw[: len(ulaw) // FRAME * FRAME]).reshape(-1, FRAME).astype(np.float64)
    sound = np.sqrt((frames**2).mean(axis=1)) >= SPEECH_LEVEL
    for (start, name), (end, _) in pairwise([*parts, (len(ulaw), "")]):
        if name not in (CARLOS, MUSIC):
            sound[start // FRAME : end // FRAME] = True
    first = parts[0][0] // FRAME if parts else 0
    at = np.concatenate([[first - 1], first + np.flatnonzero(sound[first:]), [len(frames)]])
    gaps = np.diff(at) - 1
    longest = int(gaps.argmax())
    began = [name for start, name in parts if start <= (at[longest] + 1) * FRAME]
    return float(gaps[longest] * FRAME_MS / 1000), began[-1] if began else ""


def together(rows: Sequence[Row], planned: int, seconds: float) -> dict[str, Any]:
    """Return the last line."""
    return {
        "runs": len(rows),
        "hung_up_on": sum(row.hung_up_on for row in rows),
        "asked_twice": sum(row.dni_asked > 1 for row in rows),
        "facts_not_in_store": sum(len(row.unfounded) for row in rows),
        "machines_bridged": sum(row.machine_bridged for row in rows),
        "longest_silence_s": round(max((row.silence_s for row in rows), default=0.0), 1),
        "seconds": round(seconds),
        "not_run": planned - len(rows),
        "wrong": sum(bool(row.wrong) for row in rows),
    }
