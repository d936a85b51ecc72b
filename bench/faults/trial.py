"""One call with one fault on one server: stand-in, server and caller in one process and on one event loop."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn

from bench.caller import CLOSE_S, ask, open_line, upgrade
from bench.faults.caller import Caller, seconds, utterance
from bench.faults.ear import Earpiece
from bench.faults.matrix import Rotation, Row
from bench.faults.model import Model
from bench.line import FRAME_S, Line, Script
from bench.speech import LINE_RATE, missing, samples, ulaw_samples
from bench.stage import ACCOUNT, KEYS
from sandbox.sonic.server import SonicServer
from sandbox.sonic.signature import Keys

CALL_S = 90.0  # only a hang takes so long
SETTLE_S = 10.0  # for what a call leaves behind
START_S = 60.0
REOPENINGS = 3  # of a stream by the TwiML after it, as Twilio follows it
TELLS = ("<Say", "<Play", "<Dial")
STANDIN_TASKS = "sonic stand-in"


class CallerLine(Line):
    """The line of a `Caller`: the clock of both is its frames."""

    def __init__(self, path: str, headers: Mapping[str, str], sids: tuple[str, str, str], caller: Caller) -> None:
        super().__init__(path, headers, sids, Script())
        self._caller = caller
        self._earpiece = Earpiece()

    def _payload(self) -> str:
        heard, marks = self._earpiece.play()
        self._give_back(marks)
        said = self._caller.frame(heard)
        if self._caller.gone:
            self._loop.call_soon(self._leave)
        return b64encode(said).decode()

    def _leave(self) -> None:
        if not self.stopped_at:
            self.stop()
            self._loop.call_later(CLOSE_S, self.drop)

    def _hear(self, ulaw: bytes, now: float) -> None:
        self._earpiece.media(ulaw)

    def _mark(self, name: str, now: float) -> None:
        self._earpiece.mark(name)

    def _clear(self, now: float) -> None:
        self._give_back(self._earpiece.clear())

    def _give_back(self, marks: list[str]) -> None:
        for name in marks:
            self._return(name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call was like."""

    recovered: bool  # the caller was answered each time
    told: bool  # or heard that it cannot be
    dead_air_s: float
    lost_ms: float  # of the speech that was answered or never told about: in no transcript's audio
    left: int  # tasks, streams, seats and sockets after the call
    opens: int  # requests for a stream


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: what its callers must know, and what it holds besides tasks and sockets."""

    target: dict[str, Any]
    seats: Callable[[], int] = lambda: 0


async def trial(row: Row, kind: str) -> dict[str, Any]:
    """Hold the call and look at what is left of it."""
    with tempfile.TemporaryDirectory(prefix="carlos-faults-") as folder:
        model = Model(row.steps)
        sonic = SonicServer(
            model, credentials=_keys(), ca_dir=Path(folder), faults=row.faults, max_streams=1000, keep_audio=False
        )
        await sonic.start()
        try:
            async with SERVERS[kind](sonic, Path(folder), row.rotation) as server:
                before = asyncio.all_tasks(), _sockets()
                caller = Caller([utterance(length, seed) for seed, length in enumerate(row.talk, 1)])
                await _call(server, caller)
                left = await _left(sonic, server, *before)
        finally:
            await sonic.stop()
    lost = _lost(caller, model.understood(sonic))
    outcome = Outcome(caller.recovered, caller.told, seconds(caller.dead_air), lost, left, sonic.requests)
    return asdict(outcome)


async def _call(server: Server, caller: Caller) -> None:
    """Ring and talk to the end, following the TwiML as Twilio would."""
    sids = (f"MZ{secrets.token_hex(16)}", f"CA{random.getrandbits(128):032x}", ACCOUNT)
    twiml = await ask(server.target, "/twilio/voice", sids)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CALL_S):
        for _ in range(REOPENINGS):
            line = CallerLine(server.target["path"], upgrade(server.target), sids, caller)
            await open_line(line, server.target, twiml)
            await line.over
            over_at = loop.time()
            if caller.gone:
                return
            twiml = await ask(server.target, "/twilio/after-stream", sids)
            if any(verb in twiml for verb in TELLS):
                caller.told = True
            if "<Stream" not in twiml:
                break
            caller.silent(round((loop.time() - over_at) / FRAME_S))
    if caller.unanswered and not caller.told:
        caller.silent(caller.patience)  # hung up on: nobody will ever answer


async def _left(sonic: SonicServer, server: Server, tasks: set[asyncio.Task[Any]], sockets: int) -> int:
    """How much is still there once it had time to go."""

    def count() -> int:
        remaining = [task for task in asyncio.all_tasks() - tasks if not _of_the_standin(task)]
        ours = len(remaining) - (asyncio.current_task() in remaining)
        return ours + sonic.open_streams + server.seats() + max(0, _sockets() - sockets)

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


def _lost(caller: Caller, understood: list[bytes]) -> float:
    """Milliseconds of speech that no transcript stands for; of a turn that ended in an apology none is owed."""
    said = caller.said[:-1] if caller.told and caller.unanswered else caller.said
    pieces = [samples(pcm)[phase::2] for pcm in understood for phase in (0, 1)]
    lost = sum(missing(ulaw_samples(words), pieces) for words in said) if pieces else sum(map(len, said))
    return round(1000 * lost / LINE_RATE, 1)


def _keys() -> Keys:
    return Keys(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])


# The servers.


@asynccontextmanager
async def _ours(sonic: SonicServer, folder: Path, rotation: Rotation | None) -> AsyncIterator[Server]:
    from carlos.app import House, create_app
    from carlos.server import configured
    from carlos.settings import Settings

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
            _rotate(House, rotation)
        house: asyncio.Future[House] = asyncio.get_running_loop().create_future()
        async with _serving(configured(create_app(settings, house.set_result)), sock):
            switchboard = (await asyncio.wait_for(house, START_S)).switchboard
            target = {"port": port, "path": "/twilio/media", "account": ACCOUNT, "auth_token": token}
            yield Server(target, lambda: switchboard.seats.taken + len(switchboard.live))


def _rotate(house: Any, rotation: Rotation) -> None:
    configured = house.sonic_config

    def sooner(self: Any, *arguments: Any) -> Any:
        config = configured(self, *arguments)
        return replace(config, rotate_after_s=rotation.after_s, rotate_by_s=rotation.by_s)

    house.sonic_config = sooner


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
