"""Calls that Twilio places for the server: who answers, what is told of it, and what the TwiML does."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.twilio.events import Pressed, Progressed, Ran
from sandbox.twilio.exchange import Rules
from sandbox.twilio.person import Answer, Person
from sandbox.twilio.verbs import Hangup, Say
from tests.support.waiting import bounded, until
from tests.twilio.phoned_server import PhonedServer
from tests.twilio.switchboard import ANA, OURS, Quiet, api, over, ring, statuses

pytestmark = pytest.mark.slow


async def test_a_person_answers_and_hears_the_twiml(server: PhonedServer) -> None:
    server.document("/person", "<Say>Hola, Ana</Say><Pause/><Say>Chau</Say>")
    async with server.double(people={ANA: Person()}) as twilio:
        call = await over(await ring(twilio))
    assert call.spoken == ["Hola, Ana", "Chau"]
    assert statuses(server) == ["initiated", "ringing", "in-progress", "completed"]
    asked = next(post for post in server.posts if post.path == "/person")
    assert asked.signed
    assert (asked.form["Direction"], asked.form["CallStatus"]) == ("outbound-api", "in-progress")
    assert (asked.form["From"], asked.form["To"]) == (OURS, ANA)
    assert "AnsweredBy" not in asked.form
    told = [post.form["SequenceNumber"] for post in server.posts if post.path == "/person-status"]
    assert told == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("person", "ends", "told"),
    [
        (Person(answer="busy"), "busy", ["initiated", "busy"]),
        (Person(answer="no-answer"), "no-answer", ["initiated", "ringing", "no-answer"]),
        (Person(answers_after_s=30), "no-answer", ["initiated", "ringing", "no-answer"]),
        (Person(answer="failed"), "failed", ["initiated", "failed"]),
        (None, "failed", ["initiated", "failed"]),
    ],
)
async def test_a_call_that_nobody_takes_is_told_and_fetches_nothing(
    server: PhonedServer, person: Person | None, ends: str, told: list[str]
) -> None:
    async with server.double(people={ANA: person} if person else {}) as twilio:
        call = await over(await ring(twilio, Timeout="10"))
    assert (call.status, call.seconds) == (ends, 0)
    assert statuses(server) == told
    assert "/person" not in server.paths


async def test_what_happens_on_a_placed_call_can_be_watched(server: PhonedServer) -> None:
    server.document("/person", "<Gather numDigits='1' action='/keyed'><Say>Apretá 1</Say></Gather>")
    server.document("/keyed", "<Hangup/>")
    watched: list[object] = []
    async with server.double(people={ANA: Person(presses="1")}) as twilio:
        twilio.switchboard.watch = lambda call, event: watched.append(event)
        await over(await ring(twilio))
    progress = [event.status for event in watched if isinstance(event, Progressed)]
    assert progress == ["initiated", "ringing", "in-progress", "completed"]
    assert watched.index(Ran(Say("Apretá 1"))) < watched.index(Pressed("1")) < watched.index(Ran(Hangup()))


async def test_callbacks_may_come_twice(server: PhonedServer) -> None:
    async with server.double(rules=Rules(callbacks_twice=True)) as twilio:
        await over(await ring(twilio, StatusCallbackEvent=None))
    assert statuses(server) == ["failed", "failed"]


async def test_without_events_only_the_end_is_told(server: PhonedServer) -> None:
    server.document("/person", "<Hangup/>")
    async with server.double(people={ANA: Person()}) as twilio:
        await over(await ring(twilio, StatusCallbackEvent=None))
    assert statuses(server) == ["completed"]


@pytest.mark.parametrize(
    ("answer", "mode", "found"),
    [
        ("answers", "Enable", "human"),
        ("machine", "Enable", "machine_start"),
        ("machine", "DetectMessageEnd", "machine_end_beep"),
        ("fax", "Enable", "fax"),
        ("unknown", "Enable", "unknown"),
    ],
)
async def test_who_answered_is_in_the_first_request(
    server: PhonedServer, answer: Answer, mode: str, found: str
) -> None:
    server.document("/person", "<Hangup/>")
    async with server.double(people={ANA: Person(answer=answer)}) as twilio:
        call = await over(await ring(twilio, MachineDetection=mode))
    asked = next(post for post in server.posts if post.path == "/person")
    assert asked.form["AnsweredBy"] == found
    assert call.resource()["answered_by"] == found


async def test_asynchronous_detection_is_told_while_the_twiml_runs(server: PhonedServer) -> None:
    server.document("/person", "<Pause length='20'/>")
    callback = "https://carlos.example/amd-status"
    async with server.double(people={ANA: Person(answer="machine")}) as twilio:
        await over(await ring(twilio, MachineDetection="Enable", AsyncAmd="true", AsyncAmdStatusCallback=callback))
    assert "AnsweredBy" not in next(post for post in server.posts if post.path == "/person").form
    told = next(post for post in server.posts if post.path == "/amd-status")
    assert told.signed
    assert (told.form["AnsweredBy"], told.form["MachineDetectionDuration"]) == ("machine_start", "3500")


@pytest.mark.parametrize(
    ("presses", "gather", "reached", "digits"),
    [
        ("1", "<Gather numDigits='1' action='/keyed'><Say>Apretá 1</Say></Gather>", "/keyed", "1"),
        (("12#",), "<Gather action='/keyed'/>", "/keyed", "12"),
        (("12",), "<Gather action='/keyed' timeout='3'/>", "/keyed", "12"),
        ((), "<Gather action='/keyed' timeout='3'/>", "/silent", None),
        (("#",), "<Gather action='/keyed' timeout='3'/>", "/silent", None),
        ((), "<Gather action='/keyed' actionOnEmptyResult='true'/>", "/keyed", ""),
    ],
)
async def test_what_the_person_keys_is_gathered(
    server: PhonedServer, presses: Any, gather: str, reached: str, digits: str | None
) -> None:
    server.document("/person", f"{gather}<Redirect>/silent</Redirect>")
    server.document("/keyed", "<Hangup/>")
    server.document("/silent", "<Hangup/>")
    async with server.double(people={ANA: Person(presses=presses)}) as twilio:
        call = await over(await ring(twilio))
    assert call.verbs[-1] == Hangup()
    asked = next(post for post in server.posts if post.path in {"/keyed", "/silent"})
    assert asked.path == reached
    assert asked.form.get("Digits") == digits


async def test_a_key_stops_the_prompt(server: PhonedServer) -> None:
    server.document("/person", "<Gather numDigits='1' action='/keyed'><Pause length='3000'/><Say>No</Say></Gather>")
    server.document("/keyed", "<Hangup/>")
    async with server.double(people={ANA: Person()}) as twilio:
        call = await ring(twilio)
        await until(lambda: len(call.verbs) == 2)
        call.press("5")
        await over(call)
    assert call.spoken == []
    assert server.posts[-2].form["Digits"] == "5"


async def test_a_gather_without_action_asks_its_own_document(server: PhonedServer) -> None:
    server.document("/person", "<Gather numDigits='1'/>")
    async with server.double(people={ANA: Person(presses="12", hangs_up_after_s=60)}) as twilio:
        await over(await ring(twilio))
    asked = [post.form.get("Digits") for post in server.posts if post.path == "/person"]
    assert asked == [None, "1", "2"]


async def test_a_ringing_call_is_canceled_and_not_redirected(server: PhonedServer) -> None:
    async with server.double(people={ANA: Person(answers_after_s=500)}) as twilio:
        call = await ring(twilio, Timeout="600")
        await until(lambda: call.status == "ringing")
        status, body = await api(twilio, "POST", f"/Calls/{call.sid}.json", {"Twiml": "<Response/>"})
        assert (status, body["code"]) == (400, 21220)
        assert (await api(twilio, "POST", f"/Calls/{call.sid}.json", {"Status": "canceled"}))[0] == 200
        await over(call)
    assert (call.status, call.ended_by) == ("canceled", "api")
    assert statuses(server) == ["initiated", "ringing", "canceled"]


async def test_canceling_an_answered_call_changes_nothing(server: PhonedServer) -> None:
    server.document("/person", "<Pause length='20'/>")
    async with server.double(people={ANA: Person()}) as twilio:
        call = await ring(twilio)
        await until(lambda: call.status == "in-progress" and call.verbs)
        await api(twilio, "POST", f"/Calls/{call.sid}.json", {"Status": "canceled"})
        await over(call)
    assert (call.status, call.ended_by) == ("completed", "twiml")


async def test_a_person_who_hangs_up_ends_the_call(server: PhonedServer) -> None:
    server.document("/person", "<Pause length='3000'/>")
    async with server.double(people={ANA: Person(hangs_up_after_s=5)}) as twilio:
        call = await over(await ring(twilio))
    assert (call.status, call.ended_by) == ("completed", "caller")
    end = next(post.form for post in server.posts if post.form.get("CallStatus") == "completed")
    assert int(end["CallDuration"]) >= 5


async def test_a_call_runs_twiml_that_came_with_it(server: PhonedServer) -> None:
    async with server.double(people={ANA: Person()}) as twilio:
        call = await over(await ring(twilio, Url=None, Twiml="<Response><Say>Hola</Say></Response>"))
    assert call.spoken == ["Hola"]


async def test_a_failing_document_is_followed_by_the_fallback_url(server: PhonedServer) -> None:
    server.document("/person", "<Redirect>/gone</Redirect>")
    server.document("/sorry", "<Say>Perdón</Say>")
    async with server.double(people={ANA: Person()}) as twilio:
        call = await over(await ring(twilio, FallbackUrl="https://carlos.example/sorry"))
    assert (call.spoken, call.failure) == (["Perdón"], None)
    asked = next(post for post in server.posts if post.path == "/sorry")
    assert (asked.form["ErrorCode"], asked.form["ErrorUrl"]) == ("11200", "https://carlos.example/gone")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "1150310001"}, 21211),
        ({"From": ""}, 21213),
        ({"From": "+541150319999"}, 21210),
        ({"Url": ""}, 21205),
        ({"Url": "/person"}, 21205),
        ({"StatusCallback": "carlos.example"}, 21609),
        ({"StatusCallbackEvent": "initiated ringing"}, 21626),
        ({"Timeout": "0"}, 20001),
        ({"Timeout": "601"}, 20001),
        ({"Method": "PUT"}, 20001),
        ({"MachineDetection": "true"}, 20001),
        ({"Url": "", "Twiml": "x" * 4001}, 20001),
        ({"Colour": "red"}, 20001),
    ],
)
async def test_a_call_that_twilio_would_not_place_is_refused_with_its_code(
    server: PhonedServer, change: dict[str, str], code: int
) -> None:
    form = {"To": ANA, "From": OURS, "Url": "https://carlos.example/person", **change}
    async with server.double(people={ANA: Person()}) as twilio:
        status, body = await api(twilio, "POST", "/Calls.json", form)
        assert (status, body["code"], body["status"]) == (400, code, 400)
        assert twilio.outbound == []


async def test_a_sip_address_is_called_too(server: PhonedServer) -> None:
    address = "sip:guardia@clinica.example"
    server.document("/person", "<Say>Hola</Say>")
    async with server.double(people={address: Person()}) as twilio:
        call = await over(await ring(twilio, to=address, SipAuthUsername="carlos", SipAuthPassword="secreto"))
    assert call.spoken == ["Hola"]


# <Dial>


async def dial(server: PhonedServer, people: dict[str, Person], twiml: str) -> dict[str, str]:
    """What `action` is told of a `<Dial>` of a caller's."""
    server.document("/twilio/voice", twiml)
    server.document("/dialled", "<Hangup/>")
    async with server.double(people=people) as twilio, bounded():
        await twilio.dial(Quiet()).run()
    return dict(next(post.form for post in server.posts if post.path == "/dialled"))


