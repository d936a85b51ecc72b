"""The sockets that SIP is spoken on: UDP, TCP and TLS. What is in a message is the endpoint's business."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

from loguru import logger

from common.log import error_text
from common.settings.sip import SIP_PORT, SipListener
from telephony.errors import RemoteProtocolError
from telephony.sip.callers import Callers, Standing
from telephony.sip.framing import Framing
from telephony.sip.message import Peer

MAX_CONNECTIONS = 200  # TCP and TLS
MAX_STRANGERS = 20  # of them, from addresses that have yet to prove a password
READ_BYTES = 8 * 1024  # of a connection at once
HANDSHAKE_S = 5.0  # for TLS
MAX_UNSENT_BYTES = 256 * 1024  # of a peer that does not read: its connection is ended

type Receive = Callable[[bytes, Peer], None]


class SipSockets:
    def __init__(self, callers: Callers, receive: Receive, advertised: str | None) -> None:
        self._callers = callers
        self._receive = receive
        self._advertised = advertised
        self._servers: list[asyncio.Server] = []
        self._udp: dict[int, asyncio.DatagramTransport] = {}  # by address family
        self._connections: dict[int, _Connection] = {}
        self._flows = 0
        self.bound: dict[str, tuple[str, int]] = {}  # transport: where it is reached

    async def open(self, listeners: Sequence[SipListener], certificate: tuple[Path, Path] | None = None) -> None:
        """Listen. Raise OSError for an address that cannot be had, ssl.SSLError for a certificate that is none."""
        for each in listeners:
            if each.transport == "udp":
                await self._open_udp(each)
            else:
                await self._open_stream(each, certificate)

    async def _open_udp(self, listener: SipListener) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._receive), local_addr=(listener.host, listener.port)
        )
        bound: socket.socket = transport.get_extra_info("socket")
        self._udp[bound.family] = transport
        self._listens(listener, bound)

    async def _open_stream(self, listener: SipListener, certificate: tuple[Path, Path] | None) -> None:
        context = None
        if listener.transport == "tls" and certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self, listener.transport),
            listener.host,
            listener.port,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_S if context else None,
        )
        self._servers.append(server)
        self._listens(listener, server.sockets[0])

    def _listens(self, listener: SipListener, bound: socket.socket) -> None:
        host, port = bound.getsockname()[:2]
        self.bound.setdefault(listener.transport, (host, port))
        logger.info("sip: listening on {} {}:{}", listener.transport, host, port)

    async def connect(self, to: Peer, context: ssl.SSLContext | None, name: str) -> Peer:
        """Open a connection, to a host whose `name` its certificate has, and return it as a peer. Raise OSError where
        there can be none."""
        connection = _Connection(self, to.transport)
        await asyncio.get_running_loop().create_connection(
            lambda: connection, to.host, to.port, ssl=context, server_hostname=name if context else None
        )
        if not connection.peer.flow:
            raise ConnectionAbortedError("there are too many connections")
        return connection.peer

    def lost(self, peer: Peer) -> asyncio.Future[None] | None:
        """Return what is done once a peer's connection is; None where there is no such connection, as over UDP."""
        connection = self._connections.get(peer.flow)
        return None if connection is None else connection.lost

    def hang_up(self, peer: Peer) -> None:
        """End a peer's connection, where there is one."""
        if (connection := self._connections.get(peer.flow)) is not None:
            connection.abort()

    async def close(self) -> None:
        for transport in self._udp.values():
            transport.close()
        for server in self._servers:
            server.close()
        for connection in list(self._connections.values()):
            connection.close()
        await asyncio.sleep(0)
        for server in self._servers:
            await server.wait_closed()
        self._udp.clear()
        self._servers.clear()

    def send(self, data: bytes, peer: Peer) -> None:
        """Send, if the peer can be reached. A connection that it closed is not opened anew."""
        if peer.transport != "udp":
            if (connection := self._connections.get(peer.flow)) is not None:
                connection.send(data)
            return
        family = socket.AF_INET6 if ":" in peer.host else socket.AF_INET
        transport = self._udp.get(family) or next(iter(self._udp.values()), None)
        if transport is None or transport.is_closing():
            return
        try:
            transport.sendto(data, (peer.host, peer.port))
        except (OSError, ValueError) as error:
            logger.debug("sip: nothing can be sent to {}: {}", peer.host, error_text(error))

    def contact(self, peer: Peer) -> tuple[str, int]:
        """Return the address and port that a peer reaches us under."""
        bound, port = self.bound.get(peer.transport) or self._own_end(peer)
        return self._advertised or (local_address(peer.host) if ip_address(bound).is_unspecified else bound), port

    def _own_end(self, peer: Peer) -> tuple[str, int]:
        """Of a connection of ours, where nothing is listened for: what the peer has to say comes back on it."""
        connection = self._connections.get(peer.flow)
        return ("127.0.0.1", SIP_PORT) if connection is None else connection.own_end

    # --- connections ------------------------------------------------------------------------------------------

    def _opened(self, connection: _Connection, host: str) -> int:
        """Return the connection's number; 0 where there may be none."""
        standing = self._callers.standing(host)
        strangers = sum(each.is_strangers for each in self._connections.values())
        if (
            standing is Standing.NOBODY
            or len(self._connections) >= MAX_CONNECTIONS
            or (standing is Standing.STRANGER and strangers >= MAX_STRANGERS)
        ):
            return 0
        connection.is_strangers = standing is Standing.STRANGER
        self._flows += 1
        self._connections[self._flows] = connection
        return self._flows

    def _closed(self, flow: int) -> None:
        self._connections.pop(flow, None)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, Peer("udp", addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A peer's port is closed. What waits for its answer gives up in time."""


class _Connection(asyncio.BufferedProtocol):
    """It reads READ_BYTES a step, so that whoever sends a lot holds nobody up."""

    def __init__(self, sockets: SipSockets, transport: str) -> None:
        self._sockets = sockets
        self._name = transport
        self._framing = Framing()
        self._buffer = bytearray(READ_BYTES)
        self._transport: asyncio.Transport | None = None
        self.peer = Peer(transport, "", 0)
        self.own_end = ("127.0.0.1", SIP_PORT)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_strangers = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        flow = self._sockets._opened(self, host)  # noqa: SLF001 - the two are one
        if not flow:
            transport.abort()
            return
        self._transport = transport
        self.peer = Peer(self._name, host, port, flow)
        own_host, own_port = transport.get_extra_info("sockname")[:2]
        self.own_end = str(own_host), int(own_port)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over()

    def _is_over(self) -> None:
        self._transport = None
        self._sockets._closed(self.peer.flow)  # noqa: SLF001
        if not self.lost.done():
            self.lost.set_result(None)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        try:
            messages = self._framing.push(self._buffer[:nbytes])
        except RemoteProtocolError as error:
            logger.warning("sip: a connection is ended: {}", error)
            self.close()
            return
        for message in messages:
            self._sockets._receive(message, self.peer)  # noqa: SLF001

    def send(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it without waiting for a peer that does not read."""
        if self._transport is not None:
            self._transport.abort()
            self._is_over()


@lru_cache(256)
def local_address(host: str) -> str:
    """Return the address of this machine that packets to `host` leave from; nothing is sent to find out."""
    with (
        suppress(OSError),
        socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe,
    ):
        probe.connect((host, 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"
