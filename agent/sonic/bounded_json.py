"""The service's JSON, read only where that is little work: texts may be long, but not the list of values.

A megabyte of `0.1,0.1,...` takes a hundred times as long to read as a megabyte of text, and every call in the process
would wait for it.
"""

from __future__ import annotations

import json
from typing import Any

MAX_VALUES = 5000  # of an event, or rather signs that may begin one; the longest of the service's has 40


def loads(data: bytes) -> Any:
    """Raise ValueError for what is no JSON in UTF-8, is nested too deep, or has more than `MAX_VALUES` values."""
    if sum(map(data.count, (b",", b"{", b"["))) > MAX_VALUES:
        raise ValueError("too many values")
    try:
        return json.loads(data.decode())
    except RecursionError as error:
        raise ValueError("too deep") from error
