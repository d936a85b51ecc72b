"""How a tool says no, and what is wrong with one that is not declared well.

ToolError
├── Refused     it will not be done: `sentence` says why, in Spanish that Carlos can say
└── NeedsInput  it cannot be done yet: `sentence` asks the caller for what is missing or unclear

DeclarationError
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


class DeclarationError(TypeError):
    """A tool is declared in a way that cannot work; raised when it is imported. Its text is for programmers."""
