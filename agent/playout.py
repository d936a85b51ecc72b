"""What is still to be played of an answer, and what was heard of it: sans-IO.

Audio goes in as the model made it, in bursts; 20 ms frames at the wire's rate come out, resampled when they are
taken, four at a time: numpy's calls cost more than their sums. A mark falls due behind each block's last frame. Marks
that come back say what was heard; at a barge-in, what was taken of a block's audio says how much of it. Silence that
is added for the far end's sake is no part of a block.

`cut` forgets what was not heard; `rewind` puts it back into the queue, from the beginning of the word that was cut.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from agent.audio.pacing import FRAME_S
from agent.audio.pause import last_pause
from agent.audio.resample import Resampler

SAMPLE = 2  # bytes
CHARACTER_S = 0.066  # of speech: how long a text is that has not come to its end
ALMOST = 0.99  # of it at most was heard then
SLICE = 4  # frames resampled at once: what Sonic sends in one event


@dataclass(frozen=True, slots=True)
class Played:
    """A block's text and how much of its audio was heard, from 0 to 1. `last` is the end of its answer."""

    answer: int
    text: str
    fraction: float
    last: bool = False


@dataclass(slots=True, eq=False)
class _Block:
    answer: int
    number: int
    text: str
    start: int  # byte positions in the wire's audio
    end: int | None = None
    last: bool = False
    silence: int = 0  # bytes of it that say nothing
    audio: list[bytes] = field(default_factory=list)  # as it came, from where it is said
    skipped: int = 0  # bytes of the wire's audio before that
    heard: float = 0.0  # the share that was heard when it was cut
    cuts: int = 0
    unfinished: bool = False  # some of its audio will never come

    @property
    def mark(self) -> str:
        """Of another name when it is said again: the far end may still owe us the first one."""
        return f"a{self.answer}.{self.number}" + (f".{self.cuts}" if self.cuts else "")


class _EndOfAnswer:
    pass


@dataclass(frozen=True, slots=True)
class _Filler:
    pcm: bytes


