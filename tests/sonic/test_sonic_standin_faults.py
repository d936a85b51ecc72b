"""The stand-in's faults, as the other side of the wire sees them: what stays alive, what dies, and when it strikes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from h2.connection import H2Connection
from h2.events import Event, PingAckReceived

from agent.sonic.errors import SonicLost
from agent.sonic.events import AudioInput, AudioOutput, ToolUse, UnknownEvent, UserSpeechStart
from sandbox.sonic import failures
from sandbox.sonic.faults import Action, Drop, Fault, Freeze, Inject, Raise, Reject, Repeat, Silence, SpeechClock, Stall
from sandbox.sonic.http2 import Handler, Http2Connection, HttpStream
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from tests.sonic.sonic_bench import bench, cue, failure, opening, silence, speech, until
from tests.support.waiting import bounded

GREETING = [ScriptTurn((Say("Hola, soy Carlos, en qué puedo ayudarle."),))]
REQUEST = [(":method", "POST"), (":scheme", "https"), (":authority", "sonic"), (":path", "/")]


class Pipe:
    """A transport between the stand-in's half of HTTP/2 and a client of h2's."""

    def __init__(self, accept: Callable[[HttpStream], Handler]) -> None:
        self.client = H2Connection()
        self.client.initiate_connection()
        self.events: list[Event] = []
        self.connection = Http2Connection(accept, set())
        self.connection.connection_made(cast(asyncio.Transport, self))

    def write(self, data: bytes) -> None:
        self.events += self.client.receive_data(data)

    def is_closing(self) -> bool:
        return False

    def exchange(self) -> list[Event]:
        """What the server answers to all that the client has to say."""
        self.events.clear()
        while data := self.client.data_to_send():
            self.connection.data_received(data)
        return self.events


class Nobody:
    def __init__(self) -> None:
        self.heard = b""

    def data(self, data: bytes) -> None:
        self.heard += data

    def end(self) -> None: ...

    def lost(self) -> None: ...


def test_a_connection_answers_pings_and_opens_its_windows_until_it_freezes() -> None:
    body, streams = Nobody(), list[HttpStream]()

    def accept(stream: HttpStream) -> Handler:
        streams.append(stream)
        return body

    pipe = Pipe(accept)
    pipe.client.send_headers(1, REQUEST)
    pipe.exchange()
    pipe.client.ping(b"12345678")
    for _ in range(40):
        pipe.client.send_data(1, bytes(16_384))
        pipe.exchange()
    pipe.client.ping(b"12345678")
    assert any(isinstance(event, PingAckReceived) for event in pipe.exchange())
    assert len(body.heard) == 40 * 16_384

    streams[0].freeze()
    pipe.client.ping(b"12345678")
    pipe.client.send_data(1, bytes(100))
    assert pipe.exchange() == []
    assert len(body.heard) == 40 * 16_384


@pytest.mark.parametrize("action", [Silence(), Stall()])
@pytest.mark.slow
async def test_a_silent_stream_goes_on_reading(tmp_path: Path, action: Action) -> None:
    fault = Fault(action, sent=AudioOutput)
    async with bench(tmp_path, GREETING, faults=[fault]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        await until(stream, lambda event: isinstance(event, AudioOutput))
        await stream.send(*[silence(0.02)] * 10)
        await at.arrival(AudioInput, 11)
        assert at.record.counts[AudioOutput] == 1
        assert at.record.open


async def test_a_frozen_wire_hears_nothing_more_and_is_given_back_at_the_hang_up(tmp_path: Path) -> None:
    async with bench(tmp_path, faults=[Fault(Freeze())]) as at:
        async with at.stream(at.client(open_s=0.2)) as stream:
            await stream.send(*opening())
            await failure(stream, SonicLost)
        assert at.record.sent == []
        async with bounded():
            while at.server.connections:
                await asyncio.sleep(0.005)
        assert at.server.open_streams == 0


async def test_an_injected_event_goes_out_as_one_of_the_services(tmp_path: Path) -> None:
    faults = [
        Fault(Inject({"weatherEvent": {"sky": "blue"}}), sent=AudioOutput),
        Fault(Inject(json.dumps({"event": {"bareEvent": {}}}).encode()), sent=AudioOutput, count=2),
    ]
    async with bench(tmp_path, GREETING, faults=faults) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        whole, bare = [(await until(stream, lambda event: isinstance(event, UnknownEvent)))[-1] for _ in range(2)]
        assert isinstance(whole, UnknownEvent)
        assert (whole.name, whole.body["sky"], whole.body["promptName"]) == ("weatherEvent", "blue", "prompt")
        assert bare == UnknownEvent("bareEvent", {})
        await until(stream, lambda event: isinstance(event, AudioOutput))  # and it goes on


async def test_a_tool_use_can_come_twice(tmp_path: Path) -> None:
    turn = ScriptTurn((UseTool("consultarOrden"),))
    async with bench(tmp_path, [turn], faults=[Fault(Repeat(), sent=ToolUse)]) as at, at.stream() as stream:
        await stream.send(*opening(), *cue())
        first, second = [(await until(stream, lambda event: isinstance(event, ToolUse)))[-1] for _ in range(2)]
        assert first == second


async def test_a_fault_strikes_in_mid_speech_before_the_service_noticed_it(tmp_path: Path) -> None:
    faults = [Fault(Stall(), after_speech_ms=20), Fault(Drop(), after_speech_ms=300)]
    async with bench(tmp_path, faults=faults) as at, at.stream() as stream:
        await stream.send(*opening(), *[speech(0.02)] * 20)
        await failure(stream, SonicLost)
        assert at.record.counts[UserSpeechStart] == 0
        assert at.record.errors == ["fault: Stall", "fault: Drop"]


async def test_a_fault_can_wait_for_the_second_utterance(tmp_path: Path) -> None:
    faults = [Fault(Drop(), after_speech_ms=100, count=2)]
    async with bench(tmp_path, faults=faults) as at, at.stream() as stream:
        await stream.send(*opening(), speech(0.3), silence(0.6))
        await until(stream, lambda event: isinstance(event, UserSpeechStart))
        assert at.record.open
        await stream.send(speech(0.3))
        await failure(stream, SonicLost)


def test_the_speech_clock_counts_utterances_and_their_time() -> None:
    clock = SpeechClock()
    clock.feed(bytes(32_000), 16_000)
    assert (clock.utterance, clock.ms) == (0, 0)
    clock.feed(speech(0.4).audio, 16_000)
    assert (clock.utterance, clock.ms) == (1, 400)
    clock.feed(silence(0.4).audio, 16_000)  # a breath
    clock.feed(speech(0.2).audio, 16_000)
    assert (clock.utterance, clock.ms) == (1, 1000)
    clock.feed(silence(0.5).audio + speech(0.1).audio, 16_000)
    assert (clock.utterance, clock.ms) == (2, 100)


def test_every_failure_of_the_service_is_an_action() -> None:
    known: list[Any] = [value for value in vars(failures).values() if isinstance(value, Raise | Reject)]
    assert len(known) == len({(getattr(one, "kind", ""), one.message, getattr(one, "status", 0)) for one in known})
    assert all(one.message for one in known)
