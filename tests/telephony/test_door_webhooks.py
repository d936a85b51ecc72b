"""What callers hear whom Carlos does not answer, and what Twilio's fallback URL gets: through the ASGI app, signed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from httpx2 import Response
from starlette.requests import HTTPConnection

from agent.active_calls import ActiveCalls
from agent.capacity import Admission
from agent.record_writer import CallRecordWriter
from agent.sonic.preconnect import StreamPreconnector
from common import metrics
from common.settings import Settings
from common.times import BUENOS_AIRES
from data.errors import Unavailable
from data.facts import Facts
from data.models import Line
from data.open import open_sqlite
from data.store import Store
from telephony.admission import Door, DoorPolicy
from telephony.carrier import Resume
from telephony.closed_line import ClosedLine
from telephony.phone_calls import PhoneCalls
from telephony.twilio import door_twiml
from telephony.twilio.carrier import Twilio
from telephony.twilio.fallback import asked_again
from telephony.twilio.signature import Signatures
from tests.support.clocks import Clock
from tests.telephony.phone_doubles import ACCOUNT, AUTH_TOKEN, BASE_URL, CALL, FakeCalls, sign
from tests.telephony.test_webhooks import RING, client, post, verbs

OVERRIDES = "rc=2&rp=ct,rt,5xx"
RECORDING = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE" + "3" * 32
LEFT = RING | {"RecordingUrl": RECORDING, "RecordingDuration": "12", "Digits": "#"}
SUNDAY_NOON = datetime(2026, 11, 22, 12, tzinfo=BUENOS_AIRES)  # the Monday after it is a holiday
SUNDAY = "Gracias por llamar a Carlos. En este momento está cerrado. Abrimos el martes 24 de noviembre a las 8."


def elements(response: Response) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(response.text))  # noqa: S314 - our own document


def rung(calls: FakeCalls, form: dict[str, str] = RING) -> list[ElementTree.Element]:
    return elements(post(calls, "/twilio/voice", form))


def refusals(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("carlos_refusals_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize(
    "admission", [each for each in Admission if each not in (Admission.ACCEPTED, Admission.ELSEWHERE)]
)
def test_every_refusal_has_its_answer(admission: Admission) -> None:
    unbilled = {
        Admission.BLOCKED: "rejected",
        Admission.FOREIGN: "rejected",
        Admission.WITHHELD: "rejected",
        Admission.TOO_OFTEN: "busy",
    }
    said = rung(FakeCalls(admission=admission))
    if admission in unbilled:
        assert [(verb.tag, verb.attrib) for verb in said] == [("Reject", {"reason": unbilled[admission]})]
    else:
        assert [verb.tag for verb in said] == ["Say", "Hangup"]
        assert said[0].attrib == {"language": "es-MX"}


def test_who_has_two_calls_hears_that() -> None:
    assert rung(FakeCalls(admission=Admission.SEATED))[0].text == door_twiml.SEATED


def test_a_closed_line_says_when_it_opens_and_ends() -> None:
    calls = FakeCalls(admission=Admission.CLOSED)
    said = rung(calls)
    assert [verb.tag for verb in said] == ["Say", "Hangup"]
    assert said[0].text == calls.closed.said


def test_a_closed_line_takes_a_message_of_bounded_length() -> None:
    calls = FakeCalls(admission=Admission.CLOSED, closed=ClosedLine("Está cerrado.", "voicemail"))
    path, changes = "/twilio/voice", {"webhook_overrides": OVERRIDES, "voicemail_max_s": 90}
    response = client(calls, **cast(Any, changes)).post(path, data=RING, headers=sign(BASE_URL + path, RING))
    say, record, nothing, hang_up = elements(response)
    assert say.text == f"Está cerrado. {door_twiml.LEAVE_MESSAGE}"
    assert record.attrib == {
        "action": f"{BASE_URL}/twilio/voicemail#{OVERRIDES}",
        "method": "POST",
        "maxLength": "90",
        "timeout": "8",
        "finishOnKey": "#",
        "playBeep": "true",
        "recordingStatusCallback": f"{BASE_URL}/twilio/voicemail-status#{OVERRIDES}",
        "recordingStatusCallbackMethod": "POST",
    }
    assert (nothing.text, hang_up.tag) == (door_twiml.NO_MESSAGE, "Hangup")


def test_a_message_is_noted_with_its_url_whichever_callback_tells_of_it() -> None:
    calls = FakeCalls()
    assert elements(post(calls, "/twilio/voicemail", LEFT))[0].text == door_twiml.MESSAGE_KEPT
    ready = {"CallSid": CALL, "RecordingUrl": RECORDING, "RecordingStatus": "completed", "RecordingDuration": "12"}
    assert post(calls, "/twilio/voicemail-status", ready).status_code == 204
    facts = {"url": RECORDING, "duration_s": "12"}
    assert calls.asked == [("note_voicemail", CALL, RING["From"], facts), ("note_voicemail", CALL, "", facts)]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://" + "x" * 400, "https://a b", "https://a\n"])
def test_a_message_without_a_url_that_is_one_is_not_noted(url: str) -> None:
    calls = FakeCalls()
    assert post(calls, "/twilio/voicemail-status", LEFT | {"RecordingUrl": url}).status_code == 204
    assert calls.asked == []


def test_a_length_that_is_none_is_left_out() -> None:
    calls = FakeCalls()
    post(calls, "/twilio/voicemail", LEFT | {"RecordingDuration": "a while"})
    assert calls.asked == [("note_voicemail", CALL, RING["From"], {"url": RECORDING})]


def test_a_store_that_fails_is_told_to_twilio_so_that_it_comes_again() -> None:
    assert post(FakeCalls(fault=Unavailable("no store")), "/twilio/voicemail-status", LEFT).status_code == 503
    said = elements(post(FakeCalls(fault=Unavailable("no store")), "/twilio/voicemail", LEFT))
    assert said[0].text == door_twiml.MESSAGE_KEPT, "Twilio has it, and tells of it once more"


def test_a_closed_line_offers_a_call_back_and_takes_one_key() -> None:
    calls = FakeCalls(admission=Admission.CLOSED, closed=ClosedLine("Está cerrado.", "callback"))
    gather, goodbye, hang_up = rung(calls)
    assert gather.attrib == {
        "input": "dtmf",
        "numDigits": "1",
        "timeout": "6",
        "action": f"{BASE_URL}/twilio/callback",
        "method": "POST",
    }
    assert [each.text for each in gather] == [f"Está cerrado. {door_twiml.OFFER_CALLBACK}"]
    assert (goodbye.text, hang_up.tag) == (door_twiml.GOODBYE, "Hangup")


@pytest.mark.parametrize("caller", ["anonymous", "", "sip:ana@pbx.example"])
def test_nobody_is_called_back_who_has_no_number(caller: str) -> None:
    calls, form = FakeCalls(closed=ClosedLine("Está cerrado.", "callback")), RING | {"From": caller}
    calls.admission = Admission.CLOSED
    assert [verb.tag for verb in rung(calls, form)] == ["Say", "Hangup"]
    post(calls, "/twilio/callback", form | {"Digits": "1"})
    assert "note_callback" not in [name for name, *_ in calls.asked]


@pytest.mark.parametrize(
    ("digits", "fault", "said", "noted"),
    [
        ("1", None, door_twiml.CALLBACK_NOTED, 1),
        ("2", None, door_twiml.GOODBYE, 0),
        ("", None, door_twiml.GOODBYE, 0),
        ("1", Unavailable("no store"), door_twiml.CALLBACK_FAILED, 1),
    ],
)
def test_a_call_back_is_promised_when_it_is_noted(digits: str, fault: Exception | None, said: str, noted: int) -> None:
    calls = FakeCalls(fault=fault)
    assert elements(post(calls, "/twilio/callback", RING | {"Digits": digits}))[0].text == said
    assert calls.asked == [("note_callback", CALL, RING["From"])] * noted


# Twilio's fallback URL.

VOICE = f"{BASE_URL}/twilio/voice"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (VOICE, "/twilio/voice?retried=1"),
        (f"{VOICE}#rc=2", "/twilio/voice?retried=1"),
        (f"{BASE_URL}/twilio/after-stream?resumes=1", "/twilio/after-stream?resumes=1&retried=1"),
        (f"{VOICE}?retried=1", None),
        (f"{BASE_URL}/twilio/after-stream?resumes=1&retried=1#rc=2", None),
        (f"{BASE_URL}/twilio/fallback", None),
        (f"{BASE_URL}/calls", None),
        ("https://carlos.example.com.evil.example/twilio/voice", None),
        ("", None),
        (VOICE + "?" + "x" * 2000, None),
    ],
)
def test_a_document_that_failed_is_asked_for_once_more(url: str, target: str | None) -> None:
    assert asked_again(BASE_URL, "/twilio/", {"ErrorUrl": url}) == target
    calls = FakeCalls(fault=RuntimeError("nothing is looked up"))
    response = post(calls, "/twilio/fallback", RING | {"ErrorCode": "11200", "ErrorUrl": url})
    if target is None:
        assert verbs(response) == ["Say", "Hangup"]
    else:
        say, redirect = elements(response)
        assert (say.text, redirect.text, redirect.attrib) == (
            door_twiml.ONE_MOMENT, BASE_URL + target, {"method": "POST"}
        )  # fmt: skip
    assert calls.asked == []


def test_the_second_try_is_answered_like_the_first() -> None:
    assert verbs(post(FakeCalls(), "/twilio/voice?retried=1", RING)) == ["Connect"]
    calls = FakeCalls(after=Resume())
    post(calls, "/twilio/after-stream?resumes=1&retried=1", RING)
    assert calls.asked == [("ended", CALL, 1)]


def test_a_call_that_is_over_is_not_asked_about_again() -> None:
    form = RING | {"CallStatus": "completed", "ErrorUrl": VOICE}
    assert verbs(post(FakeCalls(), "/twilio/fallback", form)) == ["Hangup"]


# Connection overrides.


def test_what_twilio_asks_next_has_the_overrides_and_the_streams_url_has_none() -> None:
    response = client(FakeCalls(), webhook_overrides=OVERRIDES).post(
        "/twilio/voice", data=RING, headers=sign(f"{BASE_URL}/twilio/voice", RING)
    )
    (connect,) = elements(response)
    assert connect.attrib["action"] == f"{BASE_URL}/twilio/after-stream#{OVERRIDES}"
    assert "#" not in connect[0].attrib["url"] + connect[0].attrib["statusCallback"]


@pytest.mark.parametrize(
    ("ending", "valid"), [("", True), ("#" + OVERRIDES, True), ("#rc=5", False), (OVERRIDES, False)]
)
def test_a_signature_may_cover_the_overrides_that_we_gave_and_no_others(ending: str, *, valid: bool) -> None:
    signatures = Signatures(BASE_URL, [AUTH_TOKEN], public=True, overrides=OVERRIDES)
    header = sign(f"{BASE_URL}/twilio/voice{ending}")["X-Twilio-Signature"].encode()
    scope = {"type": "http", "raw_path": b"/twilio/voice", "headers": [(b"x-twilio-signature", header)]}
    assert signatures.valid(HTTPConnection(scope)) is valid


# The door in a handler of calls with a store.


class NoSonic:
    """Nobody waits for a stream here."""

    async def open(self, model_id: str) -> Any:
        await asyncio.Event().wait()


@dataclass
class NotedCallBacks:
    noted: list[tuple[str, str]]

    async def note_callback(self, call_id: str, number: str) -> None:
        self.noted.append((call_id, number))


def handler(store: Store | None, callbacks: NotedCallBacks | None = None, **changes: Any) -> PhoneCalls:
    settings = Settings(_env_file=None, **changes)

    async def facts() -> Facts:
        return Facts("Carlos")

    active_calls = ActiveCalls(2)
    door = Door(DoorPolicy.of(settings), active_calls.capacity, facts, Clock(SUNDAY_NOON))
    preconnector, writer = StreamPreconnector(lambda call_id: NoSonic(), "model"), CallRecordWriter(cast(Any, store))
    carrier, make_call = cast(Any, Twilio), cast(Any, None)
    return PhoneCalls(active_calls, make_call, carrier, preconnector, writer, door=door, callbacks=callbacks)


async def test_a_refused_call_is_counted_by_its_reason_and_opens_no_stream() -> None:
    calls = handler(None, closed="message", blocked_numbers="+54911*")
    before = refusals("blocked"), refusals("closed")
    assert await calls.admit(CALL, "+5491155550100") is Admission.BLOCKED
    assert await calls.admit(CALL, "+5435155550100") is Admission.CLOSED
    assert (refusals("blocked"), refusals("closed")) == (before[0] + 1, before[1] + 1)
    assert await calls.closed_line() == ClosedLine(SUNDAY, "message")
    assert calls._preconnector._opening == {}


async def test_a_call_that_was_let_in_goes_on_though_the_line_has_closed_since(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "carlos.db")
    calls = handler(store, closed="message", anonymous="reject")
    assert await calls.ended(CALL, 0) == Resume()
    (opening,) = calls._preconnector._opening.values()
    opening.cancel()
    await asyncio.wait({opening})
    await store.close()


async def test_no_call_back_is_offered_where_nobody_keeps_it() -> None:
    assert (await handler(None, closed="callback").closed_line()).offer == "message"
    kept = NotedCallBacks([])
    calls = handler(None, kept, closed="callback")
    assert (await calls.closed_line()).offer == "callback"
    await calls.note_callback(CALL, "+5491155550100")
    assert kept.noted == [(CALL, "+5491155550100")]
    with pytest.raises(Unavailable):
        await handler(None, closed="callback").note_callback(CALL, "+5491155550100")


@pytest.mark.parametrize("first", ["+5491155550100", ""])
async def test_a_message_has_a_record_of_its_own_and_is_told_twice_without_harm(tmp_path: Path, first: str) -> None:
    store = await open_sqlite(tmp_path / "carlos.db")
    calls = handler(store, closed="voicemail")
    await calls.note_voicemail(CALL, first, {"url": RECORDING, "duration_s": "12"})
    await calls.note_voicemail(CALL, "", {"url": RECORDING})
    record = await store.call(CALL)
    assert record is not None
    assert (record.line, record.caller_number, record.outcome) == (Line.PHONE, first or None, "voicemail")
    assert record.details == {"voicemail": {"url": RECORDING, "duration_s": "12"}}
    assert record.ended_at is not None
    assert len((await store.calls()).items) == 1
    await store.close()
