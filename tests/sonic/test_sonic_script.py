"""Scripts, the ear and the voice for tests, and the stand-in as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.sonic.events import AudioOutput
from agent.sonic.wire.client import SonicClient
from agent.sonic.wire.credentials import Credentials
from sandbox.brain import SpeechEnded, SpeechStarted
from sandbox.sonic.ear import EnergyEar
from sandbox.sonic.script import Say, ScriptError, ScriptTurn, ToneVoice, UseTool, Wait, Write, load_script, scripted
from tests.sonic.sonic_bench import MODEL, bench, cue, opening, until

SCRIPT = """
- steps: [{say: "Hola, soy Carlos."}]
- hear: "Quiero saber de mi pedido"
  steps:
    - tool: consultarOrden
      arguments: {dni: "28456789"}
    - wait: 0.5
    - say: "Llega mañana."
- {hear: "Chau", steps: [{write: "Chau."}]}
"""


def test_a_script_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "call.yaml"
    path.write_text(SCRIPT)
    assert load_script(path) == (
        ScriptTurn((Say("Hola, soy Carlos."),)),
        ScriptTurn(
            (UseTool("consultarOrden", {"dni": "28456789"}), Wait(0.5), Say("Llega mañana.")),
            hear="Quiero saber de mi pedido",
        ),
        ScriptTurn((Write("Chau."),), hear="Chau"),
    )


@pytest.mark.parametrize(
    "script",
    ["say: hola", "- hola", "- {steps: [{sing: la}]}", "- {listen: hola}", "- {steps: [{say: a, tool: b}]}"],
)
def test_a_script_with_an_unknown_word_is_refused(tmp_path: Path, script: str) -> None:
    path = tmp_path / "call.yaml"
    path.write_text(script)
    with pytest.raises(ScriptError):
        load_script(path)


async def test_a_script_can_go_on_over_a_reconnect(tmp_path: Path) -> None:
    turns = [ScriptTurn((Say("Uno."),)), ScriptTurn((Say("Dos."),))]
    async with bench(tmp_path) as at:
        at.server.brain_factory = scripted(turns, resume=True)
        for said in ("Uno.", "Dos."):
            async with at.stream() as stream:
                await stream.send(*opening(), *cue())
                await until(stream, lambda event: getattr(event, "content", None) == said)  # noqa: B023


async def test_the_tone_is_as_long_as_its_text() -> None:
    for rate in (8000, 24000):
        pieces = [piece async for piece in ToneVoice().speak("x" * 10, rate)]
        assert len(b"".join(pieces)) == round(0.6 * rate) * 2


def loud(ms: int) -> bytes:
    return np.random.default_rng(1).normal(0, 4000, 16 * ms).astype("<i2").tobytes()


def quiet(ms: int) -> bytes:
    return bytes(32 * ms)


def test_the_ear_finds_speech_in_pieces_of_any_size() -> None:
    ear, pcm = EnergyEar(16000, "HIGH"), quiet(100) + loud(400) + quiet(1000)
    events = [event for start in range(0, len(pcm), 333) for event in ear.feed(pcm[start : start + 333])]
    started, ended = events
    assert started == SpeechStarted(100)
    assert isinstance(ended, SpeechEnded)
    assert (ended.offset_ms, ended.detected_ms) == (500, 900)
    assert ended.audio == loud(400) + quiet(400)


def test_a_click_is_no_speech() -> None:
    assert EnergyEar().feed((loud(60) + quiet(1000)) * 3) == []


async def start(directory: Path, *arguments: str, stdin: int | None = None) -> asyncio.subprocess.Process:
    path = directory / "call.yaml"
    path.write_text(SCRIPT)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox.sonic", "--home", str(directory / "home"), "--script", str(path), *arguments),
        cwd=Path(__file__).parents[2],
        stdin=stdin if stdin is not None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    about: dict[str, Any] = json.loads(await process.stdout.readline())
    return about


@pytest.mark.slow
async def test_the_child_process_says_where_it_is_and_ends_with_its_stdin(tmp_path: Path) -> None:
    process = await start(tmp_path)
    about = await ready(process)
    assert (about["brain"], about["hears"]) == ("scripted", False)
    keys = Credentials(about["access_key_id"], about["secret_access_key"])
    client = SonicClient("us-east-1", about["endpoint"], about["ca_file"], credentials=keys)
    stream = await client.open(MODEL)
    await stream.send(*opening(), *cue())
    await until(stream, lambda event: isinstance(event, AudioOutput))
    await stream.close()
    assert process.stdin is not None
    process.stdin.close()
    assert await process.wait() == 0


@pytest.mark.slow
async def test_the_child_process_ends_on_sigterm(tmp_path: Path) -> None:
    process = await start(tmp_path)
    await ready(process)
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == 0


@pytest.mark.slow
async def test_a_bad_script_is_told_at_the_start(tmp_path: Path) -> None:
    process = await start(tmp_path, "--script", str(tmp_path / "missing.yaml"), stdin=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 2
