"""The local brain behind the Sonic stand-in: Silero and Whisper hear, a Spanish dialogue decides, clips speak.

Without the weights it still answers typed text and the keypad, and says so to people (`describe`) and to callers.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sandbox.brain import Brain, Floor, Mind, Prompt, Utterance
from sandbox.dialogue import DialogueMind
from sandbox.speech.clips import ClipLibrary
from sandbox.speech.ear import SileroEar
from sandbox.speech.errors import SpeechError, WeightsMissing
from sandbox.speech.espeak import shared_espeak
from sandbox.speech.voice import LocalVoice
from sandbox.speech.weights import check_present, load_weights

if TYPE_CHECKING:
    from sandbox.speech.whisper import Recognizer

log = logging.getLogger(__name__)

KNOWN = 64  # utterances, some 100 KB each

DEAF = "Perdón, en esta máquina no puedo escuchar. Podés escribirme o usar el teclado del teléfono."


@dataclass(frozen=True, slots=True)
class Description:
    """What the local brain can do here, for people."""

    hears: bool
    why_not: str | None
    speaks: str


class Hearing:
    """The recogniser of the process: loaded in the background at once, then one utterance at a time.

    Many callers at once are recorded ones, who say the same to the sample. To recognise that takes more CPU than all
    else of their calls, and is done once.
    """

    def __init__(self, stt_model: Path | None) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whisper")
        self._recognizer: Future[Recognizer] = self._worker.submit(_load_recognizer, stt_model)
        self._transcribe = lru_cache(KNOWN)(self._recognise)

    async def why_deaf(self) -> str | None:
        """None once the recogniser is loaded; else why it could not be."""
        try:
            await self._loaded()
        except SpeechError as error:
            return str(error)
        return None

    def begin(self, pcm: bytes, rate: int) -> Future[str]:
        """Text of one utterance (PCM 16-bit mono); raises SpeechError when there is no recogniser."""
        return self._worker.submit(self._transcribe, pcm, rate)

    def _recognise(self, pcm: bytes, rate: int) -> str:
        return self._recognizer.result().transcribe(pcm, rate)  # the worker takes one after another: it is loaded

    async def _loaded(self) -> Recognizer:
        # Shielded: a barge-in that cancels one turn must not cancel the loading for all.
        return await asyncio.shield(asyncio.wrap_future(self._recognizer))


class Recognizing(Protocol):
    """Begins to recognise an utterance."""

    def begin(self, pcm: bytes, rate: int) -> Future[str]: ...


class Listening(Recognizing, Protocol):
    """What a local brain hears with."""

    async def why_deaf(self) -> str | None:
        """None when it can recognise; else why not."""


class EagerHearing:
    """One session's way to the recogniser: it begins at a pause, and what it made of the same samples is taken.

    So nothing but time depends on whether it had begun: the text is that of the utterance's own samples.
    """

    def __init__(self, hearing: Recognizing) -> None:
        self._hearing = hearing
        self._samples: tuple[bytes, int] | None = None
        self._text: Future[str] = Future()

    def begin(self, pcm: bytes, rate: int) -> None:
        """The caller pauses after this, and may have finished. What was begun before is not waited for any more."""
        self._text.cancel()
        self._samples, self._text = (pcm, rate), self._hearing.begin(pcm, rate)

    async def transcribe(self, pcm: bytes, rate: int) -> str:
        """Text of one utterance (PCM 16-bit mono); raises SpeechError when there is no recogniser."""
        if self._samples != (pcm, rate):
            self.begin(pcm, rate)
        self._samples = None
        return await asyncio.wrap_future(self._text)


class LocalMind:
    """A mind that also tells its ear the session's rate and endpointing, and owns up when it cannot hear."""

    def __init__(self, mind: Mind, ear: SileroEar, hearing: Listening) -> None:
        self._mind = mind
        self._ear = ear
        self._hearing = hearing

    def begin(self, prompt: Prompt) -> None:
        self._ear.tune(prompt.input_rate, prompt.endpointing)
        self._mind.begin(prompt)

    async def turn(self, heard: Utterance, floor: Floor) -> None:
        if heard.audio and (why := await self._hearing.why_deaf()):
            log.warning("the local brain cannot hear: %s", why)
            await floor.say(DEAF)
        else:
            await self._mind.turn(heard, floor)


def make_brain(stt_model: Path | None = None) -> Brain:
    """A brain for one session; the recogniser and the voice behind it are the process's.

    `stt_model` is a CTranslate2 Whisper folder to use instead of the pinned weights.
    """
    return brain_of(shared_hearing(stt_model))


def brain_of(hearing: Listening) -> Brain:
    """A brain for one session that hears with this; the voice behind it is the process's."""
    eager = EagerHearing(hearing)
    ear = SileroEar(on_pause=eager.begin)
    return Brain(ear, LocalMind(DialogueMind(eager.transcribe), ear, hearing), shared_voice())


def describe(stt_model: Path | None = None) -> Description:
    """What it can do on this machine. Checksums are checked later, when the weights are loaded."""
    try:
        check_present(stt_model)
        _check_engine()
        why_not = None
    except WeightsMissing as error:
        why_not = str(error)
    clips = len(ClipLibrary())
    speaks = f"Kokoro clips ({clips} phrases), espeak-ng for the rest" if clips else "espeak-ng"
    return Description(why_not is None, why_not, speaks)


@cache
def shared_hearing(stt_model: Path | None = None) -> Hearing:
    """The process's recogniser; the first call begins to load it."""
    return Hearing(stt_model)


@cache
def shared_voice() -> LocalVoice:
    return LocalVoice(ClipLibrary(), shared_espeak())


def _load_recognizer(stt_model: Path | None) -> Recognizer:
    _check_engine()
    from sandbox.speech.whisper import Recognizer

    return Recognizer(load_weights(stt_model))


def _check_engine() -> None:
    for package in ("ctranslate2", "tokenizers"):
        if find_spec(package) is None:
            raise WeightsMissing(f"{package} is not installed: pip install 'carlos[speech]'")
