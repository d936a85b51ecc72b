"""The session against streams of our own making; the real wire is in tests/sonic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent.sonic.errors import SonicError, SonicLost, SonicRefused, SonicThrottled
from agent.sonic.protocol import (
    AudioInput,
    ClientEvent,
    ContentEnded,
    ContentStarted,
    ContentType,
    Role,
    ServiceEvent,
    SessionEnd,
    Stage,
    StopReason,
    TextInput,
    ToolResult,
    ToolUse,
    UserSpeechEnd,
    UserSpeechStart,
)
from agent.sonic.session import GREETING_CUE, RECONNECTS, RESUME_CUE, History, SonicConfig, SonicSession
from tests.support.waiting import until

CONFIG = SonicConfig(model_id="m", voice="carlos", system="Eres Carlos.", tools=())
SECOND = 32000  # bytes


class FakeStream:
    def __init__(self) -> None:
        self.sent: list[ClientEvent] = []
        self.events: asyncio.Queue[ServiceEvent | SonicError | None] = asyncio.Queue()
        self.closed = False
        self.ready = True
        self.head: SonicError | None = None

    async def opened(self) -> None:
        if isinstance(self.head, SonicError):
            raise self.head

    async def send(self, *events: ClientEvent) -> None:
        self.sent += events

    def send_now(self, event: ClientEvent) -> None:
        self.sent.append(event)

    async def receive(self) -> ServiceEvent | None:
        event = await self.events.get()
        if isinstance(event, SonicError):
            raise event
        return event

    async def close(self) -> None:
        self.closed = True

    def tell(self, *events: ServiceEvent | SonicError) -> None:
        for event in events:
            self.events.put_nowait(event)

    @property
    def texts(self) -> list[str]:
        return [event.content for event in self.sent if isinstance(event, TextInput)]

    @property
    def audio(self) -> bytes:
        """Without the 100 ms of silence that prime a stream."""
        return b"".join(event.audio for event in self.sent if isinstance(event, AudioInput))[3200:]


class FakeSonic:
    """Opens fake streams; `refusals` are raised first, one an open."""

    def __init__(self, *refusals: SonicError) -> None:
        self.streams: list[FakeStream] = []
        self.refusals = list(refusals)

    async def open(self, model_id: str) -> FakeStream:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        self.streams.append(FakeStream())
        return self.streams[-1]


class Ears:
    def __init__(self) -> None:
        self.events: list[ServiceEvent] = []
        self.faults: list[SonicError] = []
        self.lost: list[SonicError] = []
        self.said: list[tuple[Role, str]] = []

    async def on_event(self, event: ServiceEvent) -> None:
        self.events.append(event)

    async def on_fault(self, error: SonicError) -> None:
        self.faults.append(error)

    async def on_lost(self, error: SonicError) -> None:
        self.lost.append(error)

    def history(self) -> History:
        return self.said


@asynccontextmanager
async def session_on(sonic: FakeSonic, ears: Ears, config: SonicConfig = CONFIG) -> AsyncIterator[SonicSession]:
    session = SonicSession(
        sonic, config, on_event=ears.on_event, on_lost=ears.on_lost, history=ears.history, on_fault=ears.on_fault
    )
    session.start()
    before = asyncio.all_tasks()
    try:
        yield session
    finally:
        await session.close()
        assert asyncio.all_tasks() <= before - session._tasks


def answer(stage: Stage = Stage.SPECULATIVE) -> ContentStarted:
    return ContentStarted("c", ContentType.TEXT, Role.ASSISTANT, stage)


async def test_a_new_call_is_greeted() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears):
        await until(lambda: sonic.streams and GREETING_CUE in sonic.streams[0].texts)
        assert sonic.streams[0].texts == ["Eres Carlos.", GREETING_CUE]


async def test_audio_given_before_the_stream_is_open_is_sent_whole() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears) as session:
        said = bytes(range(256)) * 250
        for start in range(0, len(said), 640):
            session.send_audio(said[start : start + 640])
        await until(lambda: sonic.streams and len(sonic.streams[0].audio) == len(said))
        assert sonic.streams[0].audio == said


async def test_audio_on_a_live_stream_is_sent_where_it_arrives() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears) as session:
        await until(lambda: session.connected)
        session.send_audio(bytes(640))
        assert len(sonic.streams[0].audio) == 640


async def test_audio_waits_in_order_behind_a_text_and_a_busy_stream() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears) as session:
        await until(lambda: session.connected)
        stream = sonic.streams[0]
        session.send_text("Hola")
        session.send_audio(bytes([1]) * 640)
        stream.ready = False
        session.send_audio(bytes([2]) * 640)
        assert stream.audio == b""
        await until(lambda: len(stream.audio) == 1280)
        assert stream.audio == bytes([1]) * 640 + bytes([2]) * 640
        kinds = [type(event) for event in stream.sent]
        assert kinds.index(AudioInput, kinds.index(AudioInput) + 1) > len(kinds) - 1 - kinds[::-1].index(TextInput)


async def test_audio_that_cannot_be_sent_where_it_arrives_goes_to_the_next_stream() -> None:
    class Broken(FakeStream):
        def send_now(self, event: ClientEvent) -> None:
            raise SonicLost("gone")

    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears) as session:
        await until(lambda: session.connected)
        sonic.streams[0].__class__ = Broken
        session.send_audio(bytes([1]) * 640)
        await until(lambda: len(sonic.streams) == 2 and sonic.streams[1].audio)
        assert sonic.streams[1].audio == bytes([1]) * 640
        assert [fault.detail for fault in ears.faults] == ["gone"]


@pytest.mark.parametrize("refusal", [SonicThrottled("429"), SonicLost("drop")])
async def test_one_refusal_at_open_is_answered_by_a_reconnect(refusal: SonicError) -> None:
    sonic, ears = FakeSonic(refusal), Ears()
    async with session_on(sonic, ears):
        await until(lambda: sonic.streams and GREETING_CUE in sonic.streams[0].texts)
        assert ears.faults == [refusal]
        assert not ears.lost


async def test_reconnects_are_bounded_and_then_the_call_is_told_once() -> None:
    sonic, ears = FakeSonic(*(SonicLost(str(n)) for n in range(9))), Ears()
    async with session_on(sonic, ears):
        await until(lambda: ears.lost)
        assert len(ears.faults) == RECONNECTS + 1
        assert len(ears.lost) == 1


async def test_a_fatal_refusal_is_not_tried_again() -> None:
    sonic, ears = FakeSonic(SonicRefused("no")), Ears()
    async with session_on(sonic, ears):
        await until(lambda: ears.lost)
        assert sonic.streams == []


async def test_a_drop_in_mid_answer_goes_on_with_the_conversation_so_far() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears):
        await until(lambda: sonic.streams)
        sonic.streams[0].tell(answer())
        await until(lambda: ears.events)
        ears.said = [(Role.ASSISTANT, "Hola, soy"), (Role.USER, "Sí"), (Role.ASSISTANT, "Tu pedido")]
        sonic.streams[0].tell(SonicLost("reset"))
        await until(lambda: len(sonic.streams) == 2 and RESUME_CUE in sonic.streams[1].texts)
        assert sonic.streams[1].texts == ["Eres Carlos.", GREETING_CUE, "Hola, soy", "Sí", "Tu pedido", RESUME_CUE]
        await until(lambda: sonic.streams[0].closed)


async def test_a_caller_who_was_not_answered_is_asked_for_again_in_his_own_words() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears):
        await until(lambda: sonic.streams)
        sonic.streams[0].tell(ContentStarted("c", ContentType.TEXT, Role.USER, Stage.FINAL))
        await until(lambda: ears.events)
        ears.said = [(Role.USER, "Mi pedido uno")]
        sonic.streams[0].tell(SonicLost("reset"))
        await until(lambda: len(sonic.streams) == 2 and len(sonic.streams[1].texts) == 2)
        assert sonic.streams[1].texts == ["Eres Carlos.", "Mi pedido uno"]


async def test_what_was_typed_while_there_was_no_stream_is_told_once() -> None:
    sonic, ears = FakeSonic(), Ears()
    ears.said = [(Role.USER, "uno"), (Role.ASSISTANT, "Hola"), (Role.USER, "dos")]
    async with session_on(sonic, ears) as session:
        session.send_text("dos")
        await until(lambda: sonic.streams and len(sonic.streams[0].texts) == 4)
        assert sonic.streams[0].texts == ["Eres Carlos.", "uno", "Hola", "dos"]


async def test_nothing_is_said_after_a_drop_while_nobody_was_talking() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears):
        await until(lambda: sonic.streams)
        end = ContentEnded("c", ContentType.AUDIO, StopReason.END_TURN)
        sonic.streams[0].tell(answer(), end)
        await until(lambda: end in ears.events)
        ears.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        sonic.streams[0].tell(SonicLost("reset"))
        await until(lambda: len(sonic.streams) == 2 and len(sonic.streams[1].texts) == 3)
        assert RESUME_CUE not in sonic.streams[1].texts


async def test_speech_that_the_lost_stream_did_not_transcribe_is_given_to_the_next() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears) as session:
        await until(lambda: sonic.streams)
        quiet, speech = bytes(SECOND), b"\x01\x02" * (SECOND // 2)
        session.send_audio(quiet + speech[: SECOND // 2])
        await until(lambda: len(sonic.streams[0].audio) == len(quiet) + SECOND // 2)
        sonic.streams[0].tell(UserSpeechStart(1100))  # counted from the stream's first audio, the priming included
        await until(lambda: ears.events)
        session.send_audio(speech[SECOND // 2 :])
        await until(lambda: len(sonic.streams[0].audio) == len(quiet) + len(speech))
        sonic.streams[0].tell(SonicLost("reset"))
        await until(lambda: len(sonic.streams) == 2 and len(sonic.streams[1].audio) >= len(speech))
        assert sonic.streams[1].audio.lstrip(b"\0") == speech


async def test_a_tool_that_answers_after_a_reconnect_answers_in_words() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears) as session:
        await until(lambda: sonic.streams)
        sonic.streams[0].tell(ToolUse("c", "t1", "consultarOrder", "{}"))
        await until(lambda: ears.events)
        ears.said = [(Role.USER, "Hola")]
        sonic.streams[0].tell(SonicLost("reset"))
        await until(lambda: len(sonic.streams) == 2)
        session.send_tool_result("t1", {"result": {"success": True}})
        await until(lambda: len(sonic.streams[1].texts) == 3)
        assert sonic.streams[1].texts[-1].startswith("[herramienta] consultarOrder ya respondió: {")
        assert not any(isinstance(event, ToolResult) for event in sonic.streams[1].sent)


async def test_an_answer_that_never_comes_is_a_lost_stream() -> None:
    config = SonicConfig("m", "carlos", "Eres Carlos.", (), answer_timeout_s=0.02)
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears, config):
        await until(lambda: sonic.streams)
        sonic.streams[0].tell(answer())
        await until(lambda: ears.events)
        sonic.streams[0].tell(UserSpeechEnd(0, 0))
        await until(lambda: len(sonic.streams) == 2)
        assert "no answer" in ears.faults[0].detail


async def test_a_stream_is_rotated_in_a_quiet_moment_and_the_old_one_ends_politely() -> None:
    config = SonicConfig("m", "carlos", "Eres Carlos.", (), rotate_after_s=0.05, rotate_by_s=60)
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears, config) as session:
        await until(lambda: sonic.streams)
        sonic.streams[0].tell(answer())
        await until(lambda: ears.events)
        await asyncio.sleep(0.25)
        assert len(sonic.streams) == 1, "not while Carlos is talking"
        ears.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        sonic.streams[0].tell(ContentEnded("c", ContentType.AUDIO, StopReason.END_TURN))
        await until(lambda: sonic.streams[0].closed)
        assert isinstance(sonic.streams[0].sent[-1], SessionEnd)
        session.send_audio(b"\x07\x00" * 320)
        await until(lambda: sonic.streams[1].audio.endswith(b"\x07\x00" * 320))


async def test_closing_ends_the_session_on_the_wire() -> None:
    sonic, ears = FakeSonic(), Ears()
    async with session_on(sonic, ears):
        await until(lambda: sonic.streams and len(sonic.streams[0].texts) == 2)
    assert isinstance(sonic.streams[0].sent[-1], SessionEnd)
    assert sonic.streams[0].closed


class StuckStream(FakeStream):
    """Takes nothing."""

    async def send(self, *events: ClientEvent) -> None:
        await asyncio.Event().wait()


async def test_a_session_that_ends_while_a_stream_is_set_up_closes_that_stream() -> None:
    class StuckSonic(FakeSonic):
        async def open(self, model_id: str) -> FakeStream:
            self.streams.append(StuckStream())
            return self.streams[-1]

    sonic = StuckSonic()
    async with session_on(sonic, Ears()):
        await until(lambda: sonic.streams)
        await asyncio.sleep(0)
    assert sonic.streams[0].closed


async def test_a_session_that_ends_as_a_stream_is_lost_closes_that_stream() -> None:
    sonic = FakeSonic()
    async with session_on(sonic, Ears()) as session:
        await until(lambda: session.connected)
        link = session._link
        assert link is not None
        session._lose(link, SonicLost("no answer"))
    assert all(stream.closed for stream in sonic.streams)
