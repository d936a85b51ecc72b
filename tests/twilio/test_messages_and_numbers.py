"""What the REST API keeps and shows: messages, the number's configuration, the account, recordings."""

from __future__ import annotations

import asyncio
import io

import aiohttp
import pytest
import soundfile

from sandbox.twilio.messages import Refused, Undelivered
from tests.support.waiting import bounded, until
from tests.twilio.phoned_server import PUBLIC, PhonedServer
from tests.twilio.switchboard import ANA, OURS, Quiet, api

SMS = {"To": ANA, "From": OURS, "Body": "Turno el jueves a las 10."}
WHATSAPP = {"To": f"whatsapp:{ANA}", "From": f"whatsapp:{OURS}"}


async def test_a_message_is_kept_and_its_way_is_told(server: PhonedServer) -> None:
    async with server.double() as twilio:
        status, body = await api(twilio, "POST", "/Messages.json", SMS | {"StatusCallback": f"{PUBLIC}/sms-status"})
        assert (status, body["status"], body["error_code"]) == (201, "queued", None)
        await twilio.webhooks.drain()
        (message,) = twilio.messages.kept
        assert (message.to, message.origin, message.body) == (ANA, OURS, SMS["Body"])
        assert (await api(twilio, "GET", f"/Messages/{message.sid}.json"))[1]["status"] == "delivered"
    told = [post.form for post in server.posts if post.path == "/sms-status"]
    assert [form["MessageStatus"] for form in told] == ["sent", "delivered"]
    assert {form["MessageSid"] for form in told} == {message.sid}
    assert all(post.signed for post in server.posts)


async def test_the_same_request_twice_is_two_messages(server: PhonedServer) -> None:
    async with server.double() as twilio:
        for _ in range(2):
            await api(twilio, "POST", "/Messages.json", SMS)
        assert len((await api(twilio, "GET", "/Messages.json", {"To": ANA}))[1]["messages"]) == 2
    assert len({message.sid for message in twilio.messages.kept}) == 2


async def test_a_messaging_service_sends_without_a_number_of_its_own(server: PhonedServer) -> None:
    async with server.double() as twilio:
        form = {"To": ANA, "MessagingServiceSid": "MG1", "Body": "Hola"}
        assert (await api(twilio, "POST", "/Messages.json", form))[1]["status"] == "accepted"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "1150310001"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "+541150319999"}, 21606),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": f"whatsapp:{ANA}"}, 63007),
        ({"StatusCallback": "/sms-status"}, 21609),
        ({"Colour": "red"}, 20001),
    ],
)
async def test_a_message_that_twilio_would_refuse_is_refused(
    server: PhonedServer, change: dict[str, str], code: int
) -> None:
    async with server.double() as twilio:
        status, body = await api(twilio, "POST", "/Messages.json", SMS | change)
    assert (status, body["code"]) == (400, code)
    assert twilio.messages.kept == []


@pytest.mark.parametrize(("code", "status"), [(21610, 400), (21614, 400), (20429, 429), (20500, 500)])
async def test_a_recipient_may_be_one_who_cannot_be_written_to(server: PhonedServer, code: int, status: int) -> None:
    async with server.double() as twilio:
        twilio.messages.fates[ANA] = Refused(code)
        answered, body = await api(twilio, "POST", "/Messages.json", SMS)
    assert (answered, body["code"]) == (status, code)
    assert twilio.messages.kept == []


@pytest.mark.parametrize(("content", "ends"), [({"Body": "Hola"}, "undelivered"), ({"ContentSid": "HX1"}, "delivered")])
async def test_free_text_on_whatsapp_fails_later_and_a_template_does_not(
    server: PhonedServer, content: dict[str, str], ends: str
) -> None:
    async with server.double() as twilio:
        twilio.messages.fates[f"whatsapp:{ANA}"] = Undelivered(63016)
        form = {**WHATSAPP, **content, "StatusCallback": f"{PUBLIC}/sms-status"}
        assert (await api(twilio, "POST", "/Messages.json", form))[0] == 201
        await twilio.webhooks.drain()
    told = server.posts[-1].form
    assert (told["MessageStatus"], told.get("ErrorCode")) == (ends, "63016" if ends == "undelivered" else None)


