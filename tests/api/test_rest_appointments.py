"""/appointments: days in Buenos Aires, doctors' time, and the rules that callers are held to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from data.models import Appointment
from data.store import Change
from tests.api.rest_stage import Rest

NEW = {
    "patientName": "Ana Paz",
    "patientEmail": "ana.paz@example.com",
    "doctorName": "dra ana lopez",
    "date": "2026-11-30T13:00:00Z",
}


async def test_the_list_is_the_originals_earliest_first(rest: Rest) -> None:
    body = (await rest.http.get("/appointments")).json()
    assert body["message"] == "Retrieved 8 appointments successfully"
    assert [each["id"] for each in body["data"]] == ["1", "4", "6", "2", "3", "5", "7", "8"]
    assert body["data"][0]["date"] == "2026-11-25T13:00:00.000Z"


async def test_a_day_is_a_day_in_buenos_aires(rest: Rest) -> None:
    late = Appointment("99", "Ana Paz", "a@b.com", "Dra. Ana López", datetime(2026, 12, 3, 2, 30, tzinfo=UTC), 30)
    await rest.store.commit(Change(None, late))
    day = (await rest.http.get("/appointments", params={"date": "2026-12-02"})).json()["data"]
    assert [each["id"] for each in day] == ["99"]
    assert (await rest.http.get("/appointments", params={"date": "2026-12-03"})).json()["data"] == []
    assert len((await rest.http.get("/appointments", params={"date": ""})).json()["data"]) == 9


@pytest.mark.parametrize("day", ["2026-02-30", "mañana", "0001-01-01", "9999-12-31", "2026-1-1"])
async def test_an_invalid_day_is_a_bad_request(quick_rest: Rest, day: str) -> None:
    assert (await quick_rest.http.get("/appointments", params={"date": day})).status_code == 400


async def test_a_span_of_days_includes_both(rest: Rest) -> None:
    span = {"from": "2026-11-26", "to": "2026-11-28"}
    found = (await rest.http.get("/appointments", params=span)).json()["data"]
    assert [each["id"] for each in found] == ["6", "2", "3"]
    doctors = span | {"doctor": "Dra. Ana López", "status": "confirmed"}
    assert [each["id"] for each in (await rest.http.get("/appointments", params=doctors)).json()["data"]] == ["2"]


async def test_an_appointment_is_booked_moved_and_cancelled(rest: Rest) -> None:
    made = await rest.http.post("/appointments", json=NEW)
    assert made.status_code == 201
    assert made.json()["data"]["doctorName"] == "Dra. Ana López"
    path = made.headers["location"]
    moved = await rest.http.put(path, json={"date": "2026-11-30T14:00:00Z", "notes": "Traer estudios"})
    assert moved.json()["data"]["date"] == "2026-11-30T14:00:00.000Z"
    again = await rest.http.post("/appointments", json=NEW)
    assert again.status_code == 201, "the old time is free"
    taken = await rest.http.put(again.headers["location"], json={"date": "2026-11-30T14:15:00Z"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert (await rest.http.put(path, json={"status": "cancelled"})).status_code == 200
    free = await rest.http.put(again.headers["location"], json={"date": "2026-11-30T14:15:00Z"})
    assert free.status_code == 200


async def test_a_doctors_time_is_given_once(rest: Rest) -> None:
    answers = await asyncio.gather(*(rest.http.post("/appointments", json=NEW) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"date": "2026-11-30T09:00:00Z"}, "closed"),
        ({"date": "2026-11-22T13:00:00Z"}, "past_date"),
        ({"date": "2028-11-30T13:00:00Z"}, "too_far"),
        ({"date": "2026-11-30T13:02:00Z"}, "off_grid"),
        ({"duration": 7}, "bad_duration"),
        ({"doctorName": "Dr. Nadie"}, "unknown_doctor"),
    ],
)
async def test_the_tools_rules_hold_for_admins_too(quick_rest: Rest, change: dict[str, object], code: str) -> None:
    answer = await quick_rest.http.post("/appointments", json=NEW | change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_what_is_over_keeps_its_time(rest: Rest) -> None:
    await rest.http.put("/appointments/1", json={"status": "completed"})
    late = await rest.http.put("/appointments/1", json={"status": "scheduled"})
    assert late.json()["code"] == "appointment_completed"
    assert (await rest.http.put("/appointments/1", json={"notes": "Vino"})).status_code == 200


async def test_a_deleted_appointment_frees_its_time(rest: Rest) -> None:
    made = await rest.http.post("/appointments", json=NEW)
    await rest.http.delete(made.headers["location"])
    assert (await rest.http.post("/appointments", json=NEW)).status_code == 201
