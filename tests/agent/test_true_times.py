"""Whole calls on a virtual clock, in recorded voices on noisy lines: what the record says of each turn is what can be
measured on the call's stereo recording."""

from __future__ import annotations

import asyncio
import audioop
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from loguru import logger
from numpy.typing import NDArray

from agent import recorder
from agent.audio.speech import levels
from agent.call_audit import CallAudit, audited
from agent.call_recording import RecordingSetup
from agent.filler import ONE_MINUTE_LEFT
from agent.line import CallerAudio
from agent.sonic.events import AudioOutput, ContentStarted, ContentType, Role, ServiceEvent, UserSpeechEnd
from agent.sonic.events import UserSpeechStart as SpeechStart
from data.models import Turn
from sandbox.hang import HANG_S
from sandbox.utterances import FOLDER
from tests.agent.session_stage import ended, planned
from tests.agent.session_stage import words as transcribed
from tests.agent.virtual_call import FRAME_S, CallStage, calling, greets
from tests.support.virtual_loop import run_virtually

RATE = 16000
FRAME = 320  # samples
AGREE_MS = 50
VOICES = ("after-tomorrow", "move-five", "name-roberto", "pero-el-otro", "with-whom", "repeat")  # each another voice
WAITS_S = (0.75, 1.4, 0.9, 2.2, 1.1, 0.8)  # how long after each the model answers
NOTICED_S = 0.5  # after the words: so late Sonic is sure
SILENT_S = 0.12  # before the first sound of what the model sends
PAUSE_S = 1.5

type Samples = NDArray[np.int16]


@dataclass
class Spoken:
    """Where in the call's sound somebody said what, in samples."""

    clean: Samples
    words_end: int  # in it
    began: int = 0


