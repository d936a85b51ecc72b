"""Who an INVITE says is calling: a hint, as everywhere (RFC 3261, section 20.20; RFC 3325). Sans-IO.

P-Asserted-Identity is what a trunk itself says of the caller, and counts before From where it comes from an address
that calls are taken from. `Privacy: id` withholds the number.
"""

from __future__ import annotations

import re

from aiosipua import SipRequest

from telephony.sip.message import address_of

MAX_CHARACTERS = 200
WITHHELD = "anonymous"
_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")
_TEL = re.compile(r"(?:^|<)\s*tel:(\+?\d{1,20})", re.IGNORECASE)
_ARGENTINA = re.compile(r"54\d{10,11}")  # in E.164 without its plus, as trunks there write it


def caller_of(invite: SipRequest, *, is_trusted: bool) -> str:
    """Return a number in E.164, `sip:user@host`, or "anonymous"."""
    if "id" in [word.strip().lower() for word in (invite.headers.get_first("privacy") or "").split(";")]:
        return WITHHELD
    header = "p-asserted-identity" if is_trusted and "p-asserted-identity" in invite.headers else "from"
    address, tel = address_of(invite, header), _TEL.search(invite.headers.get_first(header) or "")
    user, host = tel[1] if tel else (address.uri.user or "").partition(";")[0], address.uri.host
    if _ARGENTINA.fullmatch(user):
        return f"+{user}"
    if user.startswith("+") and _NUMBER.fullmatch(user):
        return user
    if not user or user.lower() == WITHHELD:
        return WITHHELD
    named = f"sip:{user}@{host}"
    return "".join(character for character in named if character.isprintable() and character != " ")[:MAX_CHARACTERS]
