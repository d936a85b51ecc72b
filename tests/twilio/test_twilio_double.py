"""One call against a tiny server: what Twilio sends, what it does with what it gets, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import aiohttp
import pytest
import soundfile
from twilio.request_validator import RequestValidator

from sandbox.twilio.account import Account, PhoneNumber, Route
from sandbox.twilio.call import Dialled, PhoneCall
from sandbox.twilio.clock import ScaledClock
from sandbox.twilio.double import TwilioDouble
from sandbox.twilio.errors import WebhookFault
from sandbox.twilio.playout import Playout
from sandbox.twilio.stream import SEND_BUFFER, SILENT_FRAME, Act, MediaSession, StreamEnd, Timeline
from sandbox.twilio.twiml import Connect, Dial, Hangup, Pause, Play, Redirect, Reject, Say, Target, Verb
from telephony.twilio.media_stream_peer import MediaStreamPeer
from tests.twilio.phoned_server import PUBLIC, SPEED, STREAM, PhonedServer, Socket

VOICE = b"\x20"


class Quiet:
    """A caller who says nothing and hears everything."""

    def listen(self, heard: bytes) -> Act:
        return Act()


class Scripted:
    """A caller who does these things, a frame each, and is quiet then."""

    def __init__(self, *acts: Act) -> None:
        self._acts = list(acts)

    def listen(self, heard: bytes) -> Act:
        return self._acts.pop(0) if self._acts else Act()


async def speak(socket: Socket, samples: int) -> None:
    await socket.send("media", media={"payload": base64.b64encode(VOICE * samples).decode()})


async def mark(socket: Socket, name: str) -> None:
    await socket.send("mark", mark={"name": name})


def heard(call: PhoneCall) -> int:
    """How many samples of the server's voice reached the caller."""
    return call.timeline.playout.heard.count(VOICE)


async def place(server: PhonedServer, caller: Quiet | Scripted | None = None) -> PhoneCall:
    async with server.double() as twilio:
        call = twilio.dial(caller or Quiet())
        await asyncio.wait_for(call.run(), 10)
    return call


# What Twilio sends.


async def test_the_webhook_is_signed_over_the_public_url(server: PhonedServer) -> None:
    call = await place(server)
    webhook = server.posts[0]
    assert webhook.path == "/twilio/voice"
    assert webhook.signed
    assert webhook.form["CallSid"] == call.sid
    assert webhook.form["CallStatus"] == "ringing"
    assert webhook.form["From"] == webhook.form["Caller"] == call.number


async def test_the_upgrade_is_signed_over_the_wss_url_and_looks_like_twilios(server: PhonedServer) -> None:
    server.document("/twilio/voice", '<Connect><Stream url="wss://carlos.example/media?secret=1"/></Connect>')
    await place(server)
    upgrade = server.upgrades[0]
    signature = upgrade.headers["X-Twilio-Signature"]
    validator = RequestValidator(server.account.auth_token)
    assert validator.validate("wss://carlos.example/media", {}, signature)
    assert upgrade.headers["User-Agent"] == "Twilio.TmeWs/1.0"
    assert upgrade.headers["Host"] == "carlos.example"
    assert upgrade.query_string == ""
    assert not upgrade.headers.keys() & {"Origin", "Sec-WebSocket-Extensions"}


