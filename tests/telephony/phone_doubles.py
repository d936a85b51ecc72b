"""A handler of calls that notes what it is asked, and a server on a free port of loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from agent.capacity import Admission
from common.settings import Settings
from telephony.carrier import AfterStream, Caller, CallStatus, HangUp, MakeLine
from telephony.closed_line import ClosedLine
from telephony.transfers import Transfers
from telephony.twilio.routes import phone_routes
from telephony.twilio.socket import Answer
from tests.support.servers import loopback, serving

AUTH_TOKEN = "a-made-up-auth-token"
BASE_URL = "https://carlos.example.com"
CALL = "CA" + "1" * 32
ACCOUNT = "AC" + "2" * 32


@dataclass
class FakeCalls:
    admission: Admission = Admission.ACCEPTED
    place: bool = True
    over: bool = False
    after: AfterStream = field(default_factory=HangUp)
    closed: ClosedLine = ClosedLine("Está cerrado. Abrimos mañana, martes 24 de noviembre, a las 8.", "message")
    fault: Exception | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    tries: list[int | None] = field(default_factory=list)
    transfers: Transfers | None = None

    async def is_over(self, call_id: str) -> bool:
        return self.over

    async def admit(self, call_id: str, number: str | None = None, *, tries: int | None = None) -> Admission:
        self.tries.append(tries)
        self._note("admit", call_id)
        return self.admission

    async def closed_line(self) -> ClosedLine:
        self._note("closed_line")
        return self.closed

    async def note_voicemail(self, call_id: str, number: str, facts: Mapping[str, str]) -> None:
        self._note("note_voicemail", call_id, number, dict(facts))

    async def note_callback(self, call_id: str, number: str) -> None:
        self._note("note_callback", call_id, number)

    async def started(self, call_id: str) -> bool:
        self._note("started", call_id)
        return self.place

    async def answer(self, make_line: MakeLine, caller: Caller) -> None:
        raise AssertionError("these doubles answer at the socket")

    async def release(self, call_id: str, *, failed: bool = False) -> None:
        self._note("release", call_id, failed)

    async def ended(self, call_id: str, resumes: int, *, tries: int | None = None) -> AfterStream:
        self.tries.append(tries)
        self._note("ended", call_id, resumes)
        return self.after

    async def brought_back(self, call_id: str, *, tries: int | None = None) -> AfterStream:
        self._note("brought_back", call_id)
        return self.after

    async def status(self, call_id: str, status: CallStatus) -> None:
        self._note("status", call_id, dict(status.facts))

    def _note(self, *what: Any) -> None:
        self.asked.append(what)
        if self.fault:
            raise self.fault


def settings(**changes: Any) -> Settings:
    made: dict[str, Any] = {
        "twilio_auth_token": (SecretStr(AUTH_TOKEN),),
        "public_base_url": BASE_URL,
        "admin_api_keys": (SecretStr("ana:read:sha256=" + "0" * 64),),
        "webhook_overrides": "",
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
    phone_calls: FakeCalls


@asynccontextmanager
async def phone_server(phone_calls: FakeCalls, answer: Answer, **options: Any) -> AsyncIterator[Running]:
    app = FastAPI()
    app.include_router(phone_routes(settings(), phone_calls, answer, **options))
    with loopback() as listener:
        host, port = listener.getsockname()
        async with serving(app, listener, ws_per_message_deflate=False):
            yield Running(f"http://{host}:{port}", f"ws://{host}:{port}", phone_calls)
