"""Items as lines of JSON: what SQLite keeps and what a backup holds. Numbers survive to the last digit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from data.backends.base import Item

_MOST_DIGITS = 38  # DynamoDB's


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(value: Any) -> Any:
    """A JSON value whose texts hold no control characters but line breaks and tabs, and no half of a surrogate pair,
    which no encoding takes: U+FFFD stands for each."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {printable(key): printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each) for each in value]
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
