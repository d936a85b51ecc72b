"""Long lists are gzip for whoever takes it, and nothing else is."""

from __future__ import annotations

import zlib

import pytest
from starlette.datastructures import Headers

from api import compression
from api.compression import takes_gzip
from tests.api.rest_stage import Rest

PLAIN, GZIP = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "br, gzip;q=0.8"}


@pytest.fixture(autouse=True)
def _short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "LEAST_BYTES", 1000)


async def test_a_long_list_comes_as_gzip_to_those_who_take_it(quick_rest: Rest) -> None:
    plain = await quick_rest.http.get("/orders", headers=PLAIN)
    packed = await quick_rest.http.get("/orders", headers=GZIP)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.json() == plain.json()
    assert (await quick_rest.http.head("/orders", headers=GZIP)).headers == packed.headers


@pytest.mark.parametrize(
    "path", ["/orders?limit=1&status=pending", "/orders/1", "/docs", "/metrics", "/orders/99", "/health"]
)
async def test_what_is_short_has_a_version_or_is_no_json_comes_as_it_is(quick_rest: Rest, path: str) -> None:
    answer = await quick_rest.http.get(path, headers=GZIP)
    assert "content-encoding" not in answer.headers
    assert answer.content == (await quick_rest.http.get(path, headers=PLAIN)).content or path == "/metrics"


async def test_it_is_compressed_off_the_loop(quick_rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    names: list[str] = []

    def compress(body: bytes) -> bytes:
        names.append(threading.current_thread().name)
        return zlib.compress(body, 1, 31)

    monkeypatch.setattr(compression, "compress", compress)
    await quick_rest.http.get("/orders", headers=GZIP)
    assert names != []
    assert threading.main_thread().name not in names


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("gzip", True), ("GZIP, deflate", True), ("deflate, gzip;q=0.001", True),
        ("x-gzip", True), ("gzip;q=1.0", True),
        ("", False), ("gzip;q=0", False), ("gzip; q=0.000", False), ("identity", False),
        ("*", False), ("gzipped", False),
    ],
)  # fmt: skip
def test_what_a_client_takes_is_read_as_it_is_written(said: str, taken: bool) -> None:
    assert takes_gzip(Headers({"Accept-Encoding": said})) is taken
