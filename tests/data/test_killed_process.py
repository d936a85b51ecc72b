"""A process that is killed between its write and its answer: the next one finds what it did, and does it once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.stores import fresh_tables
from common.times import BUENOS_AIRES, utcnow
from data.backends.dynamo import DynamoBackend
from data.models import OrderStatus
from data.open import open_dynamodb, open_sqlite
from data.operators.seed import seed
from data.store import Store
from data.tables import TableName
from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION
from tools.identity import CallContext
from tools.toolbox import Toolbox

pytestmark = pytest.mark.slow

# Opens the store, proposes, hears a yes, carries out; stops where told, for ever.
PROCESS = """
import asyncio, json, sys
from data.open import open_dynamodb, open_sqlite
from pathlib import Path
from tools.identity import CallContext
from tools.toolbox import Toolbox

async def main(where, stop, name, arguments):
    if where["store"] == "sqlite":
        store = await open_sqlite(Path(where["path"]))
    else:
        store = await open_dynamodb(
            where["tables"], region=where["region"], endpoint=where["endpoint"], credentials=("local", "local"),
            timeout_s=where["timeout_s"],
        )
    transact = store.backend.transact
    async def stopping(writes):
        if stop == "before":
            print("stopped", flush=True)
            await asyncio.Event().wait()
        await transact(writes)
        print("stopped", flush=True)
        await asyncio.Event().wait()
    box = Toolbox(store, CallContext("CA1"))
    await box.run(name, arguments, tool_use_id="proposal")
    box.caller_spoke("Sí")
    store.backend.transact = stopping
    await box.run(name, arguments, tool_use_id="yes")

asyncio.run(main(*json.loads(sys.argv[1])))
"""

Use = tuple[str, dict[str, object]]

CANCEL: Use = ("cancelarOrder", {"orderId": "1", "dni": "28456789"})
CREATE: Use = (
    "crearOrder",
    {"customerName": "Juan Pérez", "customerEmail": "j@email.com", "items": [{"name": "Mouse", "price": 29.99}]},
)


def killed(where: dict[str, object], stop: str, tool: Use) -> None:
    """Run the process to where it stops, and kill it with SIGKILL."""
    words = json.dumps([where, stop, tool[0], json.dumps(tool[1])])
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stopped\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.ministack)])
async def place(
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
    tmp_path: Path,
    local_aws: Callable[[], str],
) -> dict[str, object]:
    """Where a seeded store is, for this process and for the other."""
    record_property("store", request.param)
    if request.param == "sqlite":
        where: dict[str, object] = {"store": "sqlite", "path": str(tmp_path / "carlos.db")}
    else:
        tables = {table.value: name for table, name in fresh_tables().items()}
        where = {"store": "dynamodb", "tables": tables, "region": REGION, "endpoint": local_aws(), "timeout_s": HANG_S}
    store = await opened(where)
    if isinstance(store.backend, DynamoBackend):
        await store.backend.create_tables()
    await seed(store, utcnow().astimezone(BUENOS_AIRES).date())
    await store.close()
    return where


async def opened(where: dict[str, object]) -> Store:
    if where["store"] == "sqlite":
        return await open_sqlite(Path(str(where["path"])))
    tables = {TableName(name): deployed for name, deployed in dict(where["tables"]).items()}  # type: ignore[call-overload]
    return await open_dynamodb(
        tables, region=REGION, endpoint=str(where["endpoint"]), credentials=CREDENTIALS, timeout_s=HANG_S
    )


async def test_a_write_before_the_kill_is_answered_by_the_next_process(place: dict[str, object]) -> None:
    killed(place, "after", CANCEL)
    store = await opened(place)
    box = Toolbox(store, CallContext("CA1"))
    outcome = await box.run(CANCEL[0], json.dumps(CANCEL[1]), tool_use_id="yes")
    assert outcome.result == {"success": True, "message": "Pedido #1 cancelado exitosamente", "orderId": "1"}
    order = await store.order("1")
    assert order is not None
    assert (order.status, order.version) == (OrderStatus.CANCELLED, 2)
    await store.close()


async def test_a_kill_before_the_write_leaves_nothing_and_asks_again(place: dict[str, object]) -> None:
    killed(place, "before", CANCEL)
    store = await opened(place)
    box = Toolbox(store, CallContext("CA1"))
    outcome = await box.run(CANCEL[0], json.dumps(CANCEL[1]), tool_use_id="yes")
    assert outcome.result.get("confirmation_required")
    order = await store.order("1")
    assert order is not None
    assert order.status is OrderStatus.PENDING
    await store.close()


async def test_an_order_created_before_the_kill_is_not_created_again(place: dict[str, object]) -> None:
    killed(place, "after", CREATE)
    store = await opened(place)
    box = Toolbox(store, CallContext("CA1"))
    same = await box.run(CREATE[0], json.dumps(CREATE[1]), tool_use_id="yes")
    assert same.result["orderId"] == "8"
    renamed = await box.run(CREATE[0], json.dumps(CREATE[1]), tool_use_id="another-stream")
    assert "ya se creó el pedido 8" in renamed.result["proposal"]
    assert len((await store.orders(email="j@email.com")).items) == 1
    await store.close()
