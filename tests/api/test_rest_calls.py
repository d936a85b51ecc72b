"""/calls and /customers: what is told of calls, to whom, and what is erased."""

from __future__ import annotations

import asyncio
import json
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.playout import Played
from agent.record_writer import HOST, CallRecordWriter
from agent.recorder import RATE, Recorder
from agent.transcript import LOST, CallTranscript
from api.live import HEARTBEAT_INTERVAL_S, events
from data.backends.base import Put
from data.call_items import head_item
from data.errors import Unavailable
from data.models import Line
from data.recording_bucket import Stored
from data.recordings import Recordings
from data.tables import TableName
from tests.api.rest_stage import CALL_ID, Rest, call_record, key_of
from tests.support.clocks import Clock
from tests.support.virtual_loop import run_virtually
from tests.support.waiting import no_task_left

SECRETS = ("28456789", "28.456.789", "5491155550101", "maria.gonzalez@email.com", "González", "María")


async def test_a_call_is_shown_whole_to_those_who_may(rest: Rest) -> None:
    await rest.store.save_call(call_record())
    body = (await rest.http.get(f"/calls/{CALL_ID}")).json()
    assert body["message"] == "Call retrieved successfully"
    call = body["data"]
    assert (call["outcome"], call["durationSeconds"], call["live"], call["recorded"]) == ("completed", 60, False, False)
    assert call["turns"][2] == {
        "role": "carlos",
        "text": "Gracias, María. Tu",
        "at_ms": 5000,
        "interrupted": True,
        "latency_ms": 740,
        "sonic_end_ms": 720,
        "sonic_detected_ms": 90,
    }
    assert call["tools"][0]["arguments"]["dni"] == "28456789"
    assert call["cost"] == {"usd": 15.0125, "model": 15.0, "phone": 0.0125, "estimate": True}


async def test_a_call_is_masked_for_those_who_only_read(rest: Rest) -> None:
    await rest.store.save_call(call_record())
    for path in (f"/calls/{CALL_ID}", "/calls", f"/calls/{CALL_ID}/transcript"):
        told = (await rest.anonymous.get(path, headers=key_of("reader"))).text
        assert CALL_ID in told
        for secret in SECRETS:
            assert secret not in told
    arguments = (await rest.anonymous.get(f"/calls/{CALL_ID}", headers=key_of("reader"))).json()["data"]["tools"][0]
    assert arguments["arguments"] == {"orderId": "1", "dni": "**.***.*89", "customerName": "***"}


async def test_calls_are_listed_newest_first_in_pages(rest: Rest) -> None:
    for minute in range(5):
        record = call_record(id=f"CA{minute}", started_at=datetime(2026, 11, 23, 14, minute, tzinfo=UTC), ended_at=None)
        await rest.store.save_call(record)
    first = await rest.http.get("/calls?limit=3")
    assert [call["id"] for call in first.json()["data"]] == ["CA4", "CA3", "CA2"]
    rest_of_them = await rest.http.get("/calls", params={"limit": 3, "cursor": first.headers["x-next-cursor"]})
    assert [call["id"] for call in rest_of_them.json()["data"]] == ["CA1", "CA0"]


async def test_calls_are_searched_by_number_outcome_day_and_words(quick_rest: Rest) -> None:
    await quick_rest.store.save_call(call_record())
    began = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # the 23rd still, in Buenos Aires
    other = call_record(id="CA1", caller_number="+5491155550199", outcome="lost", started_at=began, turns=(), tools=())
    await quick_rest.store.save_call(other)
    for query, found in (
        ({"number": "+5491155550199"}, ["CA1"]),
        ({"outcome": "completed"}, [CALL_ID]),
        ({"text": "gonzalez"}, [CALL_ID]),
        ({"text": "gonzalez", "number": "+5491155550199"}, []),
        ({"from": "2026-11-23", "to": "2026-11-23"}, ["CA1", CALL_ID]),
        ({"from": "2026-11-24"}, []),
        ({"number": "", "text": "", "outcome": ""}, ["CA1", CALL_ID]),
    ):
        answer = await quick_rest.http.get("/calls", params=query)
        assert [call["id"] for call in answer.json()["data"]] == found, query


@pytest.mark.parametrize("query", ["number=%2B5491155550101", "text=gonzalez"])
async def test_what_is_masked_cannot_be_searched_for(quick_rest: Rest, query: str) -> None:
    answer = await quick_rest.http.get(f"/calls?{query}", headers=key_of("reader"))
    assert answer.status_code == 403
    assert (await quick_rest.http.get("/calls?outcome=lost", headers=key_of("reader"))).status_code == 200


