"""`python -m bench.instant`: a Sonic that thinks for no time at all, and carries more streams than any server.

It answers the first loud sample of a burst, or an interactive text, in the same turn of its loop, and checks nothing:
the strict stand-in in `sandbox` is for tests. An answer comes as the real one does, four times as fast as it is
spoken, in pieces of 80 ms (as recorded live by a third party).

    mode      what a burst brings
    answer    an answer of `answer_s`
    barge     an answer of `answer_s`, and its interruption first where one is being said
    tool      a toolUse; its result is timed, and answered with nothing
    words     its words, when it is over: nobody waits for the last ones of a caller who hangs up
    listen    nothing
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import struct
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

import uvloop

from agent.sonic.events import (
    INTERRUPTED_TEXT,
    AudioOutput,
    CompletionStart,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolUse,
)
from bench.child import commands, say
from bench.http2 import Connection, Exchange
from bench.speech import loud, speech
from sandbox.sonic.certificates import make_certificates
from sandbox.sonic.eventstream import encode_frame
from sandbox.sonic.writing import JSON_HEADERS, Envelope, encode_service_event

OUTPUT_RATE = 24_000
PIECE_S = 0.08  # of audio in one event
AHEAD_S = 0.2  # sent at once, and again every TICK_S
TICK_S = 0.05
QUIET_S = 0.1  # of silence, and the next loud sample begins another burst
GREETING_S = 0.5
THINK_S = 1.0  # from an interruption to the answer to it: what comes before it on the line is of the old one
TOOL = ("consultarOrder", json.dumps({"orderId": "1", "dni": "28456789"}))
_ENVELOPE = Envelope("session", "prompt", "completion")


@dataclass(slots=True)
class Told:
    """What the whole process is told to do, and what it has seen since it was last asked."""

    mode: str = "answer"
    answer_s: float = 2.0
    greeting_s: float = GREETING_S
    keep: bool = False  # all audio that is heard
    seen: dict[str, list[Any]] = field(default_factory=dict)

    def note(self, what: str, value: Any) -> None:
        self.seen.setdefault(what, []).append(value)

    def report(self) -> dict[str, list[Any]]:
        seen, self.seen = self.seen, {}
        return seen


class Stream:
    """One conversation: the request's frames in, frames of an answer out."""

    def __init__(self, exchange: Exchange, told: Told, active: set[Stream]) -> None:
        self._exchange = exchange
        self._told = told
        self._active = active
        self._buffer = bytearray()
        self._responded = False
        self._quiet_s = QUIET_S
        self._interactive = False
        self._answers = 0
        self._left: list[bytes] = []  # what is still to be sent of an answer
        self._closing = b""
        self._interruptible = False
        self._thinking: asyncio.TimerHandle | None = None
        self._burst: bytearray | None = None
        self._kept: bytearray = bytearray()
        self._asked_at = 0.0
        self._spoken_to = self._over = False
        told.note("opened", monotonic())

    # Frames.

    def data(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 12:
            total, headers = struct.unpack_from(">II", buffer)
            if len(buffer) < total:
                return
            payload = bytes(buffer[12 + headers : total - 4])
            del buffer[:total]
            if payload:
                self._event(payload)
            else:
                self._exchange.finish()

    def _event(self, frame: bytes) -> None:
        (headers,) = struct.unpack_from(">I", frame, 4)
        event = json.loads(a2b_base64(json.loads(frame[12 + headers : -4])["bytes"]))["event"]
        if not self._responded:
            self._responded = True
            self._exchange.respond()
        if (audio := event.get("audioInput")) is not None:
            self._hear(a2b_base64(audio["content"]))
        elif (start := event.get("contentStart")) is not None:
            self._interactive = start.get("type") == "TEXT" and bool(start.get("interactive"))
        elif "textInput" in event and self._interactive:
            self._speak(self._told.greeting_s)
        elif "toolResult" in event:
            self._told.note("tool_ms", 1000 * (monotonic() - self._asked_at))
        elif "sessionEnd" in event:
            self._told.note("session_end", monotonic())

    def end(self) -> None:
        self._over = True
        self._active.discard(self)
        if self._thinking is not None:
            self._thinking.cancel()
        self._left.clear()
        self._exchange.waiting.clear()
        self._end_burst()
        self._exchange.finish()
        self._told.note("ended", monotonic())
        if self._kept:
            self._told.note("kept", b64encode(self._kept).decode())

    # Hearing.

    def _hear(self, pcm: bytes) -> None:
        if self._told.keep:
            self._kept += pcm
        if not loud(pcm):
            self._quiet_s += len(pcm) / 32_000
            if self._burst is not None:
                self._burst += pcm
                if self._quiet_s >= QUIET_S:
                    self._end_burst()
            return
        if not self._spoken_to:
            self._spoken_to = True
            self._told.note("first_audio", monotonic())
        begins, self._quiet_s = self._quiet_s >= QUIET_S, 0.0
        if begins:
            self._burst = bytearray()
            self._on_burst()
        if self._burst is not None:
            self._burst += pcm

    def _end_burst(self) -> None:
        if self._burst:
            self._told.note("bursts", b64encode(self._burst).decode())
            if self._told.mode == "words" and not self._over:
                self._answers += 1
                self._exchange.write(words(self._answers))
        self._burst = None

    def _on_burst(self) -> None:
        mode = self._told.mode
        if mode == "barge" and self._interruptible:
            self._interrupt()
            self._thinking = asyncio.get_running_loop().call_later(THINK_S, self._speak, self._told.answer_s)
        elif mode in ("answer", "barge"):
            self._speak(self._told.answer_s)
            self._interruptible = mode == "barge"
        elif mode == "tool":
            self._use_tool()

    # Speaking.

    def _speak(self, seconds: float) -> None:
        self._answers += 1
        opening, pieces, self._closing = answer(self._answers, seconds)
        self._left = list(pieces)
        self._exchange.write(opening)
        self.tick()
        self._active.add(self)

    def tick(self) -> None:
        """Send the next part of an answer."""
        count = max(1, round(AHEAD_S / PIECE_S))
        part, self._left = self._left[:count], self._left[count:]
        self._exchange.write(b"".join(part) + (b"" if self._left else self._closing))
        if not self._left:
            self._active.discard(self)

    def _interrupt(self) -> None:
        self._active.discard(self)
        self._left = []
        self._told.note("interrupted", monotonic())
        self._exchange.write(interruption(self._answers))

    def _use_tool(self) -> None:
        self._answers += 1
        block = f"t{self._answers}"
        self._asked_at = monotonic()
        self._exchange.write(
            _frames(
                ContentStarted(block, ContentType.TOOL, Role.TOOL),
                ToolUse(block, f"use-{id(self)}-{self._answers}", *TOOL),
                ContentEnded(block, ContentType.TOOL, StopReason.TOOL_USE),
            )
        )


@lru_cache(maxsize=4096)
def answer(number: int, seconds: float) -> tuple[bytes, tuple[bytes, ...], bytes]:
    """The frames of a stream's n-th answer: its opening, its audio piece by piece, its end."""
    audio, size = f"a{number}", int(PIECE_S * OUTPUT_RATE) * 2
    pcm = speech(seconds, OUTPUT_RATE)
    opening: list[ServiceEvent] = [CompletionStart()] if number == 1 else []
    opening += _text(f"h{number}", Role.USER, Stage.FINAL, "¿Está?", StopReason.PARTIAL_TURN)
    opening += _text(f"p{number}", Role.ASSISTANT, Stage.SPECULATIVE, "Sí, acá estoy.", StopReason.PARTIAL_TURN)
    opening.append(ContentStarted(audio, ContentType.AUDIO, Role.ASSISTANT))
    pieces = tuple(_frames(AudioOutput(audio, pcm[at : at + size])) for at in range(0, len(pcm), size))
    closing: list[ServiceEvent] = [ContentEnded(audio, ContentType.AUDIO, StopReason.END_TURN)]
    closing += _text(f"f{number}", Role.ASSISTANT, Stage.FINAL, "Sí, acá estoy.", StopReason.END_TURN)
    return _frames(*opening), pieces, _frames(*closing)


@lru_cache(maxsize=4096)
def words(number: int) -> bytes:
    """What the caller said, and no answer to it."""
    return _frames(*_text(f"h{number}", Role.USER, Stage.FINAL, "¿Está?", StopReason.PARTIAL_TURN))


@lru_cache(maxsize=4096)
def interruption(number: int) -> bytes:
    """The end of an answer that the caller cut off."""
    told = StopReason.INTERRUPTED
    return _frames(
        ContentEnded(f"a{number}", ContentType.AUDIO, told),
        *_text(f"i{number}", Role.ASSISTANT, Stage.FINAL, INTERRUPTED_TEXT, told),
    )


def _text(block: str, role: Role, stage: Stage, text: str, stop: StopReason) -> list[ServiceEvent]:
    return [
        ContentStarted(block, ContentType.TEXT, role, stage),
        TextOutput(block, role, text),
        ContentEnded(block, ContentType.TEXT, stop),
    ]


def _frames(*events: ServiceEvent) -> bytes:
    return b"".join(_frame(encode_service_event(event, _ENVELOPE)) for event in events)


def _frame(event: bytes) -> bytes:
    return encode_frame(JSON_HEADERS, b'{"bytes":"' + b64encode(event) + b'"}')


# The process.


async def serve(home: Path, port: int) -> None:
    """Listen, say where, and do as told until standard input ends. Several may share a port that is not 0, if they
    begin one after another: the first makes the certificates."""
    told, active = Told(), set[Stream]()
    ca_file, tls = _certificates(home)
    _warm_up(told)
    server = await _listen(tls, lambda exchange: Stream(exchange, told, active), port)
    ticking = asyncio.create_task(_tick(active))
    say({"endpoint": f"https://localhost:{server.sockets[0].getsockname()[1]}", "ca_file": str(ca_file)})
    async for command in commands():
        match command:
            case {"do": "report"}:
                say(told.report())
            case {"do": "be", **how}:
                for name, value in how.items():
                    setattr(told, str(name), value)
                _warm_up(told)
                say(True)
    ticking.cancel()
    server.close()


def _warm_up(told: Told) -> None:
    """No answer is made while somebody waits for it."""
    answer(1, told.greeting_s)
    for number in range(1, 30):
        answer(number, told.answer_s)


def _certificates(home: Path) -> tuple[Path, ssl.SSLContext]:
    if not (home / "leaf.key").exists():
        return make_certificates(home)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(home / "leaf.pem", home / "leaf.key")
    tls.set_alpn_protocols(["h2"])
    return home / "ca.pem", tls


async def _listen(tls: ssl.SSLContext, accept: Callable[[Exchange], Stream], port: int) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(
        lambda: Connection(accept), "127.0.0.1", port, ssl=tls, reuse_port=bool(port)
    )


async def _tick(active: set[Stream]) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due += TICK_S
        await asyncio.sleep(due - loop.time())
        for stream in list(active):
            stream.tick()


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.instant", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    uvloop.run(serve(options.home, options.port))


if __name__ == "__main__":
    main()
