"""A desk that notes what it is asked, and a server on a free port of loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from agent.seats import Admission
from carlos.settings import Settings
from telephony.media import WS_MAX_SIZE
from telephony.ports import AfterStream, Answer, HangUp
from telephony.routes import phone_routes

AUTH_TOKEN = "a-made-up-auth-token"
BASE_URL = "https://carlos.example.com"
CALL = "CA" + "1" * 32
ACCOUNT = "AC" + "2" * 32


@dataclass
class FakeDesk:
    admission: Admission = Admission.ACCEPTED
    seat: bool = True
    after: AfterStream = field(default_factory=HangUp)
    fault: Exception | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def admit(self, call_sid: str, from_: str, to: str) -> Admission:
        self._note("admit", call_sid, from_, to)
        return self.admission

    async def started(self, call_sid: str, stream_sid: str) -> bool:
        self._note("started", call_sid, stream_sid)
        return self.seat

    async def release(self, call_sid: str, *, failed: bool = False) -> None:
        self._note("release", call_sid, failed)

    async def ended(self, call_sid: str, resumes: int) -> AfterStream:
        self._note("ended", call_sid, resumes)
        return self.after

    async def status(self, call_sid: str, params: Mapping[str, str]) -> None:
        self._note("status", call_sid, dict(params))

    def _note(self, *what: Any) -> None:
        self.asked.append(what)
        if self.fault:
            raise self.fault


def settings(**changes: Any) -> Settings:
    made: dict[str, Any] = {
        "twilio_auth_token": (SecretStr(AUTH_TOKEN),),
        "public_base_url": BASE_URL,
        "admin_api_keys": (SecretStr("an-admin-key"),),
    }
    return Settings(_env_file=None, **(made | changes))


def sign(url: str, params: Mapping[str, Any] | None = None, token: str = AUTH_TOKEN, **kwargs: Any) -> dict[str, str]:
    """The header with Twilio's own signature."""
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, params or {}, **kwargs)}


@dataclass
class Running:
    """A real uvicorn. Requests are signed for BASE_URL and sent to `http` or `ws`."""

    http: str
    ws: str
    desk: FakeDesk


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def serving(desk: FakeDesk, answer: Answer, **options: Any) -> AsyncIterator[Running]:
    app = FastAPI()
    app.include_router(phone_routes(settings(), desk, answer, **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        config = uvicorn.Config(
            app, ws_max_size=WS_MAX_SIZE, ws_per_message_deflate=False, log_config=None, lifespan="off"
        )
        server = Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await server.up.wait()
        try:
            yield Running(f"http://{host}:{port}", f"ws://{host}:{port}", desk)
        finally:
            server.should_exit = True
            await running
