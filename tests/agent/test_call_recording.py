"""What of a call is recorded: whole calls on a virtual clock, with a caller whose sound says what must not be kept."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent import call_recording, recorder
from agent.call import Call, CallSetup
from agent.call_recording import NOTICE_ANSWER, RecordingSetup
from agent.line import CallerAudio, CallerDigit
from agent.sonic.events import ServiceEvent, TextInput, ToolSpec, ToolUse, UserSpeechStart
from agent.sonic.opening import SonicConfig
from agent.transcript import CallTranscript
from data.errors import Unavailable
from data.models import Line as LineName
from sandbox.hang import HANG_S
from tests.agent.call_stage import ListLine, ListToolbox, no_move_out_of_order
from tests.agent.session_stage import CONFIG, FakeSonic, FakeStream
from tests.agent.session_stage import words as transcribed
from tests.agent.virtual_call import FRAME_S, CallStage, spoken
from tests.support.virtual_loop import virtually

SECRET, PLAIN, EARLY = 7000, 3000, 5000  # samples of what must not be kept, of what may, and from before the notice
NOTICE_S = 0.5  # of the clip, here
GREETING = "Hola, soy Carlos."


@dataclass
class Stage(CallStage):
    path: Path = Path()
    kept: list[Path] = field(default_factory=list)
    erased: int = 0
    blocks: int = 0

    async def hear(self, value: int, seconds: float = 1.0) -> None:
        """The caller's sound, each sample of this value."""
        frame = np.full(round(16000 * FRAME_S), value, dtype="<i2").tobytes()
        for _ in range(round(seconds / FRAME_S)):
            self.line.do(CallerAudio(frame))
            await asyncio.sleep(FRAME_S)

    async def tell(self, *events: ServiceEvent) -> None:
        self.sonic.streams[0].tell(*events)
        await asyncio.sleep(0.01)

    async def says(self, text: str, sound: int = PLAIN) -> None:
        """The caller speaks, and is understood."""
        await self.tell(UserSpeechStart(0))
        await self.hear(sound, 1.5)
        await self.tell(*transcribed(text))

    async def answers(self, text: str) -> None:
        self.blocks += 1
        await self.tell(*spoken(text, 0.6, block=f"b{self.blocks}"))
        await self.hear(PLAIN, 1.0)

    async def hangs_up(self) -> None:
        self.line.leave()
        await self.running

    @property
    def sides(self) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        with wave.open(str(self.path)) as wav:
            samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").reshape(-1, 2)
        return samples[:, 0], samples[:, 1]


