"""`WS /twilio/media` on a real uvicorn: who gets in, what strangers send, what is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from telephony.carrier import Caller
from telephony.sockets import receive_message
from telephony.stream_tokens import SpentInMemory, StreamTokens, signing_keys
from telephony.twilio.media_stream import Dtmf, Media, MediaStream, Started, Stopped
from telephony.twilio.media_stream_peer import MediaStreamPeer, Play
from telephony.twilio.signature import Signatures
from telephony.twilio.socket import MediaSocket
from tests.telephony.phone_doubles import ACCOUNT, BASE_URL, CALL, FakeCalls, Running, phone_server, sign

MEDIA_URL = BASE_URL.replace("https", "wss") + "/twilio/media"


class Echo:
    """Answers a call by playing the caller's audio back until `stop`."""

    def __init__(self) -> None:
        self.heard = b""
        self.caller: Caller | None = None
        self.digits = ""
        self.done = asyncio.Event()

    async def __call__(self, websocket: WebSocket, stream: MediaStream, started: Started, caller: Caller) -> None:
        self.caller = caller
        try:
            while not isinstance(event := stream.receive(await receive_message(websocket)), Stopped):
                if isinstance(event, Media):
                    self.heard += event.audio
                    await websocket.send_text(stream.media(event.audio))
                elif isinstance(event, Dtmf):
                    self.digits += event.digit
        finally:
            self.done.set()


async def ring(server: Running, call_sid: str = CALL) -> dict[str, str]:
    """Post the voice webhook and return the stream's parameters."""
    form = {"CallSid": call_sid, "AccountSid": ACCOUNT, "From": "+5491155550100", "To": "+541150310000"}
    url = f"{server.http}/twilio/voice"
    headers = sign(f"{BASE_URL}/twilio/voice", form)
    async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=headers) as response:
        document = ElementTree.fromstring(await response.text())  # noqa: S314 - our own document
    return {each.attrib["name"]: each.attrib["value"] for each in document.iter("Parameter")}


@asynccontextmanager
async def dialled(server: Running) -> AsyncIterator[ClientConnection]:
    url = f"{server.ws}/twilio/media"
    async with connect(url, additional_headers=sign(MEDIA_URL), compression=None) as websocket:
        yield websocket


async def start(websocket: ClientConnection, parameters: dict[str, str], call_sid: str = CALL) -> MediaStreamPeer:
    peer = MediaStreamPeer("MZ" + "3" * 32, call_sid, ACCOUNT, parameters)
    await websocket.send(peer.connected())
    await websocket.send(peer.start())
    return peer


async def closed_with(websocket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        await websocket.recv()
    return closed.value.rcvd.code if closed.value.rcvd else None


async def test_a_call_is_answered_from_its_first_frame_to_its_stop() -> None:
    phone_calls, echo = FakeCalls(), Echo()
    async with phone_server(phone_calls, echo) as server, dialled(server) as websocket:
        peer = await start(websocket, await ring(server))
        for number in range(5):
            await websocket.send(peer.media(bytes([number]) * 160, 5 + 20 * number))
        await websocket.send(peer.dtmf("#"))
        played = [peer.receive(await websocket.recv()) for _ in range(5)]
        assert played == [Play(bytes([number]) * 160) for number in range(5)]
        await websocket.send(peer.stop())
        assert await closed_with(websocket) == 1000
    assert echo.caller == Caller(CALL, "+5491155550100")
    assert echo.digits == "#"
    assert [what[0] for what in phone_calls.asked] == ["admit", "started", "release"]
    assert phone_calls.asked[-1] == ("release", CALL, False)


async def test_a_stream_that_was_opened_anew_says_how_often() -> None:
    echo = Echo()
    async with phone_server(FakeCalls(), echo) as server, dialled(server) as websocket:
        peer = await start(websocket, await ring(server) | {"resumes": "2"})
        await websocket.send(peer.stop())
        assert await closed_with(websocket) == 1000
    assert echo.caller is not None
    assert echo.caller.resumes == 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Twilio-Signature": "forged"},
        sign(MEDIA_URL, token="another token"),
        sign(MEDIA_URL.replace("wss", "https")),
    ],
)
async def test_an_unsigned_upgrade_is_403_before_it_is_accepted(headers: dict[str, str]) -> None:
    async with phone_server(FakeCalls(), Echo()) as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{server.ws}/twilio/media", additional_headers=headers)
    assert refused.value.response.status_code == 403
    assert refused.value.response.body == b""


