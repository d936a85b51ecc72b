"""Text as it enters: what was said, typed or sent, fit to be stored, shown and sent on."""

from __future__ import annotations

import re
from typing import Any

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with U+FFFD for control characters other than tabs and ends of lines, and for lone surrogates: JSON can
    name half a pair, and UTF-8 cannot write it."""
    return _NO_TEXT.sub("\ufffd", text)


def clean_values(value: Any) -> Any:
    """A JSON value with every text in it clean, keys included."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean_values(key): clean_values(each) for key, each in value.items()}
        case list() | tuple():
            return [clean_values(each) for each in value]
        case _:
            return value
