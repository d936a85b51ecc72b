"""How often in a row Carlos said that he had not understood: a person understands what a model does not. Sans-IO."""

from __future__ import annotations

from common.spanish.names import plain

_LONGEST = 200  # characters of a sentence that only says so
_SAYS_SO = (
    "no te entendi", "no te entiendo", "no entendi", "no te escuche", "no te escucho", "no llegue a escuchar",
    "no llegue a entender", "me lo repetis",
)  # fmt: skip


class Misunderstandings:
    """Answers are counted as `SonicService` does: several sentences may make one."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._last: int | None = None  # the last answer that said so
        self._answer: int | None = None

    def said(self, answer: int, text: str) -> int:
        """The caller heard this. Return how many answers in a row have said so."""
        says_so = any(words in plain(text[:_LONGEST]) for words in _SAYS_SO)
        if answer != self._answer and self._last != self._answer:
            self._in_a_row = 0  # the answer before this one did not
        self._answer = answer
        if says_so and self._last != answer:
            self._last = answer
            self._in_a_row += 1
        return self._in_a_row
