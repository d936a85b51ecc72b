"""How names are compared: without case, accents, punctuation or titles, and by their sound in Argentina.

A name that went through speech is spelled by whoever wrote it down: González or Gonzales, Vargas or Bargas, Helena or
Elena, D'Angelo or Dangelo. `likeness` takes them for one name; `sound` is what they have in common.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum, auto

LONGEST = 120  # characters of a name that are looked at

_TITLES = frozenset({"sr", "sra", "srta", "senor", "senora", "senorita", "don", "dona"})
_DOCTOR_TITLES = _TITLES | {"dr", "dra", "doctor", "doctora", "el", "la", "con"}
_PARTICLES = frozenset(
    ("de", "del", "la", "las", "lo", "los", "da", "das", "do", "dos", "di", "dal", "dell", "van", "von", "der", "den",
     "mc", "mac", "y", "e", "i", "d", "o", "l")
)  # fmt: skip
_NEAR_LETTERS = 12  # of a whole name as it sounds: from here on two slips are near, below it one

# Spelling to sound, in this order; the letters on the right are sounds. X stands for the sound of "ch".
_SOUNDS = tuple(
    (re.compile(spelling), sounds)
    for spelling, sounds in (
        (r"ph", "f"), (r"th", "t"), (r"ck", "k"), (r"sch(?=[^aeiou])", "s"), (r"ch(?=[lr])|ch$", "k"),
        (r"s?ch|sh", "X"), (r"^x(?=[aeiou])", "j"), (r"x|^ps", "s"), (r"^mc(?=[^aeiou])", "mak"), (r"elle$", "el"),
        (r"qu(?=[ei])|q", "k"), (r"c(?=[eiy])|z", "s"), (r"c", "k"), (r"w|^h?u(?=[aeio])", "gu"),
        (r"g(?=[eiy])", "j"), (r"gu(?=[ei])", "g"), (r"h", ""), (r"v", "b"), (r"m(?=[bp])", "n"),
        (r"ll", "y"), (r"y(?![aeiou])|(?<=[^aeiouy])y", "i"), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


class Likeness(Enum):
    SAME = auto()
    NEAR = auto()  # a letter or two misheard
    OTHER = auto()


def plain(text: str) -> str:
    """Lower case, no accents (NFKD), full-width forms made plain, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(bare.split())


def name_words(text: str) -> tuple[str, ...]:
    """The words of a person's name, sorted, titles left out: `Sra. Pérez, Ana` -> `("ana", "perez")`."""
    return _words(text, _TITLES)


def doctor_words(text: str) -> tuple[str, ...]:
    """The words of a doctor's name, sorted: `la Dra. Ana López` -> `("ana", "lopez")`."""
    return _words(text, _DOCTOR_TITLES)


def doctor_key(name: str) -> str:
    """What a doctor's slots are filed under: the same however the name was written."""
    return " ".join(doctor_words(name))


def _words(text: str, titles: frozenset[str]) -> tuple[str, ...]:
    words = re.findall(r"[^\W_]+", plain(text))
    return tuple(sorted(word for word in words if word not in titles))


# Names by their sound.


def sound(word: str) -> str:
    """How a word of a name sounds in Argentina: "González" and "Gonsales" -> "gonsales"."""
    said = plain(word)
    for spelling, sounds in _SOUNDS:
        said = spelling.sub(sounds, said)
    return said


def name_sounds(text: str) -> tuple[str, ...]:
    """How the words of a person's name sound, sorted, without titles, particles and initials."""
    return tuple(sorted(_sounds(_spoken_order(text))))


def likeness(given: str, stored: str) -> Likeness:
    """Whether the caller's name is the one on record. One word is never a full name.

    The words may come in any order, and sound alike. Of the names between the first and the last, a caller may leave
    out what is on record ("José Pérez" for José Luis Pérez) or say one that is not. A name that differs in a letter
    or two as it sounds is near.
    """
    ours, theirs = _spoken_order(given), _spoken_order(stored)
    if len(_sounds(ours)) < 2 or len(_sounds(theirs)) < 2:
        return Likeness.OTHER
    if any(_same(left, right) for left, right in _readings(ours, theirs)):
        return Likeness.SAME
    if any(_is_near(left, right) for left, right in _readings(ours, theirs)):
        return Likeness.NEAR
    return Likeness.OTHER


def _spoken_order(text: str) -> list[str]:
    """The words as they are spoken: `Pérez, Ana` is Ana Pérez."""
    last, comma, first = text[:LONGEST].partition(",")
    words = re.findall(r"[^\W_]+", plain(f"{first} {last}" if comma else last))
    return [word for word in words if word not in _TITLES]


def _sounds(words: Sequence[str]) -> list[str]:
    return [sound(word) for word in words if word not in _PARTICLES and len(word) > 1]


def _glued(words: Sequence[str]) -> list[str]:
    """As `_sounds`, with particles as a part of what they stand before: "D'Angelo" -> "Dangelo"."""
    out, before = [], ""
    for word in words:
        before += word
        if word not in _PARTICLES and len(word) > 1:
            out.append(sound(before))
            before = ""
    return out


def _readings(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    yield _sounds(ours), _sounds(theirs)
    yield _glued(ours), _glued(theirs)


def _same(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    if sorted(ours) == sorted(theirs):
        return True
    if sorted((ours[0], ours[-1])) != sorted((theirs[0], theirs[-1])):
        return False
    missing, added = set(theirs) - set(ours), set(ours) - set(theirs)
    return not added or (not missing and len(added) == 1)


def _is_near(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """In the order in which they were said, or with the surname first."""
    orders = (ours, [*ours[1:], ours[0]], [ours[-1], *ours[:-1]])
    name = " ".join(theirs)
    allowed = 2 if len(name) >= _NEAR_LETTERS else 1
    return any(distance(" ".join(order), name, allowed) <= allowed for order in orders)


def distance(left: str, right: str, most: int) -> int:
    """Letters to add, drop or change to make one text of the other; `most + 1` for more than `most`, which bounds the
    work."""
    far = most + 1
    if abs(len(left) - len(right)) > most:
        return far
    before = {at: at for at in range(far)}
    for row, letter in enumerate(left, 1):
        now: dict[int, int] = {}
        for column in range(max(0, row - most), min(len(right), row + most) + 1):
            changed = before.get(column - 1, far) + (letter != right[column - 1]) if column else far
            now[column] = min(changed, before.get(column, far) + 1, now.get(column - 1, far) + 1)
        before = now
    return min(before.get(len(right), far), far)
