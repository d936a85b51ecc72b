"""A message over HTTP: signed, once, to the address that was named, and to no other."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bench.stores import fresh_sqlite
from bench.webhook_receiver import WebhookReceiver, receiving
from carlos.webhooks.body import body_of
from carlos.webhooks.delivery import WebhookDelivery
from carlos.webhooks.post import Poster, PrivateAddress, PublicResolver
from carlos.webhooks.schedule import Answer, Verdict
from common.settings import Settings
from common.settings.webhooks import FIELDS
from common.webhooks import key_of, new_secret
from data.backends.base import Put
from data.callbacks import CallBack
from data.changes import IdempotencyRecord
from data.models import CallRecord, Line
from data.store import Change, Store
from data.tables import TableName
from data.webhooks import Letter, Receiver
from tests.data.test_store_contract import NOON, an_appointment, an_order
from tests.support.waiting import until

SECRET = new_secret()


@asynccontextmanager
async def answering(handler: object) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def posted(url: str, timeout_s: float = 60, *, private: bool = True) -> Answer:
    poster = Poster(timeout_s, private=private)
    try:
        return await poster.post(url, [key_of(SECRET)], "msg_1", b'{"data":{"id":"1","version":1},"type":"t"}')
    finally:
        await poster.close()


async def test_a_receiver_verifies_it() -> None:
    async with receiving(WebhookReceiver(SECRET)) as receiver:
        assert (await posted(receiver.url)).verdict is Verdict.TAKEN
    assert receiver.summary() == {"messages": 1, "events": 1, "repeated": 0, "doubled": 0, "refused": 0}


async def test_one_with_another_secret_refuses_it() -> None:
    async with receiving(WebhookReceiver(new_secret())) as receiver:
        assert (await posted(receiver.url)).told == "HTTP 401"
    assert receiver.summary()["refused"] == 1


async def test_no_redirect_is_followed() -> None:
    async with receiving(WebhookReceiver(SECRET)) as receiver:

        async def elsewhere(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": receiver.url})

        async with answering(elsewhere) as url:
            assert (await posted(url)).status == 307
    assert receiver.summary()["messages"] == 0


async def test_a_receiver_s_wish_for_time_is_heard() -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "120"}, text="x" * 1_000_000)

    async with answering(busy) as url:
        assert await posted(url) == Answer(503, retry_after="120")


async def test_one_that_does_not_answer_in_time_has_not_taken_it() -> None:
    over = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with answering(silent) as url:
        assert (await posted(url, timeout_s=0.05)).told == "no answer in time"
        over.set()


async def test_one_that_is_not_there_has_not_taken_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert (await posted(url)).told == "no connection"


async def test_a_name_that_leads_to_this_machine_is_not_connected_to() -> None:
    async with receiving(WebhookReceiver(SECRET)) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert "private address" in (await posted(url, private=False)).told
        assert (await posted(url, private=True)).verdict is Verdict.TAKEN


class Book(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self.addresses
        ]

    async def close(self) -> None:
        return


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "169.254.169.254", "127.0.0.1", "::1", "fe80::1", "fd00::1", "0.0.0.0"]
)
async def test_private_addresses_are_left_out_of_a_name_s(address: str) -> None:
    public = "93.184.215.14"
    assert [each["host"] for each in await PublicResolver(Book(address, public)).resolve("a.example")] == [public]
    with pytest.raises(PrivateAddress):
        await PublicResolver(Book(address)).resolve("a.example")


# What is in it.


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Store]:
    async with fresh_sqlite(tmp_path) as store:
        store.webhooks.receivers = (Receiver("https://example.com/"),)
        yield store


async def letters(store: Store) -> dict[str, Letter]:
    found = await store.webhooks.due(store.webhooks.receivers[0].id, 100)
    return {letter.type: letter for letter in found}


async def everything(store: Store) -> dict[str, Letter]:
    await store.commit(Change(None, an_order()))
    await store.commit(Change(None, an_appointment()))
    await store.save_call(CallRecord("CA1", Line.PHONE, NOON, "+5491155550101", NOON, "completed"))
    receipt = IdempotencyRecord("CA1", "t1", "pedirLlamado:t1", {"success": True})
    await store.ask_callback(CallBack("CA1", "1150310001", "Una duda", NOON), receipt)
    return await letters(store)


PERSONAL = ("María", "maria", "28456789", "1155550101", "1150310001", "Una duda", "Control", "López", "Mouse")


async def test_nothing_personal_is_told_unless_it_is_named(told: Store) -> None:
    for letter in (await everything(told)).values():
        body = (await body_of(told, letter, ())).decode()
        assert not [word for word in PERSONAL if word in body]
        assert json.loads(body).keys() == {"type", "timestamp", "data"}


async def test_what_is_named_is_told_with_each_event_that_has_it(told: Store) -> None:
    data = {
        kind: json.loads(await body_of(told, letter, FIELDS))["data"]
        for kind, letter in (await everything(told)).items()
    }
    assert data["call.ended"]["callerNumber"] == "+5491155550101"
    assert (data["order.changed"]["customerName"], data["order.changed"]["total"]) == ("María González", 72.48)
    assert data["appointment.changed"]["doctorName"] == "Dra. Ana López"
    assert (data["callback.requested"]["phone"], data["callback.requested"]["about"]) == ("1150310001", "Una duda")
    known = {name for each in data.values() for name in each}
    assert set(FIELDS) <= known, "each field that can be named is in some event"
    assert "28456789" not in json.dumps(data), "a DNI never is"


async def test_of_somebody_who_was_erased_meanwhile_nothing_is_told(told: Store) -> None:
    found = await everything(told)
    order = await told.order("1")
    await told.commit(Change(order, None))
    await told.erase_call("CA1")
    for kind in ("order.changed", "call.ended", "callback.requested"):
        body = (await body_of(told, found[kind], FIELDS)).decode()
        assert not [word for word in PERSONAL if word in body]


async def test_a_record_that_cannot_be_read_stops_no_event(told: Store) -> None:
    letter = (await everything(told))["order.changed"]
    item = await told.backend.get(TableName.ORDERS, "ORDER#1", "ORDER#1")
    assert item is not None
    await told.backend.put(Put(TableName.ORDERS, item | {"createdAt": "yesterday"}))
    assert json.loads(await body_of(told, letter, FIELDS))["data"]["id"] == "1"


async def test_a_change_goes_out_and_arrives_once(tmp_path: Path) -> None:
    async with receiving(WebhookReceiver(SECRET, answers=[500])) as receiver, fresh_sqlite(tmp_path) as store:
        given = {"webhook_urls": receiver.url, "webhook_secrets": SECRET, "webhook_private": True}
        settings = Settings(_env_file=None, **given)  # type: ignore[arg-type]
        store.webhooks.receivers = tuple(map(Receiver, settings.webhook_urls))
        delivery = WebhookDelivery(settings, store)
        delivery.start()
        for number in "123":
            await store.commit(Change(None, an_order(number)))
        await until(lambda: len(receiver.events) == 2)
        await delivery.close()
        assert await store.webhooks.waiting(store.webhooks.receivers[0].id) == 1, "the one that was refused at first"
    assert receiver.summary() == {"messages": 2, "events": 2, "repeated": 0, "doubled": 0, "refused": 0}
