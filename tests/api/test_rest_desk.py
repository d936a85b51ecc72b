"""What the owner's desk asks besides records: whose key it is, who takes appointments, who may ring."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.open import open_sqlite
from tests.api.rest_stage import Rest, key_of, serving
from tests.support.clocks import Clock


@pytest.mark.parametrize(
    ("key", "scopes"), [("reader", ["read"]), ("writer", ["read", "write"]), ("operator", ["calls", "read", "write"])]
)
async def test_a_key_is_told_what_it_may_do(quick_rest: Rest, key: str, scopes: list[str]) -> None:
    told = (await quick_rest.anonymous.get("/me", headers=key_of(key))).json()["data"]
    assert told == {"name": key, "scopes": scopes}


async def test_doctors_are_those_of_the_facts_or_of_the_records(quick_rest: Rest) -> None:
    told = (await quick_rest.http.get("/doctors")).json()["data"]
    assert {"name": "Dra. Ana López", "speciality": "traumatología", "slotMinutes": [30, 45, 60]} in told
    await quick_rest.store.save_facts("name: Sol", (await quick_rest.store.facts_text())[1])
    known = (await quick_rest.http.get("/doctors")).json()["data"]
    assert {"name": "Dra. Ana López", "speciality": None, "slotMinutes": []} in known


async def test_the_line_is_told_as_the_settings_have_it_to_those_who_may_see_numbers(
    tmp_path: Path, clock: Clock
) -> None:
    store = await open_sqlite(tmp_path / "carlos.db", clock)
    changes = {
        "transfer_targets": "+541150310001|turnos|lun-vie 9-18; sip:guardia@clinica.example|*|24h",
        "transfer_mode": "cold",
        "blocked_numbers": ("+5491155550100",),
        "allowed_countries": ("AR",),
        "seats_per_number": 3,
    }
    try:
        async with serving(store, tmp_path, clock, **changes) as rest:
            told = (await rest.http.get("/line")).json()["data"]
            assert [each["address"] for each in told["targets"]] == ["+541150310001", "sip:guardia@clinica.example"]
            first, second = told["targets"]
            assert first["reasons"] == ["turnos"]
            assert first["hours"] == [{"days": [0, 1, 2, 3, 4], "opens": 540, "closes": 1080}]
            assert (second["reasons"], second["hours"], second["isThere"]) == (None, None, True)
            assert told["blockedNumbers"] == ["+5491155550100"]
            assert (told["callsAtOnce"], told["callsPerMinute"]) == (3, 0)
            for key, status in (("reader", 403), ("writer", 403), ("operator", 200)):
                assert (await rest.anonymous.get("/line", headers=key_of(key))).status_code == status
    finally:
        await store.close()


async def test_each_field_of_a_record_that_is_wrong_is_named_for_a_form(quick_rest: Rest) -> None:
    body = {"customerName": "", "customerEmail": "x", "items": [{"name": "Mouse", "quantity": 0}]}
    answer = (await quick_rest.http.post("/orders", json=body)).json()
    assert [(fault["key"], fault["code"]) for fault in answer["faults"]] == [
        ("customerName", "string_too_short"),
        ("customerEmail", "string_pattern_mismatch"),
        ("items.0.quantity", "greater_than_equal"),
    ]
    assert "x" not in {fault["wrong"] for fault in answer["faults"]}
