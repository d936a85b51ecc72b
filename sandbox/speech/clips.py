"""Carlos's recorded phrases: Kokoro clips, found by their words and joined into sentences.

`clips/index.json` maps the words of each phrase to its file (Ogg Opus, 24 kHz mono). Case and punctuation do
not count in the match, accents do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "clips"
RATE = 24_000  # Hz

Samples = NDArray[np.int16]

_WORD = re.compile(r"[^\W_](?:[\w/.@+-]*\w)?")
_PAUSE_S = {",": 0.12, ";": 0.2, ":": 0.2, ".": 0.3, "!": 0.3, "?": 0.3, "…": 0.3}


@dataclass(frozen=True, slots=True)
class Clip:
    """One recorded phrase and the silence after it."""

    path: Path
    pause_s: float


class ClipLibrary:
    """All clips of a folder; decoded when first spoken, then kept (48 kB a second)."""

    def __init__(self, folder: Path = FOLDER) -> None:
        index = folder / "index.json"
        files: dict[str, str] = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
        self._paths = {key: folder / name for key, name in files.items()}
        self._longest = max((len(key.split()) for key in files), default=0)
        self._decoded: dict[Path, Samples] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def split(self, text: str) -> tuple[Clip, ...] | None:
        """The text as the fewest clips that say all of it; None when some of its words are in no clip."""
        found = list(_WORD.finditer(text))
        words = [match.group().casefold() for match in found]
        best: list[tuple[tuple[int, str], ...] | None] = [None] * len(words) + [()]
        for start in reversed(range(len(words))):
            choices = [((end, key), *rest) for end, key in self._from(words, start) if (rest := best[end]) is not None]
            best[start] = min(choices, key=len, default=None)
        if not words or (cut := best[0]) is None:
            return None
        return tuple(Clip(self._paths[key], _pause_after(text, found, end)) for end, key in cut)

    def samples(self, clip: Clip) -> Samples:
        """16-bit mono at `RATE`, the pause included."""
        if clip.path not in self._decoded:
            self._decoded[clip.path] = soundfile.read(clip.path, dtype="int16")[0]
        return np.concatenate([self._decoded[clip.path], np.zeros(int(clip.pause_s * RATE), dtype=np.int16)])

    def _from(self, words: list[str], start: int) -> Iterator[tuple[int, str]]:
        for end in range(min(len(words), start + self._longest), start, -1):
            if (key := " ".join(words[start:end])) in self._paths:
                yield end, key


def clip_key(phrase: str) -> str:
    """What a phrase is found by: its words in lower case."""
    return " ".join(match.group().casefold() for match in _WORD.finditer(phrase))


def _pause_after(text: str, words: list[re.Match[str]], end: int) -> float:
    next_word = words[end].start() if end < len(words) else len(text)
    between = text[words[end - 1].end() : next_word]
    return max((_PAUSE_S.get(mark, 0.0) for mark in between), default=0.0)
