"""Text that comes from outside: what no encoding takes is replaced, what a model reads is bounded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 32  # levels of a value; ours have seven
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(value: Any, _deepest: int = _MAX_DEPTH) -> Any:
    """A JSON value that everybody can write and read again. Its texts hold no control characters but line breaks and
    tabs, and no half of a surrogate pair, which no encoding takes: U+FFFD stands for each, and for what is nested
    deeper than 32 levels. A number that is none (NaN, infinity) is null."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping | list | tuple) and not _deepest:
        return "\ufffd"
    if isinstance(value, Mapping):
        return {printable(key): printable(each, _deepest - 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each, _deepest - 1) for each in value]
    return value


def clean(text: str, limit: int) -> str:
    """Stored text as data for the model: no control characters, one line, bounded."""
    line = " ".join(
        re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", " ", text).split()
    )
    return line if len(line) <= limit else line[: limit - 1] + "…"
