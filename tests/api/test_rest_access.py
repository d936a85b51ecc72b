"""Who gets in: keys, scopes, origins, rates; and that nothing else does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from api.access import ALL, ApiKey, digest
from api.limits import RateLimit
from carlos.app import create_app
from carlos.settings import Settings
from data.open import open_sqlite
from tests.api.rest_stage import KEYS, Rest, key_of, seeded, serving
from tests.support.clocks import Clock

CLIENT = "http://localhost:3000"
OPEN_TO_ALL = {"/health", "/ready", "/docs", "/docs/docs.js", "/docs/docs.css"}


async def test_no_route_and_no_method_answers_a_stranger(quick_rest: Rest) -> None:
    described = set(quick_rest.app.openapi()["paths"])
    assert {"/orders/{order_id}", "/calls/{call_id}/hangup", "/customers/erase", "/metrics"} <= described
    paths = described | {f"/demo{path}" for path in described} | OPEN_TO_ALL
    for path in paths | {"/openapi.json", "/nothing", "/twilio", "/docsx", "/demo", "/browser/tokens"}:
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "MADE-UP"):
            answer = await quick_rest.anonymous.request(method, path.replace("{", "").replace("}", ""))
            public = path in OPEN_TO_ALL and method in ("GET", "HEAD", "OPTIONS")
            assert (answer.status_code in (401, 403)) is not public, (method, path, answer.status_code)


async def test_the_whole_servers_routes_are_behind_the_gate(tmp_path: Path) -> None:
    app = create_app(Settings(_env_file=None, carlos_home=tmp_path))
    assert any("Gate" in str(middleware) for middleware in app.user_middleware)


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
    assert ApiKey.parse("only-a-key").scopes == ALL


@pytest.mark.parametrize("text", ["ana:all:k", "ana:read:", ":read:k", "ana:read:sha256=xyz"])
def test_a_malformed_key_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ApiKey.parse(text)


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
        for path in ("/calls", "/metrics", "/openapi.json", "/ordersx"):
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
