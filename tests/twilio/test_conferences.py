"""Conferences: music, start, end, who hears whom, what is told, and the REST API's part in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sandbox.twilio.call import PhoneCall
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.exchange import Rules
from sandbox.twilio.person import Person
from sandbox.twilio.rooms import Room
from tests.support.waiting import bounded, until
from tests.twilio.phoned_server import PhonedServer
from tests.twilio.switchboard import ANA, Quiet, api, over, ring

WAITS = 'startConferenceOnEnter="false" endConferenceOnExit="true"'
TOLD = 'statusCallback="/room-status" statusCallbackEvent="start end join leave"'


def conference(attributes: str = "", name: str = "sala") -> str:
    return f'<Dial action="/after"><Conference {attributes}>{name}</Conference></Dial>'


@asynccontextmanager
async def waiting(server: PhonedServer, attributes: str = WAITS, **options: object) -> AsyncIterator[PhoneCall]:
    """A caller in a conference, until it is over for him; the double is `server`'s last."""
    server.document("/twilio/voice", conference(attributes))
    server.document("/after", "<Hangup/>")
    async with server.double(**options) as twilio, bounded():
        server.twilio = twilio
        call = twilio.dial(Quiet())
        running = asyncio.create_task(call.run())
        await until(lambda: list(twilio.rooms))
        yield call
        await running


def room_of(twilio: TwilioDouble) -> Room | None:
    return next((room for room in twilio.rooms if not room.over), None)


def events(server: PhonedServer) -> list[str]:
    return [post.form["StatusCallbackEvent"] for post in server.posts if post.path == "/room-status"]


async def test_a_caller_waits_until_a_person_comes_and_hears_him(server: PhonedServer) -> None:
    server.document("/person", conference(name="sala"))
    async with waiting(server, f"{WAITS} {TOLD}", people={ANA: Person(talks_s=5)}) as call:
        room = room_of(server.twilio)
        assert room is not None
        assert room.status == "init"
        person = await over(await ring(server.twilio))
        await until(lambda: call.status != "in-progress" or room.bridged[-1].end is not None)
        call.hang_up()
    assert server.twilio.rooms.bridged_s(call.sid, person.sid) >= 5
    assert (room.status, room.reason) == ("completed", "participant-with-end-conference-on-exit-left")
    assert room.ended_by == call.sid
    assert events(server) == [
        *("participant-join", "participant-join", "conference-start"),
        *("participant-leave", "participant-leave", "conference-end"),
    ]
    told = [post.form for post in server.posts if post.path == "/room-status"]
    assert all(post.signed for post in server.posts)
    assert [form["SequenceNumber"] for form in told] == ["1", "2", "3", "4", "5", "6"]
    assert {(form["ConferenceSid"], form["FriendlyName"]) for form in told} == {(room.sid, "sala")}
    assert (told[0]["CallSid"], told[0]["StartConferenceOnEnter"]) == (call.sid, "false")
    assert told[3]["ReasonParticipantLeft"] == "participant_hung_up"
    assert (told[5]["ReasonConferenceEnded"], told[5]["CallSidEndingConference"]) == (room.reason, call.sid)


async def test_the_end_of_a_conference_lets_the_others_go_on(server: PhonedServer) -> None:
    server.document("/person", conference('endConferenceOnExit="true"'))
    async with waiting(server, 'startConferenceOnEnter="false"', people={ANA: Person(talks_s=3)}) as call:
        await over(await ring(server.twilio))
    after = next(post.form for post in server.posts if post.path == "/after")
    assert after["CallSid"] == call.sid
    assert (after["DialCallStatus"], after["DialBridged"]) == ("answered", "true")
    assert not after.keys() & {"DialCallSid", "DialCallDuration"}
    assert call.ended_by == "twiml"


async def test_the_music_is_fetched_and_loops_by_its_redirect_until_the_start(server: PhonedServer) -> None:
    server.document("/music", "<Say>Un momento</Say><Redirect/>")
    server.document("/person", conference('endConferenceOnExit="true"'))
    async with waiting(server, f'{WAITS} waitUrl="/music"', people={ANA: Person(talks_s=1)}) as call:
        await until(lambda: server.paths.count("/music") == 3)
        await over(await ring(server.twilio))
    asked = [post for post in server.posts if post.path == "/music"]
    assert all(post.signed and post.form["CallSid"] == call.sid for post in asked)
    assert call.spoken[0] == "Un momento"


@pytest.mark.parametrize(("rules", "repeats"), [(Rules(), False), (Rules(wait_url_repeats=True), True)])
async def test_music_without_a_redirect_ends_in_silence_unless_the_older_rule_holds(
    server: PhonedServer, rules: Rules, repeats: bool
) -> None:
    server.document("/music", "<Say>Un momento</Say>")
    async with waiting(server, f'{WAITS} waitUrl="/music"', rules=rules) as call:
        if repeats:
            await until(lambda: server.paths.count("/music") == 3)
        else:
            await call.line.clock.sleep_until(call.line.clock.now() + 20)
        call.hang_up()
    assert (server.paths.count("/music") > 1) is repeats


