"""Words that tell a speaker to go on ("ajá", "sí, sí", "claro"): they take no floor, unless something was asked."""

from __future__ import annotations

import re

LONGEST = 40  # characters; who says more wants to say something
_WORD = re.compile(
    r"a+j[aá]m?|a+h[aá]|a+h|e+h|m+|m+h+m+|mj[uú]?m|h+m+|u+h+|[uú]h[uú]m|s[ií]+|claro|ok(?:ey|a)?|dale|bien|bueno|ya|listo|"
    r"perfecto|entiendo|entend[ií]|exacto|b[aá]rbaro|genial|joya",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]+")


def is_backchannel(said: str) -> bool:
    """Return True for one to three words that only accompany what the other is saying. A question is none."""
    if len(said) > LONGEST or "?" in said or "¿" in said or any(char.isdigit() for char in said):
        return False
    words = _WORDS.findall(said)
    return 0 < len(words) <= 3 and all(_WORD.fullmatch(word) for word in words)
