"""Our place at a trunk, held from the first registration until we go.

Over TCP and TLS there is one connection, which the trunk's calls come back on, as RFC 5626 has it: it is kept alive,
and after a loss it is opened anew and registered on again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiosipua import SipRequest, SipResponse
from loguru import logger

from common.addresses import bracketed
from common.log import error_text
from common.settings.sip import SipRegistrar
from telephony.sip.callers import Callers
from telephony.sip.message import Peer
from telephony.sip.registration import Registration
from telephony.sip.sockets import SipSockets

LEAVE_S = 2.0  # for the trunk to hear that we go
REACH_S = 5.0  # for its name, and for each of its addresses
KEEP_ALIVE_S = 95.0  # between signs of life on a connection (RFC 5626, section 4.4.1)
KEEP_ALIVE = b"\r\n\r\n"

type Ask = Callable[[SipRequest, Peer, Callable[[SipResponse | None], None]], None]


class Trunk:
    """`ask` sends a request, and gets its answer or None. `authorities` is a file of certificates, PEM, that a trunk's
    own is checked with; None for the system's. Raises OSError for a file that is none."""

    def __init__(
        self,
        registrar: SipRegistrar,
        user: str,
        password: str,
        callers: Callers,
        sockets: SipSockets,
        ask: Ask,
        authorities: Path | None = None,
    ) -> None:
        self._registrar = registrar
        self._callers = callers
        self._sockets = sockets
        self._ask = ask
        self._tls = ssl.create_default_context(cafile=authorities) if registrar.transport == "tls" else None
        self._registration = Registration(registrar, user, password)
        self._peer: Peer | None = None  # where we are registered, or try to be

    async def stay(self) -> None:
        """Register, again and again, until this is cancelled; then give the place up."""
        try:
            while True:
                await self._rest(await self._register_once())
        finally:
            await self._leave()

    async def _register_once(self) -> float:
        """Return seconds until the next time."""
        if not await self._is_reached():
            return self._registration.failed("it is not reached")
        return await self._register()

    async def _register(self, *, leave: bool = False) -> float:
        assert self._peer is not None  # noqa: S101 - it is reached
        step: SipRequest | float = self._registration.request(leave=leave)
        while isinstance(step, SipRequest):
            response = await self._answer(step, self._peer)
            if response is None:
                self._sockets.hang_up(self._peer)  # a connection on which nobody answers is opened anew
            step = self._registration.answered(response, leave=leave)
        return step

    async def _answer(self, request: SipRequest, peer: Peer) -> SipResponse | None:
        """None where none came in time, or the connection was lost meanwhile."""
        answered: asyncio.Future[SipResponse | None] = asyncio.get_running_loop().create_future()

        def take(response: SipResponse | None) -> None:
            if not answered.done():
                answered.set_result(response)

        lost = self._sockets.lost(peer)
        if lost is None and peer.is_reliable:
            return None
        self._ask(request, peer, take)
        await asyncio.wait((answered,) if lost is None else (answered, lost), return_when=asyncio.FIRST_COMPLETED)
        return answered.result() if answered.done() else None

    async def _rest(self, seconds: float) -> None:
        """Wait until the next registration is due. Where its connection is lost before, wait as after a failure."""
        peer = self._peer
        if peer is None or not peer.is_reliable or not self._registration.is_registered:
            await asyncio.sleep(seconds)
        elif not await self._stands(peer, seconds):
            await asyncio.sleep(self._registration.failed("its connection is lost"))

    async def _stands(self, peer: Peer, seconds: float) -> bool:
        """Keep a connection alive for so long. Return False once it is lost."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        while (left := due - loop.time()) > 0:
            lost = self._sockets.lost(peer)
            if lost is None:
                return False
            await asyncio.wait((lost,), timeout=min(left, KEEP_ALIVE_S))
            if lost.done():
                return False
            self._sockets.send(KEEP_ALIVE, peer)
        return True

    async def _leave(self) -> None:
        if self._peer is not None and self._registration.is_registered:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._register(leave=True)

    # --- the way there ------------------------------------------------------------------------------------------

    async def _is_reached(self) -> bool:
        """Look the trunk up, whose addresses may call, and connect where there is no connection. Return False where it
        cannot be reached."""
        lost = self._sockets.lost(self._peer) if self._peer is not None else None
        if lost is not None and not lost.done():
            return True
        addresses = await self._addresses()
        self._peer = await self._connected(addresses) if addresses else None
        if self._peer is None:
            return False
        host, port = self._sockets.contact(self._peer)
        self._registration.reach_us(f"{bracketed(host)}:{port}")
        return True

    async def _addresses(self) -> list[str]:
        host, port = self._registrar.host.strip("[]"), self._registrar.port
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(REACH_S):
                found = await loop.getaddrinfo(host, port, proto=17)
        except (OSError, TimeoutError) as error:
            logger.warning("sip: the trunk {} is not found: {}", host, error_text(error))
            return []
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        self._callers.trunk_is(addresses)
        return addresses

    async def _connected(self, addresses: list[str]) -> Peer | None:
        """The first of them that can be had; UDP asks nobody."""
        registrar = self._registrar
        if registrar.transport == "udp":
            return Peer("udp", addresses[0], registrar.port)
        for address in addresses:
            try:
                async with asyncio.timeout(REACH_S):
                    return await self._sockets.connect(
                        Peer(registrar.transport, address, registrar.port), self._tls, registrar.host.strip("[]")
                    )
            except (OSError, TimeoutError) as error:
                logger.warning("sip: no connection to the trunk at {}: {}", address, error_text(error))
        return None
