"""One bidirectional media stream: the I/O around `telephony.twilio.media_stream_peer`.

Twilio opens the socket with a signed upgrade, sends `connected`, `start`, and then 20 ms of caller audio on
an absolute clock, silence included, until the call leaves `<Connect>`. What the server sends goes into the
call's playout buffer; marks come back when they have been heard, and on `clear`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from sandbox.twilio.account import Account, Route
from sandbox.twilio.clock import SAMPLE_RATE, Clock, sample_at
from sandbox.twilio.errors import Code, StreamFault, why
from sandbox.twilio.playout import SILENCE, Playout
from telephony.twilio.media_stream import State
from telephony.twilio.media_stream_peer import (
    Clear,
    MediaStreamPeer,
    PeerEvent,
    Play,
    SetMark,
    StreamWarning,
)

FRAME_MS = 20
FRAME = SAMPLE_RATE * FRAME_MS // 1000  # bytes of mu-law
SILENT_FRAME = bytes([SILENCE]) * FRAME
FIRST_TIMESTAMP_MS = 5  # the documentation's example starts at 5: no multiple of a frame may be assumed
OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
SEND_BUFFER = 64 * 1024  # bytes the server may leave unread before its caller's audio is dropped (31930)


@dataclass(frozen=True, slots=True)
class Act:
    """What the caller does in one frame: the sound he makes, and perhaps a key or the end of the call."""

    sound: bytes = SILENT_FRAME
    digit: str = ""
    hang_up: bool = False


class Caller(Protocol):
    def listen(self, heard: bytes) -> Act:
        """Hear the last frame of the line (160 bytes of mu-law) and act in the next one."""
        ...


@runtime_checkable
class AttentiveCaller(Caller, Protocol):
    """One who is also told that marks went back to the server, after he heard the sound before them."""

    def marked(self) -> None: ...


class StreamEnd(Enum):
    SERVER_CLOSED = auto()  # in order, with a close frame
    SERVER_LOST = auto()  # the socket broke
    CALLER_HUNG_UP = auto()


@dataclass(slots=True)
class Timeline:
    """Both sides of a call on its clock, 8 kHz mu-law: what the caller sent, and what he heard."""

    clock: Clock
    playout: Playout
    sent: bytearray
    first_start: int | None = None  # the sample at which the first `start` was sent

    def position(self) -> int:
        return sample_at(self.clock.now())

    def record(self, sound: bytes, position: int) -> None:
        self.sent += bytes([SILENCE]) * (position - len(self.sent))
        self.sent += sound


async def open_socket(url: str, account: Account, route: Route) -> ClientConnection:
    """Open the socket as Twilio does: signed, no Origin, no extension. Raises StreamFault 319xx."""
    target, host = route.reach(url)
    address = urlsplit(target)
    try:
        return await connect(
            urlunsplit(("ws", host, address.path, "", "")),
            host=address.hostname,
            port=address.port or 80,
            proxy=None,
            compression=None,
            user_agent_header="Twilio.TmeWs/1.0",
            additional_headers={"X-Twilio-Signature": account.sign(url), "Accept-Encoding": "gzip"},
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            write_limit=4 * SEND_BUFFER,
        )
    except InvalidStatus as error:
        raise StreamFault(Code.HANDSHAKE_FAILED, f"{url} answered {error.response.status_code}") from error
    except (InvalidHandshake, WebSocketException) as error:
        raise StreamFault(Code.WEBSOCKET_PROTOCOL, f"{url}: {error}") from error
    except TimeoutError as error:
        raise StreamFault(Code.CONNECT_TIMEOUT, url) from error
    except OSError as error:
        raise StreamFault(Code.CONNECTION_REFUSED, f"{url}: {why(error)}") from error


class MediaSession:
    """One stream from `connected` to its end. `run` may be cancelled: the stream then ends with `stop`."""

    def __init__(
        self,
        peer: MediaStreamPeer,
        socket: ClientConnection,
        timeline: Timeline,
        caller: Caller,
        warn: Callable[[int, str], None],
    ) -> None:
        self._peer = peer
        self._socket = socket
        self._timeline = timeline
        self._playout = timeline.playout
        self._caller = caller
        self._warn = warn
        self._overflowed = False
        self._marked = False  # since the caller last listened

    async def run(self) -> StreamEnd:
        """Stream until the server closes or the caller hangs up."""
        tasks = {asyncio.create_task(self._listen()), asyncio.create_task(self._talk())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._playout.advance(self._timeline.position())
            self._playout.clear()
            await self._stop()

    async def _stop(self) -> None:
        with suppress(ConnectionClosed):
            if self._peer.state is State.STREAMING:
                await self._socket.send(self._peer.stop())
        await self._socket.close()

    # The caller's side.

    async def _talk(self) -> StreamEnd:
        try:
            await self._socket.send(self._peer.connected())
            await self._socket.send(self._peer.start())
            return await self._stream()
        except ConnectionClosed as closed:
            return end_of(closed)

    async def _stream(self) -> StreamEnd:
        timeline = self._timeline
        started = max(timeline.position(), len(timeline.sent))
        timeline.first_start = started if timeline.first_start is None else timeline.first_start
        for frame in count():
            position = started + frame * FRAME
            await timeline.clock.sleep_until(position / SAMPLE_RATE)
            act = await self._hear(position)
            if act.hang_up:
                return StreamEnd.CALLER_HUNG_UP
            await self._say(act, position, FIRST_TIMESTAMP_MS + frame * FRAME_MS)
        raise AssertionError("count() is endless")

    async def _hear(self, position: int) -> Act:
        await self._return(self._playout.advance(position))
        marked, self._marked = self._marked, False
        act = self._caller.listen(bytes(self._playout.heard[max(0, position - FRAME) : position]))
        if marked and isinstance(self._caller, AttentiveCaller):
            self._caller.marked()
        return act

    async def _say(self, act: Act, position: int, timestamp_ms: int) -> None:
        self._timeline.record(act.sound, position)
        if act.digit:
            await self._socket.send(self._peer.dtmf(act.digit))
        if self._socket.transport.get_write_buffer_size() > SEND_BUFFER:
            self._overflow()
        else:
            await self._socket.send(self._peer.media(act.sound, timestamp_ms))

    def _overflow(self) -> None:
        if not self._overflowed:
            self._overflowed = True
            self._warn(Code.BUFFER_OVERFLOW, "the server reads too slowly: caller audio is dropped")

    # The server's side.

    async def _listen(self) -> StreamEnd:
        try:
            while True:
                event = self._peer.receive(await self._socket.recv())
                await self._return(self._playout.advance(self._timeline.position()))
                await self._apply(event)
        except ConnectionClosed as closed:
            return end_of(closed)

    async def _apply(self, event: PeerEvent | None) -> None:
        match event:
            case Play(audio):
                self._playout.add(audio)
            case SetMark(name):
                await self._return(self._playout.mark(name))
            case Clear():
                await self._return(self._playout.clear())
            case StreamWarning(code, reason):
                self._warn(code, reason)

    async def _return(self, marks: list[str]) -> None:
        for name in marks:
            self._marked = True
            await self._socket.send(self._peer.mark_returned(name))


def end_of(closed: ConnectionClosed) -> StreamEnd:
    return StreamEnd.SERVER_CLOSED if closed.rcvd is not None else StreamEnd.SERVER_LOST
