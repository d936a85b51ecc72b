"""The phone's caller as a line: what it hands on of Twilio's messages."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket

from agent.audio.resample import Resampler
from agent.audio.ulaw import ulaw_decode
from agent.line import CallerAudio, CallerDigit, LineDropped, LineEvent, SinkClosed
from common.loop_load import LEVELS, LOOP_LOAD
from telephony.rate_guards import BURST_MEDIA_S, BURST_MESSAGES
from telephony.twilio import line
from telephony.twilio.line import PhoneLine, PhoneSink
from telephony.twilio.media_stream import MediaStream
from tests.support.virtual_loop import run_virtually

SID = f"MZ{'1' * 32}"
FRAMES = [bytes((number * 7 + at) % 256 for at in range(160)) for number in range(9)]


class Socket:
    """Gives messages, and then its end."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self._messages = [{"type": "websocket.receive", "text": json.dumps(message)} for message in messages]

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop(0) if self._messages else {"type": "websocket.disconnect", "code": 1006}


def started() -> MediaStream:
    stream = MediaStream()
    stream.receive(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    start = {
        "streamSid": SID,
        "callSid": "CA1",
        "accountSid": "AC1",
        "tracks": ["inbound"],
        "mediaFormat": media_format,
    }
    stream.receive(json.dumps({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": SID}))
    return stream


def media(number: int) -> dict[str, Any]:
    payload = b64encode(FRAMES[number]).decode()
    body = {"track": "inbound", "chunk": str(number + 1), "timestamp": str(20 * number), "payload": payload}
    return {"event": "media", "sequenceNumber": str(number + 2), "media": body, "streamSid": SID}


def digit(key: str) -> dict[str, Any]:
    return {"event": "dtmf", "streamSid": SID, "sequenceNumber": "9", "dtmf": {"track": "inbound_track", "digit": key}}


STOP = {"event": "stop", "sequenceNumber": "99", "streamSid": SID, "stop": {"accountSid": "AC1", "callSid": "CA1"}}


async def ended(outcome: str) -> None: ...


async def events_of(*messages: dict[str, Any]) -> list[LineEvent]:
    line = PhoneLine(cast(WebSocket, Socket(list(messages))), started(), ended)
    return [event async for event in line.events()]


def heard(events: list[LineEvent]) -> bytes:
    return b"".join(event.pcm for event in events if isinstance(event, CallerAudio))


async def test_each_frame_is_handed_on_at_once() -> None:
    events = await events_of(*(media(number) for number in range(9)), STOP)
    assert len(events) == 9
    assert heard(events) == Resampler(8000, 16000).push(ulaw_decode(b"".join(FRAMES)))


@pytest.fixture
def busy_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line is enough, and the loop has too much to do."""
    monkeypatch.setattr(line, "BUSY_IN_LINES", 1)
    monkeypatch.setattr(LOOP_LOAD, "level", LEVELS)


@pytest.mark.usefixtures("busy_loop")
async def test_a_busy_process_hands_on_two_frames_at_once_and_loses_none() -> None:
    events = await events_of(*(media(number) for number in range(9)), STOP)
    assert len(events) == 5
    assert heard(events) == Resampler(8000, 16000).push(ulaw_decode(b"".join(FRAMES)))


@pytest.mark.usefixtures("busy_loop")
async def test_a_frame_that_waits_when_the_load_is_over_is_handed_on_with_the_next() -> None:
    class Relieved(Socket):
        async def receive(self) -> dict[str, Any]:
            LOOP_LOAD.level = LEVELS if len(self._messages) >= 4 else 0  # the first frame only
            return await super().receive()

    phone = PhoneLine(cast(WebSocket, Relieved([*map(media, range(3)), STOP])), started(), ended)
    events = [event async for event in phone.events()]
    assert len(events) == 2
    assert heard(events) == Resampler(8000, 16000).push(ulaw_decode(b"".join(FRAMES[:3])))


def waiting(lines: int, level: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of so many lines keep a frame for the next one."""
    monkeypatch.setattr(LOOP_LOAD, "level", level)

    async def made() -> list[PhoneLine]:
        return [PhoneLine(cast(WebSocket, None), started(), ended) for _ in range(lines)]

    phones = asyncio.run(made())
    monkeypatch.setattr(PhoneLine, "reading", set(phones))
    return sum(phone.waits_for_a_pair for phone in phones)


@pytest.mark.parametrize("level", range(LEVELS + 1))
def test_at_each_level_of_the_load_more_callers_wait_and_no_more_than_that(
    monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    assert waiting(80, level, monkeypatch) == 80 * level // LEVELS


def test_what_a_caller_says_never_waits_where_lines_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waiting(line.BUSY_IN_LINES - 1, LEVELS, monkeypatch) == 0


def test_answers_go_out_in_pairs_from_some_lines_on_whatever_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = PhoneSink(cast(WebSocket, None), started())
    monkeypatch.setattr(PhoneLine, "reading", set(range(line.BUSY_LINES - 1)))
    assert wire.piece == 1
    monkeypatch.setattr(PhoneLine, "reading", set(range(line.BUSY_LINES)))
    assert wire.piece == line.BUSY_FRAMES < wire.lead


@pytest.mark.usefixtures("busy_loop")
async def test_a_key_is_not_kept_back_with_the_audio() -> None:
    events = await events_of(media(0), digit("5"), media(1), STOP)
    assert [type(event) for event in events] == [CallerDigit, CallerAudio]


async def test_a_line_counts_as_busy_only_while_it_is_read() -> None:
    await events_of(media(0), STOP)
    with pytest.raises(LineDropped):
        await events_of(media(0))
    assert not PhoneLine.reading


async def test_an_answer_that_still_plays_when_the_caller_hangs_up_finds_the_wire_closed() -> None:
    stream = started()
    wire = PhoneSink(cast(WebSocket, None), stream)
    stream.receive(json.dumps(STOP))
    for sending in (wire.send_audio(bytes(320)), wire.send_mark("m"), wire.send_clear()):
        with pytest.raises(SinkClosed):
            await sending


def burst(seconds: float) -> dict[str, Any]:
    """One message with so much audio."""
    body = {
        "track": "inbound",
        "chunk": "1",
        "timestamp": "0",
        "payload": b64encode(bytes(int(8000 * seconds))).decode(),
    }
    return {"event": "media", "sequenceNumber": "2", "media": body, "streamSid": SID}


def test_audio_ahead_of_real_time_ends_the_line_with_a_code() -> None:
    class Ended(Socket):
        code: int | None = None
        client_state = application_state = None

        async def close(self, code: int) -> None:
            self.code = code

    async def flooded() -> tuple[float, int | None]:
        socket = Ended([burst(5.0)] * 100)
        line = PhoneLine(cast(WebSocket, socket), started(), ended)
        seconds = 0.0
        try:
            async for event in line.events():
                assert isinstance(event, CallerAudio)
                seconds += len(event.pcm) / 32000
        except LineDropped as dropped:
            await line.end(dropped.outcome)
        return seconds, socket.code

    seconds, code = run_virtually(flooded())
    assert seconds == pytest.approx(BURST_MEDIA_S, abs=0.1)
    assert code == 1008


def test_what_a_stalled_network_delivers_at_once_is_heard() -> None:
    class Stalled(Socket):
        async def receive(self) -> dict[str, Any]:
            if len(self._messages) % 5 == 0:
                await asyncio.sleep(14.9)
            return await super().receive()

    async def heard_s() -> float:
        line = PhoneLine(cast(WebSocket, Stalled([*[burst(14.9 / 5)] * 60, STOP])), started(), ended)
        return sum([len(event.pcm) async for event in line.events() if isinstance(event, CallerAudio)]) / 32000

    assert run_virtually(heard_s()) == pytest.approx(60 * 14.9 / 5, abs=0.1)


def test_more_messages_than_twilio_sends_end_the_line() -> None:
    with pytest.raises(LineDropped) as dropped:
        run_virtually(events_of(*[digit("1")] * (BURST_MESSAGES + 1)))
    assert dropped.value.outcome == "flooded"
