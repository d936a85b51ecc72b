"""What a new offer in a call is answered (RFC 3264, section 8): a hold, its end, another codec or address."""

from __future__ import annotations

from collections.abc import Sequence

from loguru import logger

from telephony.sip import sdp
from telephony.sip.media import Media
from telephony.sip.sdp import NoAgreement


class Renegotiation:
    """One call's. `local` is where it hears; `version` counts our SDP from 1, its first one's."""

    def __init__(self, codecs: Sequence[str]) -> None:
        self._codecs = codecs
        self.version = 1

    def answer(self, offer: str, media: Media, local: tuple[str, int]) -> str | None:
        """Go on with the terms of an offer and return the answer, or with an empty one an offer of ours; None for what
        cannot be agreed to."""
        self.version += 1
        if not offer:
            return sdp.offer((media.agreed.codec,), local, self.version)
        try:
            agreed, parsed = sdp.agree(offer, self._codecs)
        except NoAgreement as error:
            logger.warning("sip: an offer is not agreed to: {}", error)
            return None
        media.agree(agreed)
        return sdp.answer(parsed, agreed, local, self.version, media.ours)
