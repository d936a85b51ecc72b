"""The floor: a FastAPI socket, JSON, base64, mu-law, two FIR filters and the SDK's stream, and nothing around them.

It greets, answers, keeps time and does nothing else: no tools, no marks, no interruptions, no history, no faults.
"""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64decode, b64encode
from collections import deque
from contextlib import suppress
from functools import cache
from typing import Any

import uvicorn
from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import Config
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOperationInput,
)
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from smithy_aws_core.identity import AWSCredentialsIdentity, StaticCredentialsResolver

from agent.audio.resample import Resampler
from agent.audio.ulaw import ulaw_decode, ulaw_encode
from bench.servers import probe
from bench.servers.sdk import TrustingClient

app = FastAPI()
PROMPT = {"promptName": "p"}
AUDIO = PROMPT | {"contentName": "a"}
TEXT = PROMPT | {"contentName": "t"}
LPCM = {"mediaType": "audio/lpcm", "sampleSizeBits": 16, "channelCount": 1, "audioType": "SPEECH", "encoding": "base64"}
SET_UP: tuple[dict[str, Any], ...] = (
    {"sessionStart": {"inferenceConfiguration": {"maxTokens": 1024, "topP": 0.9, "temperature": 0.7}}},
    {
        "promptStart": PROMPT
        | {
            "textOutputConfiguration": {"mediaType": "text/plain"},
            "audioOutputConfiguration": LPCM | {"sampleRateHertz": 24000, "voiceId": "tiffany"},
        }
    },
    {
        "contentStart": AUDIO
        | {"type": "AUDIO", "role": "USER", "interactive": True}
        | {"audioInputConfiguration": LPCM | {"sampleRateHertz": 16000}}
    },
    {
        "contentStart": TEXT
        | {"type": "TEXT", "role": "USER", "interactive": True}
        | {"textInputConfiguration": {"mediaType": "text/plain"}}
    },
    {"textInput": TEXT | {"content": "Say hello."}},
    {"contentEnd": TEXT},
)


@cache
def sdk_transport() -> TrustingClient:
    """One CRT loop for all calls."""
    return TrustingClient()


class Bridge:
    """One call."""

    def __init__(self, websocket: WebSocket, stream_sid: str) -> None:
        self._websocket = websocket
        self._stream_sid = stream_sid
        self._up, self._down = Resampler(8000, 16000), Resampler(24000, 8000)
        self._waiting: deque[bytes] = deque()
        self._ready = bytearray()
        self._more = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        keys = AWSCredentialsIdentity(
            access_key_id=os.environ["AWS_ACCESS_KEY_ID"], secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"]
        )
        config = Config(
            region="us-east-1",
            endpoint_uri=os.environ["SONIC_ENDPOINT"],
            aws_credentials_identity_resolver=StaticCredentialsResolver(keys),
            transport=sdk_transport(),
        )
        request = InvokeModelWithBidirectionalStreamOperationInput(model_id="amazon.nova-2-5-sonic")
        self._stream = await AsyncBedrockRuntimeClient(config=config).invoke_model_with_bidirectional_stream(request)
        for event in SET_UP:
            await self._send(event)
        tasks = [asyncio.create_task(work) for work in (self._receive(), self._play())]
        with suppress(WebSocketDisconnect):
            await self._listen()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stream.input_stream.close()

    async def _send(self, event: dict[str, Any]) -> None:
        part = BidirectionalInputPayloadPart(bytes_=json.dumps({"event": event}).encode())
        await self._stream.input_stream.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))

    async def _listen(self) -> None:
        while True:
            message = json.loads(await self._websocket.receive_text())
            if message["event"] == "media":
                pcm = self._up.push(ulaw_decode(b64decode(message["media"]["payload"])))
                await self._send({"audioInput": AUDIO | {"content": b64encode(pcm).decode()}})
            elif message["event"] == "stop":
                return

    async def _receive(self) -> None:
        _, output = await self._stream.await_output()
        while (part := await output.receive()) is not None:
            event = json.loads(part.value.bytes_)["event"]
            if "audioOutput" in event:
                self._waiting.append(b64decode(event["audioOutput"]["content"]))
                self._more.set()
            elif event.get("contentEnd", {}).get("stopReason") == "END_TURN":
                self._ended = True
                self._more.set()

    async def _play(self) -> None:
        """20 ms at a time on an absolute clock, which begins anew after each pause."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            frame = self._frame()
            if not frame:
                self._more.clear()
                await self._more.wait()
                due = 0.0
                continue
            due = due or loop.time()
            await asyncio.sleep(due - loop.time())
            payload = b64encode(ulaw_encode(frame)).decode()
            await self._websocket.send_text(
                json.dumps({"event": "media", "streamSid": self._stream_sid, "media": {"payload": payload}})
            )
            due += 0.02

    def _frame(self) -> bytes:
        while len(self._ready) < 320 and self._waiting:
            pcm = self._waiting.popleft()
            if len(pcm) > 960:
                self._waiting.appendleft(pcm[960:])
            self._ready += self._down.push(pcm[:960])
        if self._ended and not self._waiting:
            self._ready += self._down.flush()
            self._ended = len(self._ready) > 320
        elif len(self._ready) < 320:
            return b""
        frame = bytes(self._ready[:320])
        del self._ready[:320]
        return frame


@app.websocket("/ws")
async def media(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    start = json.loads(await websocket.receive_text())["start"]
    await Bridge(websocket, start["streamSid"]).run()


if __name__ == "__main__":
    probe.install()
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["WS_PORT"]), log_level="warning")
