"""Who has the floor of a call, and what is due when nobody takes it. Sans-IO: times go in, what is due comes out.

    who has it   by what                                     what is due
    CALLER       our detector hears a voice, or keys come    nothing
    CARLOS       something of his is being heard             nothing
    TOOL         an answer is owed, and a tool before it     after `tool_filler_s` a filler, then as MODEL
    MODEL        an answer is owed                           a filler for each 3.6 s of silence
    NOBODY       neither speaks, and nothing is owed         a question, another one, a goodbye

Beside that, once each: the last minute is told, and at the limit comes a goodbye. What may fall due in which state of
the call is a table, `DUE_IN`. A television is not a caller: who is not understood for half a minute is nobody. A caller
who is away, on hold at the far end, is neither silent nor waiting: but for the limit the clock stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from agent.call_state import CallState

DEAD_AIR_S = 3.0  # of silence in which an answer is owed: what the record flags (data.call_flags)
FILLER_S = 3.6  # of silence, and a little to be heard in: no caller waits 4 s for a sound
MOST_FILLERS = 5  # for one answer; what is silent for longer is given up by others
LULL_S = 0.8  # after the last sound: neither speaks, and neither is taking a breath
NOISE_S = 30.0  # a voice of which nothing is understood for so long is none
CUE_ANSWER_S = 2.5  # for the model to say what it was asked to; then a clip says it
WARNING_S = 60.0  # before the limit
LATEST_WARNING_S = 40.0  # a minute that is told later than this is none
LIMIT_PATIENCE_S = 8.0  # for somebody to finish his sentence at the limit
WORDS_S = 2.0  # words come so long after the voice at most, if Sonic waits for the end of the turn as long as it can
LOOK_S = 0.4  # how often it is looked at least: what the session asks of itself is told to nobody


class Holder(StrEnum):
    CALLER = auto()
    CARLOS = auto()
    TOOL = auto()
    MODEL = auto()
    NOBODY = auto()


class Due(StrEnum):
    FILLER = auto()  # "one moment", from a clip: while a tool is pending the model is silent
    STILL_THERE = auto()  # the model is to ask whether the caller is there
    STILL_THERE_CLIP = auto()  # it has not: a clip asks
    NO_ANSWER = auto()  # the goodbye to somebody who says nothing
    WARNING = auto()  # the model is to say that a minute is left
    WARNING_CLIP = auto()
    TIME_UP = auto()  # the goodbye at the limit


_WAITING = frozenset({Due.FILLER, Due.TIME_UP})
# state: what may fall due in it. A goodbye has its own clock, `agent.ending`; it is only not awaited in silence.
DUE_IN: dict[CallState, frozenset[Due]] = {
    CallState.GREETING: _WAITING,
    CallState.RESUMING: _WAITING,
    CallState.LISTENING: frozenset(Due),
    CallState.ANSWERING: frozenset(Due),
    CallState.TOOL_PENDING: _WAITING,
    CallState.ENDING: frozenset({Due.FILLER}),
    CallState.CLOSING: frozenset(),
    CallState.APOLOGISING: frozenset(),
    CallState.OVER: frozenset(),
}
DUE_WHILE_AWAY = frozenset({Due.TIME_UP})  # of a caller who hears nothing: a call is no longer than its limit
# What a silence is answered with, one after the other, and after how many times `silence_prompt_s` of it.
SILENCE_STEPS = ((Due.STILL_THERE, 1.0), (Due.STILL_THERE, 1.0), (Due.NO_ANSWER, 0.5))
_CLIP_OF = {Due.STILL_THERE: Due.STILL_THERE_CLIP, Due.WARNING: Due.WARNING_CLIP}


@dataclass(frozen=True, slots=True)
class FloorTimes:
    """Seconds, as the settings have them. `silence_prompt_s` is None on a line where nobody is asked."""

    silence_prompt_s: float | None = 8.0
    goodbye_grace_s: float = 1.5
    keypad_pause_s: float = 3.5
    tool_filler_s: float = 1.2


@dataclass(frozen=True, slots=True)
class Sound:
    """What is to be heard on the line and what is owed, at one moment. Times are seconds of one clock."""

    carlos_until: float  # when the caller has heard, or will have heard, the last of what was sent
    caller_until: float  # when our own detector last heard a voice
    owed: bool = False  # an answer
    tool: bool = False  # is pending
    keying: bool = False  # the caller is pressing keys


class Floor:
    """One call's. `look` is to be called at `due`, and whenever something may have become due earlier."""

    def __init__(self, times: FloorTimes, began: float, limit_at: float | None) -> None:
        """At `limit_at` the call is over; None where no goodbye is said then."""
        self._times = times
        self._limit_at = limit_at
        self.due = began
        self._quiet_from = self._open_from = began
        self._tool_at = began
        self._fillers = self._asked = 0
        self._warned = limit_at is not None and limit_at - began <= WARNING_S
        self._time_is_up = False
        self._dead_from: float | None = None  # the last silence that was told
        self._dead_air: list[float] = []
        self._cue: tuple[Due, float] | None = None  # what the model was asked to say, and when
        self._is_away = False

    # --- what happens ---------------------------------------------------------------------------------------

    def understood(self, now: float, *, spoken: bool) -> None:
        """The caller said something in words, or pressed or typed it."""
        self._quiet_from = max(self._quiet_from, now - WORDS_S if spoken else now)
        self._open_from = now
        self._fillers = self._asked = 0
        self._cue = None

    def tool_called(self, now: float) -> None:
        self._tool_at = now
        self._cue = None

    def answer_began(self) -> None:
        self._fillers = 0
        self._cue = None

    def caller_away(self) -> None:
        """The caller hears nothing any more, until `caller_back`."""
        self._is_away = True
        self._cue = None

    def caller_back(self, now: float) -> None:
        """He hears again: every silence begins now."""
        self._is_away = False
        self._quiet_from = self._open_from = self._tool_at = now
        self._fillers = self._asked = 0

    # --- what is due ----------------------------------------------------------------------------------------

    def holder(self, now: float, sound: Sound) -> Holder:
        """Return who has the floor."""
        if now < sound.carlos_until:
            return Holder.CARLOS
        if sound.keying or (now - sound.caller_until < LULL_S and now - self._open_from < NOISE_S):
            return Holder.CALLER
        return _next_holder(sound)

    def look(self, now: float, state: CallState, sound: Sound) -> Due | None:
        """Return what is due now, to be done at once."""
        if not self._asked:
            self._open_from = max(self._open_from, sound.carlos_until)
        if self._cue is not None and sound.carlos_until > self._cue[1]:
            self._cue = None  # he says it
        if not (sound.owed or sound.tool):
            self._fillers = 0
        dead_at = self._dead_air_at(now, state, sound)
        may_be_due = DUE_IN[state] & DUE_WHILE_AWAY if self._is_away else DUE_IN[state]
        times = {due: at for due, at in self._times_of(sound).items() if due in may_be_due}
        first = min(times, key=lambda due: times[due], default=None)
        if first is None or now < times[first]:
            self.due = min([now + LOOK_S, *dead_at, *times.values()])
            return None
        self._take(first, now)
        self.due = now
        return first

    def _take(self, due: Due, now: float) -> None:
        self._cue = (due, now) if due in _CLIP_OF else None
        self._quiet_from = now  # it is about to be heard
        match due:
            case Due.FILLER:
                self._fillers += 1
            case Due.STILL_THERE | Due.NO_ANSWER:
                self._asked += 1
            case Due.WARNING:
                self._warned = True
            case Due.TIME_UP:
                self._time_is_up = True

    def take_dead_air(self) -> list[float]:
        """Return when each silence began that has become dead air since this was asked last."""
        found, self._dead_air = self._dead_air, []
        return found

    def _dead_air_at(self, now: float, state: CallState, sound: Sound) -> list[float]:
        """Note the silence if it is dead air by now; else return when it will be."""
        quiet_from = max(self._quiet_from, sound.carlos_until, sound.caller_until)
        waits = (sound.owed or sound.tool) and not sound.keying and Due.FILLER in DUE_IN[state]
        if not waits or self._is_away or quiet_from == self._dead_from:
            return []
        if now < quiet_from + DEAD_AIR_S:
            return [quiet_from + DEAD_AIR_S]
        self._dead_from = quiet_from
        self._dead_air.append(quiet_from)
        return []

    @property
    def fillers(self) -> int:
        """Return how many fillers were due since an answer is awaited."""
        return self._fillers

    def _times_of(self, sound: Sound) -> dict[Due, float]:
        """Return what falls due, and when, if nothing more is heard."""
        quiet_from = max(self._quiet_from, sound.carlos_until, sound.caller_until)
        times = self._limits(sound, quiet_from)
        if sound.keying:
            return times
        if self._cue is not None:
            kind, at = self._cue
            return times | {_CLIP_OF[kind]: self._not_over(sound, at + CUE_ANSWER_S, LULL_S)}
        nobody = _next_holder(sound) is Holder.NOBODY
        if not nobody and self._fillers < MOST_FILLERS:
            times[Due.FILLER] = self._filler_at(sound, quiet_from)
        prompt_s = self._times.silence_prompt_s
        if nobody and prompt_s is not None and self._asked < len(SILENCE_STEPS):
            step, share = SILENCE_STEPS[self._asked]
            wait_s = share * prompt_s
            times[step] = self._not_over(sound, max(self._quiet_from, sound.carlos_until) + wait_s, wait_s)
        return times

    def _filler_at(self, sound: Sound, quiet_from: float) -> float:
        late = quiet_from + FILLER_S
        if sound.tool and not self._fillers:
            return min(late, max(self._tool_at, quiet_from) + self._times.tool_filler_s)
        return late

    def _not_over(self, sound: Sound, at: float, wait_s: float) -> float:
        """Return `at`, or so long after the caller's voice; one that is not understood holds it up for a while only."""
        return max(at, min(sound.caller_until + wait_s, self._open_from + NOISE_S))

    def _limits(self, sound: Sound, quiet_from: float) -> dict[Due, float]:
        if self._limit_at is None or self._time_is_up:
            return {}
        quiet_at = quiet_from + LULL_S
        times = {Due.TIME_UP: min(max(self._limit_at, quiet_at), self._limit_at + LIMIT_PATIENCE_S)}
        warn_at = max(self._limit_at - WARNING_S, quiet_at)
        busy = sound.owed or sound.tool or sound.keying or self._cue is not None
        if not (self._warned or busy) and warn_at <= self._limit_at - LATEST_WARNING_S:
            times[Due.WARNING] = warn_at
        return times


def _next_holder(sound: Sound) -> Holder:
    """Return whose turn it is when neither speaks."""
    if sound.tool:
        return Holder.TOOL
    return Holder.MODEL if sound.owed else Holder.NOBODY
