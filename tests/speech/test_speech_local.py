from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sandbox import local
from sandbox.brain import Prompt, SpeechEnded, Utterance
from sandbox.hang import HANG_S
from sandbox.local import DEAF, EagerHearing, describe, make_brain
from tests.support.waiting import until

PROMPT = Prompt(
    system="",
    tools=("consultarOrder", "finalizarLlamada"),
    history=(),
    voice="carlos",
    input_rate=8_000,
    output_rate=24_000,
)


class Stage:
    """A floor that keeps what was said."""

    def __init__(self) -> None:
        self.prompt = PROMPT
        self.heard: list[str] = []
        self.said: list[str] = []

    async def transcript(self, text: str) -> None:
        self.heard.append(text)

    async def say(self, text: str) -> None:
        self.said.append(text)

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"success": False, "error": "No encuentro ese pedido con esos datos.", "code": "not_verified"}

    async def more(self, timeout_s: float) -> Utterance | None:
        return None


async def test_without_a_model_it_owns_up_to_speech_and_still_reads(tmp_path: Path) -> None:
    brain, stage = make_brain(tmp_path), Stage()
    brain.mind.begin(PROMPT)
    await brain.mind.turn(Utterance(audio=bytes(16_000)), stage)
    assert stage.said == [DEAF]
    await brain.mind.turn(Utterance(text="Quiero saber cómo va mi pedido"), stage)
    assert "número de pedido" in stage.said[-1]


async def test_a_file_that_is_no_model_makes_it_deaf_not_broken(tmp_path: Path) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    why = await local.Hearing(tmp_path).why_deaf()
    assert why is not None
    assert "no Whisper model" in why


def test_it_says_why_it_does_not_hear(tmp_path: Path) -> None:
    description = describe(tmp_path)
    assert not description.hears
    assert description.why_not is not None
    assert "LOCAL_STT_MODEL" in description.why_not
    assert "espeak-ng" in description.speaks


def test_it_says_when_the_engine_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).touch()
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    assert describe(tmp_path).why_not == "ctranslate2 is not installed: pip install 'carlos[speech]'"


def test_the_sessions_prompt_tunes_the_ear(tmp_path: Path, spoken_dni: bytes) -> None:
    brain = make_brain(tmp_path)
    brain.mind.begin(PROMPT)
    ended = [event for event in brain.ear.feed(spoken_dni + bytes(32_000)) if isinstance(event, SpeechEnded)]
    assert len(ended) == 1
    assert ended[0].offset_ms == pytest.approx(len(spoken_dni) / 16, abs=400)


class SlowHearing:
    """A recogniser that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.texts: list[Future[str]] = []

    def begin(self, pcm: bytes, rate: int) -> Future[str]:
        self.asked.append(pcm)
        self.texts.append(Future())
        return self.texts[-1]


class CountingRecognizer:
    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def transcribe(self, pcm: bytes, rate: int) -> str:
        self.asked.append(pcm)
        return "Hola."


def test_what_was_said_before_to_the_sample_is_not_recognised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = CountingRecognizer()
    monkeypatch.setattr(local, "_load_recognizer", lambda model: recognizer)
    hearing = local.Hearing(None)
    texts = [hearing.begin(pcm, 8_000).result(HANG_S) for pcm in (b"hola", b"hola", b"chau")]
    assert texts == ["Hola."] * 3
    assert recognizer.asked == [b"hola", b"chau"]


async def test_what_was_begun_at_a_pause_is_not_begun_again() -> None:
    hearing = SlowHearing()
    eager = EagerHearing(hearing)
    eager.begin(b"yes", 8_000)
    hearing.texts[0].set_result("Sí.")
    assert await eager.transcribe(b"yes", 8_000) == "Sí."
    assert hearing.asked == [b"yes"]


async def test_what_was_begun_of_other_samples_is_not_taken() -> None:
    hearing = SlowHearing()
    eager = EagerHearing(hearing)
    eager.begin(b"quiero", 8_000)
    understood = asyncio.create_task(eager.transcribe(b"quiero un turno", 8_000))
    await until(lambda: len(hearing.texts) == 2)
    hearing.texts[1].set_result("Quiero un turno.")
    assert await understood == "Quiero un turno."
    assert hearing.texts[0].cancelled()


async def test_a_turn_that_was_cancelled_is_understood_anew() -> None:
    hearing = SlowHearing()
    eager = EagerHearing(hearing)
    eager.begin(b"no", 8_000)
    interrupted = asyncio.create_task(eager.transcribe(b"no", 8_000))
    await asyncio.sleep(0)
    interrupted.cancel()
    understood = asyncio.create_task(eager.transcribe(b"no", 8_000))
    await until(lambda: len(hearing.texts) == 2)
    hearing.texts[1].set_result("No.")
    assert await understood == "No."


@pytest.mark.speech
async def test_it_hears_a_dni_and_answers(spoken_dni: bytes, recognizer: object) -> None:
    brain, stage = make_brain(), Stage()
    brain.mind.begin(PROMPT)
    await brain.mind.turn(Utterance(text="¿Cómo va mi pedido número uno?"), stage)
    [end] = [event for event in brain.ear.feed(spoken_dni + bytes(32_000)) if isinstance(event, SpeechEnded)]
    await brain.mind.turn(Utterance(audio=end.audio), stage)
    assert "28" in stage.heard[-1]
    assert "No encuentro ese pedido" in stage.said[-1]
    audio = [piece async for piece in brain.voice.speak(stage.said[0], PROMPT.output_rate)]
    assert sum(map(len, audio)) > PROMPT.output_rate
