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
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Self

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
    ended: asyncio.Task[int] | None  # the exchange is over, with AwsCrtError unless both sides finished
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
        connecting = asyncio.create_task(super()._build_new_connection(url))
        _connecting.add(connecting)
        connecting.add_done_callback(_connecting.discard)
        connecting.add_done_callback(_retrieve)
        # Given up, it goes on until CRT's own time-out; a connection nobody holds is closed by CRT.
        connection = await asyncio.shield(connecting)
        disable_nagle(url.port or self._HTTPS_PORT)
        if not self.connected.done():
            self.connected.set_result(None)
        return connection

    async def _await_response(self, stream: Any) -> AWSCRTHTTPResponse:
        self._watch(stream._writer)
        self.ended = self._watch(asyncio.create_task(stream.wait_for_completion()))
        answer = self._watch(asyncio.create_task(super()._await_response(stream)))
        await asyncio.wait({answer, self.ended}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({answer}, timeout=HEADERS_GRACE_S)
        if not answer.done():
            await self.ended
        return await answer

    def _watch[T](self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        task.add_done_callback(_retrieve)
        self._tasks.add(task)
        return task

    async def abort(self, timeout_s: float) -> None:
        """Close the connection, whatever is under way on it, and end every task that waits for it."""
        self.connected.cancel()
        closing = {self._watch(asyncio.create_task(each.close())) for each in self._connections.values()}
        if self.ended is not None:
            closing.add(self.ended)
        if await _settled(closing, timeout_s):
            # Nothing answers on a closed connection, so what still waits for it may be cancelled.
            for task in self._tasks:
                task.cancel()
            await _settled(self._tasks, timeout_s)


_connecting: set[asyncio.Task[Any]] = set()


def shared_transport(ca_file: Path | None) -> StreamTransport:
    """The process's transport for these authorities; a file with other contents is another transport."""
    return _transport(ca_file.read_bytes() if ca_file is not None else None)


@cache
def _transport(ca: bytes | None) -> StreamTransport:
    return StreamTransport(ca)


async def _settled(tasks: set[asyncio.Task[Any]], timeout_s: float) -> bool:
    """Wait for all of them; false when some still run after `timeout_s`."""
    if not tasks:
        return True
    _, pending = await asyncio.wait(tasks, timeout=timeout_s)
    return not pending


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Look at a failure that is reported elsewhere, so that asyncio does not log it as never seen."""
    if not task.cancelled():
        task.exception()
