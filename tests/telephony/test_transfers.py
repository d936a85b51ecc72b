"""Twelve ways in which a transfer ends, before and after proof, and a process that dies at any step of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from data.errors import Unavailable
from data.open import open_sqlite
from telephony.person_line import NotRung
from telephony.transfer import DIAL_S, REDIRECT_S
from telephony.transfers import PLACE_S
from tests.telephony.phone_doubles import BASE_URL, CALL
from tests.telephony.transfer_stage import OVERRIDES, PERSON, SEEN, TO, People, Server, Stage

type Step = Callable[[Stage], Awaitable[Any]]
AFTER_STREAM = "/twilio/after-stream"
BACK = "/twilio/back?resumes=0"


@pytest.fixture(params=[False], ids=["warm"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    store = await open_sqlite(tmp_path / "carlos.db")
    times = [datetime(2026, 11, 27, 15, tzinfo=UTC)]
    servers = [Server(store, lambda: times[0], People(), cold=request.param) for _ in range(2)]
    made = Stage(store, servers, times)
    yield made
    for server in servers:
        await server.close()
    await store.close()


async def to_the_room(stage: Stage) -> None:
    document = await stage.caller(AFTER_STREAM)
    assert [verb.tag for verb in document] == ["Dial"]
    room = document[0][0]
    assert (room.tag, room.attrib["startConferenceOnEnter"]) == ("Conference", "false")
    assert room.attrib["waitUrl"].startswith(f"{BASE_URL}/twilio/hold?")


async def test_twilio_asks_again_for_whatever_a_transfer_has_it_fetch(stage: Stage) -> None:
    await stage.ends_its_stream(proven=True)
    room = await stage.caller(AFTER_STREAM)
    tune = await stage.caller(f"{BASE_URL}/twilio/hold?CallSid={CALL}&to=%2B541143210000")
    await stage.server.transfers.settled()
    briefing = await stage.person("/twilio/person", AnsweredBy="human")
    assert briefing is not None
    urls = [room[0].attrib["action"], room[0][0].attrib["waitUrl"], tune[1].text or "", briefing[0].attrib["action"]]
    assert [url.partition("#")[2] for url in urls] == [OVERRIDES] * 4


async def music(stage: Stage) -> None:
    """Twice: whatever a process has left undone is due by then."""
    await stage.holds()
    stage.passes(DIAL_S + 1)
    await stage.holds()


async def picks_up(stage: Stage) -> None:
    document = await stage.person("/twilio/person", AnsweredBy="human")
    assert document is not None
    assert [verb.tag for verb in document] == ["Gather"]


async def presses_1(stage: Stage) -> None:
    document = await stage.person("/twilio/person-key", Digits="1")
    assert document is not None
    assert [verb.tag for verb in document] == ["Dial"]
    assert document[0][0].attrib["endConferenceOnExit"] == "true"


def _not_joined(document: ElementTree.Element | None) -> None:
    assert document is not None
    assert "Dial" not in [verb.tag for verb in document.iter()]


async def presses_2(stage: Stage) -> None:
    _not_joined(await stage.person("/twilio/person-key", Digits="2"))


async def presses_nothing(stage: Stage) -> None:
    _not_joined(await stage.person("/twilio/person-key", Digits=""))


async def is_a_machine(stage: Stage) -> None:
    _not_joined(await stage.person("/twilio/person", AnsweredBy="machine_start"))


async def hangs_up(stage: Stage) -> None:
    assert await stage.person("/twilio/person-status", CallStatus="completed") is None


async def is_busy(stage: Stage) -> None:
    assert await stage.person("/twilio/person-status", CallStatus="busy") is None


async def does_not_answer(stage: Stage) -> None:
    assert await stage.person("/twilio/person-status", CallStatus="no-answer") is None


async def cannot_be_rung(stage: Stage) -> None:
    assert await stage.person("/twilio/person-status", CallStatus="failed") is None


async def the_caller_leaves(stage: Stage) -> None:
    assert await stage.server.ask("/twilio/status", {"CallSid": CALL, "CallStatus": "completed", "CallDuration": "40"})


COMMON: list[Step] = [to_the_room, music]
ENDINGS: dict[str, list[Step]] = {
    "declines": [picks_up, presses_2],
    "presses nothing": [picks_up, presses_nothing],
    "hangs up in the briefing": [picks_up, hangs_up],
    "is busy": [is_busy],
    "does not answer": [does_not_answer],
    "cannot be rung": [cannot_be_rung],
    "is a machine": [is_a_machine],
}
DEATHS = [None, 0, 1, 2, 3]


async def play(stage: Stage, steps: list[Step], death: int | None, *, proven: bool) -> None:
    """Go through the steps; at the one that is numbered `death` the process dies as it answers, before it does
    anything outside, and another answers from then on."""
    await stage.ends_its_stream(proven=proven)
    for number, step in enumerate(steps):
        if number == death:
            stage.server.people.dead = True
        if number == death and step is music:
            await stage.caller(f"{BASE_URL}/twilio/hold?CallSid={CALL}&to=%2B541143210000")
            await stage.dies()
            stage.passes(DIAL_S + 1)
        await step(stage)
        if number == death and step is not music:
            await stage.dies()
    await stage.server.transfers.settled()


@pytest.mark.parametrize("proven", [False, True], ids=["before proof", "after proof"])
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("ending", ENDINGS)
async def test_whom_nobody_takes_is_with_carlos_again(
    stage: Stage, ending: str, death: int | None, proven: bool
) -> None:
    await play(stage, COMMON + ENDINGS[ending], death, proven=proven)
    stage.passes(REDIRECT_S + 1)
    await stage.holds()
    assert stage.brought_back
    assert {back.resumes for back in stage.brought_back} == {0}
    await stage.is_with_carlos(BACK, proven=proven)


@pytest.mark.parametrize("proven", [False, True], ids=["before proof", "after proof"])
@pytest.mark.parametrize("death", DEATHS)
async def test_who_is_taken_is_with_the_person(stage: Stage, death: int | None, proven: bool) -> None:
    await play(stage, [*COMMON, picks_up, presses_1], death, proven=proven)
    record = await stage.store.call(CALL)
    assert record is not None
    assert record.outcome == "transferred"
    document = await stage.caller("/twilio/after-transfer?resumes=0", DialCallStatus="completed")
    assert [verb.tag for verb in document] == ["Hangup"], "the person has hung up"
    assert [verb.tag for verb in await stage.caller(BACK)] == ["Hangup"], "a replay opens nothing"
    assert stage.brought_back == []


@pytest.mark.parametrize("proven", [False, True], ids=["before proof", "after proof"])
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("steps", [[], [picks_up]], ids=["while it rings", "in the briefing"])
async def test_a_caller_who_leaves_lets_the_person_go(
    stage: Stage, steps: list[Step], death: int | None, proven: bool
) -> None:
    await play(stage, [*COMMON, *steps], death, proven=proven)
    await the_caller_leaves(stage)
    await stage.server.transfers.settled()
    assert PERSON in stage.let_gone
    assert stage.brought_back == []
    _not_joined(await stage.person("/twilio/person-key", Digits="1"))
    record = await stage.store.call(CALL)
    assert record is not None
    assert (record.outcome, record.details["twilio"]["duration_s"]) == ("caller_left", "40")


async def test_a_person_is_rung_once_from_the_number_that_was_dialled(stage: Stage) -> None:
    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    for _ in range(5):
        await stage.holds()
    ((transfer, from_number),) = stage.rung
    assert (transfer.address, from_number) == ("+541150310001", TO)


async def test_two_servers_asked_at_once_ring_once(stage: Stage) -> None:
    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    await stage.holds()
    stage.servers.reverse()
    await stage.holds()
    assert len(stage.rung) == 1


async def test_the_question_asked_twice_is_answered_alike(stage: Stage) -> None:
    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    await to_the_room(stage)
    await music(stage)
    await picks_up(stage)
    await picks_up(stage)
    await presses_1(stage)
    await presses_1(stage)


async def test_whoever_was_rung_before_a_process_died_takes_nobody(stage: Stage) -> None:
    """The first process rang and died before it could say whom; the next rings again. Both may pick up."""
    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    await stage.caller(f"{BASE_URL}/twilio/hold?CallSid={CALL}&to=x")
    await stage.dies()
    stage.passes(DIAL_S + 1)
    await stage.holds()
    assert [transfer.leg for transfer, _ in stage.rung] == [2]
    _not_joined(await stage.person("/twilio/person", leg=1, AnsweredBy="human"))
    await picks_up(stage)
    await presses_1(stage)


async def test_a_refused_ring_brings_the_caller_back(stage: Stage) -> None:
    stage.server.people.refuses = NotRung("HTTP 400, code 21210", final=True)
    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    await stage.holds()
    await stage.server.transfers.settled()
    assert [back.came_to for back in stage.brought_back] == ["failed"]


async def test_a_carrier_that_cannot_be_reached_is_asked_again_and_given_up(stage: Stage) -> None:
    stage.server.people.refuses = NotRung("TimeoutError", final=False)
    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    for _ in range(5):
        await stage.holds()
        stage.passes(DIAL_S + 1)
    assert stage.brought_back


async def test_a_person_who_accepts_and_never_comes_gives_the_caller_back(stage: Stage) -> None:
    await play(stage, [*COMMON, picks_up, presses_1], None, proven=True)
    stage.passes(60)
    await stage.holds()
    await stage.server.transfers.settled()
    await stage.is_with_carlos(BACK, proven=True)


async def test_a_room_that_ends_under_a_waiting_caller_gives_them_back_at_once(stage: Stage) -> None:
    await play(stage, [*COMMON], None, proven=True)
    await stage.is_with_carlos("/twilio/after-transfer?resumes=0", proven=True)
    assert stage.let_gone == [PERSON]


async def test_without_a_place_the_music_goes_on_until_there_is_one(stage: Stage) -> None:
    await play(stage, [*COMMON, is_busy], None, proven=True)
    stage.server.active_calls.capacity.drain()
    document = await stage.caller(BACK)
    assert [verb.tag for verb in document.iter()] == ["Response", "Dial", "Conference"]
    stage.servers.reverse()
    stage.passes(REDIRECT_S + 1)
    await stage.holds()
    await stage.is_with_carlos(BACK, proven=True)


async def test_and_not_for_ever(stage: Stage) -> None:
    await play(stage, [*COMMON, is_busy], None, proven=True)
    stage.server.active_calls.capacity.drain()
    stage.passes(PLACE_S + 1)
    assert [verb.tag for verb in await stage.caller(BACK)] == ["Say", "Hangup"]


async def test_without_a_store_the_music_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(call_id: str) -> None:
        raise Unavailable("no store")

    await stage.ends_its_stream(proven=True)
    await to_the_room(stage)
    monkeypatch.setattr(stage.store, "transfer", unavailable)
    await stage.holds()
    assert stage.rung == []
    monkeypatch.undo()
    await stage.holds()
    assert len(stage.rung) == 1


async def test_nobody_there_any_more_is_no_music(stage: Stage) -> None:
    for server in stage.servers:
        server.transfers._people = ()
    await stage.ends_its_stream(proven=True)
    await stage.is_with_carlos(AFTER_STREAM, proven=True)
    assert stage.rung == []


async def test_a_call_is_passed_on_again_after_it_came_back(stage: Stage) -> None:
    await play(stage, [*COMMON, is_busy], None, proven=True)
    await stage.ends_its_stream(proven=True, number=2)
    document = await stage.caller(f"{AFTER_STREAM}?resumes=1")
    assert document[0][0].text == f"carlos-{CALL}-2"
    await stage.holds()
    assert [transfer.leg for transfer, _ in stage.rung] == [1, 2]
    _not_joined(await stage.person("/twilio/person", leg=1, AnsweredBy="human"))


async def test_a_model_that_is_down_is_told_of_before_the_music(stage: Stage) -> None:
    await stage.ends_its_stream(proven=True, cause="model_down")
    document = await stage.caller(AFTER_STREAM)
    assert [verb.tag for verb in document] == ["Say", "Dial"]


async def test_requests_about_no_call_of_ours_change_nothing(stage: Stage) -> None:
    await stage.holds()
    for path in ("/twilio/person", "/twilio/person-key"):
        _not_joined(await stage.person(path, leg=1, AnsweredBy="human", Digits="1"))
    assert [verb.tag for verb in await stage.caller(BACK)] == ["Hangup"]
    assert [verb.tag for verb in await stage.caller("/twilio/after-transfer")] == ["Hangup"]
    assert stage.rung == []


@pytest.mark.parametrize("stage", [True], ids=["cold"], indirect=True)
@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
async def test_a_cold_transfer_that_nobody_answers_comes_back(stage: Stage, status: str) -> None:
    await stage.ends_its_stream(proven=True)
    document = await stage.caller(AFTER_STREAM)
    assert [verb.tag for verb in document.iter()] == ["Response", "Dial", "Number"]
    assert document[0].attrib["callerId"] == SEEN
    await stage.dies()
    back = await stage.caller("/twilio/after-transfer?resumes=0", DialCallStatus=status)
    assert [verb.tag for verb in back] == ["Connect"]


@pytest.mark.parametrize("stage", [True], ids=["cold"], indirect=True)
async def test_a_cold_transfer_that_was_answered_is_over(stage: Stage) -> None:
    await stage.ends_its_stream(proven=True)
    await stage.caller(AFTER_STREAM)
    after = await stage.caller("/twilio/after-transfer?resumes=0", DialCallStatus="completed")
    assert [verb.tag for verb in after] == ["Hangup"]
    record = await stage.store.call(CALL)
    assert record is not None
    assert record.outcome == "transferred"


async def test_the_music_is_a_sound_that_twilio_plays(stage: Stage) -> None:
    response = await stage.server._client.get("/twilio/hold.wav")
    assert (response.status_code, response.headers["content-type"]) == (200, "audio/wav")
    assert response.content[:4] == b"RIFF"


@pytest.mark.parametrize("path", ["hold", "after-transfer", "back", "person", "person-key", "person-status"])
async def test_an_unsigned_request_is_refused(stage: Stage, path: str) -> None:
    response = await stage.server._client.post(f"/twilio/{path}?call={CALL}&leg=1", data={"CallSid": CALL})
    assert (response.status_code, response.content) == (403, b"")
