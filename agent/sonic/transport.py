"""The connection of one Sonic stream, on the CRT loop and TLS context that all streams share.

The SDK's own transport makes a CRT thread and a TLS context for each client (10 ms and 2 MB, measured) and
leaves three traps, closed here:

* a connection that drops before the response headers is never reported: the status future stays open;
* cancelling a wait on one of awscrt's futures makes its callback thread raise InvalidStateError when the
  answer comes (amazon-transcribe-streaming-sdk #61), so waits end by closing the connection instead;
* nobody closes the connection, and nobody awaits the task that writes the request body.

And it is spared a detour: the SDK passes each chunk of a body through a queue with a lock, a generator and two
threads' hand-shakes. `write` gives it to CRT at once, and `chunk` takes what CRT has read; the SDK still makes and
signs the request, and reads the answer's head.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, Set
from contextlib import suppress
from copy import copy
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import _awscrt  # type: ignore[import-not-found] # awscrt's own C functions
from awscrt.aio.http import AIOHttpClientConnectionUnified
from awscrt.exceptions import from_code
from awscrt.io import ClientTlsContext, InputStream, TlsContextOptions
from smithy_core.interfaces import URI
from smithy_http.aio.crt import AWSCRTHTTPClient, AWSCRTHTTPResponse, _AWSCRTEventLoop

from agent.sonic.nodelay import disable_nagle

MOST_WAITING = 16  # pieces of a body that CRT may have been given and not written: 320 ms of audio
HEADERS_GRACE_S = 0.05  # headers and the end of the stream may come in one read, in either order
KEEP_ALIVE_S, KEEP_ALIVE_PROBES = 10, 5  # a peer that vanished is noticed after a minute, not after two hours


@cache
def _event_loop() -> _AWSCRTEventLoop:
    return _AWSCRTEventLoop()


class NotConnected(Exception):
    """There is no connection, and none was tried."""


class StreamTransport(AWSCRTHTTPClient):
    """Made once for a set of authorities; `for_stream` gives each stream its own connection and shares the rest."""

    signature: str  # of the request, hexadecimal: the chunks' signatures go on from it
    connected: asyncio.Future[None]  # TCP and TLS stand, the request is out: `write` may be called
    ended: asyncio.Future[int] | None  # the exchange is over, with AwsCrtError unless both sides finished
    _stream: Any  # CRT's
    _finished: asyncio.Future[None]  # nothing more will be written
    _given: int  # pieces of the body that CRT got, counted by our thread
    _taken: int  # and those it has written, counted by CRT's
    _write_error: int  # CRT's code, 0 for none
    _room: asyncio.Future[None] | None
    _tasks: set[asyncio.Task[Any]]
    _aborted: bool

    def __init__(self, ca: bytes | None = None) -> None:
        """`ca` is the PEM of the only authorities to trust; None trusts the system's."""
        super().__init__(eventloop=_event_loop())
        options = TlsContextOptions()
        if ca is not None:
            options.override_default_trust_store(ca)
        self._tls_ctx = ClientTlsContext(options)
        self._socket_options.keep_alive = True
        self._socket_options.keep_alive_timeout_secs = KEEP_ALIVE_S
        self._socket_options.keep_alive_interval_secs = KEEP_ALIVE_S
        self._socket_options.keep_alive_max_probes = KEEP_ALIVE_PROBES

    def for_stream(self) -> Self:
        """A transport for one request; call it inside the event loop that will use it."""
        clone = copy(self)
        loop = asyncio.get_running_loop()
        clone._connections = {}
        clone.signature = ""
        clone.connected = loop.create_future()
        clone.ended = clone._stream = clone._room = None
        clone._finished = loop.create_future()
        clone._given = clone._taken = clone._write_error = 0
        clone._tasks = set()
        clone._aborted = False
        return clone

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # The SDK copies its Config for every call; the copy must keep the CA and be the one we can close.
        return self

    async def _build_new_connection(self, url: URI) -> Any:
        port = url.port or self._HTTPS_PORT
        tls = self._tls_ctx.new_connection_options()
        tls.set_server_name(url.host)
        tls.set_alpn_list(["h2"])
        connecting = AIOHttpClientConnectionUnified._generic_new(
            url.host, port, self._client_bootstrap, self._socket_options, tls, asyncio_connection=True
        )
        # A handshake that fails is held back by s2n for 10 to 30 s; one given up is closed by CRT unheld.
        try:
            connection = await _follow(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_close_unwanted)
            raise
        if self._aborted:  # in the meantime: nobody will close it but us
            _close_unwanted(connecting)
            raise asyncio.CancelledError
        disable_nagle(port)
        return connection

    async def send(self, request: Any, *, request_config: Any = None) -> AWSCRTHTTPResponse:
        self.signature = request.fields["authorization"].as_string().rpartition("Signature=")[2]
        return await super().send(request, request_config=request_config)

    async def _create_body_generator(self, body: object) -> AsyncGenerator[bytes, None]:
        """CRT ends the body when this ends; nothing comes this way."""
        await asyncio.shield(self._finished)
        return
        yield b""

    async def _await_response(self, stream: Any) -> AWSCRTHTTPResponse:
        self._stream = stream
        if not self.connected.done():
            self.connected.set_result(None)
        self._watch(stream._writer)
        self.ended = _follow(stream._completion_future)
        answer = self._watch(asyncio.create_task(super()._await_response(stream)))
        either: set[asyncio.Future[Any]] = {answer, self.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({answer}, timeout=HEADERS_GRACE_S)
        if not answer.done():
            self.ended.result()
        return await answer

    def write(self, data: bytes) -> bool:
        """Give CRT a piece of the body; pieces are written in order. False while too many wait: see `room`.

        Raises AwsCrtError once a piece could not be written.
        """
        if self._write_error:
            raise from_code(self._write_error)
        self._given += 1
        _awscrt.http2_client_stream_write_data(self._stream, InputStream.wrap(BytesIO(data)), False, self._on_written)
        return self._given - self._taken < MOST_WAITING

    async def room(self) -> None:
        """Wait until CRT has written some of what it was given, or failed to."""
        loop = asyncio.get_running_loop()
        while self._given - self._taken >= MOST_WAITING:
            self._room = loop.create_future()
            if self._given - self._taken >= MOST_WAITING:  # it may have written one before it could see the future
                await self._room

    def _on_written(self, error_code: int) -> None:
        """On CRT's thread."""
        self._write_error = self._write_error or error_code
        self._taken += 1
        room = self._room
        if room is not None:
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                room.get_loop().call_soon_threadsafe(_settle, room)

    def finish(self) -> None:
        """Nothing more will be written: the body ends when all of it is out."""
        if not self._finished.done():
            self._finished.set_result(None)

    async def chunk(self) -> bytes:
        """What CRT has read of the answer's body; b"" at its end. Must not be cancelled."""
        data: bytes = await self._stream.get_next_response_chunk()
        return data

    def _watch[T](self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        task.add_done_callback(_retrieve)
        self._tasks.add(task)
        return task

    async def abort(self, timeout_s: float) -> None:
        """Close the connection, whatever is under way on it, and end every task that waits for it."""
        self._aborted = True
        self.connected.cancel()
        over: set[asyncio.Future[Any]] = {
            self._watch(asyncio.create_task(connection.close())) for connection in self._connections.values()
        }
        if self.ended is not None:
            over.add(self.ended)
        if await _settled(over, timeout_s):
            # Nothing answers on a closed connection, so what still waits for it may be cancelled.
            for task in self._tasks:
                task.cancel()
            await _settled(self._tasks, timeout_s)


class Unconnected(StreamTransport):
    """Takes a request as far as its connection."""

    async def _build_new_connection(self, url: URI) -> Any:
        raise NotConnected


def shared_transport(ca_file: Path | None) -> StreamTransport:
    """The process's transport for these authorities; a file with other contents is another transport."""
    return _transport(ca_file.read_bytes() if ca_file is not None else None)


@cache
def _transport(ca: bytes | None) -> StreamTransport:
    return StreamTransport(ca)


def _follow[T](future: concurrent.futures.Future[T]) -> asyncio.Future[T]:
    """A CRT future inside this loop. Unlike asyncio.wrap_future's, its cancellation does not reach CRT's."""
    loop = asyncio.get_running_loop()
    followed: asyncio.Future[T] = loop.create_future()
    followed.add_done_callback(_retrieve)

    def settle() -> None:
        if followed.done():
            return
        if (error := future.exception()) is not None:
            followed.set_exception(error)
        else:
            followed.set_result(future.result())

    def done(_: concurrent.futures.Future[T]) -> None:
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(settle)

    future.add_done_callback(done)
    return followed


def _close_unwanted(connecting: concurrent.futures.Future[Any]) -> None:
    """On any thread. CRT keeps a connection until it is closed or its Python object is collected."""
    if connecting.exception() is None:
        _awscrt.http_connection_close(connecting.result()._binding)


async def _settled(futures: Set[asyncio.Future[Any]], timeout_s: float) -> bool:
    """Wait for all of them; false when some are still open after `timeout_s`."""
    if not futures:
        return True
    _, pending = await asyncio.wait(futures, timeout=timeout_s)
    return not pending


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at a failure that is reported elsewhere, so that asyncio does not log it as never seen."""
    if not future.cancelled():
        future.exception()
