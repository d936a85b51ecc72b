"""What is found of a call when it has ended: what it came to, and what to look at. It lies in the call's head, so that
lists show it and searches use it without reading what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from data.call_flags import Flag, Flagged, flags_of
from data.dispositions import Disposition, done, first, is_answered
from data.models import CallRecord

MOST_TOOLS = 12  # names of tools of a call that it is found by
TOOL_CHARACTERS = 64  # of a name; a model may invent longer ones


@dataclass(frozen=True, slots=True)
class Findings:
    """`done` counts records, in the order of `Disposition`; `tools` are the names of those that were used."""

    answered: bool
    done: Mapping[Disposition, int]
    flags: tuple[Flagged, ...]
    tools: tuple[str, ...]

    @classmethod
    def of(cls, call: CallRecord) -> Self | None:
        """None of a call that goes on."""
        if call.ended_at is None:
            return None
        names = dict.fromkeys(tool.name[:TOOL_CHARACTERS] for tool in call.tools)
        return cls(is_answered(call), done(call), flags_of(call), tuple(names)[:MOST_TOOLS])

    @property
    def disposition(self) -> Disposition:
        return first(self.done, answered=self.answered)

    def to_json(self) -> dict[str, Any]:
        return {
            "answered": self.answered,
            "done": {str(kind): number for kind, number in self.done.items()},
            "flags": [[str(each.flag), each.at_ms] for each in self.flags],
            "tools": list(self.tools),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Raise one of data.items.MISSHAPEN."""
        kinds = {Disposition(kind): int(number) for kind, number in found["done"].items()}
        flags = tuple(Flagged(Flag(flag), int(at_ms)) for flag, at_ms in found["flags"])
        return cls(bool(found["answered"]), kinds, flags, tuple(map(str, found["tools"])))
