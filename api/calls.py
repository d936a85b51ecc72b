"""`/calls`: what was said and done in each call, from the store or from the call itself while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse

from api.envelope import ApiError, NotFound, encoded, encoded_list, enveloped, retrieved
from api.http import (
    CALLS_A_PAGE,
    CallId,
    CallLimit,
    Cursor,
    From,
    To,
    begins,
    ends,
    is_id,
    next_page,
    read_cursor,
    read_days,
)
from api.schemas import CallJson, DispositionText, FlagText, Found, ListedCallJson, content, failures
from common.keys import CALLS
from common.masking import Names, mask_number, mask_text, mask_value
from common.times import to_iso
from data.calls import VOICEMAIL, CallHead
from data.findings import Findings
from data.models import CallRecord, Line
from data.pages import Page
from data.recordings import Recordings
from data.store import Store

Number = Annotated[str | None, Query(max_length=64, description="Of the caller, as it is on record: `+54911…`.")]
Outcome = Annotated[str | None, Query(max_length=32, description="How it ended: docs/phone-line.md.")]
Came = Annotated[DispositionText | None, Query(description="Calls that came to this, whatever else they came to.")]
Tool = Annotated[str | None, Query(max_length=64, description="Calls in which it was used: `agendarTurno`.")]
FlagOf = Annotated[FlagText | None, Query(description="Calls with this flag: docs/calls-and-days.md.")]
Fault = Annotated[bool, Query(description="Only calls in which something went wrong.")]
Unserved = Annotated[
    bool, Query(description="Only calls of which nothing came: `nothing_done` or `not_answered`, as `ended` counts.")
]
Words = Annotated[
    str | None,
    Query(
        max_length=100,
        description="Words that were said or that a tool was given, such as a customer's name. It is looked for in some"
        " of the calls at a time: a page may be short, or empty, and have a next one.",
    ),
]


class Log(Protocol):
    """The record of a call as the process that holds it knows it: agent.transcript.CallTranscript."""

    def record(self) -> CallRecord: ...


class LiveCalls(Protocol):
    """This process's calls, agent.active_calls.ActiveCalls, or also which ones are live elsewhere."""

    @property
    def live(self) -> Container[str]: ...
    def log_of(self, call_id: str) -> Log | None: ...


