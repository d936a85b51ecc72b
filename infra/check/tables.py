"""Print modules/data/tables.json: data.records.TABLES as Terraform reads it.

.venv/bin/python infra/check/tables.py > infra/modules/data/tables.json
"""

from __future__ import annotations

import json
from typing import Any

import tools.catalogue  # noqa: F401 - its tools may declare records
from data.records import TABLES
from data.tables import PRIMARY, TTL_ATTRIBUTE, Table, create_request, projection


def described(table: Table) -> dict[str, Any]:
    request = create_request(table, table.name)
    return {
        "hash": PRIMARY.hash,
        "range": PRIMARY.range,
        "attributes": [attribute["AttributeName"] for attribute in request["AttributeDefinitions"]],
        "indexes": [
            {"name": index.name, "hash": index.hash, "range": index.range, "projection": projection(index)}
            for index in table.indexes
        ],
        "ttl": TTL_ATTRIBUTE if table.has_ttl else None,
    }


def tables_json() -> str:
    return json.dumps({str(name): described(table) for name, table in TABLES.items()}, indent=2) + "\n"


if __name__ == "__main__":
    print(tables_json(), end="")
