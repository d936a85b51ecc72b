"""Puts a connection through to the process that holds its call, when another process of the same port accepted it.

    any connection ──▶ process 1 reads a request about call CA… ──the socket itself, and the request──▶ process 0

The connection moves, nothing is relayed: what was read is written anew and sent over a unix datagram socket together
with the file descriptor (SCM_RIGHTS), and the process that gets it goes on as if it had accepted the connection. So a
client's address, its signature, a stream of events and a call's audio pass through no other process afterwards. If the
other process cannot be reached, because it just died or is starting, the request is answered where it is: the sender
keeps its own descriptor until a receipt has come, for a process that dies leaves what was in its queue unread.

The datagram sockets are in a folder that only this user may enter.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import uvicorn
from loguru import logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carlos.http import BoundedHttp
from carlos.processes.register import Register
from common.log import error_text
from common.tasks import TaskSet
from telephony.carrier import Carrier

MAX_REQUEST_BYTES = 256 * 1024  # bytes of one request
SEND_AGAIN_S = 0.01  # between two tries while the queue of datagrams is full, which holds 10 on Linux
SEND_TRIES = 100
CALL_PATHS = ("/calls/", "/demo/calls/")
MAX_BODY_BYTES = 64 * 1024  # bytes of a request about a call
RECEIPT = b"\n"
CONNECTION = "connection"  # where a request's scope["state"] has the protocol that reads its connection


class Unreachable(Exception):
    """A process does not take a connection."""


class Gone(Unreachable):
    """The process is dead, or has not started yet."""


class MovableHttp(BoundedHttp):
    """HTTP that tells each request its connection; a WebSocket's upgrade hands that on."""

    def __init__(self, config: uvicorn.Config, server_state: Any, app_state: Mapping[str, Any], **named: Any) -> None:
        super().__init__(config, server_state, {**app_state, CONNECTION: self}, **named)
        self.arrived = False  # put through to this process, with a request that was not answered yet


class Handover:
    """One process's end: sends connections to other processes, and takes theirs."""

    def __init__(self, folder: Path, register: Register) -> None:
        self.register = register
        self.workers = [number for number in range(register.processes) if number != register.number]
        self._folder = folder
        self._adopting = TaskSet()
        self._socket: socket.socket | None = None

    def open(self, server: uvicorn.Server) -> None:
        """Take connections for `server` from now on."""
        self._server = server
        self._path.unlink(missing_ok=True)  # of a process that was here before
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._path))
        asyncio.get_running_loop().add_reader(self._socket, self._take)

    async def close(self) -> None:
        """Take the connections that were sent already, and no more."""
        if self._socket is None:
            return
        self._path.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._socket)
        self._take()
        self._socket.close()
        self._socket = None
        await self._adopting.wait()

    async def put_through(self, number: int, call_id: str, connection: MovableHttp, request: bytes) -> bool:
        """Move a connection to process `number`. Return False, with the connection as it was, where that cannot be
        done."""
        transport = connection.transport
        if transport.is_closing() or transport.get_write_buffer_size():
            return False  # the client is gone, or has not read its last answer
        transport.pause_reading()  # what comes from here on is the other process's
        try:
            await self._send(number, transport, request)
        except Unreachable as error:
            logger.warning("a connection is not put through to process {}: {!r}", number, error)
            if isinstance(error, Gone):
                self.register.disown(call_id, number)  # it goes on elsewhere
            if not transport.is_closing():
                transport.resume_reading()
            return False
        transport.abort()  # closes our descriptor only: the socket lives on in the other process
        return True

    async def ask(self, number: int, request: bytes) -> bytes:
        """Send another process a request of our own, and return its whole answer. Raise Unreachable."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        try:
            with theirs:
                await self._send(number, theirs, request)
            return await reader.read(-1)
        except OSError as error:
            raise Unreachable(error.strerror) from error
        finally:
            writer.close()

    async def _send(self, number: int, connection: asyncio.Transport | socket.socket, request: bytes) -> None:
        """Return when the other process has taken the connection. Raise Unreachable."""
        for _ in range(SEND_TRIES):
            if await self._taken(number, connection, request):
                return
            await asyncio.sleep(SEND_AGAIN_S)
        raise Unreachable("its queue stays full, or it has no descriptor to spare")

    async def _taken(self, number: int, connection: asyncio.Transport | socket.socket, request: bytes) -> bool:
        """Send the connection once. Return whether the process took it: False where the queue is full, or the process
        ended with it unread (then the next try is refused)."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                rights = _rights(connection, theirs)
                try:
                    # socket.send_fds takes an address, and ignores it (CPython 3.13).
                    sender.sendmsg([request], rights, 0, str(self._folder / str(number)))
                except BlockingIOError:
                    return False
                except (ConnectionRefusedError, FileNotFoundError) as error:
                    raise Gone(error.strerror) from error
                except OSError as error:
                    raise Unreachable(error.strerror) from error
            logger.debug("a connection is sent to process {}", number)
            ours.setblocking(False)
            return await asyncio.get_running_loop().sock_recv(ours, len(RECEIPT)) == RECEIPT

    def _take(self) -> None:
        assert self._socket is not None  # noqa: S101 - it is open
        while True:
            try:
                request, descriptors, _, _ = socket.recv_fds(self._socket, MAX_REQUEST_BYTES, 2)
            except BlockingIOError:
                return
            sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
            if len(sockets) < 2:  # the kernel drops those that this process may not open any more
                logger.error("a connection is not taken from another process: no descriptor is left for it")
                for sock in sockets:
                    sock.close()
                continue
            connection, receipt = sockets
            self._adopting.create(self._adopt(connection, receipt, request), "adoption")

    async def _adopt(self, sock: socket.socket, receipt: socket.socket, request: bytes) -> None:
        with receipt, suppress(BrokenPipeError):  # the sender may have died since; its client is ours all the same
            receipt.send(RECEIPT)
        loop, server = asyncio.get_running_loop(), self._server

        def made() -> MovableHttp:
            return MovableHttp(server.config, server.server_state, server.lifespan.state, _loop=loop)

        sock.setblocking(False)
        try:
            _, connection = await loop.connect_accepted_socket(made, sock)
        except OSError as error:
            logger.info("a connection that was put through is gone: {}", error_text(error))
            sock.close()
            return
        connection.arrived = True
        connection.data_received(request)

    @property
    def _path(self) -> Path:
        return self._folder / str(self.register.number)