class NoCalls:
    """The calls of a process that takes none."""

    live: Container[str] = ()

    def log_of(self, call_id: str) -> Log | None:
        return None


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in USD: per million tokens, and per minute on the phone."""

    input_speech: float
    output_speech: float
    input_text: float
    output_text: float
    phone_minute: float

    def cost(self, record: CallRecord, seconds: float) -> dict[str, Any]:
        """Return an estimate in USD: the use of the model is exact, the prices are list prices."""
        return self.of(record.details.get("usage", {}), seconds if record.line is Line.PHONE else 0.0)

    def of(self, usage: Mapping[str, int], phone_seconds: float) -> dict[str, Any]:
        """The same of any number of calls, from their tokens and their time on the phone."""
        kinds = ("input_speech", "output_speech", "input_text", "output_text")
        model = sum(usage.get(kind, 0) * float(getattr(self, kind)) for kind in kinds) / 1_000_000
        phone = phone_seconds / 60 * self.phone_minute
        return {"usd": round(model + phone, 6), "model": round(model, 6), "phone": round(phone, 6), "estimate": True}


@dataclass(frozen=True, slots=True)
class Asked:
    """What calls are looked for."""

    number: str | None = None
    text: str | None = None
    outcome: str | None = None
    disposition: str | None = None
    tool: str | None = None
    flag: str | None = None
    fault: bool = False
    unserved: bool = False
    since: datetime | None = None
    until: datetime | None = None


def asked(
    request: Request,
    number: Number = None,
    text: Words = None,
    outcome: Outcome = None,
    disposition: Came = None,
    tool: Tool = None,
    flag: FlagOf = None,
    fault: Fault = False,
    unserved: Unserved = False,
    from_: From = None,
    to: To = None,
) -> Asked:
    """The search of a request. Raise ApiError 403 for one by what its key sees masked, BadRequest."""
    if is_masked(request) and (number or text):
        raise ApiError(403, "Forbidden", "To search by what is personal takes the scope `calls`")
    first, last = read_days(from_, to)
    found = number or None, text, outcome or None, disposition, tool or None, flag, fault, unserved
    return Asked(*found, begins(first), ends(last))


Search = Annotated[Asked, Depends(asked)]


@dataclass(frozen=True, slots=True)
class CallQueries:
    """Finds calls, in the store and on the line."""

    store: Store
    recordings: Recordings
    prices: Prices
    calls: LiveCalls

    async def find(self, call_id: str) -> CallRecord:
        """Return the newest state of a call. Raise NotFound."""
        log = self.calls.log_of(call_id)
        record = log.record() if log else await self.store.call(call_id) if is_id(call_id) else None
        if record is None:
            raise NotFound("Call", call_id)
        return record

    async def page(self, asked: Asked, limit: int, after: str | None) -> Page[CallHead]:
        """A page of the calls that are looked for, newest first."""
        return await self.store.calls(**asdict(asked), limit=limit, after=after)

    async def newest(self, head: CallHead) -> CallHead | CallRecord:
        """Return the whole record of a call on the line, with which the head in the store does not keep up."""
        if log := self.calls.log_of(head.id):
            return log.record()
        return (await self.store.call(head.id)) or head if head.id in self.calls.live else head

    def json(self, record: CallRecord, *, masked: bool) -> dict[str, Any]:
        body = call_json(record, self.prices, Findings.of(record)) | self._now(record)
        return mask_call(body) if masked else body

    def listed(self, call: CallHead | CallRecord, *, masked: bool) -> dict[str, Any]:
        """Return a call as a list has it: how much was said and done, and of one on the line what was said last."""
        head, record = (CallHead.of(call), call) if isinstance(call, CallRecord) else (call, call.record)
        body = call_json(record, self.prices, head.findings) | self._now(record)
        body = mask_call(body) if masked else body
        turns, tools = body.pop("turns"), body.pop("tools")
        if masked and not tools:
            body["details"].pop("faults", None)  # nobody knows whose names are in them
        told = {"turnCount": head.turns, "toolCount": head.tools, "latencyMs": head.latency_ms}
        return body | told | {"lastTurn": turns[-1] if turns and body["live"] else None}

    def _now(self, record: CallRecord) -> dict[str, Any]:
        return {
            "live": record.id in self.calls.live,
            "recorded": self.recordings.exists(record.id, record.details.get("recording")),
        }


def call_routes(queries: CallQueries) -> APIRouter:
    """Return the routes that any process with the store can answer."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get("", response_model=Found[list[ListedCallJson]], responses=failures())
    async def list_calls(
        request: Request, search: Search, limit: CallLimit = CALLS_A_PAGE, cursor: Cursor = None
    ) -> Response:
        """Calls, newest first, those on the line included; those of one day to another, both included. What was said
        and done in one is at `/calls/{id}`. To search by `number` or `text` takes the scope `calls`. What a call came
        to, its outcome, tools and flags are known of calls that have ended."""
        masked = is_masked(request)
        page = await queries.page(search, limit, read_cursor(cursor))
        calls = [await queries.newest(head) for head in page.items]
        found = await encoded_list(calls, lambda call: queries.listed(call, masked=masked))
        return enveloped(found, retrieved("calls", len(page.items), page.unreadable), next_page(request, page.next))

    @router.get("/{call_id}", response_model=Found[CallJson], responses=failures(404))
    async def get_call(request: Request, call_id: CallId) -> Response:
        """One call. Without the scope `calls`, what is personal is masked. What is in `details`: docs/phone-line.md."""
        record, masked = await queries.find(call_id), is_masked(request)
        body = await asyncio.to_thread(lambda: encoded(queries.json(record, masked=masked)))  # it may be hours long
        return enveloped(body, "Call retrieved successfully")

    @router.get("/{call_id}/transcript", response_class=Response, responses=failures(404) | content("text/plain"))
    async def get_transcript(request: Request, call_id: CallId) -> PlainTextResponse:
        """The call as text, a line a turn; what Carlos said is what was heard of it."""
        record, masked = await queries.find(call_id), is_masked(request)
        return PlainTextResponse(await asyncio.to_thread(lambda: transcript(queries.json(record, masked=masked))))

    @router.get(
        "/{call_id}/audio",
        response_class=Response,
        responses=failures(404) | content("audio/wav"),
    )
    async def get_audio(call_id: CallId) -> Response:
        """The recording: stereo, the caller on the left, Carlos on the right. Needs RECORD_CALLS."""
        if (path := queries.recordings.find(call_id)) is not None:
            return FileResponse(path, media_type="audio/wav", filename=path.name)
        found = await asyncio.to_thread(queries.recordings.read, call_id)
        if found is None:
            raise NotFound("Recording", call_id)
        headers = {
            "Content-Length": str(found.size),
            "Content-Disposition": f'attachment; filename="{call_id}.wav"',
        }
        return StreamingResponse(found.pieces, media_type="audio/wav", headers=headers)

    return router


