"""What all calls of the SIP carrier share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telephony.carrier import CarrierHandler
from telephony.sip.endpoint import SipEndpoint
from telephony.sip.message import Peer
from telephony.sip.ports import Ports
from telephony.voice import Voice


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`local` says under which address a peer sends us audio, and `bind` where we listen for it. A caller may be on
    hold for `max_hold_s` at a time; `voice` reads what no recording has. `replaces`: whom a person has taken is left to
    the caller's own side, where that can do it."""

    endpoint: SipEndpoint
    calls: CarrierHandler
    ports: Ports
    codecs: Sequence[str]
    local: Callable[[Peer], str]
    bind: str
    max_hold_s: float
    voice: Voice | None = None
    replaces: bool = False
