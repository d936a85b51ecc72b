"""What REST knows of every type of record that is declared, whether it has routes or not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from api.access import Access
from api.envelope import failed_to
from api.schemas import record_json
from data.records import RecordType, record_types
from sandbox.hang import HANG_S
from tests.api.rest_stage import Rest
from tests.support.clocks import NOON

every_type = pytest.mark.parametrize("record_type", [pytest.param(each, id=each.noun) for each in record_types()])


@every_type
async def test_a_customer_s_records_are_exported_and_erased(rest: Rest, record_type: RecordType[Any]) -> None:
    sample = record_type.samples(NOON.date())[0]
    customer = {"email": record_type.email_of(sample)}
    exported = (await rest.http.post("/customers/export", json=customer)).json()["data"]
    assert record_json(sample) in exported[record_type.nouns]
    json.dumps(exported)
    erased = (await rest.http.post("/customers/erase", json=customer)).json()["data"]
    assert erased[record_type.nouns] == len(exported[record_type.nouns])
    assert not any((await rest.http.post("/customers/export", json=customer)).json()["data"].values())


@every_type
async def test_a_list_may_be_open_to_readers_and_its_failure_has_its_name(record_type: RecordType[Any]) -> None:
    access = Access((), open_read=True)
    assert (await access.admit("GET", f"/{record_type.nouns}", {})).name == "open-read"
    assert failed_to("GET", f"/{record_type.nouns}") == f"Failed to retrieve {record_type.nouns}"
    assert failed_to("DELETE", f"/demo/{record_type.nouns}/1") == f"Failed to delete {record_type.noun}"


@pytest.mark.parametrize("entry", ["carlos.cli", "carlos.app", "api.lambda_handler"])
@pytest.mark.slow
def test_whatever_opens_a_store_knows_the_records_that_tools_declare(entry: str) -> None:
    code = f"import sys, {entry}; assert 'tools.catalogue' in sys.modules"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S, check=False)
    assert run.returncode == 0, run.stderr
