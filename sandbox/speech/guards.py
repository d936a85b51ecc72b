"""Repairs of what Whisper writes.

When it did not understand, it echoes its prompt or says one phrase over and over; and it writes a dictated
e-mail as it knows addresses, in one piece: "Juan Pérez, arrobaemail.com".
"""

from __future__ import annotations

import re

from common.spanish.names import plain
from common.spanish.numbers import CARDINALS

_AT = re.compile(r",?\s*(?:arr|\ba r)o[bv]a,?\s*", re.IGNORECASE)
_ECHO_WORDS = 5
_LOOP_TURNS = 3
_LOOP_TURNS_OF_ONE_WORD = 4
_LONGEST_LOOP = 12  # words


def without_echo(text: str, prompt: str) -> str:
    """Empty when the text repeats five words in a row of the prompt: on unintelligible audio the decoder echoes it."""
    heard, given = _words(text), _words(prompt)
    echoed = {tuple(given[i : i + _ECHO_WORDS]) for i in range(len(given) - _ECHO_WORDS + 1)}
    said = {tuple(heard[i : i + _ECHO_WORDS]) for i in range(len(heard) - _ECHO_WORDS + 1)}
    return "" if echoed & said else text


def without_loops(text: str) -> str:
    """The text cut after the first turn of a phrase said three times in a row (four, if it is one word).

    Digits are left alone: "dos, dos, dos" may be a DNI.
    """
    spoken = text.split()
    for start in range(len(spoken)):
        for length in range(1, _LONGEST_LOOP + 1):
            if _loops(spoken, start, length):
                return " ".join(spoken[: start + length])
    return text


def with_at_apart(text: str) -> str:
    """The spoken "arroba" as a word of its own: "Peresarrobaemail.com" is "Peres arroba email.com"."""
    return _AT.sub(" arroba ", text).strip()


def _loops(spoken: list[str], start: int, length: int) -> bool:
    turns = _LOOP_TURNS_OF_ONE_WORD if length == 1 else _LOOP_TURNS
    words = [" ".join(_words(word)) for word in spoken[start : start + length * turns]]
    phrase = words[:length]
    return len(words) == length * turns and words == phrase * turns and not _is_number(phrase)


_NUMBERS = frozenset(CARDINALS[:13])


def _is_number(phrase: list[str]) -> bool:
    return all(word.isdigit() or word in _NUMBERS for word in phrase)


def _words(text: str) -> list[str]:
    ascii_only = plain(text).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", ascii_only)
