"""/orders: the original's answers, and what an admin may do."""

from __future__ import annotations

import asyncio
import json

import pytest

import api.orders
from data.tables import TableName
from tests.api.rest_stage import Rest

NEW = {
    "customerName": "Ana Paz",
    "customerEmail": "Ana.Paz@Example.com",
    "items": [{"name": "Cable", "quantity": 3, "price": 12.99}],
}


async def test_the_list_is_the_originals_newest_first(rest: Rest) -> None:
    body = (await rest.http.get("/orders")).json()
    assert list(body) == ["success", "data", "message"]
    assert body["message"] == "Retrieved 7 orders successfully"
    assert [order["id"] for order in body["data"]] == ["6", "7", "1", "2", "3", "4", "5"]
    first = next(order for order in body["data"] if order["id"] == "1")
    assert list(first) == [
        "id", "customerName", "customerEmail", "items", "total", "status", "createdAt", "updatedAt",
        "estimatedDelivery",
    ]  # fmt: skip
    assert first["total"] == 959.97
    assert first["items"][0]["price"] == 899.99
    assert first["createdAt"].endswith("Z")
    assert "dni" not in first


async def test_the_demo_stage_answers_the_same(quick_rest: Rest) -> None:
    for path in ("/orders", "/orders/3", "/appointments", "/appointments/2", "/orders/99"):
        plain, demo = await asyncio.gather(quick_rest.http.get(path), quick_rest.http.get(f"/demo{path}"))
        assert (plain.status_code, plain.json()) == (demo.status_code, demo.json())


async def test_one_order_comes_with_its_version(rest: Rest) -> None:
    answer = await rest.http.get("/orders/1")
    assert answer.json()["message"] == "Order retrieved successfully"
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize("order_id", ["99", "no existe", "x" * 3000, "%00"])
async def test_an_unknown_order_is_told_as_the_original_did(rest: Rest, order_id: str) -> None:
    answer = await rest.http.get(f"/orders/{order_id}")
    assert answer.status_code == 404
    body = answer.json()
    assert (body["success"], body["error"]) == (False, "Order not found")
    assert body["message"].startswith("Order with ID ")


async def test_a_missing_id_is_told_as_the_original_did(quick_rest: Rest) -> None:
    answer = await quick_rest.http.get("/orders/")
    assert (answer.status_code, answer.json()) == (
        400,
        {"success": False, "error": "Order ID is required", "message": "Please provide a valid order ID"},
    )


async def test_an_unknown_route_is_told_as_the_original_did(quick_rest: Rest) -> None:
    answer = await quick_rest.http.get("/chat")
    assert (answer.status_code, answer.json()) == (
        404,
        {"message": "Endpoint not found", "path": "/chat", "method": "GET"},
    )


async def test_an_order_is_created_changed_and_deleted(rest: Rest) -> None:
    created = await rest.http.post("/orders", json=NEW)
    assert created.status_code == 201
    order = created.json()["data"]
    assert (order["status"], order["total"], order["customerEmail"]) == ("pending", 38.97, "ana.paz@example.com")
    path = created.headers["location"]
    changed = await rest.http.put(path, json={"status": "shipped", "trackingNumber": "TRK1"})
    assert changed.json()["data"]["trackingNumber"] == "TRK1"
    assert changed.headers["etag"] == '"2"'
    assert (await rest.http.get(path)).json()["data"] == changed.json()["data"]
    gone = await rest.http.delete(path)
    assert gone.json()["data"] == changed.json()["data"]
    assert (await rest.http.get(path)).status_code == 404


async def test_a_new_id_is_not_one_that_is_taken(rest: Rest) -> None:
    assert (await rest.http.post("/orders", json=NEW)).json()["data"]["id"] == "8"


@pytest.mark.parametrize(
    "change",
    [
        {"customerName": ""},
        {"customerName": " "},
        {"customerName": "\ud800"},
        {"customerName": 7},
        {"customerEmail": "ana"},
        {"items": []},
        {"items": [{"name": "Cable", "quantity": 0}]},
        {"items": [{"name": "Cable", "price": -1}]},
        {"dni": "28.456.789"},
        {"estimatedDelivery": "mañana"},
        {"estimatedDelivery": "0001-01-01T00:00:00Z"},
        {"surprise": True},
    ],
)
async def test_a_body_that_does_not_hold_is_told_where(quick_rest: Rest, change: dict[str, object]) -> None:
    body = json.dumps({**NEW, **change})
    answer = await quick_rest.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    told = answer.json()
    assert (told["success"], told["error"]) == (False, "Invalid request")
    assert next(iter(change)) in told["message"]


async def test_a_change_of_what_was_read_before_is_refused(rest: Rest) -> None:
    tag = (await rest.http.get("/orders/1")).headers["etag"]
    match = {"If-Match": tag}
    assert (await rest.http.put("/orders/1", json={"status": "processing"}, headers=match)).status_code == 200
    late = await rest.http.put("/orders/1", json={"status": "shipped"}, headers=match)
    assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
    assert (await rest.http.delete("/orders/1", headers=match)).status_code == 412


