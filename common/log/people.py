"""What a terminal shows of the log: what happens in calls, in plain words, and what went wrong. All of it is in the
file; here is what somebody who watches wants to read, never what was said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

_OURS = frozenset({"agent", "api", "carlos", "common", "data", "sandbox", "telephony", "tools", "__main__"})
_MAX_LINE = 400  # characters

type Facts = Mapping[str, Any]  # what is bound to a line, masked

_OUTCOMES = {
    "completed": "Carlos hung up after the goodbye",
    "caller_left": "the caller hung up",
    "inactivity": "nobody said anything any more",
    "idle": "nobody said anything any more",
    "too_long": "it had lasted as long as a call may",
    "held_too_long": "the caller was on hold for too long",
    "failed": "Carlos could not go on",
    "dropped": "the line broke",
    "drained": "the server was stopped",
    "closed": "it was hung up from the console",
    "transferring": "the caller is passed on to a person",
}
_ADMISSIONS = {  # by agent.capacity.Admission
    "accepted": "it is answered",
    "full": "refused, all lines are taken",
    "draining": "refused, the server is stopping",
    "elsewhere": "perhaps another process can answer it",
    "exhausted": "refused, no stream to Sonic is left",
    "seated": "refused, its number has as many calls as one may have",
    "too_often": "refused, its number rings too often",
    "blocked": "refused, its number is blocked",
    "foreign": "refused, its country is not served",
    "withheld": "refused, its number is withheld",
    "closed": "outside the opening hours",
}


def _ended(facts: Facts) -> str:
    outcome = str(facts.get("outcome", ""))
    return f"over: {_OUTCOMES.get(outcome, outcome)}"


def _tool(facts: Facts) -> str:
    came_to = "done" if facts.get("ok") else f"not done ({facts.get('code') or 'refused'})"
    return f"{facts.get('tool')}: {came_to}, {facts.get('ms')} ms"


def _rings(facts: Facts) -> str:
    admission = str(facts.get("admission", ""))
    return f"the phone rings: {_ADMISSIONS.get(admission, admission)}"


_WORDS: Mapping[str, Callable[[Facts], str]] = {  # by the `event` that is bound
    "rings": _rings,
    "begun": lambda facts: f"a conversation begins, by {facts.get('line')}",
    "resumed": lambda facts: "the conversation goes on",
    "heard": lambda facts: "the caller has spoken",
    "said": lambda facts: "Carlos has spoken",
    "interrupted": lambda facts: "the caller interrupts Carlos",
    "away": lambda facts: "the caller is on hold",
    "back": lambda facts: "the caller is back from hold",
    "tool": _tool,
    "fault": lambda facts: f"fault: {facts.get('fault')}",
    "ended": _ended,
}


def people_line(name: str | None, level: int, line: Facts) -> str | None:
    """Return the words for a line of the log, None where people need not read it.

    `name` is the logger's; `line` holds the message and what is bound to it, with what is personal hidden. A message
    that is bound to event="notice" is shown as it is.
    """
    event = str(line.get("event", ""))
    if event in _WORDS:
        call = str(line.get("call_id") or "")
        return f"{f'call {call[-4:]}  ' if call else ''}{_WORDS[event](line)}"[:_MAX_LINE]
    ours = (name or "").partition(".")[0] in _OURS
    if event == "notice" or level >= (logging.WARNING if ours else logging.ERROR):
        return _gist(str(line.get("message", "")))
    return None


def _gist(message: str) -> str | None:
    """The first line; of a traceback the last, which says what it is about, without the error's name. What was broken
    off by a second Ctrl-C is no news."""
    lines = message.strip().splitlines() or [""]
    if not lines[0].startswith("Traceback"):
        return lines[0][:_MAX_LINE]
    name, _, words = lines[-1].partition(": ")
    return None if name.endswith("CancelledError") else (words or name)[:_MAX_LINE]