async def test_a_token_opens_one_stream_only() -> None:
    echo = Echo()
    async with phone_server(FakeCalls(), echo) as server:
        parameters = await ring(server)
        async with dialled(server) as first, dialled(server) as second:
            peer = await start(first, parameters)
            await first.send(peer.media(b"\xff", 0))
            await first.recv()
            await start(second, parameters)
            assert await closed_with(second) == 1008
            await first.send(peer.media(b"\xfe", 20))
            assert peer.receive(await first.recv()) == Play(b"\xfe"), "the real call goes on"


@pytest.mark.parametrize("token", [None, "", "forged", "9999999999.nonce.0000"])
async def test_a_forged_or_missing_token_is_closed_1008(token: str | None) -> None:
    phone_calls = FakeCalls()
    async with phone_server(phone_calls, Echo()) as server, dialled(server) as websocket:
        await start(websocket, {} if token is None else {"token": token})
        assert await closed_with(websocket) == 1008
    assert phone_calls.asked == [], "a stranger moves nobody's place"


async def test_another_calls_token_is_closed_1008() -> None:
    phone_calls = FakeCalls()
    async with phone_server(phone_calls, Echo()) as server, dialled(server) as websocket:
        await start(websocket, await ring(server), call_sid="CA" + "9" * 32)
        assert await closed_with(websocket) == 1008
    assert [what[0] for what in phone_calls.asked] == ["admit"]


async def test_a_call_without_a_seat_is_told_to_come_later() -> None:
    phone_calls = FakeCalls(place=False)
    async with phone_server(phone_calls, Echo()) as server, dialled(server) as websocket:
        await start(websocket, await ring(server))
        assert await closed_with(websocket) == 1013
    assert [what[0] for what in phone_calls.asked] == ["admit", "started"]


@pytest.mark.parametrize("connected", [False, True])
async def test_a_start_that_never_comes_closes_the_socket(connected: bool) -> None:
    async with phone_server(FakeCalls(), Echo(), start_timeout_s=0.05) as server, dialled(server) as websocket:
        if connected:
            await websocket.send(MediaStreamPeer("MZ1", CALL, ACCOUNT).connected())
        assert await closed_with(websocket) == 1008


STRANGE: list[Any] = [
    pytest.param("{", id="malformed JSON"),
    pytest.param("[]", id="a list"),
    pytest.param(b"\x00\x01", id="binary"),
    pytest.param(b"", id="empty binary"),
    pytest.param(json.dumps({"event": "media", "streamSid": "MZ1", "media": {"payload": "AAA"}}), id="odd base64"),
    pytest.param("[" * 60_000, id="deep nesting"),
]


@pytest.mark.parametrize("message", STRANGE)
async def test_what_a_stranger_sends_first_closes_the_socket(message: str | bytes) -> None:
    async with phone_server(FakeCalls(), Echo()) as server, dialled(server) as websocket:
        await websocket.send(message)
        assert await closed_with(websocket) == 1008


async def test_unknown_events_before_start_are_passed_over() -> None:
    async with phone_server(FakeCalls(), Echo()) as server, dialled(server) as websocket:
        await websocket.send('{"event":"weather"}')
        peer = await start(websocket, await ring(server))
        await websocket.send(peer.media(b"\xff", 0))
        assert peer.receive(await websocket.recv()) == Play(b"\xff")


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("binary", [False, True])
async def test_a_frame_of_1_mib_is_refused_and_the_server_goes_on(started: bool, binary: bool) -> None:
    phone_calls, echo = FakeCalls(), Echo()
    async with phone_server(phone_calls, echo) as server:
        async with dialled(server) as websocket:
            if started:
                peer = await start(websocket, await ring(server))
                await websocket.send(peer.media(b"\xff", 0))
                await websocket.recv()
            frame = b"x" * 2**20
            await websocket.send(frame if binary else frame.decode())
            assert await closed_with(websocket) == 1009
        if started:
            await echo.done.wait()
        async with dialled(server) as websocket:
            peer = await start(websocket, await ring(server, "CA2"), "CA2")
            await websocket.send(peer.media(b"\xff", 0))
            assert peer.receive(await websocket.recv()) == Play(b"\xff")


