"""Records outlive their server: what was done through REST is there for the next one, however the first one ended."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest

from common.times import BUENOS_AIRES, to_iso
from data.facts_file import read
from data.kept_facts import SAMPLE
from tests.support.servers import carlos_serve, free_port, printed
from tests.support.sonic import AWS_KEYS
from tests.support.waiting import bounded

# No call is placed, so nothing listens where Sonic would be: nothing of the stand-in needs to be loaded.
NO_SONIC = {
    "SONIC": "bedrock",
    "SONIC_ENDPOINT": "https://localhost:1",
    **AWS_KEYS,
}
ORDER = {
    "customerName": "Raúl Peña",
    "customerEmail": "raul@example.com",
    "items": [{"name": "Teclado", "price": 12.5, "quantity": 2}],
}


@asynccontextmanager
async def server(home: Path, ends: signal.Signals) -> AsyncIterator[httpx.AsyncClient]:
    """`carlos serve` on an embedded home, ended by a signal."""
    port = free_port()
    env = {"CARLOS_HOME": str(home), "HOST": "localhost", "WS_PORT": str(port)}
    async with carlos_serve(env | NO_SONIC) as process:
        await printed(process)
        async with httpx.AsyncClient(base_url=f"http://localhost:{port}", trust_env=False) as rest:
            yield rest
        process.send_signal(ends)
        async with bounded():
            assert await process.wait() == (0 if ends is signal.SIGTERM else -ends)


def appointment() -> dict[str, object]:
    """In ten days or a little more, in the morning of a day on which the sample business is open."""
    start = read(SAMPLE.read_text(encoding="utf-8")).next_open(
        (datetime.now(BUENOS_AIRES) + timedelta(days=10)).replace(hour=8, minute=0, second=0, microsecond=0), 30
    )
    assert start is not None
    return {
        "patientName": "Raúl Peña",
        "patientEmail": "raul@example.com",
        "doctorName": "Dra. Ana López",
        "date": to_iso(start),
    }


@pytest.mark.slow
@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGKILL], ids=lambda ends: str(ends.name))
async def test_what_was_written_is_there_after_a_restart(tmp_path: Path, ends: signal.Signals) -> None:
    booking = appointment()
    async with server(tmp_path, ends) as rest:
        made = (await rest.post("/orders", json=ORDER)).raise_for_status()
        where = made.headers["location"]
        shipped = {"status": "shipped", "trackingNumber": "TRK5"}
        changed = (await rest.put(where, json=shipped, headers={"If-Match": made.headers["etag"]})).raise_for_status()
        booked = (await rest.post("/appointments", json=booking)).raise_for_status()
        (await rest.delete("/orders/7")).raise_for_status()
        before = [(await rest.get(path)).json()["data"] for path in ("/orders", "/appointments")]
    async with server(tmp_path, signal.SIGTERM) as rest:
        assert [(await rest.get(path)).json()["data"] for path in ("/orders", "/appointments")] == before
        found = await rest.get(where)
        assert found.json()["data"] == changed.json()["data"]
        assert found.headers["etag"] == changed.headers["etag"]
        assert (await rest.get("/orders/7")).status_code == 404, "the demo's records are put there once"
        taken = await rest.post("/appointments", json=booking | {"patientName": "Eva Sosa"})
        assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
        assert (await rest.get(booked.headers["location"])).json()["data"] == booked.json()["data"]
        following = await rest.post("/orders", json=ORDER)
        assert int(following.json()["data"]["id"]) == int(made.json()["data"]["id"]) + 1
