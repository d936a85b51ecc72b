"""A tiny server to be phoned: TwiML by path, one handler for the media socket, every request kept."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from twilio.request_validator import RequestValidator

from sandbox.twilio.account import Account
from sandbox.twilio.double import TwilioDouble

PUBLIC = "https://carlos.example"
STREAM = '<Stream url="wss://carlos.example/media" statusCallback="/stream-status"/>'
SPEED = 20.0


@dataclass(frozen=True, slots=True)
class Posted:
    path: str
    form: Mapping[str, str]
    signed: bool


class Socket:
    """The server's end of a stream."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self.ws = ws
        self.stream_sid = ""
        self.messages: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None when the other side has closed."""
        message = await self.ws.receive()
        if message.type is not web.WSMsgType.TEXT:
            return None
        body: dict[str, Any] = json.loads(message.data)
        self.stream_sid = body.get("streamSid", "")
        self.messages.append(body)
        return body

    async def until(self, event: str) -> dict[str, Any]:
        """Read on to the next message of this kind."""
        while (message := await self.receive()) is not None:
            if message["event"] == event:
                return message
        raise AssertionError(f"closed before {event}")

    async def send(self, event: str, **fields: Any) -> None:
        await self.ws.send_str(json.dumps({"event": event, "streamSid": self.stream_sid, **fields}))

    def count(self, event: str) -> int:
        return sum(message["event"] == event for message in self.messages)


type Talk = Callable[[Socket], Awaitable[None]]


async def hang_up_at_once(socket: Socket) -> None:
    await socket.until("start")


@dataclass
class PhonedServer:
    account: Account = field(default_factory=Account)
    documents: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # path: (content type, body)
    prefixes: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    suffixes: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    talk: Talk = hang_up_at_once
    posts: list[Posted] = field(default_factory=list)
    upgrades: list[web.BaseRequest] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    refuse_upgrade: bool = False
    address: str = ""
    twilio: TwilioDouble = field(init=False, repr=False)  # the double that phones it, where a test keeps it here

    def document(self, path: str, verbs: str) -> None:
        self.documents[path] = f"<Response>{verbs}</Response>"

    def double(self, **options: Any) -> TwilioDouble:
        options = {"speed": SPEED, "account": self.account, **options}
        return TwilioDouble(PUBLIC, self.address, **options)

    @property
    def paths(self) -> list[str]:
        return [post.path for post in self.posts]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/media":
            return await self._media(request)
        if (file := self._file(request.path)) is not None:
            content_type, body = file
            return web.Response(body=body, content_type=content_type)
        form = {key: str(value) for key, value in (await request.post()).items()}
        validator = RequestValidator(self.account.auth_token)
        signature = request.headers.get("X-Twilio-Signature", "")
        signed = validator.validate(PUBLIC + request.path_qs, form, signature)
        self.posts.append(Posted(request.path, form, signed))
        if request.path in self.documents:
            return web.Response(text=self.documents[request.path], content_type="text/xml")
        return web.Response(status=204 if "status" in request.path else 404)

    def _file(self, path: str) -> tuple[str, bytes] | None:
        """A file by its path, or by how the path ends or begins: calls have SIDs that no test knows."""
        by_ending = (file for ending, file in self.suffixes.items() if path.endswith(ending))
        by_beginning = (file for beginning, file in self.prefixes.items() if path.startswith(beginning))
        return self.files.get(path) or next(by_ending, None) or next(by_beginning, None)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        self.upgrades.append(request)
        if self.refuse_upgrade:
            return web.Response(status=403)
        ws = web.WebSocketResponse(autoclose=False)
        await ws.prepare(request)
        socket = Socket(ws)
        self.sockets.append(socket)
        await self.talk(socket)
        await ws.close()
        return ws
