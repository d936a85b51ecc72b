"""The original React client, its protocol to the letter: handshake, chunks, closings and what it never does."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from sandbox.browser.screen import Screen, Shown

ORIGIN = "http://localhost:3000"
RATE = 16000
CHUNKS = {44100: 372, 48000: 342}  # device's rate: bytes of each 512-frame block, resampled to 16 kHz and rounded up
REORDERED = 14  # one pair in so many changes places on a busy page
PROMPT = "Sos Carlos, un asistente virtual. Poné [FINAL] al final de cada respuesta."


def lpcm(rate: int, **more: Any) -> dict[str, Any]:
    return {
        "mediaType": "audio/lpcm",
        "sampleRateHertz": rate,
        "sampleSizeBits": 16,
        "channelCount": 1,
        "audioType": "SPEECH",
        "encoding": "base64",
        **more,
    }


@dataclass(slots=True)
class Pipeline:
    """What becomes of a microphone's sound in the page. `said` is still to be sent, as PCM."""

    phase: int = 0  # samples by which its chunks begin later
    said: bytearray = field(default_factory=bytearray)


class OriginalClient:
    """One conversation: a socket, its screen, and a microphone that never stops.

    `failures` are messages that the screen could not take, `close_code` and `close_reason` how the socket ended.
    """

    def __init__(
        self,
        url: str,
        *,
        origin: str | None = ORIGIN,
        device_rate: int = 48000,
        voice: str = "carlos",
        system: str = PROMPT,
        tools: Sequence[Mapping[str, Any]] = (),
        history: Sequence[tuple[str, str]] = (),
        shuffled: bool = False,
    ) -> None:
        self.screen = Screen()
        self.failures: list[Exception] = []
        self.prompt, self.audio = str(uuid4()), str(uuid4())
        self._url, self._origin = url, origin
        self._chunk = CHUNKS[device_rate]
        self._voice, self._system, self._tools, self._history = voice, system, tools, history
        self._shuffled = shuffled
        self._pipelines = [Pipeline()]
        self._ws: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._microphones: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    # The socket.

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close_tab()

    async def connect(self) -> None:
        origin = Origin(self._origin) if self._origin is not None else None
        self._ws = await connect(self._url, origin=origin, proxy=None)
        self._reader = asyncio.create_task(self._read(), name="browser screen")

    async def start(self) -> None:
        """'Start Conversation': the handshake in one go, then the microphone."""
        for event in self.handshake():
            await self.send(event)
        self.open_microphone()

    def handshake(self) -> Iterator[dict[str, Any]]:
        yield self.session_start()
        yield self.prompt_start()
        yield from self.text("SYSTEM", self._system)
        for role, text in self._history:
            yield from self.text(role, text)
        yield self.audio_start()

    @staticmethod
    def session_start() -> dict[str, Any]:
        return {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024, "topP": 0.95, "temperature": 0.7}}}

    def prompt_start(self) -> dict[str, Any]:
        return {
            "promptStart": {
                "promptName": self.prompt,
                "textOutputConfiguration": {"mediaType": "text/plain"},
                "audioOutputConfiguration": lpcm(24000, voiceId=self._voice),
                "toolUseOutputConfiguration": {"mediaType": "application/json"},
                "toolConfiguration": {"tools": [{"toolSpec": dict(tool)} for tool in self._tools]},
            }
        }

    def text(self, role: str, content: str) -> Iterator[dict[str, Any]]:
        names = {"promptName": self.prompt, "contentName": str(uuid4())}
        configuration = {"mediaType": "text/plain"}
        yield {
            "contentStart": names
            | {"type": "TEXT", "interactive": True, "role": role, "textInputConfiguration": configuration}
        }
        yield {"textInput": names | {"content": content}}
        yield {"contentEnd": names}

    def audio_start(self) -> dict[str, Any]:
        return {
            "contentStart": {
                "promptName": self.prompt,
                "contentName": self.audio,
                "type": "AUDIO",
                "interactive": True,
                "role": "USER",
                "audioInputConfiguration": lpcm(RATE),
            }
        }

    def audio_input(self, pcm: bytes) -> dict[str, Any]:
        names = {"promptName": self.prompt, "contentName": self.audio}
        return {"audioInput": names | {"content": b64encode(pcm).decode("ascii")}}

    async def send(self, event: Mapping[str, Any]) -> None:
        await self.send_raw(json.dumps({"event": event}))

    async def send_raw(self, message: str | bytes) -> None:
        assert self._ws is not None  # noqa: S101 - connected
        await self._ws.send(message)

    async def _read(self) -> None:
        assert self._ws is not None  # noqa: S101 - connected
        loop = asyncio.get_running_loop()
        try:
            async for message in self._ws:
                try:
                    self.took(self.screen.show(message, loop.time()))
                except Exception as error:
                    self.failures.append(error)
                self._changed.set()
        except ConnectionClosed:
            pass
        finally:
            self._changed.set()

    def took(self, row: Shown) -> None:
        """For clients that answer what they are shown."""

    # The microphone.

    def open_microphone(self, phase: int = 0) -> None:
        """It is never closed: a second conversation on the same page opens one more, which cuts its chunks elsewhere.

        `phase` is in samples.
        """
        if len(self._microphones) == len(self._pipelines):
            self._pipelines.append(Pipeline(phase))
        pipeline = self._pipelines[len(self._microphones)]
        self._microphones.append(asyncio.create_task(self._record(pipeline), name="browser microphone"))

    def speak(self, *pcm: bytes) -> None:
        """Say this into the microphone, 16 kHz; silence otherwise. Every pipeline of the page hears it."""
        for pipeline in self._pipelines:
            pipeline.said += bytes(2 * pipeline.phase) + b"".join(pcm)

    async def _record(self, pipeline: Pipeline) -> None:
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        try:
            for pair in self._pairs(pipeline):
                for chunk in pair:
                    sent += len(chunk)
                    await self.send(self.audio_input(chunk))
                await asyncio.sleep(began + sent / 2 / RATE - loop.time())
        except ConnectionClosed:
            pass  # the original drops what it records after the close

    def _pairs(self, pipeline: Pipeline) -> Iterator[Iterable[bytes]]:
        number = 0
        while True:
            number += 1
            pair = self._next_chunk(pipeline), self._next_chunk(pipeline)
            yield reversed(pair) if self._shuffled and number % REORDERED == 0 else pair

    def _next_chunk(self, pipeline: Pipeline) -> bytes:
        chunk = bytes(pipeline.said[: self._chunk])
        del pipeline.said[: self._chunk]
        return chunk.ljust(self._chunk, b"\0")

    # The end.

    async def end(self) -> None:
        """'End Conversation': three events and a close without a code, in one tick; the server sees 1005."""
        await self.send({"contentEnd": {"promptName": self.prompt, "contentName": self.audio}})
        await self.send({"promptEnd": {"promptName": self.prompt}})
        await self.send({"sessionEnd": {}})
        assert self._ws is not None  # noqa: S101 - connected
        self._ws.protocol.send_close()
        self._ws.transport.write(b"".join(self._ws.protocol.data_to_send()))
        await self.closed()

    async def close_tab(self) -> None:
        """The server sees 1001 and none of the three events."""
        for microphone in self._microphones:
            microphone.cancel()
        await asyncio.gather(*self._microphones, return_exceptions=True)
        self._microphones.clear()
        if self._ws is not None:
            await self._ws.close(1001)
        if self._reader is not None:
            await self._reader

    async def closed(self) -> None:
        assert self._ws is not None  # noqa: S101 - connected
        await self._ws.wait_closed()

    @property
    def close_code(self) -> int | None:
        return self._ws.close_code if self._ws else None

    @property
    def close_reason(self) -> str | None:
        return self._ws.close_reason if self._ws else None

    async def changed(self) -> None:
        """Wait for the next message, or for the end."""
        self._changed.clear()
        await self._changed.wait()
