"""The declared tools as the tests of any tool take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from data.backends.base import Item
from data.store import Store
from data.tables import TableName
from tools.tool import Tool


def every(tools: Iterable[Tool]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("tool", [pytest.param(tool, id=tool.name) for tool in tools])


def examples(tool: Tool) -> dict[str, Any]:
    return {name: argument.example for name, argument in tool.arguments.declared().items()}


async def records(store: Store) -> list[Item]:
    """All that is business's: orders, appointments, slots, counters, call-backs."""
    tables = (TableName.ORDERS, TableName.APPOINTMENTS, TableName.CALLS)
    items = [
        item
        for table in tables
        async for page in store.backend.scan(table)
        for item in page
        if table is not TableName.CALLS or item["SK"] == "CALLBACK"
    ]
    return sorted(items, key=lambda item: (item["PK"], item["SK"]))