async def test_the_transcript_is_text_with_times(quick_rest: Rest) -> None:
    await quick_rest.store.save_call(call_record())
    lines = (await quick_rest.http.get(f"/calls/{CALL_ID}/transcript")).text.splitlines()
    assert lines[1:] == [
        "[00:01] Carlos: Hola, soy Carlos.",
        "[00:03] Caller: Soy María González, DNI 28.456.789",
        "[00:04] (consultarOrder: ok, 4 ms)",
        "[00:05] Carlos: Gracias, María. Tu —",
    ]


@pytest.mark.parametrize("call_id", ["nobody", "..%2F..%2Fcarlos.db", "x" * 3000])
async def test_an_unknown_call_is_not_found(quick_rest: Rest, call_id: str) -> None:
    for rest in ("", "/events", "/audio", "/transcript"):
        answer = await quick_rest.http.get(f"/calls/{call_id}{rest}")
        assert answer.status_code == 404
    assert (await quick_rest.http.post(f"/calls/{call_id}/hangup")).status_code == 404


class LiveCall:
    """A call that notes how it was ended."""

    def __init__(self, log: CallTranscript) -> None:
        self.log = log
        self.outcome: str | None = None

    async def hang_up(self, outcome: str) -> None:
        self.outcome = outcome


async def test_a_live_call_is_followed_and_hung_up(quick_rest: Rest) -> None:
    log = CallTranscript(CALL_ID, Line.PHONE, "+5491155550101")
    call = LiveCall(log)
    board = quick_rest.active_calls
    board.live[CALL_ID] = call  # type: ignore[assignment]
    board._logs[CALL_ID] = log
    log.user_transcript("Hola")
    following = asyncio.create_task(quick_rest.http.get(f"/calls/{CALL_ID}/events"))
    assert (await quick_rest.http.get(f"/calls/{CALL_ID}")).json()["data"]["live"] is True
    assert (await quick_rest.http.post(f"/calls/{CALL_ID}/hangup")).status_code == 200
    assert call.outcome == "closed"
    log.played(Played(1, "Chau.", 1.0))
    log.end("closed")
    del board.live[CALL_ID]
    told = (await following).text
    events = [json.loads(line.removeprefix("data: ")) for line in told.splitlines() if line]
    assert [event["type"] for event in events] == ["heard", "said", "ended"]
    late = await quick_rest.http.post(f"/calls/{CALL_ID}/hangup")
    assert (late.status_code, late.json()["code"]) == (409, "call_over")


def test_a_recording_has_each_side_in_its_place(tmp_path: Path) -> None:
    now = [0.0]
    recorder = Recorder(tmp_path / "recordings" / "a.wav", 16_000, clock=lambda: now[0])
    for _ in range(100):
        now[0] += 0.02
        recorder.caller(b"\x01\x00" * 320)
        if 1.0 <= now[0] < 1.5:
            recorder.carlos(b"\x02\x00" * 320)
    recorder.finish()
    with wave.open(str(tmp_path / "recordings" / "a.wav")) as wav:
        assert (wav.getnchannels(), wav.getframerate()) == (2, RATE)
        frames = wav.readframes(wav.getnframes())
    left, right = frames[0::4], frames[2::4]
    assert len(left) == pytest.approx(2 * RATE, abs=RATE * 0.05)
    assert left.count(1) == 2 * RATE, "nothing of the caller is lost"
    assert right.count(2) == pytest.approx(0.5 * RATE, abs=RATE * 0.05)
    assert right.index(2) == pytest.approx(RATE, abs=RATE * 0.05)


async def test_a_recording_is_played_to_those_who_may(quick_rest: Rest) -> None:
    path = Recordings(quick_rest.settings.carlos_home).path(CALL_ID)
    await asyncio.to_thread(_record, path)
    await quick_rest.store.save_call(call_record())
    answer = await quick_rest.http.get(f"/calls/{CALL_ID}/audio")
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.content[:4] == b"RIFF"
    assert (await quick_rest.http.get(f"/calls/{CALL_ID}")).json()["data"]["recorded"] is True


async def test_a_recording_is_played_from_the_bucket_it_went_to(
    quick_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recordings, "read", lambda self, call_id: Stored(8, iter([b"RIFF", b"...."])))
    answer = await quick_rest.http.get(f"/calls/{CALL_ID}/audio")
    assert (answer.content, answer.headers["content-length"]) == (b"RIFF....", "8")
    assert answer.headers["content-type"] == "audio/wav"

    def down(self: Recordings, call_id: str) -> None:
        raise Unavailable("no bucket")

    monkeypatch.setattr(Recordings, "read", down)
    answer = await quick_rest.http.get(f"/calls/{CALL_ID}/audio")
    assert (answer.status_code, answer.json()["success"]) == (503, False)