class PutThrough:
    """ASGI middleware, outermost: a request about another process's call goes to that process before anything is
    checked."""

    def __init__(self, app: ASGIApp, handover: Handover, carriers: Sequence[Carrier]) -> None:
        self._app = app
        self._handover = handover
        self._carriers = carriers
        self._begins = frozenset().union(*(carrier.begins for carrier in carriers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = cast(MovableHttp | None, scope.get("state", {}).get(CONNECTION))
        if connection is None or connection.arrived:
            if connection is not None:
                connection.arrived = False  # its next request may be about any call
            await self._app(scope, receive, send)
            return
        read = Read(receive)
        call_id = await self._call_of(scope, read)
        if call_id and await self._move(call_id, scope, connection, read):
            await read.gone()
        else:
            await self._app(scope, read.again, send)

    async def _call_of(self, scope: Scope, read: Read) -> str:
        """Return the call that a request is about; empty if it is about none."""
        path = scope["path"]
        if scope["type"] == "http":
            for prefix in CALL_PATHS:
                if path.startswith(prefix):
                    return str(path.removeprefix(prefix).partition("/")[0])

        async def body() -> bytes | None:
            return bytes(read.body) if await read.whole() else None

        for carrier in self._carriers:
            if path.startswith(carrier.folder):
                return await carrier.call_id(scope, body)
        return ""

    async def _move(self, call_id: str, scope: Scope, connection: MovableHttp, read: Read) -> bool:
        """Move the connection. Return False where the request is to be answered here."""
        register = self._handover.register
        number = register.holder(call_id)
        if number is None and scope["path"] in self._begins:
            number = register.place_for(call_id)
        if number is None or number == register.number:
            return False
        if scope["type"] == "http" and not (await read.whole() and connection.scope is scope):
            return False  # more than a request about a call has; or the next request is being read already
        return await self._handover.put_through(number, call_id, connection, written(scope, bytes(read.body)))


class Read:
    """Reads the messages of a request so that they can be read a second time."""

    def __init__(self, receive: Receive) -> None:
        self.body = bytearray()
        self._receive = receive
        self._read: list[Message] = []

    async def whole(self) -> bool:
        """Read the body. Return False where it is longer than that of any request about a call, or the client left."""
        while not self._read or self._read[-1].get("more_body", False):
            message = await self._receive()
            self._read.append(message)
            self.body += message.get("body", b"")
            if message["type"] != "http.request" or len(self.body) > MAX_BODY_BYTES:
                return False
        return len(self.body) <= MAX_BODY_BYTES

    async def again(self) -> Message:
        """ASGI's receive, from the beginning."""
        return self._read.pop(0) if self._read else await self._receive()

    async def gone(self) -> None:
        """Wait until the connection has been given up: uvicorn answers for an application that returns before."""
        while not (await self._receive())["type"].endswith(".disconnect"):
            pass


def written(scope: Scope, body: bytes) -> bytes:
    """Return a request as it may have come over the wire, with its body in one piece."""
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    headers = [(name, value) for name, value in scope["headers"] if name not in (b"transfer-encoding", b"expect")]
    if body and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    lines = [b"%b %b HTTP/%b" % (scope.get("method", "GET").encode(), target, scope["http_version"].encode())]
    lines += [b"%b: %b" % (name, value) for name, value in headers]
    return b"\r\n".join([*lines, b"", body])


def _rights(connection: asyncio.Transport | socket.socket, receipt: socket.socket) -> list[tuple[int, int, bytes]]:
    """Return both descriptors as sendmsg takes them. Raise Unreachable for a connection that is closed."""
    sock = connection if isinstance(connection, socket.socket) else connection.get_extra_info("socket")
    if (descriptor := sock.fileno()) < 0:
        raise Unreachable("closed")
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("2i", descriptor, receipt.fileno()))]