def is_masked(request: Request) -> bool:
    """Return True for a caller who must not see personal data of calls."""
    return CALLS not in request.scope["principal"].scopes


def call_json(record: CallRecord, prices: Prices, found: Findings | None) -> dict[str, Any]:
    """Return a call record as JSON; times are UTC ISO strings, `at_ms` counts from the call's start. What is `found` of
    a call is nothing while it goes on."""

    def at_ms(moment: datetime) -> int:
        return int((moment - record.started_at).total_seconds() * 1000)

    seconds = (record.ended_at - record.started_at).total_seconds() if record.ended_at else None
    return {
        "id": record.id,
        "line": record.line.value,
        "callerNumber": record.caller_number,
        "startedAt": to_iso(record.started_at),
        "endedAt": to_iso(record.ended_at) if record.ended_at else None,
        "durationSeconds": seconds,
        "outcome": record.outcome,
        "disposition": str(found.disposition) if found else None,
        "done": {str(kind): count for kind, count in found.done.items()} if found else {},
        "flags": [{"flag": str(each.flag), "at_ms": each.at_ms} for each in found.flags] if found else [],
        "interruptions": record.interruptions,
        "turns": [
            {
                "role": turn.role,
                "text": turn.text,
                "at_ms": at_ms(turn.at),
                "interrupted": turn.interrupted,
                "latency_ms": turn.latency_ms,
                "sonic_end_ms": turn.sonic_end_ms,
                "sonic_detected_ms": turn.sonic_detected_ms,
            }
            for turn in record.turns
        ],
        "tools": [
            {
                "name": tool.name,
                "arguments": dict(tool.arguments),
                "result": dict(tool.result),
                "ok": tool.ok,
                "ms": tool.elapsed_ms,
                "at_ms": at_ms(tool.at),
            }
            for tool in record.tools
        ],
        "cost": prices.cost(record, seconds or 0.0),
        "details": dict(record.details),
    }


def mask_call(body: dict[str, Any]) -> dict[str, Any]:
    """Return the same call with what is personal hidden."""
    names = Names()
    names.learn_from(body["tools"])
    number = body["callerNumber"]
    return body | {
        "callerNumber": mask_number(number) if number else None,
        "turns": [turn | {"text": mask_text(turn["text"], names)} for turn in body["turns"]],
        "tools": [
            tool
            | {
                "name": mask_text(tool["name"], names),  # the model's word, whatever it is
                "arguments": mask_value(tool["arguments"], names),
                "result": mask_value(tool["result"], names),
            }
            for tool in body["tools"]
        ],
        "details": _masked_details(body["details"], names),
    }


def _masked_details(details: dict[str, Any], names: Names) -> dict[str, Any]:
    """A message's URL leads to what was said."""
    masked = details | {"faults": mask_value(details.get("faults", []), names)}
    if VOICEMAIL in details:
        masked[VOICEMAIL] = {name: fact for name, fact in details[VOICEMAIL].items() if name != "url"}
    return masked


def transcript(body: dict[str, Any]) -> str:
    """Return lines like `[00:03] Carlos: Hola…`, with the tools in between; — marks what was cut off."""
    lines = [
        (turn["at_ms"], f"{_SPEAKERS[turn['role']]}: {turn['text']}{' —' if turn['interrupted'] else ''}")
        for turn in body["turns"]
    ]
    lines += [
        (tool["at_ms"], f"({tool['name']}: {'ok' if tool['ok'] else 'no'}, {tool['ms']} ms)") for tool in body["tools"]
    ]
    said = [f"[{at // 60_000:02}:{at // 1000 % 60:02}] {text}" for at, text in sorted(lines, key=lambda line: line[0])]
    return "\n".join([f"Call {body['id']}, {body['startedAt']}, {body['outcome'] or 'not ended'}", *said, ""])


_SPEAKERS = {"caller": "Caller", "carlos": "Carlos"}
