"""`python -m bench.hearing`: is a recorded caller heard as the same words every time, on a busy machine too?

Loops keep every core busy while each recording is heard again and again by the stand-in's ear and recogniser, on a
line as the telephone's: mu-law, Carlos's own resampler, each time at another place in the stream and in pieces of
another size. Prints a table; the last line is one JSON object. Fails unless each turn has one transcript, the one
that its script states.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_RATE, ulaw_decode
from sandbox.brain import SpeechEnded
from sandbox.speech.ear import SileroEar
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.mel import RATE
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.script import Turn, load_script, script_names

AROUND = bytes(2 * ULAW_RATE)  # a second of silence
STEP = 37  # samples later each time: no divisor of a window or a frame
PIECES = (640, 320, 1280, 998)  # bytes: 20, 10 and 40 ms, and none of these


@dataclass(frozen=True, slots=True)
class Hearings:
    """How often a recorded turn was heard as which words."""

    caller: str
    turn: int  # from 1
    expected: str
    texts: Counter[str]

    @property
    def same(self) -> bool:
        return set(self.texts) == {self.expected}


def main(arguments: list[str] | None = None) -> int:
    """0 when every recording was always heard as its script states."""
    options = _options(arguments)
    try:
        recognizer = Recognizer(load_weights())
    except WeightsMissing as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 1
    with busy_cores(0 if options.idle else os.cpu_count() or 1):
        found = [_show(each) for each in _measured(options.times, recognizer)]
    different = [f"{each.caller} {each.turn}" for each in found if not each.same]
    print(json.dumps({"times": options.times, "turns": len(found), "different": different}))
    return 1 if different else 0


def _measured(times: int, recognizer: Recognizer) -> Iterator[Hearings]:
    for name in script_names():
        for number, turn in enumerate(load_script(name).turns, 1):
            if turn.audio:
                yield Hearings(name, number, turn.heard, hearings(turn, times, recognizer))


def _show(measured: Hearings) -> Hearings:
    """A line of the table for each transcript; it takes minutes, so each is shown when it is known."""
    for text, times in measured.texts.most_common():
        verdict = "same" if measured.same else "DIFFERENT"
        print(f"{measured.caller:20}{measured.turn:>3}{times:>5} times  {verdict}  {text}", flush=True)
    return measured


def hearings(turn: Turn, times: int, recognizer: Recognizer) -> Counter[str]:
    """What the turn is heard as, at `times` places in the stream."""
    return Counter(
        " | ".join(recognizer.transcribe(audio, RATE) for audio in utterances(turn.audio, STEP * at, at))
        for at in range(times)
    )


def utterances(ulaw: bytes, offset: int = 0, pieces: int = 0) -> list[bytes]:
    """What the ear cuts out of a line on which this is said: PCM at Whisper's rate, one each.

    `offset` are samples of silence before, at 8 kHz; `pieces` picks the size in which the line is handed over.
    """
    line = Resampler(ULAW_RATE, RATE).push(AROUND + bytes(2 * offset) + ulaw_decode(ulaw) + 2 * AROUND)
    ear, size = SileroEar(RATE), PIECES[pieces % len(PIECES)]
    events = (event for at in range(0, len(line), size) for event in ear.feed(line[at : at + size]))
    return [event.audio for event in events if isinstance(event, SpeechEnded)]


@contextmanager
def busy_cores(loops: int) -> Iterator[None]:
    """So many processes that do nothing but work; they end with the block, or with this process."""
    spinning = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(loops)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.join()


def _spin() -> None:
    """Until killed, or left behind by a parent that was."""
    parent = os.getppid()
    for turn in count():
        if turn % 1_000_000 == 0 and os.getppid() != parent:
            return


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.hearing", description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=20, help="how often each recording is heard")
    parser.add_argument("--idle", action="store_true", help="without the loops")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
