"""uvicorn's WebSocket protocol with a short way in for what a call is made of: whole text messages in one frame.

Fifty of them a second come in on each call. In uvicorn each takes the way of `websockets`' general parser, and pauses
and resumes reading (`make bench-paths`). Everything else - handshake, fragments, binary, pings, close, breaches - goes
the long way, frame by frame, so that nothing is decided here that RFC 6455 leaves to a parser.

A peer that takes nothing, or does not go, is cut off: asyncio waits for ever to flush to a socket that is closed, and
the application is told nothing meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

from loguru import logger
from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.protocol import State

from carlos.cutoff import CutOff
from telephony.rate_guards import Bucket

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this machine
    from websockets.utils import apply_mask

TEXT = 0x81  # FIN and the text opcode: a message in one frame, no extension
MASKED, LENGTH = 0x80, 0x7F
MOST_WAITING = 64  # messages that the application has not taken; no more is read then,
MOST_CHARACTERS = 256 * 1024  # nor beyond so many in them
MOST_AT_ONCE = 1024  # messages in what was read already, 256 KiB; a client's own are not so short
FRAMES_PER_S = 400  # that go the long way, pings, fragments, binary, or come after our close,
FRAMES_BURST = 500  # 20 us each; a peer that sends more is cut off
TURN_MESSAGES = 8  # that the application takes before everybody else has had a turn,
TURN_CHARACTERS = 64 * 1024  # or so many characters: about 5 ms
STALLED_S = 10.0  # without taking what waits to be sent
CLOSE_S = 12.0  # after the application's end: uvicorn gives the closing handshake 10


class FastWebSocket(WebSocketsSansIOProtocol):
    """Give it to `uvicorn.Config(ws=...)`; it expects no `ws_per_message_deflate`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread = bytearray()
        self._longest = self.config.ws_max_size or sys.maxsize
        self._characters = 0  # in messages since the application last had them all
        self._frames = Bucket(FRAMES_PER_S, FRAMES_BURST)
        self._turn = _Turn()
        self._cut_off = CutOff(self.loop)

    def data_received(self, data: bytes) -> None:
        unread = self._unread
        unread += data
        while unread and not self.transport.is_closing():
            if self.queue.qsize() >= MOST_AT_ONCE:
                self.transport.abort()
                return
            begin, end = _payload(unread)
            if not (self.conn.state is State.OPEN or self.close_sent) or end - begin > self._longest:
                whole, unread[:] = bytes(unread), b""  # the parser's to answer, and to refuse
                super().data_received(whole)
                return
            if not begin or len(unread) < end:
                return
            frame = bytes(unread[:end])
            del unread[:end]
            swift = frame[0] == TEXT and bool(frame[1] & MASKED)
            if swift and not (self.frames or self.close_sent) and self._take_text(frame, begin):
                continue
            if self._frames.push(1, self.loop.time()):
                self.transport.abort()
                return
            if not (swift and self.close_sent):  # what is still said to a socket that we have closed is for nobody
                super().data_received(frame)

    def _take_text(self, frame: bytes, begin: int) -> bool:
        """Queue a message; False for one that is no UTF-8."""
        try:
            text = apply_mask(frame[begin:], frame[begin - 4 : begin]).decode()
        except UnicodeDecodeError:
            return False
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        self._characters += len(text)
        full = self.queue.qsize() >= MOST_WAITING or self._characters >= MOST_CHARACTERS
        if full and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
        return True

    def send_receive_event_to_app(self) -> None:
        """Close with 1007 for text that is no UTF-8 (RFC 6455, 8.1), the peer's breach. uvicorn's own logs it as
        an error of the server's, with a traceback."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            logger.info("a WebSocket's text is no UTF-8: closed with 1007")
            self.conn.send_close(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    async def receive(self) -> ASGIReceiveEvent:
        if self.queue.empty():
            self._turn = _Turn()  # waiting is everybody else's turn
        elif self._turn.over:
            self._turn = _Turn()
            await asyncio.sleep(0)
        message = await super().receive()  # resumes reading, which the long way may have paused meanwhile
        self._turn.took(message)
        if self.queue.empty():
            self._characters = 0
        return message

    # Peers that take nothing.

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cut_off.after(STALLED_S, self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cut_off.never()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.disconnected:
            self._cut_off.after(CLOSE_S, self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut_off.never()
        super().connection_lost(exc)


class _Turn:
    """What the application has taken in one go: a queue that has something makes nobody wait."""

    def __init__(self) -> None:
        self._messages = self._characters = 0

    @property
    def over(self) -> bool:
        return self._messages >= TURN_MESSAGES or self._characters >= TURN_CHARACTERS

    def took(self, message: ASGIReceiveEvent) -> None:
        self._messages += 1
        self._characters += len(cast(str | None, message.get("text")) or "")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _payload(unread: bytearray) -> tuple[int, int]:
    """Where a frame's payload begins and ends; zeros while that cannot be told."""
    if len(unread) < 2:
        return 0, 0
    length, begin = unread[1] & LENGTH, 2
    if length >= 126:
        begin = 4 if length == 126 else 10
        if len(unread) < begin:
            return 0, 0
        length = int.from_bytes(unread[2:begin])
    begin += 4 if unread[1] & MASKED else 0
    return begin, begin + length
