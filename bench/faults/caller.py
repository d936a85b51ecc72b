"""A caller who waits for an answer before saying the next thing. No socket and no clock: frames of 20 ms are the time.

WAITING ──enough of an answer──▶ HEARING ──a pause──▶ SPEAKING ──the last word──▶ WAITING
   └──enough of the last one, patience at an end, or an apology heard──▶ GONE
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from agent.audio.ulaw import ULAW_SILENCE
from bench.faults.ear import Sound, sound_of
from bench.line import FRAME, FRAME_S
from bench.speech import speech_ulaw

ENOUGH = 50  # frames of the model's voice that are an answer; a stump is none
PAUSE = 25  # quiet frames after which a caller takes the turn
PATIENCE = 500  # frames: who hears nothing for 10 s hangs up
TOLD = 125  # frames of a recorded voice in one stretch that are an apology, not "one moment, please"
BREATH = 25  # quiet frames within one stretch
SYLLABLE_S, DIP_S = 0.24, 0.04


class State(Enum):
    WAITING = auto()
    HEARING = auto()
    SPEAKING = auto()
    GONE = auto()


def utterance(seconds: float, seed: int) -> bytes:
    """Mu-law speech: syllables of noise, no two alike, so that a lost one is found out."""
    count = max(1, round(seconds / (SYLLABLE_S + DIP_S)))
    dip = ULAW_SILENCE * round(8000 * DIP_S)
    return b"".join(speech_ulaw(SYLLABLE_S, 1000 * seed + number) + dip for number in range(count))


@dataclass(slots=True)
class Stretch:
    """How long the same goes on, with short breaths."""

    frames: int = 0
    quiet: int = 0

    def hear(self, sounds: bool) -> int:
        if sounds:
            self.frames += self.quiet + 1
            self.quiet = 0
        elif self.frames:
            self.quiet += 1
            if self.quiet > BREATH:
                self.frames = self.quiet = 0
        return self.frames


@dataclass(slots=True)
class Caller:
    """Says each of `words` once the one before was answered; `words` are mu-law. The greeting is the first answer."""

    words: Sequence[bytes]
    patience: int = PATIENCE
    state: State = State.WAITING
    said: list[bytes] = field(default_factory=list)
    answers: int = 0  # heard, the greeting included
    told: bool = False  # that it cannot go on
    dead_air: int = 0  # frames: the longest silence while an answer was owed
    waits: list[int] = field(default_factory=list)  # the longest silence of each turn, the greeting's first
    slowest: int = 0  # frames from a last word to its answer, whatever clips were heard meanwhile
    _waited: int = 0
    _silence: int = 0
    _worst: int = 0
    _voice: int = 0  # frames of the model's since the last word
    _local: Stretch = field(default_factory=Stretch)
    _speaking: Iterator[bytes] = field(default_factory=lambda: iter(()))

    @property
    def recovered(self) -> bool:
        """Every word was answered."""
        return self.answers == len(self.words) + 1

    @property
    def gone(self) -> bool:
        return self.state is State.GONE

    @property
    def unanswered(self) -> bool:
        """An answer is owed, and was when the caller left."""
        return self.answers == len(self.said) and self.state is not State.SPEAKING

    @property
    def owed_words(self) -> list[bytes]:
        """What had to be understood: a turn that ended in an apology had not."""
        return self.said[:-1] if self.told and self.unanswered else self.said

    def frame(self, heard: bytes) -> bytes:
        """Hear 20 ms and say 20 ms."""
        sound = sound_of(heard)
        self._silence = 0 if sound is not Sound.SILENCE else self._silence + 1
        if self._local.hear(sound is Sound.LOCAL) >= TOLD:
            self.told = True
        match self.state:
            case State.WAITING:
                self._wait(sound)
            case State.HEARING if self._silence >= PAUSE:
                self._take_turn()
        return self._say()

    def silent(self, frames: int) -> None:
        """No frame could be heard for so long: the line was gone."""
        self._silence += frames
        self._waited += frames
        if self.state is State.WAITING:
            self._note_silence()

    def _wait(self, sound: Sound) -> None:
        self._voice += sound is Sound.MODEL
        self._waited += sound is not Sound.MODEL
        if not self.told:
            self._note_silence()
        if self._voice >= ENOUGH:
            self.answers += 1
            self.slowest = max(self.slowest, self._waited)
            self.waits.append(self._worst)
            self.state = State.GONE if self.recovered else State.HEARING
        elif self._silence >= (PAUSE * 4 if self.told else self.patience):
            self.waits.append(self._worst)
            self.state = State.GONE

    def _note_silence(self) -> None:
        self._worst = max(self._worst, self._silence)
        self.dead_air = max(self.dead_air, self._silence)

    def _take_turn(self) -> None:
        words = self.words[len(self.said)]
        self.said.append(words)
        self._speaking = iter([words[at : at + FRAME].ljust(FRAME, ULAW_SILENCE) for at in range(0, len(words), FRAME)])
        self.state = State.SPEAKING

    def _say(self) -> bytes:
        if self.state is State.SPEAKING:
            if (frame := next(self._speaking, None)) is not None:
                return frame
            self.state = State.WAITING
            self._silence = self._worst = self._voice = self._waited = 0
        return ULAW_SILENCE * FRAME


def seconds(frames: int) -> float:
    return round(frames * FRAME_S, 2)