@pytest.mark.parametrize(
    ("person", "status", "bridged"),
    [
        (Person(talks_s=4), "completed", "true"),
        (Person(answer="busy"), "busy", "false"),
        (Person(answer="no-answer"), "no-answer", "false"),
        (Person(answer="failed"), "failed", "false"),
    ],
)
async def test_a_dialled_persons_answer_is_told_to_action(
    server: PhonedServer, person: Person, status: str, bridged: str
) -> None:
    told = await dial(server, {ANA: person}, f'<Dial action="/dialled"><Number>{ANA}</Number></Dial>')
    assert (told["DialCallStatus"], told["DialBridged"]) == (status, bridged)
    assert (told["DialCallDuration"] == "0") is (status != "completed")


@pytest.mark.parametrize(("presses", "bridged"), [("1", "true"), ("2", "false"), ((), "false")])
async def test_who_is_dialled_hears_a_whisper_and_may_decline(server: PhonedServer, presses: Any, bridged: str) -> None:
    server.document("/whisper", "<Gather numDigits='1' action='/choice'><Say>Apretá 1</Say></Gather><Hangup/>")
    server.document("/choice", "" if presses == "1" else "<Hangup/>")
    twiml = f'<Dial action="/dialled"><Number url="/whisper">{ANA}</Number></Dial>'
    told = await dial(server, {ANA: Person(presses=presses, talks_s=3)}, twiml)
    assert (told["DialCallStatus"], told["DialBridged"]) == ("completed", bridged)
    whisper = next(post.form for post in server.posts if post.path == "/whisper")
    assert whisper["Direction"] == "outbound-dial"
    assert whisper["ParentCallSid"] == told["CallSid"]


