"""What a phone number is, and whose: a withheld one is nobody's, and all who withhold theirs are not one person."""

from __future__ import annotations

import re

E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: 15 digits at most; numbers that are dialled have 7

_MAX_CHARACTERS = 200  # characters

# What carriers put in place of a number, and how those words are dialled on a keypad: +266696687 is "anonymous".
_WORDS = frozenset(("anonymous", "blocked", "private", "restricted", "unavailable", "unknown", "withheld"))
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_NOBODYS = _WORDS | {word.translate(_KEYPAD) for word in _WORDS}


def known_number(number: str | None) -> str | None:
    """Return the number as it was given, or None for one that is withheld: empty, or a word for that in any form
    (`Anonymous`, `sip:anonymous@anonymous.invalid`, `client:Anonymous`, `+266696687`)."""
    if number is None:
        return None
    user = re.sub(r"^(?:sips?|client|tel):", "", number[:_MAX_CHARACTERS].strip().lower())
    user = user.partition("@")[0].removeprefix("+").strip()
    return None if user in _NOBODYS or not user else number
