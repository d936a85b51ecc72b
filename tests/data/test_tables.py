"""The tables as they are declared."""

from __future__ import annotations

import inspect

import pytest

import data.backends.dynamo
from data.records import TABLES
from data.tables import Table, create_request


def test_key_attributes_are_never_filtered_on() -> None:
    """AWS refuses a FilterExpression on a key attribute where a local AWS takes it; we use none at all."""
    assert "FilterExpression" not in inspect.getsource(data.backends.dynamo)


@pytest.mark.parametrize("table", TABLES.values(), ids=str)
def test_a_table_is_defined_as_the_readme_has_it(table: Table) -> None:
    request = create_request(table, "name")
    used = {key["AttributeName"] for index in request["GlobalSecondaryIndexes"] for key in index["KeySchema"]}
    used |= {key["AttributeName"] for key in request["KeySchema"]}
    assert {each["AttributeName"] for each in request["AttributeDefinitions"]} == used
    assert request["BillingMode"] == "PAY_PER_REQUEST"
