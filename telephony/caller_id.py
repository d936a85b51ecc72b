"""Who a call says that it is from. The caller chooses that: limits and lists go by it, and nothing is proven by it.

    +5491155550100, sip:+5491155550100@pbx.example;user=phone   NUMBER   +5491155550100
    sip:Ana@pbx.example:5061;transport=tls                      ADDRESS  sip:ana@pbx.example
    client:ana                                                  ADDRESS  client:ana
    anonymous, +266696687, 1155550100, (nothing)                NONE

A SIP address may name a number in E.164, and then counts as it (RFC 3261, section 19.1.6); its port and parameters
change from call to call and are no part of it. What is no number in E.164 is nobody's, like one that is withheld.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from common.phones import known_number

_MAX_CHARACTERS = 200  # characters of what is read
_NUMBER = re.compile(r"(?:tel:)?(\+[1-9]\d{5,14})", re.ASCII)
_SIP = re.compile(r"sips?:([^@;:]+)[^@]{0,100}@(\[[0-9a-f:.]+\]|[^;:>?]+)")
_CLIENT = re.compile(r"client:.+")


class CallerKind(Enum):
    NUMBER = auto()
    ADDRESS = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class CallerId:
    kind: CallerKind
    id: str = ""  # E.164, `sip:user@host` or `client:name` in lower case; empty for NONE


NOBODY = CallerId(CallerKind.NONE)


def caller_id(said: str) -> CallerId:
    """Return who a carrier's `From` names."""
    text = said[:_MAX_CHARACTERS].strip().lower()
    if known_number(text) is None:
        return NOBODY
    if number := _NUMBER.fullmatch(text):
        return CallerId(CallerKind.NUMBER, number[1])
    if sip := _SIP.match(text):
        if number := _NUMBER.fullmatch(sip[1]):
            return CallerId(CallerKind.NUMBER, number[1])
        return CallerId(CallerKind.ADDRESS, f"sip:{sip[1]}@{sip[2]}")
    return CallerId(CallerKind.ADDRESS, text) if _CLIENT.fullmatch(text) else NOBODY
