"""What a call's media is to be: an offer in, an answer out (RFC 3264). Sans-IO.

One codec, G.711 in either law, and keys as telephone events (RFC 4733) where they are offered. SRTP is not spoken:
an offer of nothing else is not agreed to.
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

PAYLOAD_TYPES = {"pcmu": 0, "pcma": 8}  # RFC 3551, section 6
KEYS_TYPE = 101  # of telephone events, in an offer of ours
CLOCK_HZ = 8000
FRAME_MS = 20
MAX_CHARACTERS = 8000
MAX_MEDIA = 10
PROFILES = frozenset({"RTP/AVP", "RTP/AVPF"})
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
        if media.media == "audio" and media.port and media.proto in PROFILES:
            codec = next((name for name in codecs if _offers(media, name)), None)
            if codec is not None:
                return Agreement(codec, _keys_type(media), _address(offer, media), _direction(offer, media)), offer
    raise NoAgreement("no audio in a codec of ours")


def answer(offer: SdpMessage, agreed: Agreement, local: tuple[str, int], version: int) -> str:
    """Return the answer. Each medium of the offer has a line in it, and all but one are refused (section 6)."""
    lines: list[MediaDescription] = []
    taken = False
    for media in offer.media:
        fits = media.media == "audio" and media.port and media.proto in PROFILES and _offers(media, agreed.codec)
        if fits and not taken:
            lines.append(_audio((agreed.codec,), agreed.keys_type, local[1], agreed.direction, media.proto))
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


def _offers(media: MediaDescription, name: str) -> bool:
    return str(PAYLOAD_TYPES[name]) in media.formats


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