async def test_of_two_changes_at_once_none_is_lost(rest: Rest) -> None:
    match = {"If-Match": '"1"'}
    answers = await asyncio.gather(
        *(rest.http.put("/orders/1", json={"trackingNumber": f"TRK{n}"}, headers=match) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers).count(200) == 1
    assert {answer.status_code for answer in answers} <= {200, 409, 412}


async def test_the_tools_rules_hold_for_admins_too(rest: Rest) -> None:
    answer = await rest.http.put("/orders/4", json={"status": "cancelled"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "order_delivered"
    assert (await rest.http.put("/orders/5", json={"status": "pending"})).json()["code"] == "bad_status"
    items = {"items": [{"name": "Otra cosa"}]}
    assert (await rest.http.put("/orders/3", json=items)).json()["code"] == "items_fixed"


async def test_filters_find_by_status_and_by_email(rest: Rest) -> None:
    pending = (await rest.http.get("/orders", params={"status": "pending"})).json()["data"]
    assert [order["id"] for order in pending] == ["6", "1"]
    anas = (await rest.http.get("/orders", params={"email": "Ana.Rodriguez@email.com"})).json()["data"]
    assert [order["id"] for order in anas] == ["3"]
    assert (await rest.http.get("/orders", params={"status": "lost"})).status_code == 400


async def test_the_list_can_be_of_some_days(rest: Rest) -> None:
    whole = (await rest.http.get("/orders")).json()["data"]
    day = next(order["createdAt"] for order in whole if order["id"] == "1")[:10]
    of_day = (await rest.http.get("/orders", params={"from": day, "to": day})).json()["data"]
    assert [order["id"] for order in of_day] == ["1"]
    later = (await rest.http.get("/orders", params={"from": day})).json()["data"]
    assert [order["id"] for order in later] == ["6", "7", "1"]
    assert (await rest.http.get("/orders", params={"to": "ayer"})).status_code == 400


async def test_pages_lead_from_one_to_the_next_and_stay_plain_lists(rest: Rest) -> None:
    path, ids = "/orders?limit=3", []
    while path:
        answer = await rest.http.get(path)
        ids += [order["id"] for order in answer.json()["data"]]
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert ("x-next-cursor" in answer.headers) == bool(path)
    assert ids == ["6", "7", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("cursor", ["x", "é", "MTIz", "fDE", "bmFufA", "MjAyNgB8MQ"])
@pytest.mark.slow
async def test_a_cursor_of_ones_own_making_is_a_bad_request(quick_rest: Rest, cursor: str) -> None:
    assert (await quick_rest.http.get("/orders", params={"limit": 2, "cursor": cursor})).status_code == 400


async def test_a_list_beyond_the_largest_page_says_truncated_and_how_to_go_on(
    quick_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.orders, "MAX_PAGE_RECORDS", 3)
    answer = await quick_rest.http.get("/demo/orders")
    body = answer.json()
    assert [order["id"] for order in body["data"]] == ["6", "7", "1"]
    assert body["message"] == (
        "Retrieved 3 orders successfully; truncated: the rest follows page by page, `X-Next-Cursor` goes into `cursor`"
    )
    after = (await quick_rest.http.get(answer.headers["link"].split(">")[0].strip("<"))).json()
    assert [order["id"] for order in after["data"]] == ["2", "3", "4"]
    asked_for = (await quick_rest.http.get("/orders?limit=3")).json()
    assert asked_for["message"] == "Retrieved 3 orders successfully"


@pytest.mark.parametrize(
    "path", ["/orders?limit=1001", "/appointments?limit=1001", "/calls?limit=501", "/orders?limit=0"]
)
async def test_a_page_has_a_largest_size(quick_rest: Rest, path: str) -> None:
    assert (await quick_rest.http.get(path)).status_code == 400


async def test_a_record_whose_time_is_none_does_not_end_the_pages(quick_rest: Rest) -> None:
    item = {"PK": "ORDER#99", "SK": "ORDER#99", "status": "pending", "createdAt": "ayer"}
    await quick_rest.store.backend.replace(TableName.ORDERS, [item], [])
    first = await quick_rest.http.get("/orders?limit=1")
    assert (first.json()["data"], "cannot be read" in first.json()["message"]) == ([], True)
    after = (await quick_rest.http.get("/orders", params={"limit": 7, "cursor": first.headers["x-next-cursor"]})).json()
    assert [order["id"] for order in after["data"]] == ["6", "7", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("path", ["/orders", "/appointments", "/calls"])
async def test_days_in_the_wrong_order_are_refused_in_a_sentence(quick_rest: Rest, path: str) -> None:
    answer = await quick_rest.http.get(f"{path}?from=2027-03-02&to=2027-03-01")
    assert (answer.status_code, answer.json()["message"]) == (400, "from: must not be later than to")
    assert (await quick_rest.http.get(f"{path}?from=2027-03-01&to=2027-03-01")).status_code == 200
