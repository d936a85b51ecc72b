"""Calls found by what they came to, as a list and as a table, and what each day came to."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from agent.transcript import CallTranscript
from api.schemas import DispositionText, FlagText
from data.call_flags import Flag
from data.callbacks import CallBack
from data.dispositions import Disposition
from data.models import CallRecord, Line, ToolCall, Turn
from data.store import IdempotencyRecord
from tests.api.rest_stage import CALL_ID, Rest, call_record, key_of

BEGAN = datetime(2026, 11, 23, 14, tzinfo=UTC)


def another(number: int, tool: str | None = None, day: int = 0, **fields: Any) -> CallRecord:
    began = BEGAN + timedelta(days=day, minutes=number)
    tools = () if tool is None else (ToolCall(tool, "t", True, 3, began, {}, {"success": True, "appointmentId": "9"}),)
    made = call_record(id=f"CA{number}", started_at=began, ended_at=began + timedelta(seconds=60), tools=tools)
    return replace(made, **fields)


async def ids(rest: Rest, **query: str) -> list[str]:
    answer = await rest.http.get("/calls", params=query)
    assert answer.status_code == 200, answer.text
    return [call["id"] for call in answer.json()["data"]]


def test_rest_knows_every_disposition_and_flag() -> None:
    assert set(get_args(DispositionText)) == {str(each) for each in Disposition}
    assert set(get_args(FlagText)) == {str(each) for each in Flag}


async def test_calls_are_searched_by_what_they_came_to(quick_rest: Rest) -> None:
    await quick_rest.store.save_call(another(1, "agendarTurno"))
    await quick_rest.store.save_call(another(2, outcome="caller_left", details={"faults": ["SonicLost: x"]}))
    await quick_rest.store.save_call(another(3, "consultarTurno", details={"dead_air": [4000]}))
    assert await ids(quick_rest, disposition="booked") == ["CA1"]
    assert await ids(quick_rest, disposition="nothing_done", fault="true") == ["CA2"]
    assert await ids(quick_rest, tool="consultarTurno") == await ids(quick_rest, flag="dead_air") == ["CA3"]
    assert await ids(quick_rest, outcome="completed", **{"from": "2026-11-23"}) == ["CA3", "CA1"]
    for wrong in ({"disposition": "sold"}, {"flag": "boring"}, {"tool": "x" * 65}, {"fault": "perhaps"}):
        assert (await quick_rest.http.get("/calls", params=wrong)).status_code == 400, wrong
    (call,) = (await quick_rest.http.get("/calls", params={"flag": "dead_air"})).json()["data"]
    whole = (await quick_rest.http.get("/calls/CA3")).json()["data"]
    for told in (call, whole):
        assert (told["disposition"], told["done"]) == ("looked_up", {"looked_up": 1})
        assert told["flags"] == [{"flag": "dead_air", "at_ms": 4000}]


async def test_a_call_on_the_line_has_come_to_nothing_yet(quick_rest: Rest) -> None:
    log = CallTranscript(CALL_ID, Line.PHONE, None)
    quick_rest.active_calls._logs[CALL_ID] = log
    quick_rest.active_calls.live[CALL_ID] = None  # type: ignore[assignment]
    await quick_rest.store.save_call(log.record())
    (call,) = (await quick_rest.http.get("/calls")).json()["data"]
    assert (call["disposition"], call["done"], call["flags"]) == (None, {}, [])


async def test_a_search_is_downloaded_whole_as_a_table(quick_rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.call_export._PAGE", 2)
    for number in range(1, 6):
        await quick_rest.store.save_call(another(number, "agendarTurno", details={"dead_air": [4000]}))
    await quick_rest.store.save_call(another(9, caller_number='=HYPERLINK("x")', outcome="caller_left"))
    answer = await quick_rest.http.get("/calls.csv", params={"disposition": "booked"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["CA5", "CA4", "CA3", "CA2", "CA1"]
    assert rows[0]["callerNumber"] == "+5491155550101"
    assert (rows[0]["done"], rows[0]["flags"]) == ("booked:1", "dead_air@4s")
    assert "'=HYPERLINK" in (await quick_rest.http.get("/calls.csv", params={"outcome": "caller_left"})).text
    masked = await quick_rest.anonymous.get("/calls.csv", headers=key_of("reader"))
    assert "5491155550101" not in masked.text
    refused = await quick_rest.anonymous.get("/calls.csv?number=%2B5491155550101", headers=key_of("reader"))
    assert refused.status_code == 403
    assert (await quick_rest.anonymous.get("/calls.csv")).status_code == 401


async def test_days_tell_what_their_calls_came_to(rest: Rest) -> None:
    await rest.store.save_call(another(1, "agendarTurno"))
    await rest.store.save_call(another(2, outcome="caller_left", turns=(Turn("carlos", "¿Hola?", BEGAN),)))
    await rest.store.save_call(another(3, "agendarTurno", day=1))
    await rest.store.ask_callback(
        CallBack("CA3", "+5491155550101", "Un reclamo", BEGAN), IdempotencyRecord("CA3", "t", "pedirLlamado:1", {})
    )
    answer = await rest.anonymous.get("/stats?from=2026-11-01&to=2026-11-30", headers=key_of("reader"))
    assert answer.status_code == 200, answer.text
    stats = answer.json()["data"]
    first, second = stats["days"]
    assert (first["day"], first["calls"], first["answered"]) == ("2026-11-23", 2, 2)
    assert (first["dispositions"], first["done"]) == ({"booked": 1, "nothing_done": 1}, {"booked": 1})
    assert (first["ended"], first["flags"]) == ({"caller_left": 1}, {"gave_up": 1})
    assert (first["minutes"], first["cost"]["phone"]) == (2.0, 0.025)
    assert first["latency_p50_ms"] == pytest.approx(740, rel=0.05)
    assert (second["day"], second["calls"]) == ("2026-11-24", 1)
    assert (stats["total"]["day"], stats["total"]["calls"], stats["callbacksOpen"]) == (None, 3, 1)


async def test_days_are_the_last_thirty_unless_asked_otherwise_and_few(quick_rest: Rest) -> None:
    answer = await quick_rest.http.get("/stats")
    assert (answer.status_code, answer.json()["data"]["days"]) == (200, [])
    for query in ("from=2026-11-30&to=2026-11-01", "from=2020-01-01&to=2026-11-01", "from=today"):
        assert (await quick_rest.http.get(f"/stats?{query}")).status_code == 400
    assert (await quick_rest.anonymous.get("/stats")).status_code == 401


async def test_a_customers_callbacks_are_handed_over(quick_rest: Rest) -> None:
    await quick_rest.store.save_call(another(1))
    receipt = IdempotencyRecord("CA1", "t", "pedirLlamado:1", {})
    await quick_rest.store.ask_callback(CallBack("CA1", "+5491155550101", "Un reclamo", BEGAN), receipt)
    found = await quick_rest.http.post("/customers/export", json={"phone": "+5491155550101"})
    assert [each["about"] for each in found.json()["data"]["callbacks"]] == ["Un reclamo"]
