"""What can go wrong with the records.

DataError
├── Conflict      the record changed since it was read, or its id is taken
├── SlotTaken     the doctor's time is taken
├── RuleBroken    the change is not allowed in the record's present state
├── Malformed     a stored item does not have our shape
└── Unavailable   the store did not answer; whether the write happened is unknown
"""

from __future__ import annotations


class DataError(Exception):
    """Base of this package's errors. The text is for logs and holds nothing personal."""


class Conflict(DataError):
    pass


class SlotTaken(DataError):
    pass


class RuleBroken(DataError):
    """`code` is a stable snake_case word; `sentence` is Spanish that Carlos can say."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class Malformed(DataError):
    pass


class Unavailable(DataError):
    pass
