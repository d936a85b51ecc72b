"""A recorded caller, sans-IO: he hears the line 20 ms at a time and decides when to speak.

waiting ──Carlos has finished, or interrupt_ms after his onset──▶ speaking ──▶ waiting for the answer
   └── nothing heard for 20 s: hangs up ("silence")
Carlos has finished when a mark came back after the last sound and it is quiet: sound that stops without one may
be a stall, on a busy machine of any length.
after the last turn: Carlos was heard and has been quiet for 10 s: hangs up ("completed")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.twilio.playout import SILENCE
from sandbox.twilio.script import Turn
from sandbox.twilio.stream import FRAME, FRAME_MS, Act
from sandbox.twilio.wav import loudness

Outcome = Literal["completed", "silence", "too_long", "unfinished"]


@dataclass(frozen=True, slots=True)
class Manners:
    """How the caller takes turns; times in ms."""

    speech_level: int = 200  # RMS of a 20 ms frame that counts as speech, about -44 dBFS
    silence_ms: int = 700  # this long without speech after a mark, and Carlos has finished
    stall_ms: int = 5_000  # without a mark it may be a stall in mid-sentence: this long, and he has finished too
    reaction_ms: int = 300  # and this long later the caller speaks
    patience_ms: int = 20_000  # without any answer
    linger_ms: int = 10_000  # after his last turn, for the agent to hang up
    longest_ms: int = 300_000  # bound of a call
    key_ms: int = 240  # from one key to the next


class RecordedCaller:
    """Plays `turns`; `begins` is told of each turn as it starts, `answered` of each answer as it does, with the ms
    since the turn before it ended, and `overheard` of each frame of both sides, what he says and what he hears."""

    def __init__(
        self,
        turns: Sequence[Turn],
        manners: Manners | None = None,
        begins: Callable[[Turn], None] = lambda turn: None,
        answered: Callable[[int], None] = lambda after_ms: None,
        overheard: Callable[[bytes, bytes], None] = lambda said, heard: None,
    ) -> None:
        self._turns = deque(turns)
        self._manners = manners or Manners()
        self._begins = begins
        self._answered = answered
        self._overheard = overheard
        self._acts: deque[Act] = deque()  # what is left of the turn he is in
        self._now_ms = 0
        self._turn_ended_ms = 0
        self._onset_ms: int | None = None  # when Carlos began to answer
        self._last_speech_ms = 0  # and when he was last heard
        self._marked = False  # since then
        self._left: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        """How the call went for him: "unfinished" while he still has something to say."""
        if self._left is not None:
            return self._left
        return "unfinished" if self._turns or self._acts else "completed"

    def listen(self, heard: bytes) -> Act:
        self._now_ms += FRAME_MS
        if not self._acts:
            self._hear(heard)
            self._decide()
        act = self._act()
        self._overheard(act.sound, heard)
        return act

    def marked(self) -> None:
        """All that Carlos sent before a mark has been heard."""
        self._marked = True

    def connected(self) -> None:
        """A stream begins: he waits for an answer on it, whatever he heard on one before."""
        self._onset_ms, self._turn_ended_ms = None, self._now_ms

    def _hear(self, heard: bytes) -> None:
        if loudness(heard) >= self._manners.speech_level:
            self._marked = False
            self._last_speech_ms = self._now_ms
            if self._onset_ms is None:
                self._onset_ms = self._now_ms
                self._answered(self._now_ms - self._turn_ended_ms)

    def _decide(self) -> None:
        if self._now_ms >= self._manners.longest_ms:
            self._hang_up("too_long")
        elif self._onset_ms is None:
            if self._now_ms - self._turn_ended_ms >= self._manners.patience_ms:
                self._hang_up("silence")
        elif not self._turns:
            if self._quiet_ms >= self._manners.linger_ms:
                self._hang_up("completed")
        elif self._may_speak(self._turns[0], self._onset_ms):
            self._begin(self._turns.popleft())

    @property
    def _quiet_ms(self) -> int:
        return self._now_ms - self._last_speech_ms

    def _may_speak(self, turn: Turn, onset_ms: int) -> bool:
        if turn.interrupt_ms is not None and self._now_ms - onset_ms >= turn.interrupt_ms:
            return True
        silence_ms = self._manners.silence_ms if self._marked else self._manners.stall_ms
        return self._quiet_ms >= silence_ms + self._manners.reaction_ms

    def _begin(self, turn: Turn) -> None:
        self._begins(turn)
        pause = [Act()] * (self._manners.key_ms // FRAME_MS - 1)
        for digit in turn.digits:
            self._acts += [Act(digit=digit), *pause]
        for start in range(0, len(turn.audio), FRAME):
            frame = turn.audio[start : start + FRAME].ljust(FRAME, bytes([SILENCE]))
            self._acts.append(Act(sound=frame))

    def _hang_up(self, outcome: Outcome) -> None:
        self._left = outcome
        self._acts.append(Act(hang_up=True))

    def _act(self) -> Act:
        if not self._acts:
            return Act()
        act = self._acts.popleft()
        if not self._acts:
            self._turn_ended_ms = self._now_ms
            self._onset_ms = None
        return act
