"""`make answer-time`: how long a caller waits from his last word to Carlos's first sound, by the local speech engine.

The recorded callers phone a server of their own, and what they waited is read from the stereo WAV of each call alone.
Beside it each share is measured by itself, on the same turns: endpointing in the caller's own samples, the recogniser,
the mind and the first clip by the clock. Prints a table; the last line is one JSON object, in ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_RATE, ulaw_decode
from bench.machine import describe
from sandbox.brain import Prompt, SpeechEnded, Utterance
from sandbox.dialogue import DialogueMind
from sandbox.speech.clips import ClipLibrary
from sandbox.speech.ear import SileroEar
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.espeak import shared_espeak
from sandbox.speech.mel import RATE
from sandbox.speech.voice import LocalVoice
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.errors import DoubleError
from sandbox.twilio.phone import call_own_server
from sandbox.twilio.script import Script, Turn, load_script, script_names
from sandbox.twilio.show import Show

SPEECH = 200  # RMS of 10 ms, about -44 dBFS, as a recorded caller takes for speech
WINDOW_MS = 10
TURN_GAP_MS = 1_500  # quiet this long on the caller's side: what follows is another turn
BEFORE_MS = 200  # of Carlos's side, that must be quiet: else he was talking, and nobody waited for him

AROUND = bytes(2 * ULAW_RATE)  # a second of silence
ENDPOINTING = "HIGH"  # the default of SONIC_ENDPOINTING, which the calls have
PROMPT = Prompt("", ("consultarOrder", "finalizarLlamada"), (), "carlos", RATE, 24_000)

SHARES = ("endpointing", *(f"{name}{clock}" for name in ("recogniser", "mind", "first_clip") for clock in ("", "_cpu")))

Levels = NDArray[np.float64]
Times = dict[str, list[float]]


def main(arguments: list[str] | None = None) -> int:
    """0 when something was measured."""
    options = _options(arguments)
    scripts = [load_script(name) for name in options.callers or script_names()]
    try:
        times = asyncio.run(_shares(scripts)) | {"whole": _called(scripts, options.rounds)}
    except (WeightsMissing, DoubleError) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    result = {name: percentiles(values) for name, values in times.items()}
    for name, row in result.items():
        print(f"{name:16}" + "".join(f"{key:>6} {value:>6}" for key, value in row.items()))
    print(json.dumps({"machine": describe(), "ms": result}))
    return 0


def percentiles(values: Sequence[float]) -> dict[str, int]:
    """Count, p50 and p95; only the count of nothing."""
    if not values:
        return {"n": 0}
    p50, p95 = np.percentile(values, (50, 95))
    return {"n": len(values), "p50": round(p50), "p95": round(p95)}


# The whole, from the WAV of a call


def answer_times(wav: Path) -> list[int]:
    """How long each turn of the caller (left) waited for Carlos (right), in ms, exact to 10.

    A turn that began while Carlos was still talking at its end counts as none, and neither does one without an answer.
    """
    caller, carlos = (levels >= SPEECH for levels in _levels(wav))
    waits = []
    for end in _ends(caller):
        answered = np.flatnonzero(carlos[end:])
        waited_for = not carlos[max(0, end - BEFORE_MS // WINDOW_MS) : end].any()
        if answered.size and waited_for and not caller[end : end + int(answered[0])].any():
            waits.append(int(answered[0]) * WINDOW_MS)
    return waits


def _levels(wav: Path) -> tuple[Levels, Levels]:
    """RMS of each window, caller's and Carlos's."""
    with wave.open(str(wav), "rb") as file:
        size = file.getframerate() * WINDOW_MS // 1000
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64).reshape(-1, 2)
    windows = samples[: len(samples) // size * size].reshape(-1, size, 2)
    left, right = np.sqrt(np.mean(windows**2, axis=1)).T
    return left, right


def _ends(speech: NDArray[np.bool_]) -> list[int]:
    """The window after the last one of each turn."""
    heard = np.flatnonzero(speech)
    gaps = np.flatnonzero(np.diff(heard) > TURN_GAP_MS // WINDOW_MS)
    return [int(last) + 1 for last in (*heard[gaps], *heard[-1:])]


def _called(scripts: Sequence[Script], rounds: int) -> list[float]:
    show = Show(Console(stderr=True, highlight=False))
    waits: list[float] = []
    with TemporaryDirectory(prefix="answer-time-") as folder:
        for script in [*scripts] * rounds:
            summary = asyncio.run(call_own_server(script, Path(folder), show))
            waits += answer_times(Path(summary["wav"]))
    return waits


# Its shares, each by itself


class _Floor:
    """A floor that keeps what is to be said; its tools answer at once."""

    prompt = PROMPT

    def __init__(self) -> None:
        self.said = ""

    async def transcript(self, text: str) -> None:
        pass

    async def say(self, text: str) -> None:
        self.said = text

    async def use_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"success": False, "error": "No encuentro ese pedido con esos datos.", "code": "not_verified"}

    async def more(self, timeout_s: float) -> Utterance | None:
        return None


async def _shares(scripts: Sequence[Script]) -> Times:
    recognizer, voice = Recognizer(load_weights()), LocalVoice(ClipLibrary(), shared_espeak())
    times: Times = {name: [] for name in SHARES}
    for script in scripts:
        mind, floor = DialogueMind(_typed), _Floor()
        mind.begin(PROMPT)
        for turn in script.turns:
            for waited, audio in heard_after(turn):
                times["endpointing"].append(waited)
                with _timed(times, "recogniser"):
                    recognizer.transcribe(audio, RATE)
            with _timed(times, "mind"):
                await mind.turn(Utterance(text=turn.heard or turn.digits), floor)
            with _timed(times, "first_clip"):
                await anext(voice.speak(floor.said, PROMPT.output_rate))
    return times


async def _typed(pcm: bytes, rate: int) -> str:
    raise AssertionError("what is typed needs no recogniser")


@contextmanager
def _timed(times: Times, name: str) -> Iterator[None]:
    wall, cpu = perf_counter(), process_time()
    yield
    times[name].append(1000 * (perf_counter() - wall))
    times[f"{name}_cpu"].append(1000 * (process_time() - cpu))


def heard_after(turn: Turn) -> Iterator[tuple[float, bytes]]:
    """Each utterance that the ear makes of a turn, and how many ms of line it took from its last word until then."""
    pcm = ulaw_decode(turn.audio)
    if not pcm:
        return
    line = Resampler(ULAW_RATE, RATE).push(AROUND + pcm + 2 * AROUND)
    last_word_ms = 1000 + (int(np.flatnonzero(_loud(pcm))[-1]) + 1) * WINDOW_MS
    for event in SileroEar(RATE, ENDPOINTING).feed(line):
        if isinstance(event, SpeechEnded):
            yield event.detected_ms - last_word_ms, event.audio


def _loud(pcm: bytes) -> NDArray[np.bool_]:
    size = ULAW_RATE * WINDOW_MS // 1000
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(np.sqrt(np.mean(windows**2, axis=1)) >= SPEECH)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.answer", description=__doc__.partition("\n")[0])
    parser.add_argument("callers", nargs="*", help="recorded callers; all without a name")
    parser.add_argument("--rounds", type=int, default=1, help="how often each of them phones")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
