"""Pipecat frames of our own: what pipecat's have no word for."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import SystemFrame, TTSTextFrame


@dataclass
class SpokenBlock(TTSTextFrame):
    """Comes before the audio of one block of an answer, with the block's text.

    The line sends a mark behind that audio, so that what was heard is known block by block.
    """

    answer: int = 0
    block: int = 0


@dataclass
class AnswerBrokenOff(SystemFrame):
    """The service has broken the answer off, and nobody knows yet what for: the line stops at once, as at an
    interruption, and keeps what was not heard."""

    whole: bool = True  # the service had made all of it
