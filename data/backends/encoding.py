"""Items as lines of JSON: what SQLite keeps and what a backup holds. Numbers survive to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from data.backends.base import Item

_MOST_DIGITS = 38  # DynamoDB's


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
