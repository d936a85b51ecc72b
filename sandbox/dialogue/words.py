"""A heard sentence as words: folded for comparison, with the spelling and the pauses kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from common.spanish.names import plain

_EDGE = "¿¡?!.,;:…\"'()«»“”#*-"
_PAUSE = "?!.,;:…"
_ORDINAL_SIGNS = str.maketrans("", "", "º°ª")


@dataclass(frozen=True, slots=True)
class Word:
    raw: str  # as heard, without the punctuation around it
    key: str  # lower case, no accents
    pause: bool = False  # a comma or a full stop follows
    asks: bool = False  # a question mark is at it


GAP = Word("|", "|", True)  # in the place of a word that something else has taken


def fold(text: str) -> str:
    """Lower case without accents, ordinal signs or full-width forms: "Nº TRÉS" -> "n tres"."""
    return plain(text.translate(_ORDINAL_SIGNS))


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def read_words(text: str) -> list[Word]:
    found = []
    for part in text.split():
        raw = part.strip(_EDGE)
        if raw:
            found.append(Word(raw, fold(raw), part[-1] in _PAUSE, "?" in part or "¿" in part))
    return found


def keys_of(words: Iterable[Word]) -> list[str]:
    return [word.key for word in words]


def key_at(words: Sequence[Word], at: int) -> str:
    """The folded word there, or "" outside of the sentence."""
    return words[at].key if 0 <= at < len(words) else ""


def has_phrase(keys: Iterable[str], phrases: Collection[str]) -> bool:
    """Whether one of the phrases (folded, of any number of words) occurs at word borders."""
    text = f" {' '.join(keys)} "
    return any(f" {phrase} " in text for phrase in phrases)


def distance(one: str, other: str) -> int:
    """Levenshtein's edit distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def snap(key: str, vocabulary: Iterable[str], *, shortest: int = 4) -> str | None:
    """The word of a closed vocabulary that was most likely meant; None when none is near.

    One wrong letter is forgiven ("mircoles"), two from eight letters on; words shorter than `shortest` must
    be exact.
    """
    if len(key) < shortest:
        return key if key in vocabulary else None
    near = min(vocabulary, key=lambda word: distance(key, word), default=None)
    if near is None or distance(key, near) > (2 if len(near) >= 8 else 1):
        return None
    return near
