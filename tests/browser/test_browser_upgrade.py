"""Who may open a browser's socket, and how everyone else is sent away."""

from __future__ import annotations

import asyncio
import json
from urllib.request import Request, urlopen

import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import HTTPConnection

from common.settings import Settings
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from telephony.browser.upgrade import MAX_ADDRESSES, STARTS_BURST, STARTS_PER_S, TOKEN_SUBJECT, UpgradePolicy
from tests.browser.browser_stage import GREETING, Serve, loud, until
from tests.support.clocks import Clock
from tests.support.waiting import bounded
from tools.identity import FAILURES_PER_NUMBER, NUMBER_WINDOW


def settings(**changes: object) -> Settings:
    public = {
        "host": "0.0.0.0",
        "public_base_url": "https://carlos.example.com",
        "admin_api_keys": (SecretStr("ana:read:sha256=" + "0" * 64),),
        "twilio_auth_token": (SecretStr("t"),),
    }
    return Settings(_env_file=None, **(public | changes) if changes.pop("public", False) else changes)  # type: ignore[arg-type]


def upgrade(origin: str | None, host: str = "localhost:8081", client: str = "127.0.0.1") -> HTTPConnection:
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])
    return HTTPConnection({"type": "websocket", "headers": headers, "client": (client, 5), "query_string": b""})


@pytest.mark.parametrize(
    ("origin", "host", "known"),
    [
        ("http://localhost:3000", "localhost:8081", True),
        ("HTTP://LocalHost:3000", "localhost:8081", True),
        ("http://localhost:8081", "localhost:8081", True),
        ("http://127.0.0.1:8081", "127.0.0.1:8081", True),
        ("http://[::1]:8081", "[::1]:8081", True),
        ("http://localhost", "localhost:80", True),
        ("http://localhost:8082", "localhost:8081", False),
        ("http://evil.example", "localhost:8081", False),
        ("http://evil.example:8081", "evil.example:8081", False),
        ("http://localhost.evil.example:8081", "localhost.evil.example:8081", False),
        ("null", "localhost:8081", False),
        ("file://", "localhost:8081", False),
        ("", "", False),
        ("http://localhost:x", "localhost:x", False),
        ("http://[", "localhost:8081", False),
        ("http://[", "[", False),
        (None, "localhost:8081", True),
    ],
)
def test_on_loopback_its_own_pages_and_the_allow_list_are_known(origin: str | None, host: str, known: bool) -> None:
    assert UpgradePolicy.from_settings(settings()).knows(upgrade(origin, host)) is known


@pytest.mark.parametrize(
    ("origin", "host", "known"),
    [
        ("https://carlos.example.com", "carlos.example.com", True),
        ("https://carlos.example.com", "carlos.example.com:443", True),
        ("https://www.example.com", "carlos.example.com", False),
        (None, "carlos.example.com", False),
    ],
)
def test_in_public_only_pages_are_known(origin: str | None, host: str, known: bool) -> None:
    assert UpgradePolicy.from_settings(settings(public=True)).knows(upgrade(origin, host)) is known


def test_a_program_from_elsewhere_is_not_known_even_without_a_public_name() -> None:
    assert not UpgradePolicy.from_settings(settings()).knows(upgrade(None, client="10.0.0.7"))


def test_a_browser_may_not_be_in_charge_in_public() -> None:
    with pytest.raises(ValidationError, match="BROWSER_TRUST"):
        settings(public=True, browser_trust="client")


async def test_a_strangers_page_is_told_1008(serve: Serve) -> None:
    served = await serve([GREETING])
    async with served.client(origin="http://evil.example") as client:
        async with bounded():
            await client.closed()
        assert (client.close_code, client.close_reason) == (1008, "origin_not_allowed")
    assert served.sonic.requests == 0


async def test_a_token_opens_one_socket(serve: Serve) -> None:
    served = await serve([GREETING], browser_tokens=True)
    http = served.url.replace("ws://", "http://")
    request = Request(f"{http}browser/tokens", method="POST")  # noqa: S310
    answer = await asyncio.to_thread(lambda: json.load(urlopen(request)))  # noqa: S310
    url, served.url = served.url, f"{served.url}?token={answer['data']['token']}"
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "SPECULATIVE"))
    for stale, reason in ((served.url, "token_refused"), (url, "token_missing")):
        served.url = stale
        async with served.client() as client:
            async with bounded():
                await client.closed()
            assert (client.close_code, client.close_reason) == (1008, reason)
            assert "permiso" in client.screen.texts("ASSISTANT")[0]


