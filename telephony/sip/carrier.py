"""SIP as a carrier (telephony.carrier.Listening): a trunk, a PBX or a phone reaches Carlos without Twilio.

It has no HTTP route: calls come on sockets of its own, which `serve` holds open while the server runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiosipua import SipDigestAuth
from fastapi import APIRouter
from loguru import logger
from starlette.types import Scope

from common.settings import Settings
from common.tasks import TaskSet
from telephony.carrier import CarrierHandler
from telephony.person_line import PersonLine
from telephony.polly import voice_of
from telephony.sip.call import SipCall
from telephony.sip.caller import caller_of
from telephony.sip.callers import Callers, Standing
from telephony.sip.digest import Digests
from telephony.sip.endpoint import SipEndpoint
from telephony.sip.leg import Leg
from telephony.sip.message import Peer
from telephony.sip.people import SipPeople
from telephony.sip.ports import Ports
from telephony.sip.sentences import prepare
from telephony.sip.sockets import SipSockets
from telephony.sip.surroundings import Surroundings
from telephony.sip.trunk import Trunk
from telephony.stream_tokens import SpentNonces

LEAVE_S = 2.0  # for calls to end with the server
LIBRARIES = ("aiosipua", "aiortp")  # they log what is wrong with each packet; we say it at a bounded rate


class Sip:
    """`telephony.carrier.Listening`, for one event loop."""

    name = "sip"
    folder = "/sip/"
    begins: frozenset[str] = frozenset()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._callers = Callers(settings.sip_networks, has_users=bool(settings.sip_users))
        self._ports = Ports(settings.sip_port_range)
        self._tasks = TaskSet()
        self.calls: dict[str, SipCall] = {}
        self.sockets: SipSockets | None = None
        self._endpoint: SipEndpoint | None = None
        self._voice = voice_of(settings)
        # Without a voice that could brief people it rings nobody, and has its callers' side call them (REFER).
        self.person_line: PersonLine | None = (
            SipPeople(self.calls, self._tasks, self._voice, self._auth_of, settings.transfer_from)
            if self._voice is not None
            else None
        )

    # --- Carrier ------------------------------------------------------------------------------------------------

    def routes(self, calls: CarrierHandler, spent: SpentNonces, *, call_in_path: bool = False) -> APIRouter:
        return APIRouter(include_in_schema=False)

    async def call_id(self, scope: Scope, body: Callable[[], Awaitable[bytes | None]]) -> str:
        return ""

    async def hang_up(self, call_id: str) -> bool:
        call = self.calls.get(call_id)
        if call is None or self._endpoint is None:
            return False
        self._endpoint.hang_up(call.leg)
        return True

    async def close(self) -> None:
        """What `serve` opened is closed with it."""

    # --- Listening ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serve(self, calls: CarrierHandler) -> AsyncIterator[None]:
        for library in LIBRARIES:
            logging.getLogger(library).setLevel(logging.ERROR)
        settings = self._settings
        loop = asyncio.get_running_loop()
        sockets = self.sockets = SipSockets(self._callers, self._received, settings.sip_advertised_address)
        endpoint = self._endpoint = SipEndpoint(
            self._callers,
            Digests(settings.sip_passwords, settings.sip_digests),
            sockets.send,
            sockets.contact,
            self._rings,
            loop,
        )
        self._around = Surroundings(
            endpoint,
            calls,
            self._ports,
            settings.sip_codecs,
            local=lambda peer: sockets.contact(peer)[0],
            bind=settings.sip_listeners[0].host,
            max_hold_s=settings.sip_hold_max_s,
            voice=self._voice,
            replaces=settings.sip_replaces,
        )
        registering = TaskSet()
        try:
            await asyncio.to_thread(prepare)
            await sockets.open(settings.sip_listeners, self._certificate())
            if not (settings.sip_allow or settings.sip_users or settings.sip_registrar):
                logger.warning("sip: nobody may call: set SIP_ALLOW, SIP_USERS or SIP_REGISTRAR")
            if (trunk := self._trunk(sockets, endpoint)) is not None:
                registering.create(trunk.stay(), "sip registration")
            yield
        finally:
            await registering.cancel()
            await self._end_calls(endpoint)
            endpoint.close()
            await sockets.close()

    async def _end_calls(self, endpoint: SipEndpoint) -> None:
        for call in list(self.calls.values()):
            endpoint.hang_up(call.leg)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._tasks.wait()
        await self._tasks.cancel()

    def _certificate(self) -> tuple[Path, Path] | None:
        certificate, key = self._settings.sip_tls_cert_file, self._settings.sip_tls_key_file
        return (certificate, key) if certificate is not None and key is not None else None

    def _trunk(self, sockets: SipSockets, endpoint: SipEndpoint) -> Trunk | None:
        settings = self._settings
        if settings.sip_registrar_read is None:
            return None
        password = settings.sip_password.get_secret_value() if settings.sip_password else ""
        return Trunk(
            settings.sip_registrar_read,
            settings.sip_user or "",
            password,
            self._callers,
            sockets,
            endpoint.ask,
            settings.sip_tls_ca_file,
        )

    def _received(self, data: bytes, peer: Peer) -> None:
        if self._endpoint is not None:
            self._endpoint.receive(data, peer)

    def _rings(self, leg: Leg) -> None:
        is_trusted = self._callers.standing(leg.peer.host) is Standing.KNOWN
        number = caller_of(leg.invite, is_trusted=is_trusted)
        source = leg.peer.host if is_trusted else "password"  # whose address may be a person's
        call = self.calls[leg.id] = SipCall(leg, number, self._around, source)
        task = self._tasks.create(self._hold(call), f"sip call {leg.id}")
        task.add_done_callback(lambda _: self.calls.pop(leg.id, None))

    async def _hold(self, call: SipCall) -> None:
        with logger.contextualize(call_id=call.leg.id):
            await call.run()

    def _auth_of(self, peer: Peer) -> SipDigestAuth | None:
        """The account that a trunk gave us is proven to nobody else."""
        user, password = self._settings.sip_user, self._settings.sip_password
        if not self._callers.is_trunk(peer.host) or user is None or password is None:
            return None
        return SipDigestAuth(user, password.get_secret_value())