async def test_a_number_is_found_and_what_is_set_on_it_holds_for_the_next_call(server: PhonedServer) -> None:
    server.document("/other", "<Say>Hola</Say>")
    async with server.double() as twilio, bounded():
        (found,) = (await api(twilio, "GET", "/IncomingPhoneNumbers.json", {"PhoneNumber": OURS}))[1][
            "incoming_phone_numbers"
        ]
        assert (found["voice_url"], found["voice_method"]) == (f"{PUBLIC}/twilio/voice", "POST")
        form = {"VoiceUrl": f"{PUBLIC}/other#rc=2", "VoiceFallbackUrl": f"{PUBLIC}/sorry", "StatusCallback": ""}
        path = f"/IncomingPhoneNumbers/{found['sid']}.json"
        changed = (await api(twilio, "POST", path, form))[1]
        assert (changed["voice_fallback_url"], changed["status_callback"]) == (f"{PUBLIC}/sorry", "")
        assert (await api(twilio, "GET", path))[1] == changed
        call = twilio.dial(Quiet())
        await call.run()
    assert call.spoken == ["Hola"]
    assert "/twilio/status" not in server.paths


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"VoiceUrl": "/voice"}, 21502),
        ({"StatusCallback": "ftp://carlos.example/"}, 21609),
        ({"VoiceMethod": "PUT"}, 21403),
        ({"Colour": "red"}, 20001),
    ],
)
async def test_a_number_refuses_what_twilio_would(server: PhonedServer, form: dict[str, str], code: int) -> None:
    async with server.double() as twilio:
        before = twilio.numbers.current
        status, body = await api(twilio, "POST", f"/IncomingPhoneNumbers/{twilio.numbers.sid}.json", form)
    assert (status, body["code"]) == (400, code)
    assert twilio.numbers.current == before


async def test_numbers_of_others_are_not_there(server: PhonedServer) -> None:
    async with server.double() as twilio:
        listed = await api(twilio, "GET", "/IncomingPhoneNumbers.json", {"PhoneNumber": ANA})
        fetched = await api(twilio, "GET", "/IncomingPhoneNumbers/PN1.json")
    assert listed[1]["incoming_phone_numbers"] == []
    assert (fetched[0], fetched[1]["code"]) == (404, 20404)


@pytest.mark.parametrize(("method", "path"), [("GET", "/Queues.json"), ("DELETE", "/Messages.json")])
async def test_what_is_not_there_is_answered_as_twilio_does(server: PhonedServer, method: str, path: str) -> None:
    async with server.double() as twilio:
        status, body = await api(twilio, method, path)
    assert (status, body["code"]) == (404, 20404)


async def test_an_account_is_fetched_by_who_knows_its_token(server: PhonedServer) -> None:
    async with server.double() as twilio:
        status, body = await api(twilio, "GET", ".json")
        assert (status, body["status"], body["sid"]) == (200, "active", twilio.account.sid)
        status, body = await api(twilio, "GET", ".json", token="wrong")
    assert (status, body["code"]) == (401, 20003)


async def test_a_message_left_after_the_beep_is_told_and_can_be_heard(server: PhonedServer) -> None:
    server.document("/twilio/voice", '<Record action="/left" recordingStatusCallback="/record-status" timeout="2"/>')
    server.document("/left", "<Hangup/>")
    async with server.double() as twilio, bounded():
        call = twilio.dial(Quiet())
        await call.run()
        left = next(post.form for post in server.posts if post.path == "/left")
        told = next(post.form for post in server.posts if post.path == "/record-status")
        assert (left["RecordingDuration"], left["Digits"]) == ("4", "")
        assert (told["RecordingStatus"], told["RecordingSource"]) == ("completed", "RecordVerb")
        assert told["RecordingUrl"] == left["RecordingUrl"]
        assert await seconds_of(left["RecordingUrl"] + ".wav") == 4


async def seconds_of(url: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        return float(soundfile.info(io.BytesIO(await response.read())).duration)


@pytest.mark.parametrize(("key", "digits"), [("5", "5"), (None, "hangup")])
async def test_a_key_or_a_hang_up_ends_a_message(server: PhonedServer, key: str | None, digits: str) -> None:
    server.document("/twilio/voice", '<Record action="/left" playBeep="false" timeout="3000"/>')
    server.document("/left", "<Say>Gracias</Say>")
    async with server.double() as twilio, bounded():
        call = twilio.dial(Quiet())
        running = asyncio.create_task(call.run())
        await until(lambda: call.verbs)
        await call.line.clock.sleep_until(call.line.clock.now() + 1)
        if key is None:
            call.hang_up()
        else:
            call.press(key)
        await running
    left = next(post.form for post in server.posts if post.path == "/left")
    assert left["Digits"] == digits
    assert call.spoken == ([] if key is None else ["Gracias"])


async def test_silence_after_the_beep_is_no_message(server: PhonedServer) -> None:
    server.document("/twilio/voice", '<Record action="/left" timeout="2"/><Say>No escuché nada</Say>')
    async with server.double() as twilio, bounded():
        call = twilio.dial(Quiet())
        call.message_s = 0
        await call.run()
    assert call.spoken == ["No escuché nada"]
    assert (twilio.recordings.kept, "/left" in server.paths) == ({}, False)
