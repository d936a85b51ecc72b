"""Items as lines of text, for backups and for what is kept aside: whatever DynamoDB may hold, to the last digit."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any

from data.backends.base import Item
from data.backends.encoding import decode, encode

_TYPED = "$dynamodb"  # the only name in an item that is written in DynamoDB's own JSON


def to_line(item: Item) -> str:
    """JSON. An item that plain JSON would change (sets, binary values, long fractions) is in DynamoDB's own."""
    try:
        return encode(item)
    except (TypeError, ValueError):
        return json.dumps({_TYPED: {name: _typed(value) for name, value in item.items()}}, ensure_ascii=False)


def from_line(line: str) -> Item:
    """Raise ValueError for a line that holds no item."""
    item = decode(line)
    if not isinstance(item, dict):
        raise ValueError("a line holds no item")
    return {name: _plain(value) for name, value in item[_TYPED].items()} if set(item) == {_TYPED} else item


def canonical(item: Item) -> str:
    """The same text for the same item, in whichever order a store gives its attributes."""
    return json.dumps(json.loads(to_line(item)), ensure_ascii=False, sort_keys=True)


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal() | float():
            return {"N": str(value)}
        case list():
            return {"L": [_typed(each) for each in value]}
        case dict():
            return {"M": {name: _typed(each) for name, each in value.items()}}
        case set():
            parts = [_typed(each) for each in value]
            kind = next(iter(parts[0]))
            return {f"{kind}S": sorted(each[kind] for each in parts)}
    return {"B": b64encode(bytes(value)).decode()}


def _plain(typed: dict[str, Any]) -> Any:
    kind, value = next(iter(typed.items()))
    match kind:
        case "NULL":
            return None
        case "N":
            number = Decimal(value)
            return int(number) if number.is_finite() and number == number.to_integral_value() else number
        case "L":
            return [_plain(each) for each in value]
        case "M":
            return {name: _plain(each) for name, each in value.items()}
        case "B":
            return b64decode(value)
        case "SS" | "NS" | "BS":
            return {_plain({kind[0]: each}) for each in value}
    return value
