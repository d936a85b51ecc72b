"""`/facts`: the owner's facts over REST, on both stores, in force for whatever is asked next."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from data.open import open_sqlite
from data.store import Store
from tests.api.rest_stage import Rest, key_of, serving
from tests.support.clocks import Clock

SUNDAY = "2026-11-29T13:00:00.000Z"
BOOKING = {
    "patientName": "Luis Paz", "patientEmail": "luis@example.com", "doctorName": "Dra. Ana López", "date": SUNDAY,
    "duration": 30,
}  # fmt: skip


async def kept(rest: Rest) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts, and the header to change them with."""
    answer = await rest.http.get("/facts")
    assert answer.status_code == 200
    return answer.json()["data"], {"If-Match": answer.headers["etag"]}


async def test_a_change_counts_for_whatever_is_asked_next(rest: Rest) -> None:
    refused = await rest.http.post("/appointments", json=BOOKING)
    assert refused.json()["code"] == "closed"
    told, match = await kept(rest)
    facts = told["facts"] | {"hours": {"monday-sunday": "8:00-20:00"}, "address": "Calle 1"}
    changed = await rest.http.put("/facts", json=facts, headers=match)
    assert changed.status_code == 200, changed.json()
    assert changed.json()["data"]["facts"]["address"] == "Calle 1"
    assert "# closed on Argentina's" in changed.json()["data"]["text"], "comments stay"
    assert (await rest.http.post("/appointments", json=BOOKING)).status_code == 201
    assert (await rest.store.facts()).address == "Calle 1"


@pytest.mark.slow
async def test_another_process_on_the_same_file_goes_by_it_without_a_restart(tmp_path: Path, clock: Clock) -> None:
    here, there = [await open_sqlite(tmp_path / "carlos.db", clock) for _ in range(2)]
    try:
        assert (await there.facts()).name == "Carlos"
        async with serving(here, tmp_path, clock) as rest:
            told, match = await kept(rest)
            assert (told["kept"], match["If-Match"]) == ("file", '"none"')
            assert (await rest.http.put("/facts", json={"name": "Sol"}, headers=match)).status_code == 200
        assert (await there.facts()).name == "Sol"
    finally:
        for store in (here, there):
            await store.close()


async def test_of_two_who_change_the_facts_one_is_told(rest: Rest) -> None:
    told, match = await kept(rest)
    answers = await asyncio.gather(
        *(rest.http.put("/facts", json=told["facts"] | {"address": f"Calle {n}"}, headers=match) for n in (1, 2))
    )
    assert sorted(each.status_code for each in answers) == [200, 412]
    late = next(each for each in answers if each.status_code == 412)
    assert late.json()["code"] == "version_mismatch"
    now, _ = await kept(rest)
    first = next(each for each in answers if each.status_code == 200)
    assert now["facts"]["address"] == first.json()["data"]["facts"]["address"]


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"hours": {"monday": "8-20"}}, ["hours.monday"]),
        ({"doctors": [{"name": "Dr. Paz", "off": ["ayer"]}, {"name": ""}]}, ["doctors[1].off[1]", "doctors[2].name"]),
        ({"holidays": {"closed": {"25-12": "Navidad"}}}, ["holidays.closed.25-12"]),
        ({"name": "x" * 81}, ["name"]),
        ({"name": "x" * 5000}, ["name"]),
        ({"name": "\ud800"}, ["name"]),
        ({"doctors": [{"nombre": "Dr. Paz"}]}, ["doctors.0.name", "doctors.0.nombre"]),
        ({f"field{n}": n for n in range(40)}, ["body"]),
    ],
)
async def test_every_fault_is_named_by_its_field_and_nothing_is_changed(
    quick_rest: Rest, changes: dict[str, Any], faults: list[str]
) -> None:
    told, match = await kept(quick_rest)
    headers = match | {"Content-Type": "application/json"}
    answer = await quick_rest.http.put("/facts", content=json.dumps(told["facts"] | changes), headers=headers)
    assert answer.status_code == 422
    assert [fault["key"] for fault in answer.json()["faults"]] == faults
    assert await kept(quick_rest) == (told, match)


@pytest.mark.parametrize(
    "changes",
    [
        {"doctors": [{"name": "Dr. Paz", "slot_minutes": 200 * [""]} for _ in range(200)]},
        {"questions": [{"asked": 200 * [1], "answer": 1} for _ in range(200)]},
        {"holidays": {"closed": {str(n): n for n in range(9000)}}},
        {"hours": {str(n): n for n in range(9000)}},
        {"products": 9000 * [{}]},
        {"doctors": 200 * [{"name": "Dr. Paz"}], "plans": 200 * [""]},
    ],
)
async def test_faults_without_number_are_told_by_the_first_of_them(quick_rest: Rest, changes: dict[str, Any]) -> None:
    told, match = await kept(quick_rest)
    answer = await quick_rest.http.put("/facts", json=told["facts"] | changes, headers=match)
    assert answer.status_code == 422
    assert 1 <= len(answer.json()["faults"]) <= 100


