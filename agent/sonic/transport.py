"""The connection of one Sonic stream, on the CRT loop and TLS context that all streams share.

The SDK's own transport makes a CRT thread and a TLS context for each client (10 ms and 2 MB, measured) and
leaves three traps, closed here:

* a connection that drops before the response headers is never reported: the status future stays open;
* cancelling a wait on one of awscrt's futures makes its callback thread raise InvalidStateError when the
  answer comes (amazon-transcribe-streaming-sdk #61), so waits end by closing the connection instead;
* nobody closes the connection, and nobody awaits the task that writes the request body.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Set
from contextlib import suppress
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Self

from awscrt.aio.http import AIOHttpClientConnectionUnified
from awscrt.io import ClientTlsContext, TlsContextOptions
from smithy_core.interfaces import URI
from smithy_http.aio.crt import AWSCRTHTTPClient, AWSCRTHTTPResponse, _AWSCRTEventLoop

from agent.sonic.nodelay import disable_nagle

HEADERS_GRACE_S = 0.05  # headers and the end of the stream may come in one read, in either order
KEEP_ALIVE_S, KEEP_ALIVE_PROBES = 10, 5  # a peer that vanished is noticed after a minute, not after two hours


@cache
def _event_loop() -> _AWSCRTEventLoop:
    return _AWSCRTEventLoop()


class StreamTransport(AWSCRTHTTPClient):
    """Made once for a set of authorities; `for_stream` gives each stream its own connection and shares the rest."""

    connected: asyncio.Future[None]  # TCP and TLS stand
    ended: asyncio.Future[int] | None  # the exchange is over, with AwsCrtError unless both sides finished
    _tasks: set[asyncio.Task[Any]]

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
        clone._connections = {}
        clone.connected = asyncio.get_running_loop().create_future()
        clone.ended = None
        clone._tasks = set()
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
        connection = await _follow(connecting)
        disable_nagle(port)
        if not self.connected.done():
            self.connected.set_result(None)
        return connection

    async def _await_response(self, stream: Any) -> AWSCRTHTTPResponse:
        self._watch(stream._writer)
        self.ended = _follow(stream._completion_future)
        answer = self._watch(asyncio.create_task(super()._await_response(stream)))
        either: set[asyncio.Future[Any]] = {answer, self.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({answer}, timeout=HEADERS_GRACE_S)
        if not answer.done():
            self.ended.result()
        return await answer

    def _watch[T](self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        task.add_done_callback(_retrieve)
        self._tasks.add(task)
        return task

    async def abort(self, timeout_s: float) -> None:
        """Close the connection, whatever is under way on it, and end every task that waits for it."""
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


async def _settled(futures: Set[asyncio.Future[Any]], timeout_s: float) -> bool:
    """Wait for all of them; false when some are still open after `timeout_s`."""
    if not futures:
        return True
    _, pending = await asyncio.wait(futures, timeout=timeout_s)
    return not pending


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at a failure that is reported elsewhere, so that asyncio does not log it as never seen."""
    if not future.cancelled():
        future.exception()