@pytest.mark.parametrize(("shown", "code"), [("+5491155550100", None), (OURS, None), ("+541150319999", 13214)])
async def test_a_caller_id_is_one_of_the_calls_or_the_accounts(
    server: PhonedServer, shown: str, code: int | None
) -> None:
    server.document("/twilio/voice", f'<Dial callerId="{shown}"><Number>{ANA}</Number></Dial>')
    async with server.double(people={ANA: Person(answer="busy")}) as twilio, bounded():
        call = twilio.dial(Quiet())
        await call.run()
    assert (None if call.failure is None else call.failure.code) == code
    assert [placed.origin for placed in twilio.outbound] == ([] if code else [shown])


async def test_the_first_who_answers_is_connected_and_the_others_are_hung_up(server: PhonedServer) -> None:
    other = "+541150310002"
    people = {ANA: Person(answers_after_s=500), other: Person(answers_after_s=1, talks_s=2)}
    server.document("/twilio/voice", f"<Dial timeout='600'><Number>{ANA}</Number><Number>{other}</Number></Dial>")
    async with server.double(people=people) as twilio, bounded():
        await twilio.dial(Quiet()).run()
    assert [call.status for call in twilio.outbound] == ["canceled", "completed"]


async def test_a_caller_who_hangs_up_takes_the_dialled_with_him(server: PhonedServer) -> None:
    server.document("/twilio/voice", f'<Dial action="/dialled">{ANA}</Dial>')
    async with server.double(people={ANA: Person()}) as twilio, bounded():
        call = twilio.dial(Quiet())
        twilio.switchboard.watch = lambda placed, event: call.hang_up()  # once they are connected
        await call.run()
        await over(twilio.outbound[0])
    assert (call.ended_by, twilio.outbound[0].ended_by) == ("caller", "api")
    assert "/dialled" not in server.paths