@pytest.mark.parametrize(
    ("music", "code"), [("<Gather/>", 13238), ("<Hangup/>", 13238), ("<Speak>x</Speak>", 12200), (None, 11200)]
)
async def test_music_that_twilio_would_not_play_ends_the_dial(
    server: PhonedServer, music: str | None, code: int
) -> None:
    if music is not None:
        server.document("/music", music)
    async with waiting(server, f'waitUrl="/music" {TOLD}') as call:
        pass
    assert call.warnings == [code]
    assert next(post.form for post in server.posts if post.path == "/after")["DialCallStatus"] == "failed"
    left = next(post.form for post in server.posts if post.form.get("StatusCallbackEvent") == "participant-leave")
    assert left["ReasonParticipantLeft"] == "participant_add_failed"


async def test_two_who_may_not_start_it_both_wait(server: PhonedServer) -> None:
    async with waiting(server) as call:
        room = room_of(server.twilio)
        assert room is not None
        other = server.twilio.dial(Quiet())
        running = asyncio.create_task(other.run())
        await until(lambda: len(room.participants) == 2)
        assert (room.status, room.bridged) == ("init", [])
        call.hang_up()
        await running
    assert other.ended_by == "twiml"


async def test_a_redirect_by_the_api_leaves_the_conference(server: PhonedServer) -> None:
    server.document("/back", "<Say>Acá estoy</Say>")
    async with waiting(server, f"{WAITS} {TOLD}") as call:
        form = {"Url": "https://carlos.example/back"}
        assert (await api(server.twilio, "POST", f"/Calls/{call.sid}.json", form))[0] == 200
    assert call.spoken == ["Acá estoy"]
    assert "/after" not in server.paths
    left = next(post.form for post in server.posts if post.form.get("StatusCallbackEvent") == "participant-leave")
    assert left["ReasonParticipantLeft"] == "participant_updated_via_api"
    assert left["ParticipantCallStatus"] == "in-progress"


async def test_the_api_shows_a_conference_only_while_it_is_in_progress(server: PhonedServer) -> None:
    server.document("/person", conference())
    async with waiting(server, people={ANA: Person()}) as call:
        twilio, named = server.twilio, {"FriendlyName": "sala"}
        assert (await api(twilio, "GET", "/Conferences.json", named))[1]["conferences"] == []
        assert len((await api(twilio, "GET", "/Conferences.json", {"Status": "init"}))[1]["conferences"]) == 1
        person = await ring(twilio)
        (room,) = await until(lambda: [room for room in twilio.rooms if room.started.is_set()])
        (listed,) = (await api(twilio, "GET", "/Conferences.json", named))[1]["conferences"]
        assert (listed["sid"], listed["status"], listed["friendly_name"]) == (room.sid, "in-progress", "sala")
        path = f"/Conferences/{room.sid}"
        participants = (await api(twilio, "GET", f"{path}/Participants.json"))[1]["participants"]
        assert [each["call_sid"] for each in participants] == [call.sid, person.sid]
        assert [each["end_conference_on_exit"] for each in participants] == [True, False]
        call.hang_up()
        await over(person)
        assert (await api(twilio, "GET", f"{path}/Participants.json"))[1]["code"] == 20404
        assert (await api(twilio, "GET", f"{path}.json"))[1]["status"] == "completed"
        (ended,) = (await api(twilio, "GET", "/Conferences.json", {"Status": "completed"}))[1]["conferences"]
        assert ended["reason_conference_ended"] == "participant-with-end-conference-on-exit-left"


async def test_the_api_removes_a_participant_who_goes_on(server: PhonedServer) -> None:
    async with waiting(server, 'participantLabel="cliente"') as call:
        room = room_of(server.twilio)
        assert room is not None
        path = f"/Conferences/{room.sid}/Participants"
        assert (await api(server.twilio, "GET", f"{path}/cliente.json"))[1]["call_sid"] == call.sid
        assert (await api(server.twilio, "GET", f"{path}/CA0.json"))[1]["code"] == 20404
        assert (await api(server.twilio, "DELETE", f"{path}/{call.sid}.json"))[0] == 204
    assert "/after" in server.paths
    assert room.reason == "last-participant-kicked"


async def test_the_api_holds_mutes_and_ends(server: PhonedServer) -> None:
    server.document("/person", conference())
    async with waiting(server, people={ANA: Person()}) as call:
        person = await ring(server.twilio)
        (room,) = await until(lambda: [room for room in server.twilio.rooms if room.bridged])
        path = f"/Conferences/{room.sid}"
        one = f"{path}/Participants/{person.sid}.json"
        assert (await api(server.twilio, "POST", one, {"Hold": "true"}))[1]["hold"] is True
        assert room.bridged[-1].end is not None
        assert (await api(server.twilio, "POST", one, {"Hold": "false", "Muted": "true"}))[1]["muted"] is True
        assert room.bridged[-1].end is None
        assert (await api(server.twilio, "POST", one, {"Hold": "perhaps"}))[1]["code"] == 20001
        await api(server.twilio, "POST", f"{path}.json", {"Status": "completed"})
        await over(person)
    assert room.reason == "conference-ended-via-api"
    assert call.ended_by == "twiml"


async def test_a_full_conference_takes_nobody_and_its_name_is_free_again_after_its_end(server: PhonedServer) -> None:
    server.document("/person", conference('maxParticipants="1"') + "<Say>Lleno</Say>")
    async with waiting(server, people={ANA: Person()}) as call:
        await over(await ring(server.twilio))
        call.hang_up()
    assert [room.status for room in server.twilio.rooms] == ["completed"]
    async with waiting(server) as call:
        assert len(list(server.twilio.rooms)) == 1
        call.hang_up()