async def test_a_stream_opens_with_connected_and_start_and_then_flows(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        for _ in range(5):
            await socket.receive()

    server.document(
        "/twilio/voice",
        '<Connect><Stream url="wss://carlos.example/media"><Parameter name="token" value="t0k"/></Stream></Connect>',
    )
    server.talk = talk
    loud = Act(sound=VOICE * 160)
    call = await place(server, Scripted(Act(), loud))
    connected, start, *media = server.sockets[0].messages
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["start"]["customParameters"] == {"token": "t0k"}
    assert start["start"]["callSid"] == call.sid
    assert [message["sequenceNumber"] for message in (start, *media)] == ["1", "2", "3", "4"]
    assert [message["media"]["timestamp"] for message in media] == ["5", "25", "45"]
    payloads = [base64.b64decode(message["media"]["payload"]) for message in media]
    assert payloads == [SILENT_FRAME, loud.sound, SILENT_FRAME]


async def test_a_key_is_sent_once_and_in_its_place(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("dtmf")
        await socket.until("dtmf")

    server.talk = talk
    await place(server, Scripted(Act(digit="4"), Act(), Act(digit="#")))
    events = [
        message["dtmf"]["digit"] if message["event"] == "dtmf" else message["event"]
        for message in server.sockets[0].messages
    ]
    assert events == ["connected", "start", "4", "media", "media", "#"]


# What it does with what it gets.


async def test_a_mark_comes_back_after_its_audio_has_been_played(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("start")
        await speak(socket, 3200)
        await mark(socket, "u1")
        returned = await socket.until("mark")
        assert returned["mark"] == {"name": "u1"}

    server.talk = talk
    call = await place(server)
    assert server.sockets[0].count("media") >= 19
    assert heard(call) == 3200


async def test_a_mark_on_an_empty_buffer_comes_back_at_once(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("start")
        await mark(socket, "u1")
        await socket.until("mark")

    server.talk = talk
    call = await place(server)
    assert call.ended_by == "twiml"
    assert heard(call) == 0


async def test_a_clear_returns_all_pending_marks_and_the_rest_is_never_heard(server: PhonedServer) -> None:
    returned: list[str] = []

    async def talk(socket: Socket) -> None:
        await socket.until("media")
        await speak(socket, 40_000)
        await mark(socket, "u1")
        await speak(socket, 40_000)
        await mark(socket, "u2")
        await socket.until("media")
        await socket.send("clear")
        returned.append((await socket.until("mark"))["mark"]["name"])
        returned.append((await socket.until("mark"))["mark"]["name"])
        await socket.until("media")

    server.talk = talk
    call = await place(server)
    assert returned == ["u1", "u2"]
    assert heard(call) < 80_000
    assert call.timeline.playout.queued == 0


async def test_bad_messages_are_warned_of_once_and_the_call_goes_on(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("start")
        await socket.ws.send_bytes(b"\x00")
        await socket.ws.send_bytes(b"\x00")
        await socket.ws.send_str("{")
        await socket.send("speak")
        await speak(socket, 160)
        await mark(socket, "u1")
        await socket.until("mark")

    server.talk = talk
    call = await place(server)
    assert call.warnings == [31950, 31951, 31921]
    assert heard(call) == 160


async def test_the_first_audio_is_timed_from_start(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        for _ in range(12):
            await socket.until("media")
        await speak(socket, 1600)
        await mark(socket, "u1")
        await socket.until("mark")

    server.talk = talk
    call = await place(server)
    assert call.first_audio_ms is not None
    assert call.first_audio_ms >= 11 * 20


# How a stream ends, and what comes then.


async def test_a_closed_stream_posts_the_action_and_runs_its_answer(server: PhonedServer) -> None:
    server.document("/twilio/voice", f'<Connect action="/after">{STREAM}</Connect><Say>never</Say>')
    server.document("/after", "<Say>Chau</Say><Hangup/><Say>never</Say>")
    call = await place(server)
    assert [type(verb) for verb in call.verbs] == [Connect, Say, Hangup]
    after = next(post for post in server.posts if post.path == "/after")
    assert after.signed
    assert after.form["CallStatus"] == "in-progress"
    assert (call.status, call.ended_by) == ("completed", "twiml")


async def test_without_an_action_the_next_verb_runs(server: PhonedServer) -> None:
    server.document("/twilio/voice", f"<Connect>{STREAM}</Connect><Say>Perdón</Say>")
    call = await place(server)
    assert call.verbs[-1] == Say("Perdón")
    assert call.ended_by == "twiml"


async def test_without_a_next_verb_it_hangs_up(server: PhonedServer) -> None:
    call = await place(server)
    assert [type(verb) for verb in call.verbs] == [Connect]
    assert call.status == "completed"


async def test_an_action_may_connect_again(server: PhonedServer) -> None:
    server.document("/twilio/voice", f'<Connect action="again">{STREAM}</Connect>')
    server.document("/twilio/again", f"<Connect>{STREAM}</Connect>")
    call = await place(server)
    starts = [socket.messages[1]["streamSid"] for socket in server.sockets]
    assert len(set(starts)) == 2
    assert call.status == "completed"


async def test_a_refused_upgrade_is_31920_and_the_next_verb_runs(server: PhonedServer) -> None:
    server.refuse_upgrade = True
    server.document("/twilio/voice", f"<Connect>{STREAM}</Connect><Say>Perdón</Say>")
    call = await place(server)
    assert call.warnings == [31920]
    assert call.verbs[-1] == Say("Perdón")
    error = next(post for post in server.posts if post.path == "/stream-status")
    assert error.form["StreamEvent"] == "stream-error"


async def test_a_broken_socket_is_31903(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("media")
        assert socket.ws._req is not None
        assert socket.ws._req.transport is not None
        socket.ws._req.transport.abort()

    server.talk = talk
    server.document("/twilio/voice", f"<Connect>{STREAM}</Connect><Say>Perdón</Say>")
    call = await place(server)
    assert call.warnings == [31903]
    assert call.verbs[-1] == Say("Perdón")


async def test_a_caller_who_hangs_up_sends_stop_and_no_action(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("stop")
        assert await socket.receive() is None

    server.talk = talk
    server.document("/twilio/voice", f'<Connect action="/after">{STREAM}</Connect>')
    call = await place(server, Scripted(Act(), Act(hang_up=True)))
    assert call.ended_by == "caller"
    assert server.sockets[0].messages[-1]["event"] == "stop"
    assert "/after" not in server.paths


async def update(twilio: TwilioDouble, call: PhoneCall, **form: str) -> int:
    url = f"{twilio.rest.base_url}/2010-04-01/Accounts/{twilio.account.sid}/Calls/{call.sid}.json"
    basic = aiohttp.encode_basic_auth(twilio.account.sid, twilio.account.auth_token)
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=form, headers={"Authorization": basic}) as response,
    ):
        return response.status


async def test_a_rest_hang_up_stops_the_stream(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("media")
        assert await update(twilio, call, Status="completed") == 200
        await socket.until("stop")
        assert await socket.receive() is None

    server.talk = talk
    server.document("/twilio/voice", f'<Connect action="/after">{STREAM}</Connect>')
    async with server.double() as twilio:
        call = twilio.dial(Quiet())
        await asyncio.wait_for(call.run(), 10)
        assert await update(twilio, call, Status="completed") == 404
    assert (call.ended_by, call.status) == ("api", "completed")
    assert "/after" not in server.paths
    assert server.sockets[0].messages[-1]["event"] == "stop"


async def test_a_rest_transfer_runs_its_twiml_and_reports_the_dial(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("media")
        twiml = '<Response><Dial action="/dialled"><Number>+541150310001</Number></Dial></Response>'
        assert await update(twilio, call, Twiml=twiml) == 200
        await socket.until("stop")

    server.talk = talk
    server.document("/dialled", "<Hangup/>")
    async with server.double(dialled=Dialled("no-answer", 1.0)) as twilio:
        call = twilio.dial(Quiet())
        await asyncio.wait_for(call.run(), 10)
    assert [type(verb) for verb in call.verbs] == [Connect, Dial, Hangup]
    dialled = next(post for post in server.posts if post.path == "/dialled")
    assert dialled.form["DialCallStatus"] == "no-answer"
    assert dialled.form["DialCallDuration"] == "0"


async def test_a_rest_redirect_fetches_its_url(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("media")
        assert await update(twilio, call, Url=f"{PUBLIC}/next") == 200
        await socket.until("stop")

    server.talk = talk
    server.document("/next", "<Say>Hola</Say>")
    async with server.double() as twilio:
        call = twilio.dial(Quiet())
        await asyncio.wait_for(call.run(), 10)
    assert call.verbs[-1] == Say("Hola")


# Other verbs.


@pytest.mark.parametrize(
    ("verbs", "ran", "status"),
    [
        ("<Pause length='2'/>", (Pause(2.0),), "completed"),
        ("<Redirect>/second</Redirect>", (Redirect("/second"), Say("dos")), "completed"),
        ("<Redirect method='GET'>/second</Redirect>", (Redirect("/second", "GET"), Say("dos")), "completed"),
        ("<Reject/>", (Reject(),), "no-answer"),
        ("<Reject reason='busy'/>", (Reject("busy"),), "busy"),
        ("<Dial>+541150310001</Dial>", (Dial((Target("+541150310001"),)),), "completed"),
    ],
)
async def test_verbs_run_in_order(server: PhonedServer, verbs: str, ran: tuple[Verb, ...], status: str) -> None:
    server.document("/twilio/voice", verbs)
    server.document("/second", "<Say>dos</Say>")
    call = await place(server)
    assert tuple(call.verbs) == ran
    assert call.status == status
    assert all(post.signed for post in server.posts)


async def test_a_played_file_is_heard(server: PhonedServer) -> None:
    file = io.BytesIO()
    soundfile.write(file, [0.5] * 800, 8000, format="WAV", subtype="ULAW")
    server.document("/twilio/voice", "<Play>/sorry.wav</Play>")
    server.files["/sorry.wav"] = ("audio/wav", file.getvalue())
    call = await place(server)
    assert call.verbs == [Play("/sorry.wav")]
    audible = len(call.timeline.playout.heard) - call.timeline.playout.heard.count(0xFF)
    assert audible == 800


# Faults and callbacks.


async def test_a_failing_webhook_ends_the_call(server: PhonedServer) -> None:
    server.documents.clear()
    call = await place(server)
    assert call.failure is not None
    assert call.failure.code == 11200
    assert (call.ended_by, call.status) == ("fault", "completed")


async def test_a_failing_webhook_is_followed_by_the_fallback_url(server: PhonedServer) -> None:
    server.documents.clear()
    server.document("/sorry", "<Say>Perdón</Say>")
    async with server.double(number=PhoneNumber(fallback_url="/sorry")) as twilio:
        call = twilio.dial(Quiet())
        await call.run()
    assert call.verbs == [Say("Perdón")]
    assert call.warnings == [11200]
    fallback = next(post for post in server.posts if post.path == "/sorry")
    assert fallback.form["ErrorCode"] == "11200"


async def test_twiml_that_twilio_would_not_run_fails_the_call(server: PhonedServer) -> None:
    server.document("/twilio/voice", "<Speak>Hola</Speak>")
    call = await place(server)
    assert call.failure is not None
    assert call.failure.code == 12200


async def test_callbacks_come_signed_and_in_order(server: PhonedServer) -> None:
    call = await place(server)
    callbacks = [post for post in server.posts if "status" in post.path]
    assert all(post.signed for post in callbacks)
    assert [post.path for post in callbacks] == ["/stream-status", "/stream-status", "/twilio/status"]
    assert [post.form.get("StreamEvent") for post in callbacks[:2]] == ["stream-started", "stream-stopped"]
    end = callbacks[-1].form
    assert (end["CallStatus"], end["CallSid"], end["SequenceNumber"]) == ("completed", call.sid, "0")
    assert end["CallDuration"].isdigit()


async def test_two_calls_at_once_do_not_mix(server: PhonedServer) -> None:
    async def talk(socket: Socket) -> None:
        await socket.until("start")
        await speak(socket, 800)
        await mark(socket, "u1")
        await socket.until("mark")

    server.talk = talk
    async with server.double() as twilio:
        calls = [twilio.dial(Quiet()), twilio.dial(Quiet())]
        await asyncio.wait_for(asyncio.gather(*(call.run() for call in calls)), 10)
    assert [heard(call) for call in calls] == [800, 800]
    assert {socket.messages[1]["start"]["callSid"] for socket in server.sockets} == set(twilio.calls)


def test_the_double_never_leaves_this_machine() -> None:
    route = Route("https://carlos.example", "http://127.0.0.1:8081")
    assert route.reach("https://carlos.example/a?b=c") == ("http://127.0.0.1:8081/a?b=c", "carlos.example")
    assert route.reach("wss://carlos.example/media") == ("ws://127.0.0.1:8081/media", "carlos.example")
    assert route.reach("http://localhost:9/x") == ("http://localhost:9/x", "localhost:9")
    with pytest.raises(WebhookFault, match="11210"):
        route.reach("https://api.twilio.com/")
    with pytest.raises(WebhookFault, match="11210"):
        Route("https://carlos.example").reach("https://carlos.example/")


def test_an_account_is_made_up_anew() -> None:
    assert Account().sid != Account().sid
    assert Account().sid.startswith("AC")


class StuckSocket:
    """A socket whose server has stopped reading."""

    def __init__(self) -> None:
        self.transport = self
        self.sent: list[str] = []

    def get_write_buffer_size(self) -> int:
        return SEND_BUFFER + 1

    async def send(self, message: str) -> None:
        self.sent.append(json.loads(message)["event"])

    async def recv(self) -> str:
        await asyncio.Event().wait()
        return ""

    async def close(self) -> None:
        pass


async def test_a_server_that_does_not_read_loses_caller_audio_and_is_warned_of_once() -> None:
    socket: Any = StuckSocket()
    warned: list[int] = []
    session = MediaSession(
        MediaStreamPeer("MZ1", "CA1", "AC1"),
        socket,
        Timeline(ScaledClock(SPEED), Playout(), bytearray()),
        Scripted(Act(), Act(), Act(hang_up=True)),
        lambda code, detail: warned.append(code),
    )
    assert await session.run() is StreamEnd.CALLER_HUNG_UP
    assert warned == [31930]
    assert socket.sent == ["connected", "start", "stop"]
