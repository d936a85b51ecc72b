"""Pipecat frames of our own: what pipecat's have no word for."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import TTSTextFrame


@dataclass
class SpokenBlock(TTSTextFrame):
    """Comes before the audio of one block of an answer, with the block's text.

    The line sends a mark behind that audio, so that what was heard is known block by block.
    """

    answer: int = 0
    block: int = 0
