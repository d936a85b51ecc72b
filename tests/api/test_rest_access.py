"""Who gets in: keys, scopes, origins, rates; and that nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from api.docs_page import docs_assets
from api.limits import RateLimit
from api.middleware import MAX_BODY_BYTES
from carlos.app import create_app
from common import metrics
from common.keys import ApiKey, digest
from common.settings import Settings
from data.open import open_sqlite
from tests.api.rest_stage import KEYS, Rest, key_of, seeded, serving
from tests.support.clocks import Clock

CLIENT = "http://localhost:3000"
OPEN_TO_ALL = {"/health", "/ready", "/openapi.json", *docs_assets()}


@pytest.mark.slow
async def test_no_route_and_no_method_answers_a_stranger(quick_rest: Rest) -> None:
    described = set(quick_rest.app.openapi()["paths"])
    assert {"/orders/{order_id}", "/calls/{call_id}/hangup", "/customers/erase", "/metrics"} <= described
    paths = described | {f"/demo{path}" for path in described} | OPEN_TO_ALL
    for path in paths | {"/nothing", "/twilio", "/docsx", "/demo", "/browser/tokens"}:
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "MADE-UP"):
            answer = await quick_rest.anonymous.request(method, path.replace("{", "").replace("}", ""))
            public = path in OPEN_TO_ALL and method in ("GET", "HEAD", "OPTIONS")
            assert (answer.status_code in (401, 403)) is not public, (method, path, answer.status_code)


async def test_the_whole_servers_routes_are_behind_the_gate(tmp_path: Path) -> None:
    app = create_app(Settings(_env_file=None, carlos_home=tmp_path))
    assert any("SecurityMiddleware" in str(middleware) for middleware in app.user_middleware)


@pytest.mark.parametrize(
    ("who", "method", "path", "status"),
    [
        ("reader", "GET", "/orders", 200),
        ("reader", "DELETE", "/orders/1", 403),
        ("reader", "GET", "/calls", 200),
        ("reader", "GET", "/calls/x/events", 403),
        ("reader", "GET", "/calls/x/audio", 403),
        ("reader", "GET", "/metrics", 200),
        ("writer", "DELETE", "/orders/99", 404),
        ("writer", "POST", "/calls/x/hangup", 403),
        ("writer", "POST", "/customers/export", 403),
        ("operator", "POST", "/calls/x/hangup", 404),
        ("operator", "POST", "/customers/export", 422),
        ("nobody", "GET", "/orders", 401),
    ],
)
async def test_a_key_opens_what_its_scopes_say(quick_rest: Rest, who: str, method: str, path: str, status: int) -> None:
    answer = await quick_rest.anonymous.request(method, path, headers=key_of(who))
    assert answer.status_code == status
    if status == 401:
        assert "www-authenticate" in answer.headers


def test_a_key_is_kept_as_its_hash() -> None:
    clear = ApiKey.parse("ana:read+calls:a-secret")
    hashed = ApiKey.parse(f"ana:read+calls:sha256={digest('a-secret').hex()}")
    assert clear == hashed
    assert "a-secret" not in repr(clear)


MALFORMED = (
    "foo", "ana:all:k", "ana:read:", ":read:k", "ana:read", "ana:read:sha256=xyz", "ana:read:sha256=", "a b:read:k",
    f"ana:read:sha256={'0' * 63}", f"ana:read:sha256={'٣' * 64}", "::", "ana::k", "ana:read+:k",
)  # fmt: skip


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
@pytest.mark.parametrize("entry", MALFORMED)
def test_an_entry_without_name_scopes_and_key_is_refused_at_start(entry: str, host: str) -> None:
    with pytest.raises(ValidationError, match=r"ADMIN_API_KEYS: entry 2 .* `carlos key ana") as refused:
        settings_of(f"bea:read:sha256={digest('k').hex()},{entry}", host)
    if entry == "foo":
        assert "foo" not in str(refused.value)


def test_a_key_in_clear_is_for_this_machine_only() -> None:
    assert settings_of("ana:read:a-key", "localhost").own_api_key == "a-key"
    with pytest.raises(ValidationError, match="entry 1 holds a key in clear"):
        settings_of("ana:read:a-key", "0.0.0.0")
    settings_of(f"ana:read:sha256={digest('a-key').hex()}", "0.0.0.0")


def settings_of(keys: str, host: str) -> Settings:
    given: dict[str, Any] = {"admin_api_keys": keys, "host": host, "twilio_auth_token": "a-token"}
    url = None if host == "localhost" else "https://carlos.example"
    return Settings(_env_file=None, public_base_url=url, **given)


async def test_no_key_a_wrong_key_and_a_wrong_token_are_told_apart(quick_rest: Rest) -> None:
    sent: list[dict[str, str]] = [{}, {"X-Api-Key": "wrong"}, {"X-Api-Key": ""}, {"Authorization": "Bearer x"}]
    answers = [await quick_rest.anonymous.get("/orders", headers=headers) for headers in sent]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert [answer.json()["code"] for answer in answers] == [
        "key_missing",
        "key_unknown",
        "key_unknown",
        "token_invalid",
    ]


async def test_a_stranger_at_the_rest_api_is_no_caller_who_was_turned_away(quick_rest: Rest) -> None:
    def counted(name: str) -> float:
        samples = (sample for family in metrics.REGISTRY.collect() for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == name)

    before = counted("carlos_refusals_total"), counted("carlos_rest_denials_total")
    await quick_rest.anonymous.get("/orders")
    assert (counted("carlos_refusals_total"), counted("carlos_rest_denials_total")) == (before[0], before[1] + 1)


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://evil.example"])
async def test_an_origin_that_is_none_is_forbidden(quick_rest: Rest, origin: str) -> None:
    assert (await quick_rest.http.delete("/orders/1", headers={"Origin": origin})).status_code == 403


async def test_without_keys_this_machine_may_do_everything(tmp_path: Path, clock: Clock) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    async with serving(store, tmp_path, clock, admin_api_keys=()) as rest:
        assert (await rest.anonymous.get("/orders")).status_code == 200
        rebound = await rest.anonymous.get("/orders", headers={"Host": "evil.example"})
        assert rebound.status_code == 403
        forged = await rest.anonymous.delete("/orders/1", headers={"Origin": "https://evil.example"})
        assert forged.status_code == 403
        own = await rest.anonymous.delete("/orders/1", headers={"Origin": "http://localhost:8081"})
        assert own.status_code == 200
    await store.close()


async def test_what_is_open_to_read_is_open_by_any_name_of_the_server_and_nothing_else_is(
    tmp_path: Path, clock: Clock
) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    elsewhere = {"Host": "carlos.example"}
    async with serving(store, tmp_path, clock, admin_api_keys=(), admin_open_read=True) as rest:
        for path in ("/orders", "/demo/appointments", "/orders/1"):
            assert (await rest.anonymous.get(path, headers=elsewhere)).status_code == 200
        for method, path in (("GET", "/calls"), ("GET", "/metrics"), ("DELETE", "/orders/1")):
            assert (await rest.anonymous.request(method, path, headers=elsewhere)).status_code == 403
    await store.close()


def test_a_public_host_without_a_key_refuses_to_start() -> None:
    tokens = (SecretStr("a-token"),)
    with pytest.raises(ValidationError, match="ADMIN_API_KEYS"):
        Settings(_env_file=None, host="0.0.0.0", twilio_auth_token=tokens, public_base_url="https://carlos.example")


async def test_the_original_client_is_served_where_that_is_said(tmp_path: Path, clock: Clock) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    async with serving(store, tmp_path, clock, admin_open_read=True) as rest:
        headers = {"Origin": CLIENT, "Content-Type": "application/json"}
        for path in ("/demo/orders", "/demo/appointments", "/orders/1"):
            answer = await rest.anonymous.get(path, headers=headers)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, CLIENT)
        for path in ("/calls", "/metrics", "/ordersx"):
            assert (await rest.anonymous.get(path)).status_code == 401
        assert (await rest.anonymous.delete("/orders/1")).status_code == 401
    await store.close()


async def test_the_original_clients_preflight_is_answered(quick_rest: Rest) -> None:
    asked = {
        "Origin": CLIENT,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = await quick_rest.anonymous.options("/demo/orders", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == CLIENT
    assert answer.headers["access-control-allow-headers"].startswith(
        "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token"
    )
    assert answer.headers["access-control-allow-methods"] == "GET,POST,PUT,DELETE,OPTIONS"
    other = await quick_rest.anonymous.options("/demo/orders", headers=asked | {"Origin": "https://evil.example"})
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("origin", ["http://[", "http://", "http://evil.example", "null"])
async def test_an_origin_that_is_none_of_ours_is_refused(quick_rest: Rest, origin: str) -> None:
    answer = await quick_rest.http.delete("/orders/1", headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.slow
async def test_every_answer_has_the_security_headers(quick_rest: Rest) -> None:
    for path in ("/orders", "/nothing", "/health"):
        headers = (await quick_rest.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


async def test_a_hurried_key_is_slowed_down_and_others_are_not(tmp_path: Path, clock: Clock) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    async with serving(store, tmp_path, clock, rate_limit_per_minute=3) as rest:
        statuses = [(await rest.http.get("/orders/1")).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert (await rest.anonymous.get("/orders/1", headers=key_of("reader"))).status_code == 200
        strangers = [(await rest.anonymous.get("/orders")).status_code for _ in range(4)]
        assert strangers == [401, 401, 401, 429]
    await store.close()


def test_a_bucket_fills_up_again() -> None:
    now = [0.0]
    limit = RateLimit(60, clock=lambda: now[0])
    assert [limit.take("a") for _ in range(61)] == [0] * 60 + [1]
    now[0] = 1.0
    assert (limit.take("a"), limit.take("a")) == (0, 1)


async def test_a_wrong_key_is_no_key_whatever_it_is_like(quick_rest: Rest) -> None:
    wrong = ["", "x", "a-key-of-reade", "a-key-of-reader ", "é", ":".join(KEYS)]
    answers = await asyncio.gather(
        *(quick_rest.anonymous.get("/orders", headers=[(b"x-api-key", key.encode())]) for key in wrong)
    )
    assert {answer.status_code for answer in answers} == {401}


@pytest.mark.slow
async def test_a_body_beyond_its_limit_is_turned_away_before_it_is_read(quick_rest: Rest) -> None:
    read = 0

    async def thirty_megabytes() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(30 * 16):
            read += 1
            yield b" " * 65536

    announced = await quick_rest.http.post(
        "/orders", content=thirty_megabytes(), headers={"Content-Length": "31457280"}
    )
    assert (announced.status_code, announced.json()["error"], read) == (413, "Payload too large", 0)
    chunked = await quick_rest.http.post("/orders", content=thirty_megabytes())
    assert (chunked.status_code, chunked.json()["error"]) == (413, "Payload too large")
    assert read == MAX_BODY_BYTES // 65536 + 1


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "x"])
async def test_a_length_that_is_none_is_too_long(quick_rest: Rest, length: str) -> None:
    answer = await quick_rest.http.post("/orders", content=b"{}", headers={"Content-Length": length})
    assert answer.status_code == 413


async def test_the_largest_order_fits_however_it_is_escaped(quick_rest: Rest) -> None:
    item = {"name": "\U0001f600" * 120, "description": "\U0001f600" * 300, "id": "\U0001f600" * 120}
    order = {"customerName": "Ana Pérez", "customerEmail": "ana@mail.com", "items": [item] * 20}
    answer = await quick_rest.http.post(
        "/orders", content=json.dumps(order), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "pieces",
    [[b'{"customerName":"\xed\xa0\x80"}'], [b'{"customerName":"Mar\xc3', b'"}'], [b'{"customerName":"Mar\xc3']],
)
async def test_a_body_that_is_no_utf8_is_not_parsed(
    quick_rest: Rest, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    def parse(request: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("starlette.requests.Request.json", parse)
    answer = await quick_rest.http.post("/orders", content=body(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "A body is text in UTF-8"


async def test_a_character_may_come_in_two_pieces(quick_rest: Rest) -> None:
    async def body() -> AsyncIterator[bytes]:
        for byte in '{"customerName":"María"}'.encode():
            yield bytes([byte])

    answer = await quick_rest.http.put("/orders/1", content=body(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


async def test_a_time_at_the_end_of_the_calendar_is_refused(quick_rest: Rest) -> None:
    answer = await quick_rest.http.put("/orders/1", json={"estimatedDelivery": "0001-01-01T00:00:00+14:00"})
    assert answer.status_code == 422
