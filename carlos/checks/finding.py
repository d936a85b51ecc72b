"""What came of looking at one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    OK = "ok"
    FAILED = "failed"
    DOUBTFUL = "doubtful"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` says what was found, and where it failed what to do; nothing secret or personal."""

    what: str
    mark: Mark
    detail: str


def ok(what: str, detail: str) -> Finding:
    return Finding(what, Mark.OK, detail)


def failed(what: str, detail: str) -> Finding:
    return Finding(what, Mark.FAILED, detail)


def doubtful(what: str, detail: str) -> Finding:
    return Finding(what, Mark.DOUBTFUL, detail)


def not_tried(what: str, why: str) -> Finding:
    return Finding(what, Mark.NOT_TRIED, why)
