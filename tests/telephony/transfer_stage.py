"""Two servers over one store, the carrier that asks either of them, and the people whom it rings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx2 as httpx
from fastapi import FastAPI

from agent.active_calls import ActiveCalls
from agent.record_writer import CallRecordWriter
from agent.sonic.preconnect import StreamPreconnector
from agent.transcript import CallTranscript
from common.transfer_targets import parse_targets
from data.changes import IdempotencyRecord
from data.models import CallRecord, Line, ToolCall, Turn
from data.store import Store
from telephony.carrier import Caller
from telephony.person_line import NotRung
from telephony.phone_calls import PhoneCalls
from telephony.transfer import Transfer
from telephony.transfers import Transfers
from telephony.twilio.carrier import Twilio
from telephony.twilio.routes import phone_routes
from tests.support.waiting import until
from tests.telephony.phone_doubles import ACCOUNT, BASE_URL, CALL, settings, sign
from tests.telephony.test_phone_calls import HeldCall, NoSonic

PERSON = "CA" + "9" * 32
PEOPLE = "+541150310001|turnos|24h; sip:guardia@clinica.example|*|24h"
FROM, TO = "+5491155550100", "+541143210000"
OVERRIDES = "rc=2&rp=5xx"
PLAIN, WITH_OVERRIDES = settings(), settings(webhook_overrides=OVERRIDES)
SEEN = "+541100000000"  # by the person, in a cold transfer
PROVEN = {"identity": {"proven": ["order 6"], "failures": 0, "failed": []}}


@dataclass
class People:
    """`telephony.person_line.PersonLine`; `dead`: the process is gone before it can do anything outside."""

    rung: list[tuple[Transfer, str]] = field(default_factory=list)
    let_gone: list[str] = field(default_factory=list)
    brought_back: list[Transfer] = field(default_factory=list)
    refuses: NotRung | None = None
    dead: bool = False

    async def ring(self, transfer: Transfer, from_number: str) -> str:
        await self._lives()
        if self.refuses is not None:
            raise self.refuses
        self.rung.append((transfer, from_number))
        return PERSON

    async def let_go(self, leg_id: str) -> bool:
        await self._lives()
        self.let_gone.append(leg_id)
        return True

    async def bring_back(self, transfer: Transfer) -> bool:
        await self._lives()
        self.brought_back.append(transfer)
        return True

    async def _lives(self) -> None:
        if self.dead:
            await asyncio.Event().wait()


class Server:
    """One process's: its calls, its transfers, and its webhooks over ASGI."""

    def __init__(self, store: Store, clock: Any, people: People, *, cold: bool) -> None:
        self.people = people
        self.made: list[tuple[HeldCall, Any]] = []
        self.active_calls = ActiveCalls(2)
        self.preconnector = StreamPreconnector(lambda call_id: NoSonic(), "model")
        self.transfers = Transfers(store, parse_targets(PEOPLE), people, clock=clock, cold=cold, caller_id=SEEN)
        self._carrier = Twilio(PLAIN)

        def make_call(log: CallTranscript, line: Any, memory: Any) -> Any:
            self.made.append((HeldCall(log), memory))
            return self.made[-1][0]

        self.phone_calls = PhoneCalls(
            self.active_calls,
            make_call,
            self._carrier,
            self.preconnector,
            CallRecordWriter(store),
            self.transfers,
        )
        app = FastAPI()
        app.include_router(phone_routes(WITH_OVERRIDES, self.phone_calls, _no_stream))
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL)

    async def ask(self, url: str, form: Mapping[str, str]) -> httpx.Response:
        path = url.removeprefix(BASE_URL).partition("#")[0]
        return await self._client.post(path, data=dict(form), headers=sign(BASE_URL + path, form))

    async def close(self) -> None:
        await self.transfers.close()
        await self._client.aclose()
        await self._carrier.close()
        for opening in self.preconnector._opening.values():
            opening.cancel()
        await asyncio.gather(*self.preconnector._opening.values(), return_exceptions=True)
        self.preconnector._opening.clear()


async def _no_stream(*_: Any) -> None:
    raise AssertionError("no socket in these tests")


