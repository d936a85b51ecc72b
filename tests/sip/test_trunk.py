"""A place at a trunk over TCP and TLS: calls come back on the connection, which is kept alive and had again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from aiosipua import SipMessage, SipRequest, SipResponse
from loguru import logger

from common.settings.sip import SipRegistrar
from telephony.carrier import CarrierHandler
from telephony.sip import registration
from telephony.sip.callers import Callers, Standing
from telephony.sip.carrier import Sip
from telephony.sip.framing import Framing
from telephony.sip.message import Peer, answer_to
from telephony.sip.sockets import SipSockets
from telephony.sip.trunk import KEEP_ALIVE, KEEP_ALIVE_S, Trunk
from tests.sip.stage import text
from tests.sip.test_carrier import settings
from tests.sip.test_sip_call import Calls
from tests.sip.test_sockets import made_certificate
from tests.support.virtual_loop import run_virtually
from tests.support.waiting import bounded, until


class Registrar:
    """Takes every REGISTER, and keeps what each connection brought."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[SipRequest] = asyncio.Queue()
        self.answers: asyncio.Queue[SipResponse] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []
        self.heard = b""
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        framing = Framing()
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.heard += data
                for each in framing.push(data):
                    self._told(SipMessage.parse(each), writer)

    def _told(self, message: SipRequest | SipResponse, writer: asyncio.StreamWriter) -> None:
        if isinstance(message, SipResponse):
            self.answers.put_nowait(message)
            return
        writer.write(bytes(answer_to(message, 200, "trunk", {"Expires": "300"})))
        self.asked.put_nowait(message)

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
        self.writers.clear()


@asynccontextmanager
async def registrar(context: ssl.SSLContext | None = None) -> AsyncIterator[Registrar]:
    here = Registrar()
    server = await asyncio.start_server(here.take, "127.0.0.1", 0, ssl=context)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        here.hang_up()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def registered(transport: str, port: int, **given: Any) -> AsyncIterator[Sip]:
    """A carrier without a listener of that transport."""
    sip = Sip(settings(sip_registrar=f"{transport}:127.0.0.1:{port}", sip_user="carlos", **given))
    async with sip.serve(cast(CarrierHandler, Calls())):
        yield sip


def serving(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_trunks_calls_come_back_on_the_connection_that_was_registered_on(
    tmp_path: Path, transport: str
) -> None:
    certificate = made_certificate(tmp_path)
    context, trusts = (serving(certificate), {"sip_tls_ca_file": certificate[0]}) if transport == "tls" else (None, {})
    async with bounded(), registrar(context) as there:
        async with registered(transport, there.port, **trusts):
            asked = await there.asked.get()
            assert asked.uri == f"sip:127.0.0.1:{there.port};transport={transport}"
            peer = there.writers[0].get_extra_info("peername")
            assert asked.get_header("contact") == f"<sip:carlos@127.0.0.1:{peer[1]};transport={transport}>"
            via = f"SIP/2.0/{transport.upper()} 127.0.0.1:{there.port};branch=z9hG4bK-1"
            there.writers[0].write(text("OPTIONS", via=via))
            assert (await there.answers.get()).status_code == 200
        assert (await there.asked.get()).get_header("expires") == "0", "and the place is given up there"
        assert len(there.writers) == 1


async def test_a_lost_connection_is_had_again_and_registered_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "FIRST_RETRY_S", 0.0)
    async with bounded(), registrar() as there, registered("tcp", there.port):
        first = await there.asked.get()
        there.hang_up()
        again = await there.asked.get()
        assert len(there.writers) == 1, "a new one"
        assert first.get_header("contact") != again.get_header("contact"), "which calls come back on"
        assert first.call_id == again.call_id


async def test_a_trunk_whose_certificate_is_not_known_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def failed(self: registration.Registration, why: str) -> float:
        tries.append(why)
        return 3600.0

    monkeypatch.setattr(registration.Registration, "failed", failed)
    async with bounded(), registrar(serving(made_certificate(tmp_path))) as there, registered("tls", there.port):
        await until(lambda: tries)
    assert (tries, there.heard) == (["it is not reached"], b"")


async def test_a_registration_that_ends_by_a_fault_of_ours_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(self: Trunk) -> None:
        raise ValueError

    monkeypatch.setattr(Trunk, "stay", fails)
    lines: list[str] = []
    sink = logger.add(lines.append, level="ERROR", format="{message}")
    try:
        async with registered("tcp", 1):
            await until(lambda: lines)
    finally:
        logger.remove(sink)
    assert "sip registration failed" in lines[0]


# --- the times, on a virtual clock ------------------------------------------------------------------------------


