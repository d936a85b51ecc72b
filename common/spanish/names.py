"""How names are compared: without case, accents, punctuation or titles."""

from __future__ import annotations

import re
import unicodedata

_TITLES = frozenset({"sr", "sra", "srta", "senor", "senora", "senorita", "don", "dona"})
_DOCTOR_TITLES = _TITLES | {"dr", "dra", "doctor", "doctora", "el", "la", "con"}


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