@asynccontextmanager
async def calling(path: Path, *, erase_fails: bool = False, log: CallTranscript | None = None) -> AsyncIterator[Stage]:
    async def greets(stream: FakeStream) -> None:
        stream.tell(*spoken(GREETING, 0.6))

    sonic, line, toolbox = FakeSonic(script=greets), ListLine(), ListToolbox()

    def configured(system: str, tools: tuple[ToolSpec, ...]) -> SonicConfig:
        return replace(CONFIG, system=system, tools=tools)

    async def erase() -> None:
        stage.erased += 1
        if erase_fails:
            raise Unavailable("no bucket")

    def kept(path: Path) -> None:
        stage.kept.append(path)

    setup = CallSetup(sonic, toolbox, configured, recording=RecordingSetup(path, kept, erase))
    call = Call(log or CallTranscript("CA1", LineName.PHONE, None), line, setup)
    line.sink.on_mark = call.mark_returned
    running = asyncio.create_task(call.run())
    stage = Stage(call, line, sonic, toolbox, running, asyncio.get_running_loop().time(), path)
    try:
        with no_move_out_of_order():
            yield stage
    finally:
        await call.hang_up()
        await running
        await sonic.stop()
        assert sonic.open_streams == 0


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clips are short; threads are waited for while the virtual clock stands still."""

    async def inline(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(call_recording, "clip", lambda name: b"\x05\x05" * round(24000 * NOTICE_S))
    monkeypatch.setattr(asyncio, "to_thread", inline)
    monkeypatch.setattr(recorder, "MAX_BACKLOG_CHUNKS", 1_000_000)
    monkeypatch.setattr(recorder, "FINISH_S", HANG_S)


def _is_there(path: Path) -> bool:
    return path.exists()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "CA1.wav"


# --- the notice


@virtually
async def test_nothing_is_recorded_before_the_notice_was_heard_to_its_end(path: Path) -> None:
    async with calling(path) as stage:
        marks: list[str] = []
        stage.line.sink.on_mark = marks.append
        await stage.hear(EARLY, NOTICE_S + 0.4)
        assert not _is_there(path), "all of it was sent, and its mark is on its way"
        assert marks[0] == f"a{NOTICE_ANSWER}.1", "the notice is the first that is heard"
        stage.call.mark_returned(marks[0])
        heard_at = stage.now
        await stage.hear(PLAIN, 3.0)
        length_s = stage.now - heard_at
        await stage.hangs_up()
        left, right = stage.sides
        assert EARLY not in left
        assert (left == PLAIN).sum() >= 2.9 * 16000
        assert len(left) == len(right)
        assert len(left) / 16000 == pytest.approx(length_s, abs=0.1)
        assert stage.kept == [path]


@virtually
async def test_the_notice_is_no_word_of_the_models_and_the_record_says_when_it_was_heard(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 3.0)
        await stage.hangs_up()
        assert stage.said == [GREETING]
        assert stage.notes["recording"] == "on"
        assert stage.notes["recording_file"] == "CA1.wav"
        assert "T" in str(stage.notes["recording_notice_at"])


@virtually
async def test_a_caller_who_hangs_up_on_the_notice_was_not_recorded(path: Path) -> None:
    async with calling(path) as stage:
        stage.line.sink.on_mark = lambda mark: None
        await stage.hear(EARLY, 0.3)
        await stage.hangs_up()
        assert (stage.notes["recording"], _is_there(path), stage.kept) == ("unheard", False, [])


# --- the caller's no


@virtually
async def test_a_no_after_the_notice_deletes_what_there_was_and_the_call_goes_on(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 2.0)
        await stage.says("No.")
        assert (_is_there(path), stage.erased, stage.notes["recording"]) == (False, 1, "refused")
        await stage.answers("Está bien. ¿En qué te ayudo?")
        await stage.says("Mi pedido uno")
        await stage.answers("Está en camino.")
        await stage.hangs_up()
        assert stage.said == [GREETING, "Está bien. ¿En qué te ayudo?", "Está en camino."]
        assert (_is_there(path), stage.kept, stage.notes["recording"]) == (False, [], "refused")


@virtually
async def test_a_caller_may_refuse_in_mid_call(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 2.0)
        await stage.says("Mi pedido uno")
        await stage.answers("Está en camino.")
        await stage.says("No quiero que me graben")
        await stage.hear(PLAIN, 1.0)
        await stage.hangs_up()
        assert (_is_there(path), stage.erased, stage.notes["recording"]) == (False, 1, "refused")


@virtually
async def test_a_key_during_the_notice_refuses_and_is_no_entry(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(EARLY, 0.2)
        stage.line.do(CallerDigit("5"))
        await stage.hear(PLAIN, 5.0)
        await stage.hangs_up()
        sent = [event.content for event in stage.sonic.streams[0].sent if isinstance(event, TextInput)]
        assert not any(text.startswith("[DTMF]") for text in sent)
        assert (_is_there(path), stage.kept, stage.notes["recording"]) == (False, [], "refused")
        assert stage.said == [GREETING]


@virtually
async def test_what_cannot_be_deleted_is_told_and_the_call_goes_on(path: Path) -> None:
    async with calling(path, erase_fails=True) as stage:
        await stage.hear(PLAIN, 2.0)
        await stage.says("No, gracias")
        await stage.answers("Está bien.")
        await stage.hangs_up()
        assert stage.notes["recording_deleted"] is False
        assert stage.said[-1] == "Está bien."


# --- pauses


@virtually
@pytest.mark.slow
async def test_in_twenty_calls_for_a_dni_and_twenty_entries_no_sample_of_a_digit_is_kept(path: Path) -> None:
    async with calling(path) as stage:
        stage.toolbox.result = {"success": False, "code": "identity_needed", "question": "¿Me decís tu DNI?"}
        await stage.hear(PLAIN, 3.0)
        for number in range(20):
            await stage.says("Quiero saber de mi pedido")
            await stage.tell(ToolUse("c", f"t{number}", "consultarOrder", "{}"))
            await stage.answers("¿Cómo te identificás?")
            await stage.says("28 millones", SECRET)
            await stage.says("456 789", SECRET)
            await stage.answers("Gracias.")
            await stage.hear(SECRET, 0.3)  # the tone of the first key, before the line tells of it
            for digit in "28456789#":
                stage.line.do(CallerDigit(digit))
                await stage.hear(SECRET, 0.3)
            await stage.answers("Listo.")
        began = stage.now
        await stage.hangs_up()
        left, right = stage.sides
        assert SECRET not in left
        assert len(left) == len(right)
        assert len(left) / 16000 == pytest.approx(began - NOTICE_S, abs=0.3), "silence is as long as what it hides"
        assert (left == PLAIN).sum() > 20 * 2.0 * 16000, "the rest is there"


@virtually
async def test_a_number_that_nobody_asked_for_is_taken_back(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 6.0)
        await stage.says("Pedido uno, mi DNI es 28 456 789", SECRET)
        await stage.answers("Está en camino.")
        await stage.hear(PLAIN, 2.0)
        await stage.hangs_up()
        left, _ = stage.sides
        assert SECRET not in left
        assert (left == PLAIN).sum() > 6 * 16000


@virtually
async def test_a_number_that_carlos_begins_to_answer_over_is_taken_back_from_its_beginning(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 3.0)
        await stage.says("Hola, mirá")
        await stage.tell(UserSpeechStart(0))
        await stage.hear(SECRET, 1.0)
        await stage.tell(*spoken("Hola. ¿En qué te ayudo?", 2.0, block="over"))
        await stage.hear(SECRET, 1.0)
        await stage.tell(*transcribed("Soy el 28 456 789"))
        await stage.answers("Está en camino.")
        await stage.hangs_up()
        left, _ = stage.sides
        assert SECRET not in left
        assert PLAIN in left


@virtually
async def test_half_a_number_that_carlos_begins_to_answer_over_is_not_kept_either(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 3.0)
        await stage.says("Mi pedido uno")
        await stage.answers("¿Me decís tu DNI?")
        await stage.says("28 millones", SECRET)
        await stage.tell(UserSpeechStart(0))
        await stage.hear(SECRET, 0.5)
        await stage.tell(*spoken("Perdón, ¿cómo?", 1.0, block="over"))
        await stage.hear(SECRET, 1.0)
        await stage.tell(*transcribed("456"))
        await stage.answers("Gracias.")
        await stage.hear(PLAIN, 2.0)
        await stage.hangs_up()
        left, _ = stage.sides
        assert SECRET not in left
        assert (left[-16000:] == PLAIN).all(), "and the recording goes on"


@virtually
async def test_carlos_is_silent_on_his_side_while_he_reads_a_number_back(path: Path) -> None:
    async with calling(path) as stage:
        await stage.hear(PLAIN, 3.0)
        await stage.answers("Tu DNI es 28.456.789, ¿no?")
        await stage.hangs_up()
        _, right = stage.sides
        assert not right[int(2.6 * 16000) :].any()


# --- another part, and a disk


@virtually
async def test_a_refusal_holds_for_a_call_that_goes_on_and_a_consent_too(path: Path) -> None:
    for said, recorded in (("refused", False), ("on", True)):
        log = CallTranscript("CA1", LineName.PHONE, None)
        log.note(recording=said)
        async with calling(path, log=log) as stage:
            await stage.hear(SECRET, 2.0)
            assert "a-1.1" not in [what for kind, what in stage.line.sink.sent if kind == "mark"], "told once"
            await stage.says("Mi pedido uno", SECRET)
            await stage.answers("Está en camino.")
            await stage.hear(PLAIN, 1.0)
            await stage.hangs_up()
            assert (_is_there(path), stage.notes["recording"]) == (recorded, said)
    left, _ = stage.sides
    assert SECRET not in left, "it may have begun in the middle of a number"
    assert PLAIN in left


@virtually
async def test_a_disk_that_refuses_costs_the_recording_alone(path: Path) -> None:
    path.parent.touch()
    async with calling(path) as stage:
        await stage.hear(PLAIN, 3.0)
        await stage.says("Mi pedido uno")
        await stage.answers("Está en camino.")
        await stage.hangs_up()
        assert stage.said == [GREETING, "Está en camino."]
        assert (stage.notes["recording"], stage.kept) == ("failed", [])