def on_the_phone(name: str) -> Spoken:
    """A recording as a telephone carries it. Its words end 25 dB below their loud parts."""
    samples, rate = soundfile.read(FOLDER / f"{name}.flac")
    narrow = np.clip(soxr.resample(samples, rate, 8000) * 32768, -32768, 32767).astype("<i2").tobytes()
    wide = np.frombuffer(audioop.ulaw2lin(audioop.lin2ulaw(narrow, 2), 2), "<i2").astype(np.float32)
    clean: Samples = soxr.resample(wide, 8000, RATE).astype("<i2")
    level = levels(clean, RATE)
    loud = np.percentile(level[level > level.max() / 10], 90)
    return Spoken(clean, (int(np.flatnonzero(level > loud * 10 ** (-25 / 20))[-1]) + 1) * RATE // 100)


class Caller:
    """Speaks into a line whose noise never ends, at the speed of speech; a network may hold his frames up."""

    def __init__(self, stage: CallStage, noise_rms: float, late_s: float) -> None:
        self._stage = stage
        self._noise_rms, self._late_s = noise_rms, late_s
        self._random = np.random.default_rng(11)
        self._began = asyncio.get_running_loop().time()
        self.said = 0  # samples

    async def says(self, speech: Samples) -> None:
        noise = self._random.normal(0, self._noise_rms, len(speech))
        sound = np.clip(speech + noise, -32768, 32767).astype("<i2")
        for start in range(0, len(sound), FRAME):
            self.said += len(sound[start : start + FRAME])
            comes_at = self._began + self.said / RATE + self._random.uniform(0, self._late_s)
            await asyncio.sleep(max(0.0, comes_at - asyncio.get_running_loop().time()))
            self._stage.line.do(CallerAudio(sound[start : start + FRAME].tobytes()))

    async def waits(self, seconds: float) -> None:
        await self.says(np.zeros(round(seconds / FRAME_S) * FRAME, dtype=np.int16))


def answer(number: int) -> list[ServiceEvent]:
    block = f"a{number}"
    begins = ContentStarted(block, ContentType.AUDIO, Role.ASSISTANT)
    sound = AudioOutput(block, bytes(round(24000 * SILENT_S) * 2) + ONE_MINUTE_LEFT.pcm)
    return [*planned(f"Respuesta {number}."), begins, sound, ended(block=block)]


async def talk(stage: CallStage, spoken: Sequence[Spoken], noise_rms: float, late_s: float) -> None:
    """Each of them is said, and answered after its wait, as Sonic tells it."""
    caller = Caller(stage, noise_rms, late_s)
    await caller.waits(9.0)  # the notice, and the greeting
    [stream] = stage.sonic.streams
    primed_ms = 100  # of silence, which comes before the caller's sound
    for number, (each, wait_s) in enumerate(zip(spoken, WAITS_S, strict=True)):
        each.began = caller.said
        stream.tell(SpeechStart(primed_ms + each.began * 1000 // RATE))
        await caller.says(np.pad(each.clean, (0, -len(each.clean) % FRAME)))
        end = each.began + each.words_end
        await caller.waits(max(0.02, NOTICED_S - (caller.said - end) / RATE))
        ended_ms, detected_ms = (primed_ms + at * 1000 // RATE for at in (end, caller.said))
        stream.tell(UserSpeechEnd(ended_ms, detected_ms), *transcribed("Mi pedido"))
        await caller.waits(wait_s - NOTICED_S)
        stream.tell(*answer(number))
        await caller.waits(ONE_MINUTE_LEFT.seconds + PAUSE_S)


def sides(path: Path) -> tuple[Samples, Samples]:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getframerate()) == (2, RATE)
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


def measured_ms(path: Path, spoken: Sequence[Spoken]) -> list[float]:
    """By hand, as it were: where the left side has each clean recording, and where the right begins to sound."""
    left, right = sides(path)
    found, searched = [], 0
    for each in spoken:
        size = 2 ** int(np.ceil(np.log2(len(left) - searched + len(each.clean))))
        spectrum = np.fft.rfft(left[searched:], size) * np.conj(np.fft.rfft(each.clean, size))
        end = searched + int(np.fft.irfft(spectrum, size).argmax()) + each.words_end
        begins = end + int(np.flatnonzero(np.abs(right[end:].astype(np.int32)) > 200)[0])
        found.append((begins - end) / RATE * 1000)
        searched = begins
    return found


def answered(stage: CallStage) -> list[Turn]:
    return [turn for turn in stage.call.log.record().turns if turn.latency_ms is not None]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads are waited for while the virtual clock stands still; nobody reads what thousands of frames log."""

    async def inline(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", inline)
    monkeypatch.setattr(recorder, "MAX_BACKLOG_CHUNKS", 1_000_000)
    monkeypatch.setattr(recorder, "FINISH_S", HANG_S)
    logger.disable("pipecat")
    yield
    logger.enable("pipecat")


@pytest.mark.parametrize(("noise_rms", "late_s"), [(25.0, 0.0), (150.0, 0.0), (60.0, 0.03)])
@pytest.mark.slow
def test_the_record_and_the_recording_agree_on_every_answer_time(
    tmp_path: Path, noise_rms: float, late_s: float
) -> None:
    spoken = [on_the_phone(name) for name in VOICES]
    path = tmp_path / "call.wav"

    async def work() -> list[Turn]:
        async with calling(script=greets, recording=RecordingSetup(path)) as stage:
            await talk(stage, spoken, noise_rms, late_s)
            stage.line.leave()
            await stage.running
            return answered(stage)

    turns = run_virtually(work())
    times = [turn.latency_ms or 0 for turn in turns]
    by_hand = measured_ms(path, spoken)
    assert len(times) == len(VOICES)
    assert np.abs(np.subtract(times, by_hand)).max() <= AGREE_MS, (times, by_hand)
    assert all(time >= (wait_s + SILENT_S) * 1000 for time, wait_s in zip(times, WAITS_S, strict=True))

    audit: CallAudit = audited(*sides(path), RATE)
    assert np.abs(np.subtract(times, [each.answer_ms for each in audit.answers])).max() <= AGREE_MS
    assert not audit.overlaps

    for turn, time in zip(turns, times, strict=True):
        assert abs((turn.sonic_end_ms or 0) - time) <= AGREE_MS  # here Sonic hears the end where it is
        assert abs((turn.sonic_detected_ms or 0) - (time - NOTICED_S * 1000)) <= AGREE_MS + 20