def _record(path: Path) -> None:
    recorder = Recorder(path, 8000)
    recorder.carlos(bytes(320))
    recorder.finish()


def test_old_recordings_are_deleted(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    path = recordings.path("CA1")
    _record(path)
    assert recordings.sweep(1) == 0
    assert recordings.sweep(-1) == 1
    assert recordings.find("CA1") is None


async def test_a_customers_data_is_exported_and_erased_and_nobody_elses(rest: Rest) -> None:
    stranger = call_record(id="CA" + "8" * 32, caller_number="+5491155550199", tools=())
    await rest.store.save_call(call_record())
    await rest.store.save_call(stranger)
    who = {"email": "Maria.Gonzalez@email.com"}
    data = (await rest.http.post("/customers/export", json=who)).json()["data"]
    assert [order["id"] for order in data["orders"]] == ["1"]
    assert [appointment["id"] for appointment in data["appointments"]] == ["1"]
    assert [call["id"] for call in data["calls"]] == [CALL_ID]
    told = {"people": ["María González"], "orders": 1, "appointments": 1, "calls": 1}
    dry = (await rest.http.post("/customers/erase", json=who | {"dryRun": True})).json()
    assert (dry["data"], dry["message"]) == (told | {"erased": False}, "Nothing was erased")
    assert (await rest.http.post("/customers/export", json=who)).json()["data"] == data
    assert (await rest.http.post("/customers/erase", json=who)).json()["data"] == told | {"erased": True}
    left = [item async for page in rest.store.backend.scan(TableName.CALLS) for item in page]
    kinds = {item["PK"].partition("#")[0] for item in left} - {"FACTS", "DAYS"}  # which are nobody's
    assert kinds == {"CALL", "CUSTOMER", "LABEL", "ERASED"}, "the stranger's"
    assert {item["callId"] for item in left if item["PK"].startswith("LABEL#")} == {stranger.id}
    others = [
        item["SK"] for item in left if item["PK"].startswith(("CALL#", "CUSTOMER#")) and stranger.id not in str(item)
    ]
    assert others == []
    for path in ("/orders/1", "/appointments/1", f"/calls/{CALL_ID}"):
        assert (await rest.http.get(path)).status_code == 404
    assert (await rest.http.get(f"/calls/{stranger.id}")).status_code == 200
    assert len((await rest.http.get("/orders")).json()["data"]) == 6


@pytest.mark.parametrize("withheld", ["+266696687", "+7378742833", "+2562533"])
async def test_a_number_that_is_nobodys_finds_and_erases_no_call(quick_rest: Rest, withheld: str) -> None:
    await quick_rest.store.save_call(replace(call_record(), caller_number=withheld))
    for path in ("/customers/export", "/customers/erase"):
        answer = await quick_rest.http.post(path, json={"phone": withheld})
        assert (answer.status_code, answer.json()["success"]) == (422, False)
    kept = await quick_rest.store.call(call_record().id)
    assert kept is not None
    assert kept.caller_number is None


async def test_what_is_kept_to_go_on_with_a_call_is_erased_with_it(rest: Rest) -> None:
    recordings = Recordings(rest.settings.carlos_home)
    await rest.store.save_call(call_record(outcome="dropped"), {"identity": {"proven": ["order 1"]}})
    for part in range(3):
        await asyncio.to_thread(_record, recordings.path(CALL_ID, part))
    await rest.http.post("/customers/erase", json={"phone": "+5491155550101"})
    assert await rest.store.recall(CALL_ID) is None
    assert not list((rest.settings.carlos_home / "recordings").iterdir())


async def test_a_call_that_tried_anothers_order_in_vain_is_not_that_customers(quick_rest: Rest) -> None:
    record = call_record(caller_number=None)
    failed = replace(record.tools[0], ok=False, arguments={"orderId": "1", "dni": "11111111"}, result={})
    await quick_rest.store.save_call(replace(record, tools=(failed,)))
    data = (await quick_rest.http.post("/customers/export", json={"email": "maria.gonzalez@email.com"})).json()["data"]
    assert data["calls"] == []


async def test_records_that_a_crash_left_are_ended_at_the_next_start(rest: Rest, clock: Clock) -> None:
    now = clock()
    held = {"gone": f"{HOST}:999999", "elsewhere": "another-host:1", "old": "another-host:1"}
    for call_id, process in held.items():
        started = now - timedelta(hours=3) if call_id == "old" else now - timedelta(minutes=5)
        record = call_record(id=call_id, started_at=started, ended_at=None, outcome=None, turns=(), tools=())
        await rest.store.save_call(replace(record, details={"process": process}))
    assert await CallRecordWriter(rest.store).reconcile(now) == 2
    outcomes = {call_id: (await rest.store.call(call_id)) for call_id in held}
    assert {call_id: record and record.outcome for call_id, record in outcomes.items()} == {
        "gone": LOST,
        "elsewhere": None,
        "old": LOST,
    }


async def test_twilios_last_word_ends_a_record_whose_process_died(rest: Rest) -> None:
    await rest.store.save_call(call_record(ended_at=None, outcome=None))
    record_writer = CallRecordWriter(rest.store)
    await record_writer.carrier_said(CALL_ID, None, "twilio", {"status": "completed", "duration_s": "42"})
    record = await rest.store.call(CALL_ID)
    assert record is not None
    assert record.ended_at == record.started_at + timedelta(seconds=42)
    assert (record.outcome, record.details["twilio"]) == (LOST, {"status": "completed", "duration_s": "42"})


async def test_twilios_last_word_is_added_to_a_record_that_has_ended(rest: Rest) -> None:
    log = CallTranscript(CALL_ID, Line.PHONE, None)
    log.end("completed")
    record_writer = CallRecordWriter(rest.store)
    await record_writer.carrier_said(CALL_ID, log, "twilio", {"status": "completed", "duration_s": "42"})
    await record_writer.settled()
    record = await rest.store.call(CALL_ID)
    assert record is not None
    assert (record.outcome, record.details["twilio"]["duration_s"]) == ("completed", "42")


async def test_one_bad_record_breaks_no_list_and_is_counted(rest: Rest) -> None:
    await rest.store.save_call(call_record())
    for number, damage in enumerate(({"startedAt": "x"}, {"turnCount": "{"}, {"details": "3"}, {"line": "telex"})):
        item = head_item(call_record(id=f"CA{number}"), datetime.now(UTC) + timedelta(days=90))
        await rest.store.backend.transact([Put(TableName.CALLS, item | damage)])
    answer = await rest.http.get("/calls")
    assert [call["id"] for call in answer.json()["data"]] == [CALL_ID]
    assert answer.json()["message"].startswith("Retrieved 1 calls successfully; 4 more cannot be read")
    for kind in ("ORDER", "APPOINTMENT"):
        table = TableName(f"{kind.lower()}s")
        item = {"PK": f"{kind}#99", "SK": f"{kind}#99", "status": "pending" if kind == "ORDER" else "scheduled"}
        times = dict.fromkeys(("createdAt", "date"), "2026-11-23T14:00:00.000Z")
        await rest.store.backend.transact([Put(table, item | times)])
        message = (await rest.http.get(f"/{table}")).json()["message"]
        assert message.endswith("1 more cannot be read, `carlos doctor` names them")


async def test_half_a_surrogate_pair_that_a_caller_typed_breaks_no_list(quick_rest: Rest) -> None:
    log = CallTranscript("B1", Line.BROWSER, None)
    log.user_transcript("\ud800")
    quick_rest.active_calls._logs["B1"] = log
    await quick_rest.store.save_call(log.record())
    for path in ("/calls", "/calls/B1", "/calls/B1/transcript"):
        assert (await quick_rest.http.get(path)).status_code == 200
    assert (await quick_rest.http.get("/calls/B1")).json()["data"]["turns"][0]["text"] == "\ufffd"


def test_a_quiet_call_sends_its_followers_a_comment_every_15_seconds() -> None:
    async def follow() -> list[str]:
        log, told = CallTranscript("CA1", Line.PHONE, None), []
        log.user_transcript("Hola")
        loop = asyncio.get_running_loop()
        loop.call_later(50, log.end, "completed")
        async for event in events(log):
            told.append(event[:6].strip())
        assert loop.time() < 1000 + HEARTBEAT_INTERVAL_S * 4
        return told

    assert run_virtually(follow()) == ["data:", ":", ":", ":", "data:"]


async def test_a_follower_who_leaves_leaves_nothing_behind() -> None:
    log = CallTranscript("CA1", Line.PHONE, None)
    async with no_task_left():
        following = events(log, heartbeat_s=0.001)
        assert await anext(following) == ":\n\n"
        await following.aclose()
    assert not log.events._followers
