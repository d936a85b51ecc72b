"""A call's recording as the call uses it: the notice, the caller's no, the pauses, and what the record says of it.

Nothing here waits or fails: a disk or a bucket that does costs the recording, never the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loguru import logger

from agent.filler import clip
from agent.playout import Played
from agent.recorder import Recorder
from agent.recording_consent import RecordingConsent, State
from agent.transcript import CallTranscript
from common.times import to_iso, utcnow
from data.errors import DataError

NOTICE = "Esta llamada puede ser grabada. Si preferís que no, decí “no” o apretá una tecla."
NOTICE_ANSWER = -1000  # its number: far below those of what a call says by itself, which are counted down from 0
NOTICE_CLIP, OFF_CLIP = "recording_notice.wav", "recording_off.wav"  # the second says "Listo, no grabo esta llamada."
KEY_MARGIN_S = 0.5  # a key may have been heard before the line tells of it,
SPEECH_MARGIN_S = 1.0  # and speech, before it is known for speech
ERASE_S = 5.0  # how long a call's end waits for what its caller refused to be deleted
# What the record of a call that was cut off says of its recording: how the next part of it begins. A part that goes on
# waits for words and their answer: it may have been in the middle of a number.
_RESUMED = {"on": State.PAUSED, "failed": State.PAUSED, "refused": State.REFUSED, "unheard": State.UNHEARD}


@dataclass(frozen=True, slots=True)
class RecordingSetup:
    """Where a call is recorded; `kept` gets the file when it is complete, `erase` deletes all parts of the call's
    recording, wherever they lie. It raises DataError or OSError."""

    path: Path
    kept: Callable[[Path], None] = lambda path: None
    erase: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)


class CallRecording:
    """One call's, or one part's of a call that goes on. Without a setup nothing is recorded, and nobody is told.

    `say` plays a sentence as an answer of its own, `fill` a sound; both PCM 16-bit mono at 24 kHz.
    """

    def __init__(
        self,
        setup: RecordingSetup | None,
        carlos_rate: int,
        log: CallTranscript,
        say: Callable[[int, str, bytes], None],
        fill: Callable[[bytes], None],
    ) -> None:
        self._setup = setup
        self._rate = carlos_rate
        self._log = log
        self._say = say
        self._fill = fill
        self._clock = asyncio.get_running_loop().time
        state = _RESUMED.get(str(log.notes.get("recording")), State.NOTICE) if setup else State.UNHEARD
        self._consent = RecordingConsent(state)
        self._recorder: Recorder | None = None
        self._paused = False
        self._turn_at = self._clock()  # when Carlos last began to answer words
        self._speech_at: float | None = None  # when the caller first spoke after that
        self._transcribed = False  # and all that he has said since
        self._erasing: asyncio.Task[None] | None = None
        self._ended = False

    # --- audio --------------------------------------------------------------------------------------------------

    def caller(self, pcm: bytes) -> None:
        if self._recorder is not None:
            self._recorder.caller(pcm)

    def carlos(self, pcm: bytes) -> None:
        if self._recorder is not None:
            self._recorder.carlos(pcm)

    # --- what happens -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The line can be heard: tell the caller first."""
        if self._consent.state is State.NOTICE:
            self._log.note(recording="notice")
            self._say(NOTICE_ANSWER, NOTICE, clip(NOTICE_CLIP))
        elif not self._consent.over:
            self._record()

    def notice_played(self, part: Played) -> None:
        """The caller heard so much of it."""
        if self._ended or self._consent.over:
            return
        if part.fraction == 1.0:
            self._consent.notice_heard(self._clock())
            self._log.note(recording="on", recording_notice_at=to_iso(utcnow()))
            self._record()
        elif self._consent.notice_cut():
            self._say(NOTICE_ANSWER, NOTICE, clip(NOTICE_CLIP))
        elif self._consent.over:
            self._log.note(recording="unheard")

    def speech_began(self) -> None:
        self._transcribed = False
        if self._speech_at is None:
            self._speech_at = self._clock()

    def spoke(self, text: str) -> None:
        """The caller's words: transcribed, typed, or a whole entry of the keypad. A number that nobody asked for is
        taken back, from when its turn began."""
        self._transcribed = True
        self._consent.spoke(text)
        self._follow(self._turn_at if self._speech_at is None else self._speech_at - SPEECH_MARGIN_S)

    def key(self) -> bool:
        """A key was pressed. Return True if it was the caller's no to the notice, and nothing else."""
        refused = self._consent.key(self._clock())
        self._follow(self._clock() - KEY_MARGIN_S)
        return refused

    def plans(self, text: str) -> None:
        """Carlos is about to say this."""
        self._consent.plans(text)
        self._follow(self._clock())

    def tool_answered(self, result: Mapping[str, Any]) -> None:
        self._consent.tool_answered(result)
        self._follow(self._clock())

    def answered(self) -> None:
        """An answer of Carlos begins to sound."""
        if self._transcribed:  # else the caller is in the middle of something, perhaps of a number
            self._turn_at, self._speech_at, self._transcribed = self._clock(), None, False
            self._consent.answered()
            self._follow(self._turn_at)

    async def end(self) -> None:
        """Complete the file, or see it deleted; bounded."""
        self._ended = True
        recorder, self._recorder = self._recorder, None
        if self._erasing is not None:
            await asyncio.wait({self._erasing}, timeout=ERASE_S)
        elif recorder is not None:
            await self._finish(recorder)
        elif self._setup is not None and not self._consent.over:
            self._log.note(recording="unheard")

    # --- the file -----------------------------------------------------------------------------------------------

    def _record(self) -> None:
        if self._setup is not None and self._recorder is None:
            self._recorder = Recorder(self._setup.path, self._rate, self._clock)
            self._paused = False
            self._follow(self._clock())

    def _follow(self, since: float) -> None:
        """Do what the consent's state says. A pause begins at `since`, which may be past."""
        if self._consent.state is State.REFUSED and self._erasing is None and self._setup is not None:
            if self._log.notes.get("recording") != "refused":
                self._refuse(self._setup)
        elif self._recorder is not None and self._paused is self._consent.records:
            self._paused = not self._paused
            if self._paused:
                self._recorder.pause(since)
            else:
                self._recorder.resume()

    def _refuse(self, setup: RecordingSetup) -> None:
        self._log.note(recording="refused")
        self._fill(clip(OFF_CLIP))
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._erasing = asyncio.create_task(self._erase(recorder, setup), name="erase a recording")

    async def _erase(self, recorder: Recorder, setup: RecordingSetup) -> None:
        try:
            done = await asyncio.to_thread(recorder.discard)
            await setup.erase()
        except (OSError, DataError) as error:
            done = False
            logger.error("a refused recording is not deleted: {}", type(error).__name__)
        if not done:
            self._log.note(recording_deleted=False)

    async def _finish(self, recorder: Recorder) -> None:
        done = await asyncio.to_thread(recorder.finish)
        if not done:
            logger.error("a recording is not complete when its call is over: the disk hangs")
        if recorder.failed:
            self._log.note(recording="failed")
            return
        self._log.note(recording="on", recording_file=recorder.path.name)
        if done and self._setup is not None:
            self._setup.kept(recorder.path)
