"""A caller who speaks when Carlos has been heard to the end, however long that takes on a busy machine.

The recorded callers of the stand-in go by silences, as people do; here a silence is no part of what is tested, and
the call's own story says when an answer is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from agent.call_events import CallEvent
from sandbox.twilio.playout import SILENCE
from sandbox.twilio.script import Turn
from sandbox.twilio.stream import FRAME, FRAME_MS, Act
from sandbox.twilio.wav import loudness

SPEECH_LEVEL = 200
KEY_MS = 60
LONGEST_FAREWELL_MS = 20_000  # of the line: when Carlos does not hang up, he does


class Caller:
    """Takes `turns` one after another; in the end he hangs up, or waits for Carlos to."""

    def __init__(self, turns: Sequence[Turn], *, hangs_up: bool) -> None:
        self._turns = deque(turns)
        self._hangs_up = hangs_up
        self._acts: deque[Act] = deque()
        self._answered = False
        self._heard_ms: int | None = None  # since Carlos was first heard in his answer
        self._farewell_ms = 0  # since the last answer
        self.turn = -1  # the one he has begun last

    def told(self, event: CallEvent) -> None:
        """What happens in the call. An answer that was cut off is none."""
        if event["type"] == "said" and not event["interrupted"]:
            self._answered = True

    def listen(self, heard: bytes) -> Act:
        if not self._acts:
            self._hear(heard)
            self._decide()
        return self._acts.popleft() if self._acts else Act()

    def _hear(self, heard: bytes) -> None:
        if self._heard_ms is not None:
            self._heard_ms += FRAME_MS
        elif loudness(heard) >= SPEECH_LEVEL:
            self._heard_ms = 0

    def _decide(self) -> None:
        if not self._turns:
            if self._answered and self._has_waited():
                self._acts.append(Act(hang_up=True))
        elif self._may_speak(self._turns[0]):
            self._begin(self._turns.popleft())

    def _has_waited(self) -> bool:
        self._farewell_ms += FRAME_MS
        return self._hangs_up or self._farewell_ms >= LONGEST_FAREWELL_MS

    def _may_speak(self, turn: Turn) -> bool:
        if turn.interrupt_ms is None:
            return self._answered
        return self._heard_ms is not None and self._heard_ms >= turn.interrupt_ms

    def _begin(self, turn: Turn) -> None:
        self.turn += 1
        self._answered, self._heard_ms = False, None
        for digit in turn.digits:
            self._acts += [Act(digit=digit), *[Act()] * (KEY_MS // FRAME_MS - 1)]
        for start in range(0, len(turn.audio), FRAME):
            self._acts.append(Act(sound=turn.audio[start : start + FRAME].ljust(FRAME, bytes([SILENCE]))))