class NoSockets:
    """Connections that are made and lost by hand; `reached` says which of the tries come to one."""

    def __init__(self, reached: Callable[[int], bool] = lambda number: True) -> None:
        self._reached = reached
        self._began = asyncio.get_running_loop().time()
        self.tries: list[float] = []
        self.asked: list[float] = []
        self.sent: list[tuple[float, bytes]] = []
        self._lost: dict[int, asyncio.Future[None]] = {}

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    async def connect(self, to: Peer, context: ssl.SSLContext | None, name: str) -> Peer:
        self.tries.append(self.now)
        if not self._reached(len(self.tries)):
            raise ConnectionRefusedError
        self._lost[len(self.tries)] = asyncio.get_running_loop().create_future()
        return Peer(to.transport, to.host, to.port, len(self.tries))

    def lost(self, peer: Peer) -> asyncio.Future[None] | None:
        return self._lost.get(peer.flow)

    def lose(self) -> None:
        for future in self._lost.values():
            future.set_result(None)
        self._lost.clear()

    def hang_up(self, peer: Peer) -> None:
        self.lose()

    def send(self, data: bytes, peer: Peer) -> None:
        self.sent.append((self.now, data))

    def contact(self, peer: Peer) -> tuple[str, int]:
        return "10.0.0.1", 40000 + peer.flow


def staying(
    sockets: NoSockets, monkeypatch: pytest.MonkeyPatch, *, answers: bool = True, hangs_up: bool = False
) -> asyncio.Task[None]:
    """A trunk that takes what it is asked for, and may hang up behind it, or never answers."""

    async def addresses(self: Trunk) -> list[str]:
        return ["10.0.0.5"]

    def ask(request: SipRequest, peer: Peer, take: Callable[[SipResponse | None], None]) -> None:
        sockets.asked.append(sockets.now)
        if answers:
            take(answer_to(request, 200, "trunk", {"Expires": "300"}))
            if hangs_up:
                sockets.lose()
        else:
            asyncio.get_running_loop().call_later(32.0, take, None)

    monkeypatch.setattr(Trunk, "_addresses", addresses)
    callers = Callers([], has_users=False)
    at = SipRegistrar("tcp", "trunk.example", 5060)
    return asyncio.create_task(Trunk(at, "carlos", "x", callers, cast(SipSockets, sockets), ask).stay())


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_connection_is_kept_alive_between_registrations(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        sockets = NoSockets()
        task = staying(sockets, monkeypatch)
        await asyncio.sleep(500)
        assert sockets.tries == pytest.approx([0.0], abs=0.1)
        assert sockets.asked == pytest.approx([0.0, 240.0, 480.0], abs=0.1)
        assert [at for at, _ in sockets.sent][:2] == pytest.approx([KEEP_ALIVE_S, 2 * KEEP_ALIVE_S], abs=0.1)
        assert {data for _, data in sockets.sent} == {KEEP_ALIVE}
        await ended(task)

    run_virtually(run())


def test_a_trunk_that_is_not_reached_is_tried_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        sockets = NoSockets(reached=lambda number: number > 3)
        task = staying(sockets, monkeypatch)
        await asyncio.sleep(60)
        assert sockets.tries == pytest.approx([0.0, 5.0, 15.0, 35.0], abs=0.1)
        assert sockets.asked == pytest.approx([35.0], abs=0.1)
        await asyncio.sleep(40)
        lost_at = sockets.now
        sockets.lose()
        await asyncio.sleep(10)
        assert sockets.asked[1:] == pytest.approx([lost_at + 5.0], abs=0.1), "the first wait is short again"
        await ended(task)

    run_virtually(run())


def test_a_connection_on_which_nobody_answers_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        sockets = NoSockets()
        task = staying(sockets, monkeypatch, answers=False)
        await asyncio.sleep(90)
        assert sockets.tries == pytest.approx([0.0, 37.0, 79.0], abs=0.1)
        await ended(task)

    run_virtually(run())


def test_a_trunk_that_hangs_up_behind_its_answer_is_registered_with_again_after_a_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        sockets = NoSockets()
        task = staying(sockets, monkeypatch, hangs_up=True)
        await asyncio.sleep(12)
        assert sockets.asked == pytest.approx([0.0, 5.0, 10.0], abs=0.1)
        await ended(task)

    run_virtually(run())


async def test_a_trunks_addresses_are_known_before_it_is_spoken_to() -> None:
    callers = Callers([], has_users=False)
    standings: list[Standing] = []

    class Watched(NoSockets):
        async def connect(self, to: Peer, context: ssl.SSLContext | None, name: str) -> Peer:
            standings.append(callers.standing(to.host))
            raise ConnectionRefusedError

    at = SipRegistrar("tcp", "127.0.0.1", 5060)
    task = asyncio.create_task(Trunk(at, "carlos", "x", callers, cast(SipSockets, Watched()), lambda *_: None).stay())
    await until(lambda: standings)
    await ended(task)
    assert standings == [Standing.KNOWN]
