"""The stand-in's errands are tools that the product declares, and it gives each what that needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from sandbox.dialogue.intents import Task
from sandbox.dialogue.items import Item
from sandbox.dialogue.tasks import Facts, arguments, missing
from tools.arguments import read
from tools.catalogue import TOOLS

DECLARED = {tool.name: tool for tool in TOOLS}
SEVEN = [task for task in Task if task.tool in DECLARED]
BY_DNI = Facts(
    order_id="1",
    appointment_id="1",
    dni="28456789",
    identity="dni",
    name="María González",
    email="maria@email.com",
    items=(Item("Mouse", 2, 29.99),),
    doctor="López",
    day=date(2026, 11, 27),
    hour=time(15),
    kind_of_visit="follow-up",
)
BY_NAME = replace(BY_DNI, dni=None, identity="name")


@pytest.mark.parametrize("facts", [BY_DNI, BY_NAME], ids=["dni", "name"])
@pytest.mark.parametrize("task", SEVEN)
def test_an_errand_with_nothing_missing_gives_the_tool_what_it_needs(task: Task, facts: Facts) -> None:
    assert missing(task, facts) is None
    tool, given = DECLARED[task.tool], arguments(task, facts)
    read(tool.arguments, given)
    assert set(tool.input_schema["required"]) <= given.keys() <= tool.input_schema["properties"].keys()
