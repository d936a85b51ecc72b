"""A person, a machine or nobody at the other end of an outbound call, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Answer = Literal["answers", "machine", "fax", "unknown", "busy", "no-answer", "failed"]

# What answering machine detection finds, and after how long; twilio.com/docs/voice/answering-machine-detection.
# The times are made up within its default thresholds (speech 2.4 s, silence 5 s).
DETECTED: dict[tuple[str, str], tuple[str, float]] = {
    ("answers", "Enable"): ("human", 2.0),
    ("answers", "DetectMessageEnd"): ("human", 2.0),
    ("machine", "Enable"): ("machine_start", 3.5),
    ("machine", "DetectMessageEnd"): ("machine_end_beep", 8.0),
    ("fax", "Enable"): ("fax", 3.0),
    ("fax", "DetectMessageEnd"): ("fax", 3.0),
    ("unknown", "Enable"): ("unknown", 5.0),
    ("unknown", "DetectMessageEnd"): ("unknown", 5.0),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is reached at a number. Times in seconds of the call's clock.

    `presses` is what he keys, one entry a `<Gather>`, `thinks_s` after its prompt; an empty entry keys nothing.
    `hangs_up_after_s` counts from his answer, `talks_s` from the moment he is connected to somebody.
    """

    answers_after_s: float = 2.0
    answer: Answer = "answers"
    presses: Sequence[str] = ()
    hangs_up_after_s: float | None = None
    thinks_s: float = 0.5
    talks_s: float | None = None

    def __post_init__(self) -> None:
        if self.answer not in get_args(Answer):
            raise ValueError(f"nobody answers with {self.answer!r}; there are: {', '.join(get_args(Answer))}")

    @property
    def picks_up(self) -> bool:
        return self.answer in {"answers", "machine", "fax", "unknown"}
