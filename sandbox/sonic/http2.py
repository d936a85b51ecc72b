"""HTTP/2 on asyncio with nothing hidden: the faults need resets, GOAWAY, aborts and stalls on demand.

One `Http2Connection` a socket, one `HttpStream` a request. `accept` is called as the request's headers are
read, because its first DATA often comes in the same read; it returns the handler of the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

STREAM_WINDOW = 1024 * 1024
CONNECTION_WINDOW = 16 * 1024 * 1024
FLUSH_S = 0.02  # time for written bytes to leave before a socket is aborted


class Handler(Protocol):
    def data(self, data: bytes) -> None: ...

    def end(self) -> None:
        """The client sent END_STREAM."""

    def lost(self) -> None:
        """The stream was reset, or its connection dropped. Called once, also after the server's own end."""


class HttpStream:
    """One request and its answer. After the stream is gone every method is without effect."""

    def __init__(self, connection: Http2Connection, stream_id: int, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.handler: Handler | None = None
        self._connection = connection
        self._id = stream_id
        self._buffer = bytearray()
        self._ending = False
        self._gone = False

    @property
    def gone(self) -> bool:
        """Nothing can be sent on it any more: it was reset, or its connection has said goodbye."""
        return self._gone or self._connection.ended(self._id)

    @gone.setter
    def gone(self, gone: bool) -> None:
        self._gone = gone

    def respond(self, status: int, headers: Mapping[str, str]) -> None:
        if not self.gone:
            fields = [(":status", str(status)), *headers.items()]
            self._connection.h2.send_headers(self._id, fields)
            self._connection.flush()

    def write(self, data: bytes) -> None:
        if not self.gone and not self._ending:
            self._buffer += data
            self.pump()
            self._connection.flush()

    def end(self) -> None:
        """END_STREAM once everything written is out."""
        if not self.gone and not self._ending:
            self._ending = True
            self.pump()
            self._connection.flush()

    def reset(self, code: ErrorCodes = ErrorCodes.INTERNAL_ERROR) -> None:
        if not self.gone:
            self._connection.h2.reset_stream(self._id, code)
            self._connection.flush()
            self._connection.forget(self._id)

    def go_away(self) -> None:
        self._connection.go_away()

    def drop(self) -> None:
        """Abort the socket, after what was written is out."""
        self._connection.drop()

    def stop_reading(self) -> None:
        """Take the client's window away: it may not send another byte on this connection's streams."""
        self._connection.close_windows()

    def freeze(self) -> None:
        """Let the whole connection die without a word."""
        self._connection.freeze()

    def pump(self) -> None:
        """Write as much as the windows allow."""
        h2 = self._connection.h2
        if self.gone:
            return
        while self._buffer and (room := self._room()):
            h2.send_data(self._id, bytes(self._buffer[:room]))
            del self._buffer[:room]
        if self._ending and not self._buffer and not self.gone:
            h2.end_stream(self._id)
            self._connection.finish(self._id)

    def _room(self) -> int:
        h2 = self._connection.h2
        return min(h2.local_flow_control_window(self._id), h2.max_outbound_frame_size, len(self._buffer))


class Http2Connection(asyncio.Protocol):
    def __init__(self, accept: Callable[[HttpStream], Handler], connections: set[Http2Connection]) -> None:
        self._accept = accept
        self._connections = connections
        self._streams: dict[int, HttpStream] = {}
        self._transport: asyncio.Transport | None = None
        self._acknowledging = True
        self._frozen = False
        self._reset: set[int | None] = set()  # streams, in the read that is being handled
        self.h2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="utf-8",
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )

    def ended(self, stream_id: int) -> bool:
        """Whether the client has ended the connection, or reset the stream in what is being read."""
        return stream_id in self._reset or self.h2.state_machine.state is ConnectionState.CLOSED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self.h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_CONCURRENT_STREAMS: 100,
            },
        )
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(CONNECTION_WINDOW)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        for stream_id in list(self._streams):
            self.forget(stream_id)

    def data_received(self, data: bytes) -> None:
        if self._frozen:
            return
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            self.flush()
            self.drop()
            return
        # h2 has taken all of them in already: nothing can be sent any more on a stream that one of them resets.
        self._reset = {event.stream_id for event in events if isinstance(event, StreamReset)}
        for event in events:
            self._handle(event)
        self.flush()

    def _handle(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream_id), headers=headers):
                self._open(stream_id, cast(list[tuple[str, str]], headers or []))
            case DataReceived():
                self._take(event)
            case StreamEnded(stream_id=stream_id):
                if (stream := self._streams.get(stream_id or 0)) and stream.handler:
                    stream.handler.end()
            case StreamReset(stream_id=stream_id):
                self.forget(stream_id or 0)
            case WindowUpdated() | RemoteSettingsChanged():
                self._pump_all()
            case ConnectionTerminated():
                self.close()
            case _:
                pass

    def _open(self, stream_id: int, headers: list[tuple[str, str]]) -> None:
        stream = HttpStream(self, stream_id, dict(headers))
        self._streams[stream_id] = stream
        stream.handler = self._accept(stream)

    def _take(self, event: DataReceived) -> None:
        stream_id = event.stream_id or 0
        if self._acknowledging:
            # Also for streams that are gone, or the connection's window leaks away.
            self.h2.acknowledge_received_data(event.flow_controlled_length or 0, stream_id)
        stream = self._streams.get(stream_id)
        if stream is not None and stream.handler is not None:
            stream.handler.data(event.data or b"")

    def _pump_all(self) -> None:
        for stream in list(self._streams.values()):
            stream.pump()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data and not self._frozen and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self, stream_id: int) -> None:
        """Our side is done; the client's body no longer matters."""
        self.forget(stream_id)

    def forget(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            stream.gone = True
            if stream.handler is not None:
                stream.handler.lost()

    def go_away(self) -> None:
        self.h2.close_connection(ErrorCodes.NO_ERROR)
        self.close()

    def close(self) -> None:
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        if self._transport is not None:
            asyncio.get_running_loop().call_later(FLUSH_S, self._transport.abort)

    def freeze(self) -> None:
        """Send nothing more and drop what arrives; only `drop`, or the client's hang-up, ends the connection."""
        self._frozen = True

    def close_windows(self) -> None:
        self._acknowledging = False
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        self.flush()
