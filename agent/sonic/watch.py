"""Whether Sonic owes the caller something, and for how long nothing has come of it: sans-IO.

    owed       by what                                       suspected after     lost after
    NOTHING    quiet, or an answer that ended                -                   -
    PERHAPS    clear speech that the service is silent on    3.5 s of no event   never: it may have been a noise
    ANSWER     words, a key, a tool's result, a cue          3.5 s of no event   the answer's time limit
    REST       an answer that has begun and not ended        3.5 s of no event   the answer's time limit

What is suspected is not given up: another stream is dialled beside it. No time runs while the caller speaks, nor for
the rest of an answer that the line still has something of to play.
"""

from __future__ import annotations

from enum import Enum

REPORTED_SPEECH_S = 30.0  # for so long the service is believed that somebody speaks whom our detector does not hear


class Owed(Enum):
    NOTHING = "nothing"
    PERHAPS = "perhaps"
    ANSWER = "answer"
    REST = "rest"


class Verdict(Enum):
    WAIT = "wait"
    SUSPECT = "suspect"
    LOST = "lost"


class Watch:
    """Follows what Sonic owes the caller. All times in seconds of one clock."""

    def __init__(self, answer_timeout_s: float, suspect_s: float) -> None:
        self.answer_timeout_s = answer_timeout_s
        self._suspect_s = suspect_s
        self.owed = Owed.NOTHING
        self.suspected = False  # this debt has been
        self.since = 0.0
        self._event_at = 0.0
        self._speech_reported_at: float | None = None

    def asked(self, now: float) -> None:
        """An answer is due from now on."""
        self._owe(Owed.ANSWER, now)

    def perhaps_asked(self, now: float) -> None:
        """Clear speech ended at `now`, and nothing is known of what it was."""
        if self.owed is Owed.NOTHING:
            self._owe(Owed.PERHAPS, now)
        else:
            self.since = max(self.since, now)

    def began(self, now: float) -> None:
        """The first audio of an answer came."""
        self._owe(Owed.REST, now)

    def nothing_owed(self) -> None:
        self.owed = Owed.NOTHING

    def event(self, now: float) -> None:
        """Something came from the service, whatever it was."""
        self._event_at = now

    def speech_reported(self, now: float) -> None:
        self._speech_reported_at = now

    def speech_over(self, now: float) -> None:
        self._speech_reported_at = None
        self.since = max(self.since, now)

    def replaced(self, now: float) -> None:
        """Another stream owes the answer from now on."""
        self.suspected = False
        self.since = self._event_at = now
        self._speech_reported_at = None

    def verdict(self, now: float, *, speaking: bool, playing: bool) -> Verdict:
        """Return what is to be thought of the silence. `speaking` says whether our own detector hears the caller."""
        if self.owed is Owed.NOTHING:
            return Verdict.WAIT
        if speaking or (playing and self.owed is Owed.REST):
            self.since = now
            return Verdict.WAIT
        certain = self.owed is not Owed.PERHAPS and not self._believes_in_speech(now)
        last = max(self.since, self._event_at) if self.owed is Owed.REST else self.since
        if certain and now - last >= self.answer_timeout_s:
            return Verdict.LOST
        if not self.suspected and now - max(self.since, self._event_at) >= self._suspect_s:
            self.suspected = True
            return Verdict.SUSPECT
        return Verdict.WAIT

    def _owe(self, owed: Owed, now: float) -> None:
        self.owed = owed
        self.since = now
        self.suspected = False

    def _believes_in_speech(self, now: float) -> bool:
        return self._speech_reported_at is not None and now - self._speech_reported_at < REPORTED_SPEECH_S