@dataclass
class Stage:
    """The carrier's side. `server` is whichever answers now; `dies` puts the other one in its place."""

    store: Store
    servers: list[Server]
    times: list[datetime]

    @property
    def server(self) -> Server:
        return self.servers[0]

    @property
    def rung(self) -> list[tuple[Transfer, str]]:
        return [each for server in self.servers for each in server.people.rung]

    @property
    def brought_back(self) -> list[Transfer]:
        return [each for server in self.servers for each in server.people.brought_back]

    @property
    def let_gone(self) -> list[str]:
        return [each for server in self.servers for each in server.people.let_gone]

    async def dies(self) -> None:
        """kill -9: what the process was about to do outside is not done."""
        dead = self.servers.pop(0)
        self.servers.append(dead)
        dead.people.dead = True
        await dead.transfers.close()

    def passes(self, seconds: float) -> None:
        self.times[0] += timedelta(seconds=seconds)

    async def caller(self, url: str, **form: str) -> ElementTree.Element:
        """The caller's leg asks; the answer is TwiML."""
        asked = {"CallSid": CALL, "AccountSid": ACCOUNT, "From": FROM, "To": TO, "CallStatus": "in-progress", **form}
        return _twiml(await self.server.ask(url, asked))

    async def person(self, path: str, leg: int | None = None, **form: str) -> ElementTree.Element | None:
        """The person's leg asks; None for an answer without a document."""
        leg = self.rung[-1][0].leg if leg is None else leg
        asked = {"CallSid": PERSON, "AccountSid": ACCOUNT, "CallStatus": "in-progress", **form}
        response = await self.server.ask(f"{path}?call={CALL}&leg={leg}", asked)
        return None if response.status_code == 204 else _twiml(response)

    async def ends_its_stream(self, *, proven: bool, cause: str = "asked", number: int = 1) -> None:
        """The record of a call whose caller has just heard that a person comes."""
        tools = (tool_call("consultarOrder"),) if proven else ()
        record = await self.store.call(CALL) or CallRecord(CALL, Line.PHONE, self.times[0], FROM)
        note = {"reason": "turnos", "cause": cause, "number": number}
        made = CallRecord(
            CALL,
            Line.PHONE,
            record.started_at,
            FROM,
            self.times[0],
            "transferring",
            turns=(Turn("caller", "Quiero hablar con una persona.", self.times[0]),),
            tools=tools,
            details={**record.details, "transfer": note},
            version=record.version,
        )
        await self.store.save_call(made, PROVEN if proven else {"identity": {}})

    async def holds(self) -> None:
        """The music is asked for, and what that begins is done."""
        document = await self.caller(f"{BASE_URL}/twilio/hold?CallSid={CALL}&to=%2B541143210000")
        assert [verb.tag for verb in document] == ["Play", "Redirect"]
        await self.server.transfers.settled()

    async def is_with_carlos(self, url: str, *, proven: bool, **form: str) -> None:
        """The caller is asked back at `url`: the same conversation goes on, with its proof."""
        document = await self.caller(url, **form)
        assert [verb.tag for verb in document] == ["Connect"], ElementTree.tostring(document)
        resumes = int(parse_qs(urlsplit(document[0].attrib["action"]).query)["resumes"][0])
        assert await self.server.phone_calls.started(CALL)
        line: Any = object()
        holding = asyncio.create_task(self.server.phone_calls.answer(lambda on_end: line, Caller(CALL, FROM, resumes)))
        await until(lambda: CALL in self.server.active_calls.live)
        call, memory = self.server.made[-1]
        assert memory == (PROVEN if proven else {"identity": {}})
        assert [turn.text for turn in call.log.record().turns] == ["Quiero hablar con una persona."]
        assert call.log.notes["transfer"]["came_to"]
        await call.hang_up("caller_left")
        await holding
        await self.server.phone_calls.release(CALL)


def _twiml(response: httpx.Response) -> ElementTree.Element:
    assert response.status_code == 200, response.status_code
    return ElementTree.fromstring(response.text)  # noqa: S314 - our own document


def tool_call(name: str, **changes: Any) -> ToolCall:
    arguments = {"orderId": "6", "customerName": "María González"}
    result = {"success": True, "message": "El pedido 6 está en camino."}
    at = datetime(2026, 11, 27, 15, tzinfo=UTC)
    made: dict[str, Any] = {"tool_use_id": "t1", "ok": True, "elapsed_ms": 3, "at": at}
    return ToolCall(name, **(made | {"arguments": arguments, "result": result} | changes))


def receipt(message: str) -> IdempotencyRecord:
    return IdempotencyRecord(CALL, "t2", "cancelarOrder:1", {"success": True, "message": message})
