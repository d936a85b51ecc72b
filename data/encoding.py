"""Items as lines of JSON: what SQLite keeps and what a backup holds. Numbers survive to the last digit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from data.backend import Item

_MOST_DIGITS = 38  # DynamoDB's
_DEEPEST = 32  # levels of a value; ours have seven

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(value: Any, _deepest: int = _DEEPEST) -> Any:
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


def encode(item: Item) -> str:
    """Raises ValueError for a number that JSON would round, TypeError for what is no attribute value."""
    return json.dumps(item, ensure_ascii=False, default=_number)


def decode(text: str) -> Item:
    item: Item = json.loads(text, parse_float=Decimal)
    return item


def _number(value: Any) -> int | float:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no attribute value")
    if value.adjusted() >= _MOST_DIGITS:
        raise ValueError("a number has more digits than the store keeps")
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise ValueError("a number has more digits than the store keeps")
    return number