@pytest.mark.slow
async def test_a_change_says_which_version_it_is_of(quick_rest: Rest) -> None:
    told, match = await kept(quick_rest)
    for path, body in (("/facts", told["facts"]), ("/facts/text", {"text": told["text"]})):
        assert (await quick_rest.http.put(path, json=body)).status_code == 428
        assert (
            await quick_rest.http.put(path, json=body, headers={"If-Match": '"0123456789abcdef"'})
        ).status_code == 412
        assert (await quick_rest.http.put(path, json=body, headers={"If-Match": "*"})).status_code == 200


async def test_a_text_is_taken_as_it_is_written_or_its_faults_named_by_line(quick_rest: Rest) -> None:
    _, match = await kept(quick_rest)
    bad = await quick_rest.http.put("/facts/text", json={"text": "name: Sol\nhuors: 8\n"}, headers=match)
    assert (bad.status_code, bad.json()["faults"][0]["line"]) == (422, 2)
    good = await quick_rest.http.put("/facts/text", json={"text": "# ours\nname: Sol\n"}, headers=match)
    assert good.json()["data"]["text"] == "# ours\nname: Sol\n"
    assert (await quick_rest.store.facts()).name == "Sol"


async def test_a_file_that_another_hand_spoiled_is_shown_with_its_faults_and_not_overwritten(
    quick_rest: Rest, tmp_path: Path
) -> None:
    before, _ = await kept(quick_rest)
    (tmp_path / "facts.yaml").write_text("name: Sol\naddress: [\n", encoding="utf-8")
    told, match = await kept(quick_rest)
    assert told["facts"] == before["facts"], "the last good ones are in force"
    assert [fault["line"] for fault in told["faults"]]
    refused = await quick_rest.http.put("/facts", json=told["facts"], headers=match)
    assert (refused.status_code, refused.json()["code"]) == (409, "facts_faulty")
    mended = await quick_rest.http.put("/facts/text", json={"text": "name: Sol\n"}, headers=match)
    assert (mended.status_code, mended.json()["data"]["faults"]) == (200, [])


async def test_a_question_is_answered_and_is_no_longer_asked_in_vain(rest: Rest) -> None:
    await rest.store.note_question("¿Hay wifi en la sala?")
    (question,) = (await rest.http.get("/facts/questions")).json()["data"]
    assert (question["question"], question["times"]) == ("¿Hay wifi en la sala?", 1)
    path = f"/facts/questions/{question['id']}/answer"
    answered = await rest.http.post(path, json={"answer": "Sí, pedí la clave en recepción."})
    assert answered.status_code == 200, answered.json()
    told = answered.json()["data"]["facts"]["questions"][-1]
    assert told == {"asked": ["¿Hay wifi en la sala?"], "answer": "Sí, pedí la clave en recepción."}
    assert (await rest.http.get("/facts/questions")).json()["data"] == []
    assert (await rest.http.post(path, json={"answer": "Sí."})).status_code == 404


async def test_an_answer_that_nobody_would_hear_is_refused_and_the_question_stays(quick_rest: Rest) -> None:
    await quick_rest.store.note_question("¿Y cómo es la consulta?")
    (question,) = (await quick_rest.http.get("/facts/questions")).json()["data"]
    path = f"/facts/questions/{question['id']}"
    refused = await quick_rest.http.post(f"{path}/answer", json={"answer": "Así."})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_told")
    too_long = await quick_rest.http.post(f"{path}/answer", json={"answer": "x" * 601})
    assert too_long.json()["faults"][0]["key"].endswith(".answer")
    assert (await quick_rest.http.delete(path)).status_code == 200
    assert (await quick_rest.http.delete(path)).status_code == 404
    assert (await quick_rest.http.delete("/facts/questions/nobody")).status_code == 404


@pytest.mark.parametrize(("key", "reads", "writes"), [("reader", 200, 403), ("writer", 200, 428)])
async def test_facts_are_read_with_one_scope_and_changed_with_another(
    quick_rest: Rest, key: str, reads: int, writes: int
) -> None:
    ask = quick_rest.anonymous
    assert (await ask.get("/facts", headers=key_of(key))).status_code == reads
    assert (await ask.get("/facts/questions", headers=key_of(key))).status_code == reads
    assert (await ask.put("/facts", json={"name": "Sol"}, headers=key_of(key))).status_code == writes
    assert (await ask.get("/facts")).status_code == 401


async def test_two_saves_of_a_file_at_once_are_one(tmp_path: Path, clock: Clock) -> None:
    store: Store = await open_sqlite(tmp_path / "carlos.db", clock)
    try:
        saves = (store.save_facts(f"name: Sol {n}", None) for n in range(8))
        ends = await asyncio.gather(*saves, return_exceptions=True)
        assert sorted(type(each).__name__ for each in ends) == [*7 * ["Conflict"], "NoneType"]
    finally:
        await store.close()
