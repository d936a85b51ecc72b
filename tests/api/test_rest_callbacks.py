"""`/callbacks`: who is to be called, for those who may see calls as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.callbacks import CallBack
from data.changes import IdempotencyRecord
from data.store import Store
from tests.api.rest_stage import key_of, serving
from tests.support.clocks import Clock


async def asked(store: Store, call_id: str, clock: Clock) -> None:
    receipt = IdempotencyRecord(call_id, "t1", f"pedirLlamado:{call_id}", {"success": True})
    await store.ask_callback(CallBack(call_id, "1150310001", "Una duda", clock()), receipt)


async def test_call_backs_are_listed_and_done(store: Store, clock: Clock, tmp_path: Path) -> None:
    for call_id in ("CA1", "CA2"):
        await asked(store, call_id, clock)
    async with serving(store, tmp_path, clock) as rest:
        listed = (await rest.http.get("/callbacks")).json()["data"]
        assert {each["id"] for each in listed} == {"CA1", "CA2"}
        assert listed[0] | {"id": "", "askedAt": ""} == {
            "id": "", "phone": "1150310001", "about": "Una duda", "askedAt": "", "status": "pending", "doneAt": None,
        }  # fmt: skip
        done = await rest.http.put("/callbacks/CA1", json={"status": "done"})
        assert (done.status_code, done.json()["data"]["status"]) == (200, "done")
        pending = (await rest.http.get("/callbacks?status=pending")).json()["data"]
        assert [each["id"] for each in pending] == ["CA2"]


async def test_they_come_page_by_page(store: Store, clock: Clock, tmp_path: Path) -> None:
    for number in range(3):
        await asked(store, f"CA{number}", clock)
    async with serving(store, tmp_path, clock) as rest:
        first = await rest.http.get("/callbacks?limit=2")
        rest_of = await rest.http.get(f"/callbacks?limit=2&cursor={first.headers['X-Next-Cursor']}")
        assert [len(first.json()["data"]), len(rest_of.json()["data"])] == [2, 1]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/callbacks/CA9", {"status": "done"}, 404),
        ("PUT", "/callbacks/CA9", {"status": "maybe"}, 422),
        ("PUT", "/callbacks/CA9", {}, 422),
        ("GET", "/callbacks?status=maybe", None, 400),
        ("GET", "/callbacks?cursor=x", None, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(
    store: Store, clock: Clock, tmp_path: Path, method: str, path: str, body: object, status: int
) -> None:
    async with serving(store, tmp_path, clock) as rest:
        assert (await rest.http.request(method, path, json=body)).status_code == status


@pytest.mark.parametrize(("key", "status"), [("reader", 403), ("writer", 403), ("operator", 200)])
async def test_a_phone_number_is_for_those_who_may_see_calls(
    store: Store, clock: Clock, tmp_path: Path, key: str, status: int
) -> None:
    async with serving(store, tmp_path, clock) as rest:
        assert (await rest.anonymous.get("/callbacks")).status_code == 401
        assert (await rest.anonymous.get("/callbacks", headers=key_of(key))).status_code == status
