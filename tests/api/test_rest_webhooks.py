"""`/webhooks`: what was not delivered, and how receivers do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data.store import Change, Store
from data.webhooks import Delivery, Letter, Receiver, ReceiverState
from tests.api.rest_stage import key_of, serving
from tests.data.test_store_contract import an_order
from tests.support.clocks import Clock

HERE = Receiver("https://example.com/a-secret-path?and=more")


async def given_up(store: Store, clock: Clock, *numbers: str) -> list[Letter]:
    """Newest first."""
    store.webhooks.receivers = (HERE,)
    for number in numbers:
        await store.commit(Change(None, an_order(number)))
        clock.advance(seconds=1)
    for letter in await store.webhooks.due(HERE.id, 100):
        await store.webhooks.bury(letter, 10, "HTTP 500")
    return list((await store.webhooks.dead()).items)


@pytest.mark.slow
async def test_they_are_listed_page_by_page_tried_again_and_deleted(store: Store, clock: Clock, tmp_path: Path) -> None:
    three, two, one = await given_up(store, clock, "1", "2", "3")
    async with serving(store, tmp_path, clock) as rest:
        first = await rest.http.get("/webhooks?limit=2")
        assert first.json()["data"][0] == {
            **{"id": three.name, "event": three.id, "receiver": HERE.id, "type": "order.changed", "about": "3"},
            **{"at": "2026-11-23T15:00:02.000Z", "attempts": 10, "reason": "HTTP 500"},
            **{"givenUpAt": "2026-11-23T15:00:03.000Z"},
        }
        then = await rest.http.get(f"/webhooks?limit=2&cursor={first.headers['X-Next-Cursor']}")
        assert [each["id"] for each in then.json()["data"]] == [one.name]
        assert (await rest.http.post(f"/webhooks/{one.name}/retry")).status_code == 200
        assert [letter.about for letter in await store.webhooks.due(HERE.id, 100)] == ["1"]
        assert (await rest.http.delete(f"/webhooks/{two.name}")).status_code == 200
        assert [each["about"] for each in (await rest.http.get("/webhooks")).json()["data"]] == ["3"]
        for method, path in (("POST", f"/webhooks/{one.name}/retry"), ("DELETE", f"/webhooks/{two.name}")):
            assert (await rest.http.request(method, path)).status_code == 404


async def test_one_whose_receiver_is_not_told_any_more_stays(store: Store, clock: Clock, tmp_path: Path) -> None:
    (letter,) = await given_up(store, clock, "1")
    store.webhooks.receivers = ()
    async with serving(store, tmp_path, clock) as rest:
        refused = await rest.http.post(f"/webhooks/{letter.name}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "no_receiver")
        assert len((await rest.http.get("/webhooks")).json()["data"]) == 1


async def test_receivers_show_how_they_do_and_not_their_secret_paths(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    await given_up(store, clock)
    await store.commit(Change(None, an_order()))
    attempt = Delivery("msg_1", "order.changed", clock(), None, 3, 15000, "no answer in time")
    state = ReceiverState(HERE.id, "one", clock(), failing_since=clock()).with_recent([attempt])
    await store.webhooks.keep_state(state)
    async with serving(store, tmp_path, clock) as rest:
        answer = await rest.http.get("/webhooks/receivers")
        now = "2026-11-23T15:00:00.000Z"
        assert answer.json()["data"] == [
            {
                **{"id": HERE.id, "origin": "https://example.com", "status": "failing", "since": now, "waiting": 1},
                "recent": [
                    {
                        **{"id": "msg_1", "type": "order.changed", "at": now, "status": None, "attempt": 3},
                        **{"ms": 15000, "reason": "no answer in time"},
                    }
                ],
            }
        ]
        assert "secret" not in answer.text


async def test_one_that_is_off_is_turned_on(store: Store, clock: Clock, tmp_path: Path) -> None:
    await given_up(store, clock)
    await store.webhooks.keep_state(replace(ReceiverState(HERE.id), disabled_at=clock()))
    async with serving(store, tmp_path, clock) as rest:
        assert (await rest.http.get("/webhooks/receivers")).json()["data"][0]["status"] == "off"
        enabled = await rest.http.post(f"/webhooks/receivers/{HERE.id}/enable")
        assert (enabled.status_code, enabled.json()["data"]["status"]) == (200, "ok")
        assert (await rest.http.post("/webhooks/receivers/00000000/enable")).status_code == 404


async def test_what_people_change_over_rest_is_told(store: Store, clock: Clock, tmp_path: Path) -> None:
    await given_up(store, clock)
    await store.commit(Change(None, an_order()), tell=False)
    async with serving(store, tmp_path, clock) as rest:
        assert (await rest.http.put("/orders/1", json={"status": "shipped"})).status_code == 200
        (letter,) = await store.webhooks.due(HERE.id, 100)
        assert (letter.type, letter.data["status"]) == ("order.changed", "shipped")
        assert "callId" not in letter.data


@pytest.mark.parametrize(("key", "read", "write"), [("reader", 200, 403), ("writer", 200, 404), ("operator", 200, 404)])
async def test_to_read_takes_read_and_to_change_takes_write(
    store: Store, clock: Clock, tmp_path: Path, key: str, read: int, write: int
) -> None:
    async with serving(store, tmp_path, clock) as rest:
        for path in ("/webhooks", "/webhooks/receivers"):
            assert (await rest.anonymous.get(path)).status_code == 401
            assert (await rest.anonymous.get(path, headers=key_of(key))).status_code == read
        for method, path in (("DELETE", "/webhooks/x"), ("POST", "/webhooks/x/retry")):
            assert (await rest.anonymous.request(method, path, headers=key_of(key))).status_code == write
