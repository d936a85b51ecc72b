"""Who the client is behind a load balancer, and that nobody else can say so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from api.proxy import Proxied, client_of
from data.open import open_sqlite
from tests.api.rest_stage import seeded, serving
from tests.support.clocks import Clock

ANA, BEA = "198.51.100.1", "198.51.100.2"


@pytest.mark.parametrize(
    ("lines", "hops", "client"),
    [
        ([ANA], 1, ANA),
        ([f"{BEA}, {ANA}"], 1, ANA),
        ([BEA, ANA], 1, ANA),
        ([f"{BEA},{ANA}, 10.0.0.7"], 2, ANA),
        (["2001:DB8::0:1"], 1, "2001:db8::1"),
        ([f"{ANA} "], 1, ANA),
        ([], 1, None),
        ([ANA], 2, None),
        ([ANA], 0, None),
        (["unknown"], 1, None),
        ([f"{ANA},"], 1, None),
        ([f"{ANA}:5060"], 1, ANA),
        ([f"{BEA}:1, {ANA}:65535"], 1, ANA),
        (["[2001:db8::1]:443"], 1, "2001:db8::1"),
        (["[2001:db8::1]"], 1, "2001:db8::1"),
        ([f"{ANA}:x"], 1, None),
        ([f"[{ANA}"], 1, None),
        (["[::1]]:1"], 1, None),
        (["1" * 9999], 1, None),
    ],
)
def test_the_last_entries_are_our_proxies_own(lines: Sequence[str], hops: int, client: str | None) -> None:
    headers = Headers(raw=[(b"x-forwarded-for", line.encode()) for line in lines])
    assert client_of(headers, hops) == client


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_inside_the_client_is_the_one_who_asked(kind: str) -> None:
    seen: list[object] = []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"])

    async def nothing(*_: object) -> None: ...

    for headers in ([(b"x-forwarded-for", ANA.encode())], []):
        scope = {"type": kind, "headers": headers, "client": ("10.0.0.7", 4711)}
        await Proxied(inside, 1)(scope, nothing, nothing)  # type: ignore[arg-type]
    assert seen == [(ANA, 0), ("10.0.0.7", 4711)]


async def refused(client: httpx.AsyncClient, chain: str) -> int:
    return (await client.get("/orders", headers={"X-Forwarded-For": chain})).status_code


async def test_behind_the_load_balancer_strangers_are_told_apart(tmp_path: Path, clock: Clock) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    async with serving(store, tmp_path, clock, rate_limit_per_minute=2, trusted_proxies=1) as rest:
        assert [await refused(rest.anonymous, f"192.0.2.{n}, {ANA}") for n in range(3)] == [401, 401, 429]
        assert await refused(rest.anonymous, f"{ANA}, {BEA}") == 401
    await store.close()


async def test_without_a_proxy_nobody_says_who_they_are(tmp_path: Path, clock: Clock) -> None:
    store = await seeded(await open_sqlite(tmp_path / "carlos.db", clock), clock)
    async with serving(store, tmp_path, clock, rate_limit_per_minute=2) as rest:
        assert [await refused(rest.anonymous, f"192.0.2.{n}") for n in range(3)] == [401, 401, 429]
    await store.close()
