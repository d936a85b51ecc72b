"""How a tool says no.

ToolError
├── Refused   it will not be done: `sentence` says why, in Spanish that Carlos can say
└── Asked     it cannot be done yet: `sentence` asks the caller for what is missing or unclear
"""

from __future__ import annotations

from typing import Any


class ToolError(Exception):
    """`code` is a stable snake_case word; `extra` is added to the result that the model reads."""

    def __init__(self, code: str, sentence: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.extra = extra


class Refused(ToolError):
    pass


class NeedsInput(ToolError):
    pass
