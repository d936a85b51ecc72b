"""What was said cannot be taken as it is."""

from __future__ import annotations


class Unclear(Exception):
    """Missing, ambiguous or impossible: `sentence` asks the caller, in Spanish; `code` is a stable snake_case word."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
