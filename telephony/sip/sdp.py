"""What a call's media is to be: an offer in, an answer out (RFC 3264). Sans-IO.

One codec, G.711 in either law or G.722, and keys as telephone events (RFC 4733) where they are offered. SRTP where it
is offered, with the key in the SDP (RFC 4568), which only TLS keeps from others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from aiosipua.sdp import (
    ConnectionData,
    MediaDescription,
    Origin,
    SdpMessage,
    parse_sdp,
    serialize_sdp,
)

from telephony.sip.srtp import Crypto

PAYLOAD_TYPES = {"pcmu": 0, "pcma": 8, "g722": 9}  # RFC 3551, section 6
KEYS_TYPE = 101  # of telephone events, in an offer of ours
CLOCK_HZ = 8000  # also of G.722, whose sound has 16 kHz (section 4.5.2)
FRAME_MS = 20
MAX_CHARACTERS = 8000
MAX_MEDIA = 10
PLAIN, SECURE = frozenset({"RTP/AVP", "RTP/AVPF"}), frozenset({"RTP/SAVP", "RTP/SAVPF"})
_ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class NoAgreement(Exception):
    """An offer without anything that we could answer with: 488."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """`direction` is ours. `address` is where the other side wants its audio; None for nowhere, which is a hold."""

    codec: str
    keys_type: int | None
    address: tuple[str, int] | None
    direction: str = "sendrecv"
    theirs: Crypto | None = None  # the key of their packets; None for plain RTP

    @property
    def payload_type(self) -> int:
        return PAYLOAD_TYPES[self.codec]

    @property
    def sends(self) -> bool:
        return self.address is not None and self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


def agree(text: str, codecs: Sequence[str]) -> tuple[Agreement, SdpMessage]:
    """Return what an offer, or an answer to ours, comes to, with `codecs` in our order. Raise NoAgreement."""
    offer = _parsed(text)
    for media in offer.media:
        codec = next((name for name in codecs if _fits(media, name)), None)
        if codec is not None:
            address, direction = _address(offer, media), _direction(offer, media)
            return Agreement(codec, _keys_type(media), address, direction, _crypto(media)), offer
    raise NoAgreement("no audio in a codec of ours")


def answer(
    offer: SdpMessage, agreed: Agreement, local: tuple[str, int], version: int, ours: Crypto | None = None
) -> str:
    """Return the answer; `ours` is the key of our packets where theirs have one. Each medium of the offer has a line in
    it, and all but one are refused (section 6)."""
    lines: list[MediaDescription] = []
    taken = False
    for media in offer.media:
        if not taken and _fits(media, agreed.codec):
            line = _audio((agreed.codec,), agreed.keys_type, local[1], agreed.direction, media.proto)
            if ours is not None:
                line.attributes["crypto"] = [ours.line]
            lines.append(line)
            taken = True
        else:
            lines.append(MediaDescription(media.media, 0, media.proto, list(media.formats[:1])))
    return _text(local[0], lines, version)


def offer(codecs: Sequence[str], local: tuple[str, int], version: int, direction: str = "sendrecv") -> str:
    """Return an offer of ours, for an INVITE that brings none."""
    return _text(local[0], [_audio(codecs, KEYS_TYPE, local[1], direction, "RTP/AVP")], version)


def _parsed(text: str) -> SdpMessage:
    if len(text) > MAX_CHARACTERS:
        raise NoAgreement("too long")
    try:
        found = parse_sdp(text)
    except (ValueError, IndexError) as error:
        raise NoAgreement("it is no SDP") from error
    if not 0 < len(found.media) <= MAX_MEDIA:
        raise NoAgreement(f"{len(found.media)} media")
    return found


def _fits(media: MediaDescription, codec: str) -> bool:
    """Whether a medium is audio that we can take in this codec."""
    is_spoken = media.proto in PLAIN or (media.proto in SECURE and _crypto(media) is not None)
    return media.media == "audio" and media.port > 0 and is_spoken and str(PAYLOAD_TYPES[codec]) in media.formats


def _crypto(media: MediaDescription) -> Crypto | None:
    """The first key of a suite of ours; None in a plain medium, where it would be an offer to negotiate more."""
    if media.proto not in SECURE:
        return None
    return next((key for line in media.attributes.get("crypto", []) if (key := Crypto.of(line)) is not None), None)


def _keys_type(media: MediaDescription) -> int | None:
    named = (each.payload_type for each in media.codecs if each.encoding_name.lower() == "telephone-event")
    return next((number for number in named if 95 < number < 128), None)


def _address(offer: SdpMessage, media: MediaDescription) -> tuple[str, int] | None:
    connection = media.connection or offer.connection
    if connection is None or not 0 < media.port < 65536:
        raise NoAgreement("no address")
    try:
        address = ip_address(connection.address)
    except ValueError:
        raise NoAgreement("an address that is none") from None
    if address.is_multicast:
        raise NoAgreement("a multicast address")
    return None if address.is_unspecified else (str(address), media.port)  # RFC 3264, section 8.4: the old hold


def _direction(offer: SdpMessage, media: MediaDescription) -> str:
    """Ours: what the medium says counts before what the whole offer says."""
    for attributes in (media.attributes, offer.attributes):
        for theirs, ours in _ANSWERS.items():
            if theirs in attributes:
                return ours
    return "sendrecv"


def _audio(codecs: Sequence[str], keys_type: int | None, port: int, direction: str, profile: str) -> MediaDescription:
    types = [PAYLOAD_TYPES[name] for name in codecs]
    maps = [f"{PAYLOAD_TYPES[name]} {name.upper()}/{CLOCK_HZ}" for name in codecs]
    attributes: dict[str, list[str]] = {"rtpmap": maps, "ptime": [str(FRAME_MS)], direction: []}
    if keys_type is not None:
        types.append(keys_type)
        maps.append(f"{keys_type} telephone-event/{CLOCK_HZ}")
        attributes["fmtp"] = [f"{keys_type} 0-15"]
    return MediaDescription("audio", port, profile, [str(each) for each in types], attributes=attributes)


def _text(host: str, media: list[MediaDescription], version: int) -> str:
    family = "IP6" if ":" in host else "IP4"
    origin = Origin("carlos", "1", str(version), "IN", family, host)
    return serialize_sdp(SdpMessage(0, origin, "-", ConnectionData("IN", family, host), media=media))