@pytest.mark.parametrize(
    ("public", "said", "is_asked"),
    [(False, None, False), (False, True, True), (True, None, True), (True, True, True), (True, False, False)],
)
async def test_in_public_a_token_is_needed_unless_the_owner_says_no(
    public: bool, said: bool | None, is_asked: bool
) -> None:
    told = {} if said is None else {"browser_tokens": said}
    policy = UpgradePolicy.from_settings(settings(public=public, **told))
    host = "carlos.example.com" if public else "localhost:8081"
    without = upgrade(f"{'https' if public else 'http'}://{host}", host)
    refused = await policy.refusal(without)
    assert (refused.reason if refused else None) == ("token_missing" if is_asked else None)


async def test_tokens_are_bound_to_browsers() -> None:
    policy = UpgradePolicy.from_settings(settings(browser_tokens=True))
    assert policy.tokens is not None
    connection = upgrade("http://localhost:3000")
    for token, refused in ((policy.tokens.mint("CA1", "AC1"), True), (policy.tokens.mint(*TOKEN_SUBJECT), False)):
        connection.scope["query_string"] = f"token={token}".encode()
        fresh = HTTPConnection(dict(connection.scope))
        assert (await policy.refusal(fresh) is not None) is refused


async def test_an_address_with_too_many_sockets_is_told_so(serve: Serve) -> None:
    served = await serve([GREETING], browser_max_per_address=1)
    async with served.client() as first:
        await first.start()
        await until(first, lambda: first.screen.names())
        async with served.client() as second:
            await second.start()
            async with bounded():
                await second.closed()
            assert (second.close_code, second.close_reason) == (1008, "too_many_sockets")
            assert second.screen.texts("ASSISTANT")


@pytest.mark.slow
async def test_a_browser_whose_address_has_guessed_too_often_proves_nothing_in_another_conversation(
    serve: Serve,
) -> None:
    guess = UseTool("consultarOrder", {"orderId": "1", "dni": "11111111"})
    served = await serve([GREETING, ScriptTurn((guess, Say("No la encuentro.")), hear="Mi pedido")])
    for _ in range(FAILURES_PER_NUMBER):
        await served.services.store.record_failure("address 127.0.0.1", NUMBER_WINDOW)
    async with served.client() as client:
        await client.start()
        await until(client, lambda: client.screen.texts("ASSISTANT", "FINAL"))
        client.speak(loud(0.6))
        await until(client, lambda: len(client.screen.texts("ASSISTANT", "FINAL")) == 2)
        await client.end()
    (tool,) = (await served.record()).tools
    assert tool.result["code"] == "address_locked"


def test_an_address_that_opens_sockets_too_fast_waits_and_no_other_does() -> None:
    clock = Clock()
    policy = UpgradePolicy((), (), public=False, max_per_address=1, clock=lambda: clock().timestamp())

    def opened(client: str) -> bool:
        with policy.admit(upgrade(None, client=client)) as refused:
            return refused is None

    assert all(opened("2001:db8::1") for _ in range(STARTS_BURST))
    assert not opened("2001:db8::1")
    assert not opened("2001:db8::2"), "the same customer's network"
    assert opened("2001:db8:0:1::1")
    clock.advance(seconds=1 / STARTS_PER_S)
    assert opened("2001:db8::1")
    assert not opened("2001:db8::1")


@pytest.mark.slow
def test_only_so_many_addresses_are_remembered() -> None:
    policy = UpgradePolicy((), (), public=False, max_per_address=1, clock=lambda: 0.0)
    for number in range(MAX_ADDRESSES + 100):
        with policy.admit(upgrade(None, client=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")) as refused:
            assert refused is None
    assert len(policy._starts) == MAX_ADDRESSES


def test_a_closed_socket_is_counted_no_more() -> None:
    policy = UpgradePolicy.from_settings(settings(browser_max_per_address=1))
    for _ in range(3):
        with policy.admit(upgrade(None)) as refused:
            assert refused is None
            with policy.admit(upgrade(None, client="127.0.0.2")) as neighbour, policy.admit(upgrade(None)) as second:
                assert neighbour is None
                assert second is not None


def test_behind_a_proxy_nobody_is_counted() -> None:
    policy = UpgradePolicy.from_settings(settings(browser_max_per_address=0))
    with policy.admit(upgrade(None)) as first, policy.admit(upgrade(None)) as second:
        assert first is second is None