async def test_a_socket_that_drops_in_mid_word_frees_its_seat_and_leaves_no_task() -> None:
    phone_calls, echo = FakeCalls(), Echo()
    async with phone_server(phone_calls, echo) as server:
        before = asyncio.all_tasks()
        websocket = await connect(f"{server.ws}/twilio/media", additional_headers=sign(MEDIA_URL), compression=None)
        peer = await start(websocket, await ring(server))
        await websocket.send(peer.media(b"\xff" * 160, 5))
        await websocket.recv()
        websocket.transport.abort()
        await echo.done.wait()
        await websocket.wait_closed()
        left = asyncio.all_tasks() - before
        if left:
            await asyncio.wait(left, timeout=5)
        assert asyncio.all_tasks() - before == set()
    assert phone_calls.asked[-1] == ("release", CALL, True)


async def test_an_answer_that_fails_closes_1011_after_its_seat_is_free() -> None:
    phone_calls = FakeCalls()

    async def fail(*_: Any) -> None:
        raise RuntimeError("Carlos is out")

    async with phone_server(phone_calls, fail) as server, dialled(server) as websocket:
        await start(websocket, await ring(server))
        assert await closed_with(websocket) == 1011
        assert phone_calls.asked[-1] == ("release", CALL, True)


async def test_a_desk_that_fails_closes_1011_and_no_call_is_answered() -> None:
    phone_calls, echo = FakeCalls(), Echo()
    async with phone_server(phone_calls, echo) as server, dialled(server) as websocket:
        parameters = await ring(server)
        phone_calls.fault = RuntimeError("the store is down")
        await start(websocket, parameters)
        assert await closed_with(websocket) == 1011
    assert echo.caller is None


async def test_an_answer_may_close_the_socket_itself() -> None:
    phone_calls = FakeCalls()

    async def hang_up(websocket: WebSocket, *_: Any) -> None:
        await websocket.close(1000)

    async with phone_server(phone_calls, hang_up) as server, dialled(server) as websocket:
        await start(websocket, await ring(server))
        assert await closed_with(websocket) == 1000
    assert phone_calls.asked[-1] == ("release", CALL, False)


async def test_sockets_that_wait_for_their_start_are_capped_and_calls_are_not() -> None:
    phone_calls = FakeCalls()
    async with (
        phone_server(phone_calls, Echo(), max_waiting=2) as server,
        dialled(server) as first,
        dialled(server) as second,
    ):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{server.ws}/twilio/media", additional_headers=sign(MEDIA_URL))
        assert refused.value.response.status_code == 503
        peer = await start(first, await ring(server))
        await first.send(peer.media(b"\xff", 0))
        await first.recv()
        async with dialled(server) as third:
            await start(second, {})
            await start(third, {})
            assert await closed_with(third) == 1008


async def test_a_slow_desk_does_not_hold_a_strangers_socket() -> None:
    class Asleep(FakeCalls):
        async def started(self, call_id: str) -> bool:
            await asyncio.Event().wait()
            return True

    async with phone_server(Asleep(), Echo(), start_timeout_s=0.05) as server, dialled(server) as websocket:
        with suppress(ConnectionClosed):  # it may be turned away between two of its own messages
            await start(websocket, await ring(server))
        assert await closed_with(websocket) == 1008


async def test_the_waiting_room_is_empty_again_after_every_way_in() -> None:
    tokens = StreamTokens(signing_keys(["secret"]), SpentInMemory())
    endpoint = MediaSocket(Signatures(BASE_URL, (), public=False), tokens, FakeCalls(), Echo())

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect", "code": 1006} if sent else {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    sent: list[Any] = []
    scope = {
        "type": "websocket",
        "headers": [(b"host", b"localhost")],
        "raw_path": b"/twilio/media",
        "path": "/twilio/media",
    }
    await endpoint.serve(WebSocket(scope, receive, send))
    assert endpoint.waiting == 0
    assert [message["type"] for message in sent] == ["websocket.accept"]
