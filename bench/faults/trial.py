"""One call with one fault on one server: stand-in, server and caller in one process and on one event loop."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn

from bench.faults.caller import Caller, seconds, utterance
from bench.faults.loss import lost_ms
from bench.faults.matrix import Rotation, Row
from bench.faults.model import Model
from bench.faults.phone import phone
from bench.line import FRAME_S
from bench.stage import ACCOUNT, KEYS
from sandbox.sonic.server import SonicServer
from sandbox.sonic.signature import Keys

SETTLE_S = 10.0  # for what a call leaves behind
START_S = 60.0
STANDIN_TASKS = "sonic stand-in"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call was like."""

    recovered: bool  # the caller was answered each time
    told: bool  # or heard that it cannot be
    dead_air_s: float
    answer_s: float  # the longest from a last word to its answer; nothing of words that had none
    lost_ms: float  # of the speech that was answered or never told about: in no transcript's audio
    left: int  # tasks, streams, places and sockets after the call
    opens: int  # requests for a stream


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: what its callers must know, and what it holds besides tasks and sockets."""

    target: dict[str, Any]
    capacity: Callable[[], int] = lambda: 0


async def trial(row: Row, kind: str) -> dict[str, Any]:
    """Hold the call and look at what is left of it."""
    with tempfile.TemporaryDirectory(prefix="carlos-faults-") as folder:
        model = Model(row.steps)
        sonic = SonicServer(model, credentials=keys(), ca_dir=Path(folder), max_streams=1000, keep_audio=False)
        await sonic.start()
        try:
            async with SERVERS[kind](sonic, Path(folder), row.rotation) as server:
                sonic.requests, sonic.faults[:] = 0, row.faults  # ours has looked whether Sonic is there
                before = asyncio.all_tasks(), _sockets()
                caller = Caller([utterance(length, seed) for seed, length in enumerate(row.talk, 1)])
                await phone(server.target, caller)
                left = await _left(sonic, server, *before)
        finally:
            await sonic.stop()
    lost = lost_ms(caller.owed_words, model.understood(sonic))
    return asdict(
        Outcome(
            recovered=caller.recovered,
            told=caller.told,
            dead_air_s=seconds(caller.dead_air),
            answer_s=seconds(caller.slowest),
            lost_ms=lost,
            left=left,
            opens=sonic.requests,
        )
    )


async def _left(sonic: SonicServer, server: Server, tasks: set[asyncio.Task[Any]], sockets: int) -> int:
    """How much is still there once it had time to go."""

    def count() -> int:
        remaining = [task for task in asyncio.all_tasks() - tasks if not _of_the_standin(task)]
        ours = len(remaining) - (asyncio.current_task() in remaining)
        return ours + sonic.open_streams + server.capacity() + max(0, _sockets() - sockets)

    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            while count():  # noqa: ASYNC110 - sockets have no event for their end
                await asyncio.sleep(FRAME_S)
    return count()


def _of_the_standin(task: asyncio.Task[Any]) -> bool:
    return task.get_name().startswith(STANDIN_TASKS)


def _sockets() -> int:
    links = (os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))
    return sum("socket:" in link for link in links)


def keys() -> Keys:
    return Keys(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])


# The servers.


@asynccontextmanager
async def _ours(sonic: SonicServer, folder: Path, rotation: Rotation | None) -> AsyncIterator[Server]:
    from carlos.app import Services, create_app
    from carlos.server import configured
    from common.settings import Settings

    with _bound() as sock:
        port, token = sock.getsockname()[1], secrets.token_hex(16)
        settings = Settings(
            _env_file=None,
            ws_port=port,
            carlos_home=folder,
            sonic="bedrock",
            sonic_endpoint=sonic.endpoint,
            sonic_ca_file=sonic.ca_file,
            public_base_url=f"http://localhost:{port}",
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=token,
            twilio_api_base="http://127.0.0.1:9",
            emf_seconds=0,
        )
        if rotation is not None:
            _rotate(Services, rotation)
        services: asyncio.Future[Services] = asyncio.get_running_loop().create_future()
        async with _serving(configured(create_app(settings, services.set_result)), sock):
            started = await asyncio.wait_for(services, START_S)
            async with asyncio.timeout(START_S):
                while not started.readiness.may_have_calls() or sonic.open_streams:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(FRAME_S)
            active_calls = started.active_calls
            target = {"port": port, "path": "/twilio/media", "account": ACCOUNT, "auth_token": token}
            yield Server(
                target, lambda: active_calls.capacity.taken + active_calls.browsers.taken + len(active_calls.live)
            )


def _rotate(services: Any, rotation: Rotation) -> None:
    configured = services.sonic_config

    def sooner(self: Any, *arguments: Any) -> Any:
        config = configured(self, *arguments)
        return replace(config, rotate_after_s=rotation.after_s, rotate_by_s=rotation.by_s, rotate_spread_s=0.0)

    services.sonic_config = sooner


@asynccontextmanager
async def _stock(sonic: SonicServer, folder: Path, rotation: Rotation | None) -> AsyncIterator[Server]:
    os.environ["SONIC_ENDPOINT"], os.environ["SONIC_CA_FILE"] = sonic.endpoint, str(sonic.ca_file)
    from bench.servers.stock import app

    with _bound() as sock:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        async with _serving(config, sock):
            yield Server({"port": sock.getsockname()[1], "path": "/ws"})


SERVERS = {"ours": _ours, "stock": _stock}


def _bound() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


@asynccontextmanager
async def _serving(config: uvicorn.Config, sock: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=SETTLE_S)
