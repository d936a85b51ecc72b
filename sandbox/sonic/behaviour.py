"""How the stand-in behaves where the real service is known to vary, and how fast its clocks run.

Numbers and variants without another source were recorded live by third parties.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

FINAL_DELAY_S = 0.4  # from the end of a sentence's playback to its FINAL text


class BargeIn(Enum):
    """What tells the client that the caller barged in, beside userSpeechStart."""

    FULL = "the interrupted text and contentEnd INTERRUPTED"
    TEXT = "the interrupted text only"
    END = "contentEnd INTERRUPTED only"
    SPEECH = "nothing but userSpeechStart"


class FinalText(Enum):
    """When the FINAL text of what the assistant said comes."""

    LATE = "some time after it was played"
    AT_ONCE = "right after its audio"
    NEVER = "never"


class Transcript(Enum):
    """How what the caller said in one go is told."""

    WHOLE = "one USER FINAL block, its stop reason PARTIAL_TURN"
    IN_PARTS = "several USER FINAL blocks, END_TURN and then PARTIAL_TURN"


class EarlyText(Enum):
    """What interactive text of the user is before there was any audio. Sources: `agent.sonic.rules.Disputed`."""

    HISTORY = "a message of the history, as in AWS's example of one"
    TURN = "a turn of its own, answered once there is audio"
    REFUSED = "an invalid request"


class Manners(Enum):
    """How it takes tools and cues. Source: `sandbox.sonic.manners`."""

    NOVA_2 = "as its mind would: what it says after a tool, and to any cue, is its own"
    NOVA_25 = "silent while a tool is pending; says what a result's `speak` has; passes over cues that only describe"


@dataclass(frozen=True, slots=True)
class Behaviour:
    barge_in: BargeIn = BargeIn.FULL
    final_text: FinalText = FinalText.LATE
    transcript: Transcript = Transcript.WHOLE
    audio_speed: float | None = 4.0  # times real time; None is at once
    uneven_audio: int | None = None  # a seed of the sizes of audio pieces, as recorded; None is 80 ms each
    audio_during_tool_is_fatal: bool = False  # one report; it contradicts the docs
    early_text: EarlyText = EarlyText.HISTORY
    manners: Manners = Manners.NOVA_2
    alternating_history: bool = False  # Disputed.HISTORY_ALTERNATES
    strict_tool_schemas: bool = False  # Disputed.PLAIN_SCHEMAS
    life_s: float = 480.0
    idle_s: float = 55.0  # 295 occurs as well
    silence_is_idle: bool = False  # with 295 s it was: three streams of silent audio ended after 296 s
    time_scale: float = 1.0  # how long a second of the service lasts here


class Clock:
    """The service's seconds."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time() / self._scale

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._scale)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds * self._scale)

    def later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_later(seconds * self._scale, call)
