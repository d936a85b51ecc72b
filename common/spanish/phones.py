"""Argentine mobile numbers as they are said, and back.

They are ten digits, of which the area code has two to four and begins with 1, 2 or 3: 11 5555 1234. Long distance they
get a 0 before and a 15 in the middle, from abroad +54 9 before and no 15 (ENACOM's numbering plan).
"""

from __future__ import annotations

import re

from common.spanish.numbers import digits_of

LONGEST = 80  # characters; in words it is longer than in digits
_MOBILE = re.compile(r"\+549([1-3][0-9]{9})")
_NATIONAL = re.compile(r"(?:549?)?0?9?([1-3][0-9]{9})")
_WITH_15 = re.compile(r"(?:54)?0?(11|[23][0-9]{2}|[23][0-9]{3})15([0-9]{6,8})")


def mobile_of(said: str) -> str | None:
    """Return a mobile number, said in digits or words, as +54911…; None for what is none of Argentina."""
    if len(said) > LONGEST:
        return None
    digits = digits_of(said) or re.sub(r"\D", "", said)
    if found := _NATIONAL.fullmatch(digits):
        return f"+549{found[1]}"
    if (found := _WITH_15.fullmatch(digits)) and len(found[1] + found[2]) == 10:
        return f"+549{found[1]}{found[2]}"
    return None


def is_mobile(number: str) -> bool:
    """Whether a carrier's number may get messages: Argentine mobiles, and any abroad, where we know no plan."""
    return bool(_MOBILE.fullmatch(number) or re.fullmatch(r"\+(?!54)[1-9][0-9]{6,14}", number))


def spelled_number(number: str) -> str:
    """Return an Argentine mobile to be read aloud, by twos: `11 55 55 12 34`. Others as they are."""
    found = _MOBILE.fullmatch(number)
    return " ".join(re.findall("..", found[1])) if found else number
