"""A line's two ends in the pipeline: the caller's audio in, Carlos's audio out on an absolute clock.

Phone and browser share this. What differs is their `agent.line.AudioSink`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from loguru import logger
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agent.audio.pacing import FRAME_S, Pacer
from agent.line import AudioSink, SinkClosed
from agent.pipeline_frames import AnswerBrokenOff, SpokenBlock
from agent.playout import Played, Playout
from common import metrics

PAD_AFTER_S = 0.1  # of nothing to play in mid-answer
_WORD_LENGTH = 12  # characters
MARK_GRACE_S = 1.0  # a mark later than this after its audio's time counts as returned: a caller may be gone


class LineInput(FrameProcessor):
    """The pipeline's source: what the caller says, from the first media frame on. What comes before the pipeline has
    started goes to `early`: it is 4 ms too long to wait (measured)."""

    def __init__(self, rate: int, early: Callable[[bytes], None]) -> None:
        super().__init__(name="line-in", enable_direct_mode=True)
        self._rate = rate
        self._early = early
        self._started = False

    async def deliver(self, pcm: bytes) -> None:
        """Pass caller audio on.

        Not by `push_frame`: describing each frame to a log and to observers that nobody has is a third of all that
        a caller's frame costs (17 of 55 Python calls, counted).
        """
        if self._started and self.next is not None:
            await self.next.queue_frame(InputAudioRawFrame(pcm, self._rate, 1), FrameDirection.DOWNSTREAM)
        else:
            self._early(pcm)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._started = True


class LineOutput(FrameProcessor):
    """The end of the pipeline: plays answers on the sink, frame by frame. `on_played` is told what reached the ear."""

    def __init__(self, sink: AudioSink, source_rate: int, on_played: Callable[[Played], None]) -> None:
        super().__init__(name="line-out", enable_direct_mode=True)
        self._sink = sink
        self._on_played = on_played
        self._playout = Playout(source_rate, sink.rate, sink.tail_s)
        self._pacer = Pacer(FRAME_S, sink.lead)
        self._more = asyncio.Event()
        self._idle = False  # the player waits for more
        self._held = self._suspended = False
        self._is_away = False  # the caller is, and hears nothing
        self._sending = asyncio.Lock()
        self._cuts = 0
        self._played_at = self._cut_at = 0.0  # when the far end will have played all that was sent; when it was cut
        self._player: asyncio.Task[None] | None = None
        self._graces: dict[str, asyncio.TimerHandle] = {}

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                await self._on_audio(frame.audio)
                return  # it ends here: nobody is behind the line
            case SpokenBlock():
                self._playout.begin_block(frame.answer, frame.block, frame.text)
            case TTSStoppedFrame():
                self._playout.end_answer()
                self._more.set()
            case InterruptionFrame():
                await self.clear()
            case AnswerBrokenOff(whole=whole):
                await self.suspend(whole=whole)
            case StartFrame():
                self._player = asyncio.create_task(self._play())
            case EndFrame() | CancelFrame():
                await self._stop()
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]

    @property
    def playing(self) -> bool:
        """True while the caller has something of an answer still to hear."""
        return self._playout.playing

    @property
    def heard_so_far(self) -> str:
        """What was heard of the sentences that no mark has confirmed, and a word more of each: it is an estimate."""
        ahead_s = self._played_at - asyncio.get_running_loop().time()
        return self._playout.so_far(max(0.0, ahead_s), _WORD_LENGTH)

    @property
    def audible_until(self) -> float:
        """When the far end has, or will have, played the last of what it was sent; the event loop's time."""
        return max(self._played_at, self._cut_at)

    def fill(self, pcm: bytes) -> None:
        """Play a sound that is no part of an answer: PCM 16-bit mono at the answers' rate."""
        self._playout.fill(pcm)
        self._more.set()

    def say(self, answer: int, text: str, pcm: bytes) -> None:
        """Play a sentence of our own as an answer of this number, also before the pipeline has started: PCM 16-bit mono
        at the answers' rate."""
        self._playout.begin_block(answer, 1, text)
        self._playout.audio(pcm)
        self._playout.end_answer()
        self._more.set()

    def hold(self) -> None:
        """Send nothing more for now; what was sent, at most the sink's lead, is played."""
        self._held = True

    async def suspend(self, *, whole: bool) -> None:
        """Stop as `clear` does, and hold what was not heard; of an answer that is not `whole` no more comes."""
        self._stop_short(partial(self._playout.rewind, whole=whole))
        self._held = self._suspended = True
        await self._clear_sink()

    async def caller_away(self) -> None:
        """Keep what was not heard, and what is still to come, until `caller_back`."""
        self._is_away = True
        self._stop_short(self._playout.rewind)
        await self._clear_sink()

    def caller_back(self) -> None:
        """Go on with the word that he did not hear."""
        self._is_away = False
        self._more.set()

    def release(self) -> None:
        """Go on where `hold` stopped, or with the word that `suspend` cut."""
        self._held = self._suspended = False
        self._more.set()

    async def clear(self) -> None:
        """Drop what was not heard: no frame of it is sent after the sink's `clear`."""
        suspended = self._suspended
        self.settle()
        if not suspended:
            await self._clear_sink()

    async def _clear_sink(self) -> None:
        self._pacer = Pacer(FRAME_S, self._sink.lead)
        self._played_at = 0.0
        async with self._sending:
            try:
                await self._sink.send_clear()
            except SinkClosed:
                logger.debug("the line closed before a clear")

    def settle(self) -> None:
        """Play no more of what there is, and tell what was heard of it that no mark has confirmed."""
        self._held = self._suspended = False
        self._stop_short(self._playout.cut)

    def _stop_short(self, cut: Callable[[float], list[Played]]) -> None:
        self._cuts += 1
        now = asyncio.get_running_loop().time()
        ahead_s, self._cut_at = self._played_at - now, max(self._cut_at, min(self._played_at, now))
        for heard in cut(max(0.0, ahead_s)):
            self._on_played(heard)
        self._forget_graces()

    def mark_returned(self, mark: str) -> None:
        """The sink played everything before this mark. A mark that a `clear` sent back is known no more."""
        if (grace := self._graces.pop(mark, None)) is not None:
            grace.cancel()
        if (heard := self._playout.returned(mark)) is not None:
            self._on_played(heard)

    async def _on_audio(self, pcm: bytes) -> None:
        """The first of an answer goes out here: the player's turn in the event loop would come later."""
        self._playout.audio(pcm)
        if self._idle:
            try:
                await self._send_due(asyncio.get_running_loop().time())
            except SinkClosed:
                logger.debug("the line closed when an answer began")
        self._more.set()

    # --- playing --------------------------------------------------------------------------------------------

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                if await self._send_due(loop.time()):
                    await asyncio.sleep(self._pacer.next_deadline(self._sink.piece) - loop.time())
                else:
                    self._pacer.idle()
                    await self._wait_for_more()
        except SinkClosed:
            logger.debug("the line closed while an answer was playing")

    async def _wait_for_more(self) -> None:
        self._idle = True
        try:
            async with asyncio.timeout_at(self._played_at + PAD_AFTER_S if self._playout.stalled else None):
                await self._more.wait()
        except TimeoutError:
            self._playout.pad()
        finally:
            self._idle = False

    async def _send_due(self, now: float) -> bool:
        """Send the frames and marks that are due, the frames in one message; False when the queue ran empty, or was
        cut in the meantime."""
        self._more.clear()
        cuts, due = self._cuts, self._pacer.due(now)
        while due:
            if self._held or self._is_away:
                return False
            frames, marks = self._take(due)
            async with self._sending:
                if cuts == self._cuts:
                    await self._send(frames, marks)
            if cuts != self._cuts or (len(frames) < due and not marks):
                return False
            due -= len(frames)
        return True

    def _take(self, most: int) -> tuple[list[bytes], list[str]]:
        began = time.perf_counter()
        taken = self._playout.take(most)
        metrics.RESAMPLING.observe(time.perf_counter() - began)
        return taken

    async def _send(self, frames: list[bytes], marks: list[str]) -> None:
        if frames:
            self._pacer.sent(len(frames))
            self._played_at = self._pacer.played_at()
            await self._sink.send_audio(b"".join(frames))
        for mark in marks:
            await self._send_mark(mark)

    async def _send_mark(self, mark: str) -> None:
        loop = asyncio.get_running_loop()
        wait_s = self._played_at - loop.time()
        if self._sink.acknowledges:
            await self._sink.send_mark(mark)
            wait_s += MARK_GRACE_S
        self._graces[mark] = loop.call_later(wait_s, self.mark_returned, mark)

    def _forget_graces(self) -> None:
        for grace in self._graces.values():
            grace.cancel()
        self._graces.clear()

    async def _stop(self) -> None:
        self._forget_graces()
        if self._player is not None:
            self._player.cancel()
            await asyncio.gather(self._player, return_exceptions=True)
            self._player = None