class Playout:
    """One line's queue. Rates in Hz; `tail_s` seconds of silence are appended to each answer."""

    def __init__(self, source_rate: int, rate: int, tail_s: float = 0.0) -> None:
        self._second = rate * SAMPLE
        self._source_rate = source_rate
        self._source_frame = int(source_rate * FRAME_S) * SAMPLE
        self._slice = SLICE * self._source_frame
        self._frame = int(rate * FRAME_S) * SAMPLE
        self._tail = bytes(int(rate * tail_s) * SAMPLE)
        self._resampler = Resampler(source_rate, rate) if source_rate != rate else None
        self._queue: deque[bytes | _Block | _Filler | _EndOfAnswer] = deque()
        self._ready = bytearray()
        self._made = self._taken = 0  # bytes since the beginning or the last cut
        self._flushing = False
        self._padded = False
        self._latest: _Block | None = None  # whose audio is coming in
        self._current: _Block | None = None  # whose audio is going out
        self._due: deque[_Block] = deque()  # ended, mark not sent
        self._marked: dict[str, _Block] = {}  # mark sent, not returned

    # In.

    def begin_block(self, answer: int, number: int, text: str) -> None:
        """The audio that follows says this text."""
        self._latest = _Block(answer, number, text, start=0)
        self._queue.append(self._latest)

    def audio(self, pcm: bytes) -> None:
        self._queue.append(pcm)
        if self._latest is not None:
            self._latest.audio.append(pcm)
        self._padded = False

    @property
    def stalled(self) -> bool:
        """True while a block waits for more audio with no silence behind what it has given."""
        return bool(self._tail) and self._current is not None and not (self._queue or self._padded)

    def pad(self) -> None:
        """The block has stalled: a far end that starts to play with so much audio only gets silence to start with."""
        if self.stalled:
            self._padded = self._flushing = True
            self._add_silence()

    def fill(self, pcm: bytes) -> None:
        """Play this, too: a sound that is no part of any answer."""
        self._queue.append(_Filler(pcm))

    def end_answer(self) -> None:
        """No audio follows in this answer: its last samples may go out as a short frame."""
        self._queue.append(_EndOfAnswer())
        self._latest = None

    # Out.

    def take(self, most: int) -> tuple[list[bytes], list[str]]:
        """Up to `most` frames, and the marks that fall due behind the last of them. Fewer without a mark: no more."""
        frames: list[bytes] = []
        marks: list[str] = []
        while len(frames) < most and not marks:
            frame = self.next_frame()
            marks = self.marks_due()
            if frame is None:
                break
            frames.append(frame)
        return frames, marks

    def next_frame(self) -> bytes | None:
        """20 ms of PCM, less at an answer's end; None when nothing can be played yet."""
        while len(self._ready) < self._frame and not (self._flushing and self._ready):
            self._flushing = False
            if not self._queue:
                return None
            self._advance(self._queue.popleft())
        pcm = bytes(self._ready[: self._frame])
        del self._ready[: self._frame]
        self._taken += len(pcm)
        return pcm

    def _advance(self, item: bytes | _Block | _Filler | _EndOfAnswer) -> None:
        if isinstance(item, bytes):
            self._resample(item)
        elif isinstance(item, _Block):
            self._end_block()
            item.start = self._made
            self._current = item
        elif isinstance(item, _Filler):
            self._say_nothing(self._resampler.push(item.pcm) + self._resampler.flush() if self._resampler else item.pcm)
            self._add_silence()
            self._flushing = True
        else:
            if self._resampler:
                self._make(self._resampler.flush())
            self._add_silence()
            self._end_block(last=True)
            self._flushing = True

    def _resample(self, pcm: bytes) -> None:
        if len(pcm) > self._slice:
            self._queue.appendleft(pcm[self._slice :])
            pcm = pcm[: self._slice]
        self._make(self._resampler.push(pcm) if self._resampler else pcm)

    def _make(self, pcm: bytes) -> None:
        self._ready += pcm
        self._made += len(pcm)

    def _add_silence(self) -> None:
        if self._current is not None:
            self._say_nothing(self._tail)

    def _say_nothing(self, pcm: bytes) -> None:
        self._make(pcm)
        if self._current is not None:
            self._current.silence += len(pcm)

    def _end_block(self, *, last: bool = False) -> None:
        """A block without any audio was not said: nothing of it is heard."""
        block, self._current = self._current, None
        if block is None:
            return
        block.end, block.last = self._made, last
        if self._made - block.start > block.silence:
            self._due.append(block)
        elif last:
            self._last_is_before(block)

    def _last_is_before(self, empty: _Block) -> None:
        said = [block for block in (*self._marked.values(), *self._due) if block.answer == empty.answer]
        if said:
            said[-1].last = True

    def marks_due(self) -> list[str]:
        """Names of the blocks whose last sample has been taken since the last call."""
        names = []
        while self._due and (self._due[0].end or 0) <= self._taken:
            block = self._due.popleft()
            self._marked[block.mark] = block
            names.append(block.mark)
        return names

    # Heard.

    @property
    def playing(self) -> bool:
        """True while something of an answer has not been heard to its end."""
        return bool(self._queue or self._ready or self._current or self._due or self._marked)

    def returned(self, mark: str) -> Played | None:
        """A mark came back: its block was heard. None for one that a cut has made void."""
        block = self._marked.pop(mark, None)
        return (
            Played(block.answer, block.text, self._heard_of(block, self._taken).fraction, block.last) if block else None
        )

    def cut(self, ahead_s: float = 0.0) -> list[Played]:
        """Drop everything, and say what was heard of the blocks that no mark had confirmed.

        The last `ahead_s` seconds of what was taken had not been played yet.
        """
        heard = self._heard(ahead_s)
        self._queue.clear()
        self._start_anew()
        self._latest = None
        return [part for part in heard if part.fraction > 0]

    def rewind(self, ahead_s: float = 0.0, *, whole: bool = True) -> list[Played]:
        """Put back what was not heard, and say which blocks were heard to their end; the rest is told when it is said.

        A block that was cut goes on at the last pause. A sound that is no part of an answer is not played again. Of an
        answer that is not `whole` no more comes: its last text will not have been said to its end.
        """
        played = self._taken - int(ahead_s * self._second)
        if not whole and self._latest is not None:
            self._latest.unfinished = True
        heard: list[Played] = []
        again: deque[bytes | _Block | _Filler | _EndOfAnswer] = deque()
        for block in self._begun():
            part = self._heard_of(block, played)
            if part.fraction >= 1.0 and block is not self._current:
                heard.append(Played(block.answer, block.text, 1.0, block.last))
                continue
            ends = block.last
            self._rewind_block(block, part.fraction, played)
            again += (block, *block.audio)
            if ends:
                again.append(_EndOfAnswer())
        if self._current is not None:  # all of its audio is there again
            while self._queue and isinstance(self._queue[0], bytes | _Filler):
                self._queue.popleft()
        again += (item for item in self._queue if not isinstance(item, _Filler))
        self._queue = again
        self._start_anew()
        return heard

    def so_far(self, ahead_s: float, margin: int) -> str:
        """What was heard of the blocks that no mark has confirmed, and `margin` characters more of each."""
        parts = [part for part in self._heard(ahead_s) if part.fraction > 0]
        return " ".join(part.text[: int(len(part.text) * part.fraction) + margin] for part in parts)

    def _rewind_block(self, block: _Block, heard: float, played: int) -> None:
        pcm = b"".join(block.audio)
        said = max(0, min(played, block.end or 0) - block.start - block.silence)
        at = last_pause(pcm, min(len(pcm), said * self._source_frame // self._frame), self._source_rate)
        block.audio = [pcm[start : start + self._slice] for start in range(at, len(pcm), self._slice)]
        block.skipped += at * self._frame // self._source_frame
        block.heard, block.cuts = heard, block.cuts + 1
        block.start, block.end, block.last, block.silence = 0, None, False, 0

    def _start_anew(self) -> None:
        self._ready.clear()
        self._due.clear()
        self._marked.clear()
        self._made = self._taken = 0
        self._flushing = False
        self._current = None
        if self._resampler is not None:
            self._resampler.reset()

    def _heard(self, ahead_s: float) -> list[Played]:
        played = self._taken - int(ahead_s * self._second)
        begun = [self._heard_of(block, played) for block in self._begun()]
        cut = [block for block in self._queue if isinstance(block, _Block)]
        return begun + [Played(block.answer, block.text, block.heard) for block in cut]

    def _begun(self) -> list[_Block]:
        """The blocks that no mark has confirmed; the one being made with an end that counts the audio that waits."""
        begun = [*self._marked.values(), *self._due]
        if (current := self._current) is not None:
            size = sum(map(len, current.audio)) * self._frame // self._source_frame
            current.end = current.start + current.silence + size
            begun.append(current)
        return begun

    def _heard_of(self, block: _Block, played: int) -> Played:
        length = max(1, block.skipped + (block.end or 0) - block.start - block.silence)
        played = min(played, block.end or 0)
        fraction = (block.skipped + played - block.start) / length if played > block.start else 0.0
        if block.unfinished:
            fraction = min(ALMOST, fraction * length / max(length, len(block.text) * CHARACTER_S * self._second))
        return Played(block.answer, block.text, min(1.0, max(block.heard, fraction)))
